"""What a proxy of yours says about the request that it hands on: the scheme and host its caller asked for.

Read are X-Forwarded-Proto and X-Forwarded-Host, and where neither was sent Forwarded (RFC 7239); only from addresses
that the setting `trusted_proxies` names, since anybody else can write such headers too. In a list the last entry
counts: it is the one that the nearest proxy wrote. A value that is no scheme or no host name is as if not sent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

HOST: Final = re.compile(rb"[A-Za-z0-9._~\-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
LONGEST: Final = 1_024  # bytes of a header that is looked at
KNOWN: Final = 256  # addresses remembered; a deployment has a handful of proxies

_SCHEMES: Final = {b"http": "http", b"https": "https"}
_PAIR: Final = re.compile(rb'[ \t]*([A-Za-z]+)=(?:"([^"\\]*)"|([^\s;,"]*))[ \t]*([;,]|\Z)')

Headers = dict[bytes, bytes]


class Proxies:
    """The proxies that are believed."""

    def __init__(self, networks: Sequence[IPv4Network | IPv6Network]) -> None:
        self._networks = tuple(networks)
        self._known: dict[str, bool] = {}

    def asked_for(
        self, peer: tuple[str, int] | None, scheme: str, headers: Headers
    ) -> tuple[str, bytes | None]:
        """Scheme and Host of the request as its first caller made it; `peer` is who sent it to us."""
        host = headers.get(b"host")
        if peer is None or not self._trusts(peer[0]):
            return scheme, host
        told = _told(headers)
        told_host = told.get(b"host", b"")
        known_scheme = _SCHEMES.get(told.get(b"proto", b"").lower())
        return known_scheme or scheme, told_host if HOST.fullmatch(told_host) else host

    def _trusts(self, address: str) -> bool:
        known = self._known.get(address)
        if known is None:
            if len(self._known) >= KNOWN:
                self._known.clear()
            known = self._known[address] = self._is_inside(address)
        return known

    def _is_inside(self, address: str) -> bool:
        try:
            parsed = ip_address(address.partition("%")[0])  # an IPv6 address may name its interface
        except ValueError:
            return False
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)


def _told(headers: Headers) -> Headers:
    """`proto` and `host` as far as they were sent."""
    proto, host = headers.get(b"x-forwarded-proto"), headers.get(b"x-forwarded-host")
    if proto is None and host is None:
        return _forwarded(headers.get(b"forwarded", b""))
    return {b"proto": _last(proto or b""), b"host": _last(host or b"")}


def _last(header: bytes) -> bytes:
    return header.rpartition(b",")[2].strip() if len(header) <= LONGEST else b""


def _forwarded(header: bytes) -> Headers:
    """The pairs of the last element of a Forwarded header; none where it breaks the grammar anywhere."""
    pairs: Headers = {}
    place = 0
    while place < len(header) <= LONGEST:
        found = _PAIR.match(header, place)
        if found is None:
            return {}
        name, quoted, plain, mark = found.groups()
        pairs[name.lower()] = quoted if plain is None else plain
        place = found.end()
        if mark == b",":
            pairs = {}
    return pairs
