"""One embedded cloud for all tests of a session that need one."""

from collections.abc import Iterator

import pytest

from local.cloud import EmbeddedCloud
from tests.local.cloud_kit import CloudKit


@pytest.fixture(scope="session")
def cloud() -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud() as cloud:
        yield cloud


@pytest.fixture(scope="session")
def kit(cloud: EmbeddedCloud) -> CloudKit:
    return CloudKit(cloud)
