"""The headers that a receiver knows our posts by.

The scheme is Stripe's (https://docs.stripe.com/webhooks#verify-manually): the signed text begins with the
time, so that an old post cannot be sent again as a new one, and the signature names its version.
"""

import hashlib
import hmac

VERSION = "v1"


def signed_headers(event_id: str, body: bytes, *, secret: str, now: int) -> dict[str, str]:
    """Sign a post.

    Args:
        event_id: The event's id.
        body: Exactly what is sent.
        secret: The webhook's secret, which is the key as it stands.
        now: Epoch seconds.

    Returns:
        The headers.
    """
    signed = f"{now}.".encode() + body
    signature = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return {
        "Spaceport-Event-Id": event_id,
        "Spaceport-Timestamp": str(now),
        "Spaceport-Signature": f"{VERSION}={signature}",
    }
