"""An embedded cloud for the tests of a session, and the kit that bootstraps it."""

from collections.abc import Iterator

import pytest

from local.cloud import EmbeddedCloud
from tests.bootstrap.account_kit import AccountKit


@pytest.fixture(scope="session")
def cloud() -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud() as cloud:
        yield cloud


@pytest.fixture
def kit(cloud: EmbeddedCloud) -> AccountKit:
    return AccountKit(cloud)
