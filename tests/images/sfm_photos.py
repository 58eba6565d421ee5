"""Small photos on disk for the SfM tests, with or without EXIF GPS and DJI XMP."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import piexif
from PIL import Image

DJI_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" {attributes}>{elements}'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def dji_xmp(elements: str = "", **attributes: object) -> bytes:
    """A DJI block with the given tags as attributes and more as elements."""
    written = " ".join(f'drone-dji:{name}="{value}"' for name, value in attributes.items())
    return DJI_XMP.format(attributes=written, elements=elements).encode()


def gps_exif(latitude: float, longitude: float, altitude: float, *, altitude_ref: int = 0) -> dict[int, Any]:
    """EXIF's GPS directory in degrees, minutes and seconds."""
    return {
        piexif.GPSIFD.GPSLatitudeRef: b"N" if latitude >= 0 else b"S",
        piexif.GPSIFD.GPSLatitude: _dms(latitude),
        piexif.GPSIFD.GPSLongitudeRef: b"E" if longitude >= 0 else b"W",
        piexif.GPSIFD.GPSLongitude: _dms(longitude),
        piexif.GPSIFD.GPSAltitudeRef: altitude_ref,
        piexif.GPSIFD.GPSAltitude: (round(altitude * 1000), 1000),
    }


def write_photo(
    path: Path,
    *,
    seed: int = 0,
    size: tuple[int, int] = (240, 180),
    gps: Mapping[int, Any] | None = None,
    exif: Mapping[int, Any] | None = None,
    xmp: bytes | None = None,
) -> Path:
    """Writes a JPEG of noise, different for every seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1] // 4, size[0] // 4, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).resize(size)
    zeroth = {piexif.ImageIFD.Make: b"DJI\x00\x00", piexif.ImageIFD.Model: b"FC300S"}
    data = piexif.dump({"0th": zeroth, "Exif": dict(exif or {}), "GPS": dict(gps or {})})
    options: dict[str, Any] = {"xmp": xmp} if xmp else {}
    image.save(path, format="JPEG", exif=data, quality=90, **options)
    return path


def _dms(value: float) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    value = abs(value)
    degrees = int(value)
    minutes = int((value - degrees) * 60)
    seconds = ((value - degrees) * 60 - minutes) * 60
    return (degrees, 1), (minutes, 1), (round(seconds * 1_000_000), 1_000_000)
