"""The program in an embedded cloud, and the tiny capture."""

from tests.local.conftest import sample, up

__all__ = ["sample", "up"]
