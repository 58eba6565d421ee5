"""From radiance to the pixels of a photo: exposure, sensor noise, tone curve."""

import numpy as np

from local.capture.arrays import Bytes, Singles

MIDDLE_GREY = 0.18
# Radiance whose shot noise equals the sensor's own noise.
READ_NOISE = 0.005
LINEAR_BELOW = 0.0031308


def srgb(linear: Singles) -> Singles:
    """Returns sRGB values 0..1 of linear ones, which are cut off at 0 and 1 (IEC 61966-2-1)."""
    limited = np.clip(linear, 0.0, 1.0)
    curve = 1.055 * np.power(limited, np.float32(1.0 / 2.4)) - 0.055
    return np.where(limited < LINEAR_BELOW, 12.92 * limited, curve).astype(np.float32)


def to_bytes(linear: Singles) -> Bytes:
    """Returns 8-bit sRGB pixels of linear radiance."""
    pixels: Bytes = np.rint(255.0 * srgb(linear)).astype(np.uint8)
    return pixels


def expose(linear: Singles, exposure_ev: float) -> Singles:
    """Returns the radiance that reaches the sensor."""
    return linear * np.float32(2.0**exposure_ev)


def add_sensor_noise(linear: Singles, noise: float, rng: np.random.Generator) -> Singles:
    """Adds shot noise and the sensor's own.

    Args:
        linear: Radiance, [H, W, 3].
        noise: Standard deviation at middle grey after the tone curve, in steps of 1/255.
        rng: Where the noise comes from.
    """
    slope = 255.0 * 1.055 / 2.4 * MIDDLE_GREY ** (1.0 / 2.4 - 1.0)
    scale = np.float32(noise / slope / np.sqrt(MIDDLE_GREY + READ_NOISE))
    spread = scale * np.sqrt(np.maximum(linear, 0.0) + np.float32(READ_NOISE))
    return linear + spread * rng.standard_normal(linear.shape, np.float32)
