"""Sightline's settings, in one file. The environment is read through ``config/env.py``, and fails loudly."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy

from config import env
from config.errors import Misconfigured
from config.menu import MENU

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var")))
env.fill_from_stack_file(VAR_DIR / "stack.env")

# The embedded stack listens on loopback and speaks plain HTTP; everything else about it is as on a server.
EMBEDDED = env.flag("SIGHTLINE_EMBEDDED")
if env.flag("DEBUG"):
    raise Misconfigured("DEBUG is never on: tracebacks and settings are not for whoever asks.")
DEBUG = False
SECRET_KEY = env.secret("SECRET_KEY")
# Signs the heads of the access log and makes pseudonyms: lost, old heads need their public key, and marks change.
ACCESS_LOG_KEY = env.secret("ACCESS_LOG_KEY")
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS")
if EMBEDDED and not set(ALLOWED_HOSTS) <= {"localhost", "127.0.0.1", "[::1]", "testserver"}:
    raise Misconfigured("The embedded stack is for this machine only: ALLOWED_HOSTS may name nothing but loopback.")

DATABASES = {"default": env.database("DATABASE_URL", embedded=EMBEDDED)}
DATABASES["default"] |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 5)
if not env.flag("DATABASE_POOLER"):
    # Only what asks for it is prepared: config/prepared.py. A pooler between would hand out another's connection.
    DATABASES["default"]["OPTIONS"]["prepare_threshold"] = 0
DATABASES["default"]["OPTIONS"].setdefault(
    "options",
    # A forgotten transaction or a stuck query must not hold rows that reviewers wait for.
    "-c lock_timeout=5s -c statement_timeout=60s -c idle_in_transaction_session_timeout=60s -c timezone=UTC"
    # What is prepared is a look-up by keys: PostgreSQL would guess at lists, and plan anew each time.
    " -c plan_cache_mode=force_generic_plan"
    # Compiling a statement took longer than any of ours runs: of 0.85 s for the home's counts of a million tasks, 0.55.
    " -c jit=off"
    # Two more processes for a page of a list are two cores less for who claims. The audit asks for them.
    " -c max_parallel_workers_per_gather=0",
)

# Where footage may live: a region is a storage and a queue of its own. Rooms add meaning, not places.
REGIONS = env.words("REGIONS", "in,ro")
_STORAGE_ROOT = VAR_DIR / "storage"
STORAGES = (
    {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
        "default": env.storage("STORAGE_URL", alias="other", default_root=_STORAGE_ROOT, given=os.environ),
        "exports": env.storage("STORAGE_URL_EXPORTS", alias="exports", default_root=_STORAGE_ROOT, given=os.environ),
    }
    | {
        f"clips-{code}": env.storage(
            f"STORAGE_URL_{code.upper()}", alias=f"clips-{code}", default_root=_STORAGE_ROOT, given=os.environ
        )
        for code in REGIONS
    }
    | {
        # What was purged, written beside the footage under a name of its own: see clips/ledger.py.
        f"ledger-{code}": env.storage(
            f"STORAGE_URL_{code.upper()}", alias=f"ledger-{code}", default_root=_STORAGE_ROOT, given=os.environ
        )
        for code in REGIONS
    }
)
# Where senders reach a region's bucket, if that is elsewhere than where this process does.
UPLOAD_ENDPOINTS = {
    f"clips-{code}": os.environ.get(f"S3_UPLOAD_URL_{code.upper()}") or os.environ.get("S3_UPLOAD_URL", "")
    for code in REGIONS
}

# Where people's players reach a region's bucket themselves; blank where they do not.
DOWNLOAD_ENDPOINTS = {
    f"clips-{code}": os.environ.get(f"S3_DOWNLOAD_URL_{code.upper()}") or os.environ.get("S3_DOWNLOAD_URL", "")
    for code in REGIONS
}
# Who sends footage: this process, or the nginx before it (deploy/nginx.conf).
MEDIA_SENDER = env.choice("MEDIA_SENDER", "app", "nginx")
# Where the signed heads of the access log are written out.
ACCESS_LOG_HEADS = _STORAGE_ROOT / "access-log" / "heads.jsonl"
# How long a link to footage opens anything, and how long staff may look before they say why again.
MEDIA_LINK_SECONDS = env.number("MEDIA_LINK_SECONDS", 300, least=30, most=900)
VIEWING_MINUTES = env.number("VIEWING_MINUTES", 15, least=1, most=120)

UPLOAD_LIMIT_BYTES = env.number("UPLOAD_LIMIT_MB", 200, least=1, most=5000) * 1024 * 1024
FFMPEG_BINARY = os.environ.get("FFMPEG_BINARY", "").strip()
WORK_DIR = VAR_DIR / "work"
# What was purged is recognised by hashes under this key. It must outlive a change of SECRET_KEY.
LEDGER_KEY = env.secret("LEDGER_KEY") if os.environ.get("LEDGER_KEY", "").strip() else f"ledger of {SECRET_KEY}"
# An owner's request stands out this long before it is due.
REQUEST_LEAD_DAYS = env.number("REQUEST_LEAD_DAYS", 7, most=60)

INSTALLED_APPS = [
    "config.console_site.Console",
    "unfold.contrib.import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_linear_migrations",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pgtrigger",
    "pghistory",
    "csp",
    "import_export",
    "workforce",
    "clips",
    "annotations",
]

MIDDLEWARE = [
    "config.http.incoming.refuse_unreadable",
    "django.middleware.security.SecurityMiddleware",
    "config.http.policy.PagePolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.languages.PagesInTheirLanguage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "config.http.second_factor.ask_for_second_factor",
    "config.zones.in_their_zone",
    "config.http.devices.keep_devices",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Before unfold's own, which has a home page too.
        "DIRS": [BASE_DIR / "annotations" / "templates", BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "workforce.sso.offered",
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ro", "Română"), ("hi", "हिन्दी")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static" if EMBEDDED else BASE_DIR / "staticfiles"
# The embedded stack serves static files out of the packages themselves; the image collects them when it is built.
WHITENOISE_USE_FINDERS = EMBEDDED

# --- Who may come in -------------------------------------------------------------------------------------------------
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# Whether staff give a code of their phone besides the password. On a server, unless it says otherwise.
STAFF_SECOND_FACTOR = env.choice("STAFF_SECOND_FACTOR", *(("off", "required") if EMBEDDED else ("required", "off")))
OTP_TOTP_ISSUER = "Sightline"
# The company's own sign-in (OpenID Connect), for staff who have an account here: workforce/sso.py.
OIDC = env.oidc(embedded=EMBEDDED)
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "staff",
                "name": OIDC["name"],
                "client_id": OIDC["client_id"],
                "secret": OIDC["secret"],
                "settings": {"server_url": OIDC["issuer"]},
            }
        ]
        if OIDC
        else [],
    }
}
SOCIALACCOUNT_ADAPTER = "workforce.sso.StaffOnly"
# A form may lead to no other origin, and what stands between is a link with a state of the session's own.
SOCIALACCOUNT_LOGIN_ON_GET = True
ACCOUNT_EMAIL_VERIFICATION = SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_FAILURE_VIEW = "config.http.problems.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
# What a page may load and run; config/http/policy.py adds what the admin needs. Footage has a stricter one of its own.
_FOOTAGE_FROM = sorted({env.origin(url) for url in DOWNLOAD_ENDPOINTS.values() if url})
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF, "data:", *_FOOTAGE_FROM],
        "media-src": [SELF, *_FOOTAGE_FROM],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
        "base-uri": [NONE],
        "report-uri": ["/csp-reports"],
    }
}
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE_SSL_REDIRECT = not EMBEDDED
# Health is asked for inside the network, before any proxy that speaks TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 0 if EMBEDDED else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not EMBEDDED
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_TLS_PROXY") else None
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", ",")

# --- What may be sent ------------------------------------------------------------------------------------------------
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 4
# Files stream to a temporary file and are cut at the limit while they arrive; none is ever held in memory.
FILE_UPLOAD_HANDLERS = ["config.http.incoming.BoundedUpload"]
FILE_UPLOAD_TEMP_DIR = str(VAR_DIR / "incoming")
FILE_UPLOAD_PERMISSIONS = 0o600
for _folder in (WORK_DIR, Path(FILE_UPLOAD_TEMP_DIR), *([STATIC_ROOT] if EMBEDDED else [])):
    _folder.mkdir(parents=True, exist_ok=True, mode=0o700)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "config.http.tokens.Tokens",
        "config.http.tokens.Sessions",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["config.http.incoming.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "config.http.problems.AlwaysJSON",
    "EXCEPTION_HANDLER": "config.http.problems.problem_handler",
    "NUM_PROXIES": env.number("NUM_PROXIES", 0, most=5),
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
PGHISTORY_APPEND_ONLY = True
REST_KNOX = {
    "TOKEN_TTL": timedelta(hours=12),
    "AUTH_HEADER_PREFIX": "Token",
    "AUTO_REFRESH": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Sightline",
    "DESCRIPTION": "The work queue of a human annotation workforce. Errors are problem+json (RFC 9457) with a stable "
    "`code`. Sign in at `POST /api/v1/tokens`, then send `Authorization: Token …`.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.http.described.say_refusals",
    ],
    "ENUM_NAME_OVERRIDES": {
        "ClipState": "clips.models.ClipState",
        "ClipKind": "clips.models.ClipKind",
        "CaseKind": "clips.models.CaseKind",
        "CaseState": "clips.models.CaseState",
        "LeaseState": "annotations.models.LeaseState",
        "RequestKind": "clips.models.RequestKind",
        "RequestState": "clips.models.RequestState",
        "ExportState": "annotations.models.ExportState",
        "PlanKind": "annotations.models.PlanKind",
        "PlanState": "annotations.models.PlanState",
        "EventKind": "clips.models.EventKind",
        "Purpose": "clips.models.Purpose",
        "Channel": "clips.models.Channel",
        "SourceEnum": "clips.models.Source",
        "SkillSource": "workforce.models.SkillSource",
        "Weekday": "workforce.models.Weekday",
    },
}
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")

# --- The doorbell: reasons in docs/decisions.md ----------------------------------------------------------------------
_REDIS_TIMEOUTS = {
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "health_check_interval": 25,
    "retry_on_timeout": True,
}
REDIS_URL = env.text("REDIS_URL")
CELERY_BROKER_URL = env.broker("REDIS_URL", embedded=EMBEDDED)
CELERY_BROKER_TRANSPORT_OPTIONS = _REDIS_TIMEOUTS | {
    # Longer than any task may run, so that a message is not redelivered while its first run is still under way;
    # the sweeps over PostgreSQL, not this, are what bring lost work back.
    "visibility_timeout": 3600,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
}
CELERY_VISIBILITY_TIMEOUT = 3600
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_POOL_ACQUIRE_TIMEOUT = 2
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1, "interval_max": 0.1}
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
# A killed child's message is given up: its row's due time brings the work back, with its attempt counted.
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = env.number("WORKER_SOFT_SHUTDOWN_SECONDS", 2 if EMBEDDED else 20, most=600)
# How long messages may wait for an idle worker before it takes itself for deaf: see config/listening.py.
WORKER_DEAF_SECONDS = env.number("WORKER_DEAF_SECONDS", 30, least=3, most=3600)
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_TIME_LIMIT = 1500
CELERY_TASK_SOFT_TIME_LIMIT = 1440
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_TASK_DEFAULT_QUEUE = "general"
# What no app's own tasks.py holds.
CELERY_IMPORTS = ["annotations.console.tasks"]
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_WORKER_SEND_TASK_EVENTS = False


def _every(seconds: float, task: str) -> dict[str, object]:
    """A beat entry that expires before its next one, so that a stopped worker does not come back to a heap of ticks."""
    return {"task": task, "schedule": seconds, "options": {"expires": seconds, "queue": "general"}}


# Each line finds by SQL what a lost message left behind. Running one twice is dull, running two at once is guarded.
CELERY_BEAT_SCHEDULE = {
    "clips: ring again, rescue what stalled": _every(5, "clips.tasks.sweep_clips"),
    "clips: find those that are almost alike": _every(10, "clips.tasks.compare_clips"),
    "purges: ring again, rescue what stalled, let go what is held no more": _every(5, "clips.tasks.sweep_purges"),
    "retention: purge what has been here long enough": _every(300, "annotations.tasks.forget_due"),
    "cases: say which are late": _every(300, "clips.tasks.remind_of_cases"),
    # Asked often, done once a day: a beat that starts anew would put off a daily one for a day.
    "access log: sign its heads, once a day": _every(600, "clips.tasks.sign_access_log"),
    "tasks: spread ready clips over teams": _every(5, "annotations.tasks.spread_clips"),
    "tasks: hold what is awaited against the clips": _every(30, "annotations.tasks.hold_awaited"),
    "clips: ask for the proxies that ready ones lack": _every(30, "annotations.tasks.ask_for_proxies"),
    "leases: end what lapsed": _every(5, "annotations.tasks.sweep_leases"),
    "active time: stop the clocks of those who are quiet": _every(15, "annotations.tasks.stop_quiet_clocks"),
    "consents: end what was withdrawn or expired": _every(5, "annotations.tasks.sweep_consents"),
    "tasks: settle what is full": _every(10, "annotations.tasks.sweep_tasks"),
    "sign-ins: forget old tries, remove tokens that expired": _every(600, "workforce.tasks.forget_tries"),
    "people: end skills and employments whose time is over": _every(60, "workforce.tasks.keep_calendars"),
    "queue: ask its promises of its rows": _every(300, "annotations.tasks.audit_queue"),
    "bulk actions: ring again, go on with what stalled": _every(10, "annotations.tasks.sweep_bulk"),
    "exports: ring again, rescue what stalled": _every(10, "annotations.tasks.sweep_exports"),
    "reports: mail those whose period is over": _every(300, "annotations.tasks.mail_reports"),
    "console: count ahead what is dear to count": _every(30, "annotations.console.tasks.count_ahead"),
}

# --- Mail: to the console unless a server is named -------------------------------------------------------------------
EMAIL_HOST = env.text("EMAIL_HOST", "")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
EMAIL_PORT = env.number("EMAIL_PORT", 587, least=1, most=65535)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_USER", ""), env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", True)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", "sightline@localhost")

# --- What is written down --------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s", "datefmt": "%H:%M:%S"}},
    "filters": {"discreet": {"()": "config.discretion.Discreet"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["discreet"]},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        # Refusals are answers, not incidents: they are counted where they are given.
        "django.request": {"handlers": ["console"], "level": "ERROR", "propagate": False},
        "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        # It would write down every media link.
        "httpx": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}

# --- The staff pages -------------------------------------------------------------------------------------------------
# Whose regions and teams are whose: config/scope.py asks there.
SCOPE_OF = "workforce.scopes.scope_of"
# What takes an action of a list on when it is about more rows than a request has time for: config/acting.py asks there.
BULK_ACTIONS = "annotations.console.bulk.begin"

UNFOLD = {
    "SITE_TITLE": "Sightline",
    "SITE_HEADER": "Sightline",
    "SITE_SUBHEADER": gettext_lazy("Clips, people, work"),
    "SITE_SYMBOL": "visibility",
    "LOGIN": {"form": "workforce.forms.SignInForm"},
    "ACCOUNT": {
        "navigation": [
            {"title": gettext_lazy("Change password"), "link": reverse_lazy("admin:password_change")},
            {"title": gettext_lazy("Second factor"), "link": reverse_lazy("second-factor")},
        ]
    },
    "SHOW_LANGUAGES": True,
    "SHOW_HISTORY": False,
    "STYLES": [lambda request: static("annotations/frame.css")],
    "SCRIPTS": [lambda request: static("annotations/zone.js")],
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "annotations.console.today.dashboard",
    "SIDEBAR": {
        "show_search": True,
        # The box opens the search over everything: annotations/console/search.py.
        "command_search": True,
        "show_all_applications": False,
        "navigation": MENU,
    },
}
