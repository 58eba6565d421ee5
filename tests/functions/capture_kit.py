"""Photos as drones write them, small, for tests of the capture check."""

import io
import zipfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import piexif
from PIL import Image, ImageFilter

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description '
    'xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" {}/></x:xmpmeta>'
)
START = datetime(2026, 5, 1, 10, 0, 0)  # noqa: DTZ001 -- EXIF's times have no zone
METRES_PER_DEGREE = 111_195.0


def zip_of(files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of files by name."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def scene(seed: int, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """A picture with edges and texture of all sizes, as ground from above has; each seed is another place."""
    rng = np.random.default_rng(seed)
    width, height = size
    total = np.zeros((height, width))
    for cells in (4, 16, 64, 256):
        coarse = Image.fromarray(rng.integers(0, 256, (cells, cells), np.uint8))
        total += np.asarray(coarse.resize(size, Image.Resampling.NEAREST), dtype=float)
    grey = np.clip(total / 4 + rng.normal(0, 4, (height, width)), 0, 255)
    tint = np.array([1.0, 0.95, 0.8])
    return Image.fromarray((grey[..., None] * tint).astype(np.uint8))


def blurred(picture: Image.Image, pixels: float) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(pixels))


def degrees(value: float) -> tuple[tuple[int, int], ...]:
    minutes, seconds = divmod(round(abs(value) * 3600 * 10_000), 600_000)
    return ((minutes // 60, 1), (minutes % 60, 1), (seconds, 10_000))


def gps_tags(latitude: float, longitude: float, altitude: float | None) -> dict[int, Any]:
    tags: dict[int, Any] = {
        piexif.GPSIFD.GPSLatitudeRef: b"N" if latitude >= 0 else b"S",
        piexif.GPSIFD.GPSLatitude: degrees(latitude),
        piexif.GPSIFD.GPSLongitudeRef: b"E" if longitude >= 0 else b"W",
        piexif.GPSIFD.GPSLongitude: degrees(longitude),
    }
    if altitude is not None:
        tags[piexif.GPSIFD.GPSAltitudeRef] = 0 if altitude >= 0 else 1
        tags[piexif.GPSIFD.GPSAltitude] = (round(abs(altitude) * 100), 100)
    return tags


def jpeg(
    picture: Image.Image,
    *,
    seconds: int = 0,
    gps: dict[int, Any] | None = None,
    xmp: dict[str, float] | None = None,
    focal_35mm: int = 24,
    model: bytes = b"FC7303",
) -> bytes:
    """A photo with a drone's header.

    Args:
        picture: What it shows.
        seconds: When it was taken, after `START`.
        gps: Tags of the GPS directory.
        xmp: DJI's numbers by name.
        focal_35mm: Of its lens.
        model: Of its camera.
    """
    moment = (START + timedelta(seconds=seconds)).strftime("%Y:%m:%d %H:%M:%S").encode()
    exif = piexif.dump(
        {
            "0th": {piexif.ImageIFD.Make: b"DJI", piexif.ImageIFD.Model: model},
            "Exif": {
                piexif.ExifIFD.DateTimeOriginal: moment,
                piexif.ExifIFD.FocalLengthIn35mmFilm: focal_35mm,
            },
            "GPS": gps or {},
        }
    )
    attributes = " ".join(f'drone-dji:{name}="{value:+.2f}"' for name, value in (xmp or {}).items())
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=90, exif=exif, xmp=XMP.format(attributes).encode())
    return data.getvalue()


def flight(
    photos: int,
    *,
    spacing_m: float = 10.0,
    height_m: float = 40.0,
    blur: float = 0.0,
    place: tuple[float, float] = (47.05, 8.3),
    first_seed: int = 0,
    with_gps: bool = True,
) -> dict[str, bytes]:
    """Photos straight down along a line to the north, by name."""
    made = {}
    for index in range(photos):
        picture = scene(first_seed + index)
        latitude = place[0] + index * spacing_m / METRES_PER_DEGREE
        made[f"DJI_{first_seed + index:04d}.JPG"] = jpeg(
            blurred(picture, blur) if blur else picture,
            seconds=2 * index,
            gps=gps_tags(latitude, place[1], 450.0 + height_m) if with_gps else None,
            xmp={"RelativeAltitude": height_m, "GimbalYawDegree": 0.0, "GimbalPitchDegree": -90.0}
            if with_gps
            else None,
        )
    return made
