"""Which IP addresses are out in the world: a webhook must not lead to anything behind our own doors."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_UNICAST_V6 = IPv6Network("2000::/3")
"""All that is given to anybody; what translates to IPv4 (64:ff9b::/96) lies outside."""
_PROTOCOLS_V4 = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
"""Addresses of protocols and relays, of which Python calls some global."""


def is_public(text: str) -> bool:
    """Tell whether an IP address belongs to a host that everybody can reach, and leads nowhere else.

    Args:
        text: The address, version 4 or 6.

    Returns:
        False for private, local, shared, reserved, multicast and tunnel addresses, and what is none.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        return _is_public_v6(address)
    return _is_public_v4(address)


def _is_public_v4(address: IPv4Address) -> bool:
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return not any(address in network for network in _PROTOCOLS_V4)


def _is_public_v6(address: IPv6Address) -> bool:
    if address.ipv4_mapped is not None:
        return _is_public_v4(address.ipv4_mapped)
    is_tunnel = address.sixtofour is not None or address.teredo is not None
    return address in _UNICAST_V6 and address.is_global and not is_tunnel
