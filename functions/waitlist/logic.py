"""What is kept of a sign-up and of feedback, and who counts as one sender."""

import hashlib
import ipaddress
import json
from typing import Any

from functions.shared.clock import iso
from functions.waitlist.models import GiveFeedback, JoinWaitlist

IPV6_NETWORK_BITS = 64
"""What one subscriber has; addresses within it cost nothing."""


def sender_network(source_ip: str) -> str:
    """Name the network that a request comes from: an IPv4 address, or an IPv6 subscriber's whole network."""
    try:
        address = ipaddress.ip_address(source_ip)
    except ValueError:
        return "unknown"
    bits = IPV6_NETWORK_BITS if address.version == 6 else address.max_prefixlen  # noqa: PLR2004 -- IPv6
    return str(ipaddress.ip_network((int(address), bits), strict=False))


def waitlist_row(request: JoinWaitlist, now: int) -> dict[str, Any]:
    """Make the row of a sign-up whose welcome has not been sent.

    Args:
        request: What was asked.
        now: Epoch milliseconds.
    """
    return {"email": request.email, "name": request.name, "timestamp": now, "welcome": "PENDING"}


def feedback_row(request: GiveFeedback, sender: str, now: int) -> dict[str, Any]:
    """Make the row of a piece of feedback.

    Args:
        request: What was said.
        sender: Whence.
        now: Epoch milliseconds.

    Returns:
        The row; its id is the same when the same is sent from the same place on the same day.
    """
    day = iso(now)[: len("2026-01-31")]
    said = json.dumps([day, sender, request.source, request.message])
    return {
        "feedbackId": hashlib.sha256(said.encode()).hexdigest(),
        "message": request.message,
        "source": request.source,
        "createdAt": now,
    }
