"""What a sample capture is like: one small value that decides every byte of it."""

import math
from dataclasses import dataclass

SMALLEST_SIDE = 32


@dataclass(frozen=True)
class CaptureSettings:
    """Settings of a sample capture. The same settings give the same files, byte for byte, on one machine.

    Attributes:
        seed: Decides the scene, the flight, the noise on GPS and pixels.
        width: Of a photo, pixels.
        height: Of a photo, pixels.
        photos: Photos of the planned flight that are kept, spread evenly around the origin.
        heldout_views: Views beside the capture, without noise, at normal exposure, without distortion.
        gps_sigma_m: Standard deviation of the GPS noise on each of the axes east, north and up, metres.
        exposure_ev: Exposures lie within plus and minus so much, in EV; their mean is 0.
        noise: Standard deviation of the sensor's noise at middle grey, in steps of 1/255.
        distortion: k1, k2, p1, p2 of COLMAP's OPENCV camera model.
        latitude: WGS84 latitude of the scene's origin, degrees.
        longitude: WGS84 longitude of the scene's origin, degrees.
        altitude_m: Height of the scene's origin over the WGS84 ellipsoid, metres.
        antialiasing: Rays along each side of a pixel where one filtered ray is too few (edges, buildings).
    """

    seed: int = 7
    width: int = 1024
    height: int = 768
    photos: int = 24
    heldout_views: int = 4
    gps_sigma_m: float = 0.3
    exposure_ev: float = 0.15
    noise: float = 1.5
    distortion: tuple[float, float, float, float] = (-0.03, 0.006, 0.0003, -0.0002)
    latitude: float = 47.05
    longitude: float = 8.30
    altitude_m: float = 450.0
    antialiasing: int = 2

    def __post_init__(self) -> None:
        if min(self.width, self.height) < SMALLEST_SIDE:
            raise ValueError(
                f"a photo of {self.width} x {self.height} pixels is too small: at least {SMALLEST_SIDE}"
            )
        if self.photos < 1:
            raise ValueError("a capture needs at least one photo")
        if self.heldout_views < 0:
            raise ValueError("the number of held-out views must not be negative")
        if min(self.gps_sigma_m, self.exposure_ev, self.noise) < 0:
            raise ValueError("gps_sigma_m, exposure_ev and noise must not be negative")
        if self.antialiasing < 1:
            raise ValueError("antialiasing must be at least 1")

    @property
    def focal_px(self) -> float:
        """Focal length in pixels, of both axes: a 63 degree wide lens."""
        return 0.81 * self.width

    @property
    def sharpest_metres_per_pixel(self) -> float:
        """What a pixel spans on the ground before a camera of the flight, metres."""
        return 20.0 / self.focal_px * math.sqrt(2)


# Small and quick, and still every photo registers, even at 400 pixels: for tests.
TINY = CaptureSettings(width=512, height=384, photos=14, heldout_views=1)
