"""How near a picture is to another."""

import numpy as np

from spaceport_splat.arrays import Float32

MAX_PSNR_DB = 100.0
"""What equal pictures get, so that means and JSON stay finite."""


def psnr(first: Float32, second: Float32) -> float:
    """Peak signal-to-noise ratio in dB of two pictures with values in 0..1, at most 100.

    Raises:
        ValueError: the shapes differ.
    """
    if first.shape != second.shape:
        raise ValueError(f"the pictures have the shapes {first.shape} and {second.shape}")
    difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    error = float(np.mean(difference**2))
    if error <= 10 ** (-MAX_PSNR_DB / 10):
        return MAX_PSNR_DB
    return float(-10 * np.log10(error))
