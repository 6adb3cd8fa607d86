"""Where outbound webhooks may go: the URL by its form, and at each send every address that its name resolves to.

The connection is made to the address that was checked, so a name that resolves to another one afterwards changes
nothing. A name of which any address is refused is refused as a whole.
"""

import asyncio
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore

from services.runtime.settings import Settings

_LONGEST_URL: Final = 2000
_NAT64: Final = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")
_LAST_FOUR: Final = 0xFFFFFFFF
_ALLOWED_PORTS: Final = frozenset({443})
_FIRST_OPEN_PORT: Final = 1024


class RefusedDestination(ValueError):
    """Webhooks may not be sent there. The message says why, without the address."""


@dataclass(frozen=True, slots=True)
class DestinationRules:
    """``insecure`` allows `http`; ``private`` allows addresses and names that are not public, and every port."""

    insecure: bool = False
    private: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "DestinationRules":
        """The rules that the operator has set."""
        return cls(insecure=settings.webhooks_private, private=settings.webhooks_private)


def check_url(url: str, rules: DestinationRules) -> str:
    """The URL, if webhooks may be sent to one of its form. Raises RefusedDestination."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise RefusedDestination("this is no URL") from None
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise RefusedDestination("this is no URL")
    if parts.scheme != "https" and not (parts.scheme == "http" and rules.insecure):
        raise RefusedDestination("the URL has to begin with https://")
    if not parts.hostname or parts.username is not None or parts.password is not None or parts.fragment:
        raise RefusedDestination("the URL has to have a host, and neither credentials nor a fragment")
    if port is not None and not rules.private and port not in _ALLOWED_PORTS and port < _FIRST_OPEN_PORT:
        raise RefusedDestination("the URL's port has to be 443, or 1024 and higher")
    return url


def checked_addresses(found: Iterable[str], rules: DestinationRules) -> list[str]:
    """The addresses, if webhooks may be sent to each of them. Raises RefusedDestination."""
    addresses = list(dict.fromkeys(found))
    if not addresses:
        raise RefusedDestination("the host has no address")
    if not rules.private and not all(is_public(ip_address(one.partition("%")[0])) for one in addresses):
        raise RefusedDestination("the host's address is not a public one")
    return addresses


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether the address, and the one of IPv4 that it stands for, is reached through the public network."""
    if isinstance(address, IPv6Address):
        if address in _LOCAL_NAT64:
            return False
        inner = _inner(address)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved and not address.is_unspecified


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The address of IPv4 that one of IPv6 stands for: mapped, by 6to4, by Teredo, or by NAT64."""
    if address in _NAT64:
        return IPv4Address(int(address) & _LAST_FOUR)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to what `checked_addresses` allows, and to nothing else."""

    def __init__(self, rules: DestinationRules) -> None:
        self._rules = rules
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve the host, check every address of it, and connect to the first. Raises RefusedDestination."""
        addresses = checked_addresses(await _resolved(host, port), self._rules)
        return await self._network.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._network.sleep(seconds)


async def _resolved(host: str, port: int) -> Sequence[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise RefusedDestination("the host's name can't be resolved") from None
    return [str(address[0]) for *_, address in found]
