"""Which requests for a blob are answered with an address in the backend, as far as the request decides."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, TypeAlias

from app.api.urls import client

if TYPE_CHECKING:
    from collections.abc import Mapping
    from re import Pattern

Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectRules:
    """What must hold. Proxies tell who the client is, and whoever lies about it only chooses for himself.

    Attributes:
        above: bytes that a blob must exceed.
        ranges: whether requests for a part of a blob are sent elsewhere.
        clients: if any, only those in one of these networks are sent elsewhere,
        not_clients: and never those in one of these.
        agents: if any, only those whose User-Agent has one of these patterns in it,
        not_agents: and never those with one of these.
    """

    above: int = 64 << 10
    ranges: bool = True
    clients: tuple[Network, ...] = ()
    not_clients: tuple[Network, ...] = ()
    agents: tuple[Pattern[str], ...] = ()
    not_agents: tuple[Pattern[str], ...] = ()

    def allow(self, size: int, headers: Mapping[str, str], remote: str) -> bool:
        """Whether a GET with *headers* from *remote*, for a blob of *size* bytes, may be sent elsewhere."""
        if size <= self.above or (not self.ranges and "Range" in headers):
            return False
        if "If-Match" in headers or "If-Range" in headers:
            return False  # the client repeats them to the backend, whose entity tags are others
        return self._allow_agent(headers.get("User-Agent", "")) and self._allow_client(headers, remote)

    def _allow_agent(self, agent: str) -> bool:
        if any(pattern.search(agent) for pattern in self.not_agents):
            return False
        return not self.agents or any(pattern.search(agent) for pattern in self.agents)

    def _allow_client(self, headers: Mapping[str, str], remote: str) -> bool:
        if not self.clients and not self.not_clients:
            return True
        address = _address(client(headers, remote))
        if address is None:
            return not self.clients
        if any(address in network for network in self.not_clients):
            return False
        return not self.clients or any(address in network for network in self.clients)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
