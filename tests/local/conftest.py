"""One embedded cloud for all tests of a session, and the program in another for those of a module."""

from collections.abc import Iterator

import pytest

from local.capture import TINY, SampleCapture, sample_capture
from local.deployed import BUILD, Deployed, deployed
from tests.local.cloud_kit import cloud, kit

__all__ = ["cloud", "kit"]


@pytest.fixture(scope="module")
def up() -> Iterator[Deployed]:
    with deployed() as cloud:
        yield cloud


@pytest.fixture(scope="module")
def sample() -> SampleCapture:
    return sample_capture(BUILD / "capture", settings=TINY)
