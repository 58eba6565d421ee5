"""Calls of other functions that nobody waits for."""

import json
from collections.abc import Mapping
from typing import Any

from functions.shared.aws import lambda_functions


def invoke_later(function_arn: str, event: Mapping[str, Any]) -> None:
    """Hand a function an event; Lambda keeps it until the function has taken it.

    Raises:
        ClientError: The event was not taken; nothing is going to happen.
    """
    lambda_functions().invoke(
        FunctionName=function_arn, InvocationType="Event", Payload=json.dumps(event).encode()
    )
