"""Sample captures: a scene rendered as a drone would photograph it, with the truth kept beside it."""

from local.capture.cache import SampleCapture, sample_capture
from local.capture.settings import TINY, CaptureSettings

__all__ = ["TINY", "CaptureSettings", "SampleCapture", "sample_capture"]
