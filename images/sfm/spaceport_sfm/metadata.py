"""EXIF and DJI XMP: camera, focal length, GPS position and gimbal attitude of a photo."""

import math
import re
from collections.abc import Mapping
from typing import Any

from PIL import ExifTags, Image

from spaceport_sfm.photos import Gimbal, GpsPosition, PhotoMetadata

FULL_FRAME_WIDTH_MM = 35.0
"""COLMAP's width for 35 mm equivalents: between the true 36 mm and the 34.6 mm of a 4:3 frame's diagonal."""
FOCAL_AGREEMENT = 0.25
"""Largest relative difference at which the sensor-based focal length is believed beside the 35 mm one."""
FOCAL_RANGE = (0.2, 20.0)
"""Focal lengths outside this range of the longest side are taken for mistakes."""
RESOLUTION_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
"""EXIF 2.32, tag FocalPlaneResolutionUnit: inch, centimetre, millimetre, micrometre."""
ALTITUDE_RANGE_M = (-1000.0, 20000.0)
MAX_LATITUDE = 90.0
MAX_LONGITUDE = 180.0
FULL_TURN = 360.0
SEXAGESIMAL_PARTS = 3


def read_metadata(image: Image.Image) -> PhotoMetadata:
    """Reads what an opened image's EXIF and XMP tell; a tag that is broken counts as missing."""
    exif = image.getexif()
    details = _directory(exif, ExifTags.IFD.Exif)
    xmp = _read_xmp(image)
    return PhotoMetadata(
        make=_text(exif.get(ExifTags.Base.Make)),
        model=_text(exif.get(ExifTags.Base.Model)),
        focal_px=focal_length_px(details, *image.size),
        gps=gps_position(_directory(exif, ExifTags.IFD.GPSInfo), _xmp_number(xmp, "AbsoluteAltitude")),
        relative_altitude_m=_xmp_number(xmp, "RelativeAltitude"),
        gimbal=_gimbal(xmp),
        taken_at=_text(details.get(ExifTags.Base.DateTimeOriginal)),
    )


def focal_length_px(exif: Mapping[int, Any], width: int, height: int) -> float | None:
    """The focal length in pixels, from the sensor's resolution or from the 35 mm equivalent.

    Args:
        exif: The EXIF directory by tag number.
        width: Image width in pixels.
        height: Image height in pixels.

    Returns:
        Pixels, or None where EXIF tells none that can be true.
    """
    longest = max(width, height)
    low, high = (bound * longest for bound in FOCAL_RANGE)

    def plausible(focal: float | None) -> float | None:
        return focal if focal is not None and low <= focal <= high else None

    equivalent = _number(exif.get(ExifTags.Base.FocalLengthIn35mmFilm))
    from_equivalent = plausible(equivalent / FULL_FRAME_WIDTH_MM * longest) if equivalent else None
    from_sensor = plausible(_focal_from_sensor(exif, width))
    if from_sensor is None or from_equivalent is None:
        return from_equivalent or from_sensor
    if abs(from_sensor / from_equivalent - 1) <= FOCAL_AGREEMENT:
        return from_sensor
    return from_equivalent


def gps_position(gps: Mapping[int, Any], absolute_altitude_m: float | None = None) -> GpsPosition | None:
    """The position of EXIF's GPS directory, or None where there is none that can be true.

    Args:
        gps: The GPS directory by tag number.
        absolute_altitude_m: Altitude to take where the directory has none (DJI's XMP).
    """
    latitude = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), "NS")
    longitude = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), "EW")
    altitude = _altitude(gps)
    if altitude is None:
        altitude = absolute_altitude_m
    if latitude is None or longitude is None or altitude is None:
        return None
    if abs(latitude) > MAX_LATITUDE or abs(longitude) > MAX_LONGITUDE:
        return None
    if not ALTITUDE_RANGE_M[0] < altitude < ALTITUDE_RANGE_M[1]:
        return None
    if latitude == 0 and longitude == 0:
        return None  # what a receiver without a fix writes
    return GpsPosition(latitude, longitude, altitude)


def _focal_from_sensor(exif: Mapping[int, Any], width: int) -> float | None:
    """Focal length in mm times pixels per mm, scaled if the image was resized after it was taken."""
    focal_mm = _number(exif.get(ExifTags.Base.FocalLength))
    resolution = _number(exif.get(ExifTags.Base.FocalPlaneXResolution))
    unit_mm = RESOLUTION_UNIT_MM.get(exif.get(ExifTags.Base.FocalPlaneResolutionUnit, 2))
    taken_width = _number(exif.get(ExifTags.Base.ExifImageWidth)) or width
    if not focal_mm or not resolution or unit_mm is None:
        return None
    return focal_mm * resolution / unit_mm * (width / taken_width)


def _degrees(value: object, reference: object, letters: str) -> float | None:
    """Degrees from EXIF's (degrees, minutes, seconds) and its hemisphere."""
    if not isinstance(value, tuple) or not 1 <= len(value) <= SEXAGESIMAL_PARTS:
        return None
    parts = [_number(part) for part in value]
    magnitude = 0.0
    for power, part in enumerate(parts):
        if part is None or part < 0:
            return None
        magnitude += part / 60.0**power
    letter = _text(reference).upper()[:1]
    if letter not in letters or not letter:
        return None
    return -magnitude if letter == letters[1] else magnitude


def _altitude(gps: Mapping[int, Any]) -> float | None:
    altitude = _number(gps.get(ExifTags.GPS.GPSAltitude))
    if altitude is None:
        return None
    reference = gps.get(ExifTags.GPS.GPSAltitudeRef, 0)
    below_sea = reference in (1, b"\x01", "1", b"1")
    return -altitude if below_sea else altitude


def _gimbal(xmp: str) -> Gimbal | None:
    angles = [_xmp_number(xmp, f"Gimbal{axis}Degree") for axis in ("Yaw", "Pitch", "Roll")]
    if any(angle is None or abs(angle) > FULL_TURN for angle in angles):
        return None
    yaw, pitch, roll = (angle or 0.0 for angle in angles)
    return Gimbal(yaw, pitch, roll)


def _read_xmp(image: Image.Image) -> str:
    data = image.info.get("xmp", b"")
    return data.decode("utf-8", errors="replace") if isinstance(data, bytes) else str(data)


def _xmp_number(xmp: str, name: str) -> float | None:
    """A number of DJI's namespace, written as an attribute or as an element.

    A pattern instead of an XML parser: the block comes from a stranger, and these tags are flat.
    """
    found = re.search(rf"drone-dji:{name}(?:\s*=\s*[\"']|>)\s*([-+]?[0-9.]+)\s*[\"'<]", xmp)
    if found is None:
        return None
    try:
        return float(found.group(1))
    except ValueError:
        return None


def _directory(exif: Image.Exif, name: int) -> Mapping[int, Any]:
    try:
        return exif.get_ifd(name)
    except (ValueError, TypeError, KeyError, OSError):
        return {}


def _number(value: object) -> float | None:
    """A finite number of an EXIF value; a rational with denominator 0 is none."""
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    try:
        number = float(value)  # type: ignore[arg-type] # whatever the file holds; what is no number raises
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) else None


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    return str(value).split("\x00", 1)[0].strip() if value is not None else ""
