"""Judges the sending of a mail by the identity that it comes from, as AWS does.

MiniStack judges SendEmail of SES v2 on `*`, so a role that may send from one address alone could send none.
"""

import json

from local.cloud.ministack import patch_points

SEND_PATH = "/v2/email/outbound-emails"


def install() -> None:
    """Names the sender's identity as the resource of SendEmail."""
    iam_actions = patch_points.module("core.iam_actions")
    identities = patch_points.value(patch_points.module("services.ses"), "_identities")
    original = patch_points.function(
        iam_actions, "_ses_v2_resource_arn", ("method", "path", "body", "region", "account_id")
    )

    def resource_arn(method: str, path: str, body: bytes, region: str, account_id: str) -> str:
        if method == "POST" and path.rstrip("/") == SEND_PATH:
            sender = _address(body)
            verified = sender if sender in identities else sender.rpartition("@")[2]
            if verified:
                return f"arn:aws:ses:{region}:{account_id}:identity/{verified}"
        return str(original(method, path, body, region, account_id))

    patch_points.replace(iam_actions, "_ses_v2_resource_arn", resource_arn)


def _address(body: bytes) -> str:
    try:
        sender = json.loads(body).get("FromEmailAddress", "")
    except (ValueError, AttributeError):
        return ""
    # "Name <address>" is allowed too.
    return str(sender).rpartition("<")[2].rstrip(">").strip()
