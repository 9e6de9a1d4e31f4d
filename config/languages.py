"""Pages speak the language of who reads them; the API speaks English, because programs read it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

# Everything that people open in a browser.
PAGES = ("/admin/", "/oidc/")


class PagesInTheirLanguage(LocaleMiddleware):
    """Django's choice of a language (the cookie of the switch, else what the browser asks for), for pages alone."""

    def process_request(self, request: HttpRequest) -> None:
        """Activate it; English elsewhere."""
        if request.path_info.startswith(PAGES):
            super().process_request(request)
        else:
            translation.activate("en")
            request.LANGUAGE_CODE = "en"

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Say it with the page."""
        if request.path_info.startswith(PAGES) and isinstance(response, HttpResponse):
            return super().process_response(request, response)
        return response
