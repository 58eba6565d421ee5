"""The embedded cloud: MiniStack as a child process, with what it lacks added."""

from local.cloud.process import CloudError, EmbeddedCloud

__all__ = ["CloudError", "EmbeddedCloud"]
