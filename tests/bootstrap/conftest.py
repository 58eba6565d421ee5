"""The embedded cloud of the session, and the kit that bootstraps it."""

import pytest

from local.cloud import EmbeddedCloud
from tests.bootstrap.account_kit import AccountKit
from tests.local.cloud_kit import cloud

__all__ = ["cloud"]


@pytest.fixture
def kit(cloud: EmbeddedCloud) -> AccountKit:
    return AccountKit(cloud)
