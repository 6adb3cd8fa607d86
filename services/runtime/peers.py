"""Who sends a request, by its address: that of the connection, or behind a proxy of ours the one that it names."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

Network = IPv4Network | IPv6Network
_FORWARDED: Final = b"x-forwarded-for"
# One customer of a provider has at least this much of IPv6, and may send from any address of it.
_ONE_PEER: Final = 64
_LONGEST: Final = 1024


class Peers:
    """Tells peers apart. Only a proxy in one of the networks is believed whom it speaks for."""

    def __init__(self, proxies: Iterable[Network] = ()) -> None:
        self._proxies = tuple(proxies)

    def of(self, scope: Mapping[str, Any]) -> str:
        """The peer of a request."""
        client = scope.get("client")
        host = client[0] if client else ""
        if not self._proxies or not self.is_proxy(host):
            return peer_at(host)
        return self._forwarded(scope["headers"]) or peer_at(host)

    def is_proxy(self, host: str) -> bool:
        """Whether the address is of a proxy of ours."""
        if not self._proxies:
            return False
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._proxies)

    def _forwarded(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """The last address that no proxy of ours has: those before it are whatever the sender likes."""
        named = b",".join(value for name, value in headers if name == _FORWARDED)[-_LONGEST:].decode("latin-1")
        for hop in reversed(named.split(",")):
            address = hop.strip()
            if not self.is_proxy(address):
                return peer_at(address) if address else None
        return None


@lru_cache(maxsize=4096)
def peer_at(host: str) -> str:
    """The name of the peer at an address: of IPv6, its network."""
    if ":" not in host:
        return host
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address) or address.ipv4_mapped is not None:
        return str(getattr(address, "ipv4_mapped", None) or address)
    return str(IPv6Network((int(address), _ONE_PEER), strict=False).network_address)


def networks_in(text: str) -> tuple[Network, ...]:
    """The networks in a list with commas, each as an address or with the length of its prefix. Raises ValueError."""
    return tuple(ip_network(one.strip(), strict=False) for one in text.split(",") if one.strip())
