"""Where a request came from, past the proxies that are ours and no further."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from django.http import HttpRequest
from rest_framework.throttling import BaseThrottle


def address_of(request: HttpRequest) -> str:
    """The client's address, in one spelling; blank when there is none that can be believed.

    As many proxies as NUM_PROXIES says are ours; what stands in X-Forwarded-For before them is anybody's word.
    """
    said = BaseThrottle().get_ident(request)  # type: ignore[arg-type]
    try:
        found = ip_address(str(said).strip())
    except ValueError:
        return ""
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return str(found)[:45]
