"""The product behind an ASGI server, to be compared with the one that it uses."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_asgi_application()

from django.db import connections  # noqa: E402

# Django's documentation asks for it: here a request's thread is not the next one's, and kept connections pile up.
connections.settings["default"]["CONN_MAX_AGE"] = 0
