"""What a photo's header tells: size, camera, time, place and attitude, from EXIF and DJI's XMP."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from PIL import ExifTags, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

PHOTO_FORMATS = (
    JpegImagePlugin.JpegImageFile.format,
    PngImagePlugin.PngImageFile.format,
    TiffImagePlugin.TiffImageFile.format,
)
"""Pillow's names; its JPEG reader also opens the files of several pictures that drones write (MPO)."""
SIGNATURES = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"II*\x00",
    b"MM\x00*",
    b"II+\x00",
    b"MM\x00+",
)
"""How JPEG, PNG, TIFF and BigTIFF files begin."""

FILM_DIAGONAL_MM = 43.267
"""Of 35 mm film: what equivalent focal lengths compare (CIPA DCG-001)."""
FOCAL_RANGE_MM = (5.0, 1000.0)
ALTITUDE_RANGE_M = (-1000.0, 20000.0)
RESOLUTION_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
"""EXIF 2.32, tag FocalPlaneResolutionUnit: inch, centimetre, millimetre, micrometre."""
MAX_LATITUDE = 90.0
MAX_LONGITUDE = 180.0
FULL_TURN = 360.0
SEXAGESIMAL_PARTS = 3
MAX_TEXT = 60
# The numbers in a header are judged by our own limits, before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = None
_TIME = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")


@dataclass(frozen=True)
class Place:
    """Where a photo was taken, WGS84.

    Attributes:
        latitude: Degrees, north positive.
        longitude: Degrees, east positive.
        altitude_m: Metres over the sea or the ellipsoid, None where none is told.
    """

    latitude: float
    longitude: float
    altitude_m: float | None


@dataclass(frozen=True)
class PhotoFacts:
    """What a header tells; None for what it does not.

    Attributes:
        width: Pixels.
        height: Pixels.
        camera: Maker and model, "" when it is not told.
        focal_35mm: Focal length in mm of a 35 mm film camera with the same diagonal field of view.
        taken_at: Local time of the camera.
        place: Where.
        height_m: Metres over the take-off point or the ground.
        yaw: Direction of the view, degrees clockwise from north.
        pitch: Degrees over the horizon; -90 is straight down.
    """

    width: int
    height: int
    camera: str = ""
    focal_35mm: float | None = None
    taken_at: datetime | None = None
    place: Place | None = None
    height_m: float | None = None
    yaw: float | None = None
    pitch: float | None = None

    @property
    def megapixels(self) -> float:
        """Millions of pixels."""
        return self.width * self.height / 1e6


def has_signature(start: bytes) -> bool:
    """Tell whether a file begins like a photo that we read."""
    return start.startswith(SIGNATURES)


def read_facts(file: BinaryIO) -> PhotoFacts:
    """Read a photo's header; a tag that is broken counts as missing.

    Args:
        file: The photo; no pixels are read.

    Raises:
        Exception: It has no header that can be read; Pillow's readers raise whatever they like.
    """
    with Image.open(file, formats=PHOTO_FORMATS) as image:
        width, height = image.size
        exif = image.getexif()
        details = _directory(exif, ExifTags.IFD.Exif)
        xmp = _xmp(image)
        make, model = _text(exif.get(ExifTags.Base.Make)), _text(exif.get(ExifTags.Base.Model))
        yaw, pitch = (_xmp_number(xmp, f"Gimbal{axis}Degree") for axis in ("Yaw", "Pitch"))
        known = yaw is not None and pitch is not None and max(abs(yaw), abs(pitch)) <= FULL_TURN
        return PhotoFacts(
            width=width,
            height=height,
            camera=model if model.startswith(make) else f"{make} {model}",
            focal_35mm=focal_35mm(details, width, height),
            taken_at=_time(details.get(ExifTags.Base.DateTimeOriginal)),
            place=place_of(
                _directory(exif, ExifTags.IFD.GPSInfo),
                _within_altitudes(_xmp_number(xmp, "AbsoluteAltitude")),
            ),
            height_m=_first(
                _within_altitudes(_xmp_number(xmp, name))
                for name in ("RelativeAltitude", "AboveGroundAltitude")
            ),
            yaw=yaw if known else None,
            pitch=pitch if known else None,
        )


def place_of(gps: Mapping[int, Any], absolute_altitude_m: float | None = None) -> Place | None:
    """Read the position of EXIF's GPS directory.

    Args:
        gps: The directory by tag number.
        absolute_altitude_m: Altitude to take where the directory has none.

    Returns:
        The place; None where there is none that can be true.
    """
    latitude = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), "NS")
    longitude = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), "EW")
    if latitude is None or longitude is None:
        return None
    if abs(latitude) > MAX_LATITUDE or abs(longitude) > MAX_LONGITUDE:
        return None
    if latitude == 0 and longitude == 0:
        return None  # what a receiver without a fix writes
    altitude = _within_altitudes(_altitude(gps))
    return Place(latitude, longitude, absolute_altitude_m if altitude is None else altitude)


def focal_35mm(exif: Mapping[int, Any], width: int, height: int) -> float | None:
    """Read the focal length as of a 35 mm film camera with the same diagonal field of view.

    Args:
        exif: The EXIF directory by tag number.
        width: Of the photo, pixels.
        height: Of the photo, pixels.
    """
    told = _within(_number(exif.get(ExifTags.Base.FocalLengthIn35mmFilm)), FOCAL_RANGE_MM)
    if told is not None:
        return told
    focal = _number(exif.get(ExifTags.Base.FocalLength))
    resolution = _number(exif.get(ExifTags.Base.FocalPlaneXResolution))
    unit_mm = RESOLUTION_UNIT_MM.get(exif.get(ExifTags.Base.FocalPlaneResolutionUnit, 2))
    taken_width = _number(exif.get(ExifTags.Base.ExifImageWidth)) or width
    if not focal or not resolution or resolution < 0 or taken_width <= 0 or unit_mm is None:
        return None
    sensor_width_mm = taken_width / resolution * unit_mm
    diagonal_mm = sensor_width_mm * math.hypot(width, height) / width
    return _within(focal * FILM_DIAGONAL_MM / diagonal_mm, FOCAL_RANGE_MM)


def _degrees(value: object, reference: object, letters: str) -> float | None:
    """Read EXIF's (degrees, minutes, seconds) and its hemisphere."""
    if not isinstance(value, tuple) or not 1 <= len(value) <= SEXAGESIMAL_PARTS:
        return None
    magnitude = 0.0
    for power, part in enumerate(_number(part) for part in value):
        if part is None or part < 0:
            return None
        magnitude += part / 60.0**power
    letter = _text(reference).upper()[:1]
    if letter not in letters or not letter:
        return None
    return -magnitude if letter == letters[1] else magnitude


def _altitude(gps: Mapping[int, Any]) -> float | None:
    altitude = _number(gps.get(ExifTags.GPS.GPSAltitude))
    below_sea = gps.get(ExifTags.GPS.GPSAltitudeRef, 0) in (1, b"\x01", "1", b"1")
    return -altitude if altitude is not None and below_sea else altitude


def _within_altitudes(value: float | None) -> float | None:
    return _within(value, ALTITUDE_RANGE_M)


def _within(value: float | None, bounds: tuple[float, float]) -> float | None:
    return value if value is not None and bounds[0] < value < bounds[1] else None


def _xmp(image: Image.Image) -> str:
    data = image.info.get("xmp", b"")
    return data.decode("utf-8", errors="replace") if isinstance(data, bytes) else str(data)


def _xmp_number(xmp: str, name: str) -> float | None:
    """Read a number that drones write as an attribute or an element, whatever their namespace.

    A pattern instead of an XML parser: the block comes from a stranger, and these tags are flat.
    """
    found = re.search(
        rf"[\w-]+:{name}(?:\s{{0,9}}=\s{{0,9}}[\"']|>)\s{{0,9}}([-+]?[0-9.]{{1,20}})\s{{0,9}}[\"'<]", xmp
    )
    return _number(found.group(1)) if found else None


def _directory(exif: Image.Exif, name: int) -> Mapping[int, Any]:
    try:
        return exif.get_ifd(name)
    except Exception:  # noqa: BLE001 -- a stranger's bytes: what cannot be read counts as missing
        return {}


def _time(value: object) -> datetime | None:
    match = _TIME.match(_text(value))
    try:
        # EXIF's times have no zone.
        return datetime.fromisoformat("{}-{}-{}T{}:{}:{}".format(*match.groups())) if match else None
    except ValueError:
        return None


def _number(value: object) -> float | None:
    """Read a finite number of an EXIF value; a rational with denominator 0 is none."""
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    try:
        number = float(value)  # type: ignore[arg-type] # whatever the file holds; what is no number raises
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    text = str(value).split("\x00", 1)[0] if value is not None else ""
    return "".join(letter for letter in text if letter.isprintable()).strip()[:MAX_TEXT]


def _first(values: Any) -> float | None:  # noqa: ANN401 -- an iterator of optional numbers
    return next((value for value in values if value is not None), None)
