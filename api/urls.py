"""Which callback URLs are accepted when they are stored.

A callback is a request this server makes on a caller's behalf. It must not reach what only this server can
reach, so literal addresses of loopback, link-local and private networks are refused here. A name is resolved
when the callback is made, and its address is judged then (api/outbound.py): only that one counts.
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from api.errors import ParameterError

MAX_URL: Final = 2_048  # characters

_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f\\]")


def check_callback(name: str, url: str, *, private: bool) -> str:
    """The URL, if it may be stored as a callback under the parameter `name`; an empty one clears it.

    `private` allows addresses inside loopback, link-local and private networks. Raises ParameterError.
    """
    why = refusal_of(url, private=private) if url else ""
    if why:
        raise ParameterError(name, why)
    return url


def refusal_of(url: str, *, private: bool) -> str:
    """Why the URL may not be called back; "" for one that may, as far as its spelling tells."""
    if len(url) > MAX_URL or _FORBIDDEN.search(url):
        return f"must be a URL of at most {MAX_URL} characters without blanks"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # reading the port checks it
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not host:
        return "must be an absolute http or https URL"
    if not private and is_private_host(host):
        return f"must not point into a private network: {host}"
    return ""


def is_private_host(host: str) -> bool:
    """Whether a host, as far as its spelling tells, is this machine or inside a private network."""
    name = host.rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _literal(name)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address is not None and (not address.is_global or address.is_multicast)


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address a host spells out, in any spelling a resolver takes: also 127.1, 0x7f000001, 2130706433."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None
