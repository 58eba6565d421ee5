"""boto3 clients for commands that work on an account."""

from collections.abc import Callable
from functools import cache
from typing import Any

import boto3

Clients = Callable[[str], Any]
"""Gives the boto3 client of a service."""


def clients_in(region: str) -> Clients:
    """Gives clients with the credentials that the environment has now, each made once.

    Args:
        region: AWS region.
    """
    # The default session would keep the credentials that the process has used first.
    session: Any = boto3.Session(region_name=region)
    clients: Clients = cache(session.client)
    return clients
