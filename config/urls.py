"""Every door of the house."""

from django.contrib import admin
from django.urls import include, path
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation

from annotations import owner_pages
from annotations.api import media
from annotations.pages import audit, changes
from clips.pages import close_viewing, footage, open_viewing
from config.health import healthz, home, no_icon, readyz
from config.http.policy import csp_reports

urlpatterns = [
    path("", home, name="home"),
    path("favicon.ico", no_icon),
    path("admin/changes", admin.site.admin_view(changes), name="changes"),
    path("admin/audit", admin.site.admin_view(audit), name="audit"),
    path("admin/owners", admin.site.admin_view(owner_pages.search), name="owners"),
    path("admin/owners/<slug:key>", admin.site.admin_view(owner_pages.page), name="owner-page"),
    path("admin/owners/<slug:key>/seen", admin.site.admin_view(owner_pages.seen), name="owner-seen"),
    path("admin/owners/<slug:key>/file", admin.site.admin_view(owner_pages.file), name="owner-file"),
    path("admin/clips/<int:pk>/footage/<slug:kind>", admin.site.admin_view(footage), name="footage"),
    path("admin/viewings/open", admin.site.admin_view(open_viewing), name="open-viewing"),
    path("admin/viewings/close", admin.site.admin_view(close_viewing), name="close-viewing"),
    path("admin/language", set_language, name="set_language"),
    path("admin/", include("workforce.page_urls")),
    path("admin/", include("annotations.console.urls")),
    path("admin/", admin.site.urls),
    path("oidc/staff/", include("workforce.sso_urls")),
    path("api/v1/", include("workforce.urls")),
    path("api/v1/", include("clips.urls")),
    path("api/v1/", include("annotations.urls")),
    path(
        "api/v1/schema",
        SpectacularAPIView.as_view(
            permission_classes=[], authentication_classes=[], content_negotiation_class=DefaultContentNegotiation
        ),
        name="schema",
    ),
    path(
        "api/v1/docs",
        SpectacularSwaggerSplitView.as_view(
            url_name="schema", permission_classes=[], authentication_classes=[], http_method_names=["get", "head"]
        ),
        name="docs",
    ),
    path("media/<str:sealed>", media, name="media"),
    path("csp-reports", csp_reports, name="csp-reports"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]

handler400 = "config.http.problems.bad_request"
handler403 = "config.http.problems.permission_denied"
handler404 = "config.http.problems.page_not_found"
handler500 = "config.http.problems.server_error"
