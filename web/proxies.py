"""Client address and scheme from the headers of trusted proxies.

Only proxies in the setting ``TRUSTED_PROXIES`` are trusted. After this middleware, ``REMOTE_ADDR``
and ``request.scheme`` are the client's, and the forwarding headers are removed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

logger = logging.getLogger(__name__)

UNIX = "unix"  # in TRUSTED_PROXIES: a proxy that connects through a unix socket
OTHER_HEADERS = ("HTTP_FORWARDED", "HTTP_X_REAL_IP")
SUBSCRIBER_BITS = 64  # prefix length of an IPv6 network that is assigned to one customer
WARNED_MAX = 20

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_warned: set[str] = set()


class TrustedProxiesMiddleware:
    """Replaces address and scheme by those reported by a trusted proxy; must be the first.

    ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are read, ``Forwarded`` (RFC 7239) is not.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle the request; cookies set over https get the ``Secure`` attribute."""
        _replace_peer(request.META)
        response = self._get_response(request)
        if request.is_secure():
            for cookie in response.cookies.values():
                cookie["secure"] = True
        return response


def counted_address(request: HttpRequest) -> str | None:
    """Return the address by which failures are counted (a hook of django-axes).

    For IPv6 this is the first address of the customer's /64 network. None without an address.
    """
    address = parse_address(request.META.get("REMOTE_ADDR", ""))
    if address is None:
        return None
    if address.version == 6 and address.is_global:
        return str(ip_network((address, SUBSCRIBER_BITS), strict=False).network_address)
    return str(address)


def parse_address(text: str) -> Address | None:
    """Return the address of ``1.2.3.4``, ``1.2.3.4:80``, ``::1``, ``[::1]:80``; None for others.

    An IPv4-mapped IPv6 address becomes IPv4, and a zone (``%eth0``) is removed.
    """
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _replace_peer(meta: dict[str, Any]) -> None:
    peer = parse_address(meta.get("REMOTE_ADDR", ""))
    forwarded_for = _entries(meta.get("HTTP_X_FORWARDED_FOR", ""))
    forwarded_proto = _entries(meta.get("HTTP_X_FORWARDED_PROTO", ""))
    for name in [one for one in meta if one.startswith("HTTP_X_FORWARDED_")]:
        del meta[name]
    for name in OTHER_HEADERS:
        meta.pop(name, None)
    client, hops = peer, 0
    if _is_trusted(peer, is_unix=not meta.get("REMOTE_ADDR")):
        client, hops = _find_client(peer, forwarded_for)
        scheme = _find_scheme(forwarded_proto, hops)
        if scheme:
            meta["wsgi.url_scheme"] = scheme
    elif forwarded_for or forwarded_proto:
        _warn_ignored(peer)
    if client is not None:
        meta["REMOTE_ADDR"] = str(client)


def _entries(header: str) -> list[str]:
    """Return the comma-separated values of a header; repeated headers are joined by commas."""
    return [entry for part in header.split(",") if (entry := part.strip())]


def _find_client(peer: Address | None, forwarded_for: Sequence[str]) -> tuple[Address | None, int]:
    """Return the rightmost address that is not a trusted proxy, and the number of entries read.

    Each proxy appends the address of its peer, so entries are read from the right. Entries to the
    left of an untrusted or invalid address may be forged by the client.
    """
    client, hops = peer, 0
    for entry in reversed(forwarded_for):
        address = parse_address(entry)
        if address is None:
            break
        client, hops = address, hops + 1
        if not _is_trusted(address):
            break
    return client, hops


def _find_scheme(forwarded_proto: Sequence[str], hops: int) -> str:
    """Return the scheme reported by the proxy next to the client, "" unless http or https."""
    if not forwarded_proto:
        return ""
    scheme = forwarded_proto[-min(max(hops, 1), len(forwarded_proto))].lower()
    return scheme if scheme in ("http", "https") else ""


def _is_trusted(address: Address | None, *, is_unix: bool = False) -> bool:
    if address is None:
        return is_unix and UNIX in settings.TRUSTED_PROXIES
    networks = _networks(tuple(settings.TRUSTED_PROXIES))
    return any(address.version == one.version and address in one for one in networks)


@lru_cache(maxsize=8)
def _networks(proxies: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(one) for one in proxies if one != UNIX)


def _warn_ignored(peer: Address | None) -> None:
    """Log once per private address that forwarding headers of an untrusted proxy are ignored."""
    name = UNIX if peer is None else str(peer)
    if (peer is not None and not peer.is_private) or name in _warned or len(_warned) >= WARNED_MAX:
        return
    _warned.add(name)
    logger.warning(
        "X-Forwarded-For and X-Forwarded-Proto of %s are ignored. If this is your proxy, "
        "add it to TRUSTED_PROXIES.",
        name,
    )
