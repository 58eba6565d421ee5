"""Counts requests to this machine's own address as encrypted ones.

`aws:SecureTransport` is false for plain HTTP, which is all that MiniStack speaks here. On AWS the same
requests go over TLS, and a bucket that insists on it must not turn its own functions away.
"""

from local.cloud.ministack import patch_points


def install() -> None:
    """Marks every request as one that came over TLS."""
    app = patch_points.module("app")
    original = patch_points.function(app, "pin_request_origin", ("source_ip", "secure_transport"))

    def pin(source_ip: str, _secure_transport: object) -> None:
        original(source_ip, secure_transport=True)

    patch_points.replace(app, "pin_request_origin", pin)
