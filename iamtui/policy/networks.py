"""IP addresses and CIDR blocks, as conditions compare them."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Final, TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_PREFIX_LENGTH: Final = re.compile(r"0|[1-9][0-9]{0,2}")
_PRIVATE: Final = tuple(
    ipaddress.ip_network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)


@lru_cache(maxsize=4096)
def parse_network(text: str) -> Network | None:
    """An IPv4 or IPv6 address or CIDR block, host bits masked; a missing prefix length is a single host."""
    address, slash, length = text.partition("/")
    if "%" in text or (slash and not _PREFIX_LENGTH.fullmatch(length)):
        return None
    try:
        return ipaddress.ip_network(f"{address}/{length}" if slash else address, strict=False)
    except ValueError:
        return None


def network_contains(outer: Network, inner: Network) -> bool:
    """True if an address or block lies in a block; never across IPv4 and IPv6."""
    if outer.version != inner.version or outer.prefixlen > inner.prefixlen:
        return False
    shift = outer.max_prefixlen - outer.prefixlen
    return int(outer.network_address) >> shift == int(inner.network_address) >> shift


def is_private(network: Network) -> bool:
    """True if an address or block is private, which aws:SourceIp never holds."""
    return any(network_contains(block, network) for block in _PRIVATE)
