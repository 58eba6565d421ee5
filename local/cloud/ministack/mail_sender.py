"""Judges the sending of a mail by the identity that it comes from and by its configuration set, as AWS does.

MiniStack judges SendEmail of SES v2 on `*`, so a role that may send from one address alone could send none.
"""

import json
from typing import Any

from local.cloud.ministack import patch_points

SEND_PATH = "/v2/email/outbound-emails"
SEND = "ses:SendEmail"

Json = dict[str, Any]


def install() -> None:
    """Names the sender's identity as the resource of SendEmail, and the configuration set as another one."""
    _judge_identity()
    _judge_configuration_set()


def sent(method: str, path: str, body: bytes) -> Json | None:
    """Returns what a request asks SES v2 to send; None where it asks for something else."""
    if method != "POST" or path.rstrip("/") != SEND_PATH:
        return None
    try:
        request = json.loads(body)
    except ValueError:
        return None
    return request if isinstance(request, dict) else None


def identity(request: Json) -> str:
    """Returns the identity that a mail comes from: its address where that is one, else its domain."""
    identities = patch_points.value(patch_points.module("services.ses"), "_identities")
    # "Name <address>" is allowed too.
    address = str(request.get("FromEmailAddress", "")).rpartition("<")[2].rstrip(">").strip()
    return address if address in identities else address.rpartition("@")[2]


def _judge_identity() -> None:
    iam_actions = patch_points.module("core.iam_actions")
    original = patch_points.function(
        iam_actions, "_ses_v2_resource_arn", ("method", "path", "body", "region", "account_id")
    )

    def resource_arn(method: str, path: str, body: bytes, region: str, account_id: str) -> str:
        request = sent(method, path, body)
        verified = identity(request) if request else ""
        if verified:
            return f"arn:aws:ses:{region}:{account_id}:identity/{verified}"
        return str(original(method, path, body, region, account_id))

    patch_points.replace(iam_actions, "_ses_v2_resource_arn", resource_arn)


def _judge_configuration_set() -> None:
    app = patch_points.module("app")
    original = patch_points.function(
        app, "_enforce_ses_v2", ("method", "path", "headers", "body", "query_params", "request_id")
    )
    judge = patch_points.function(
        app, "_enforce_data_plane", ("service", "iam_action", "headers", "query_params", "request_id")
    )
    region_of = patch_points.function(app, "extract_region", ("headers", "query_params"))
    account = patch_points.function(patch_points.module("core.responses"), "get_account_id", ())

    def enforce(
        method: str, path: str, headers: Json, body: bytes, query_params: Json, request_id: str
    ) -> patch_points.MiniStack:
        denied = original(method, path, headers, body, query_params, request_id)
        name = (sent(method, path, body) or {}).get("ConfigurationSetName")
        if denied or not name:
            return denied
        arn = f"arn:aws:ses:{region_of(headers, query_params)}:{account()}:configuration-set/{name}"
        return judge("sesv2", SEND, headers, query_params, request_id, resource_arn=arn, named_resource=arn)

    patch_points.replace(app, "_enforce_ses_v2", enforce)
