"""The edge: a distribution's public address on this machine."""

from local.edge.server import Edge, EdgeError

__all__ = ["Edge", "EdgeError"]
