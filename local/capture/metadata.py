"""What a drone writes into its photos: EXIF with GPS, and DJI's XMP packet with the gimbal's angles."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import hypot

import piexif

from local.capture.camera import Intrinsics, Pose

MAKE = "Spaceport"
MODEL = "Sample Drone"
TAKE_OFF = datetime(2025, 6, 14, 11, 20, tzinfo=UTC)
SECONDS_BETWEEN_PHOTOS = 5
# A four thirds sensor, and the diagonal of 35 mm film: what equivalent focal lengths compare.
SENSOR_WIDTH_MM = 17.3
FILM_DIAGONAL_MM = 43.267
SHUTTER_S = 1 / 500
SECONDS_PRECISION = 100_000

XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="DJI Meta Data"
    xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/"
{attributes}>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


@dataclass(frozen=True)
class Position:
    """WGS84: degrees, and metres over the ellipsoid."""

    latitude: float
    longitude: float
    altitude_m: float


@dataclass(frozen=True)
class Attitude:
    """How the airframe is turned, degrees, as DJI counts."""

    yaw: float
    pitch: float
    roll: float


def taken_at(index: int) -> datetime:
    """Returns when the photo with an index was taken."""
    return TAKE_OFF + timedelta(seconds=SECONDS_BETWEEN_PHOTOS * index)


def _degrees(value: float) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Returns degrees, minutes and seconds as EXIF's rationals."""
    total = round(abs(value) * 3600 * SECONDS_PRECISION)
    minutes, seconds = divmod(total, 60 * SECONDS_PRECISION)
    return (minutes // 60, 1), (minutes % 60, 1), (seconds, SECONDS_PRECISION)


def exif_bytes(intrinsics: Intrinsics, gps: Position, index: int, exposure_ev: float) -> bytes:
    """Returns the EXIF block of a photo, GPS tags included."""
    width, height = intrinsics.width, intrinsics.height
    focal_mm = intrinsics.focal / width * SENSOR_WIDTH_MM
    diagonal_mm = hypot(SENSOR_WIDTH_MM, SENSOR_WIDTH_MM * height / width)
    moment = taken_at(index).strftime("%Y:%m:%d %H:%M:%S").encode()
    image, exif, place = piexif.ImageIFD, piexif.ExifIFD, piexif.GPSIFD
    block: bytes = piexif.dump(
        {
            "0th": {
                image.Make: MAKE.encode(),
                image.Model: MODEL.encode(),
                image.Orientation: 1,
                image.DateTime: moment,
            },
            "Exif": {
                exif.ExposureTime: (round(SHUTTER_S * 2**exposure_ev * 1_000_000), 1_000_000),
                exif.FNumber: (28, 10),
                exif.ISOSpeedRatings: 100,
                exif.DateTimeOriginal: moment,
                exif.DateTimeDigitized: moment,
                exif.FocalLength: (round(focal_mm * 1000), 1000),
                exif.FocalLengthIn35mmFilm: round(focal_mm * FILM_DIAGONAL_MM / diagonal_mm),
                exif.PixelXDimension: width,
                exif.PixelYDimension: height,
            },
            "GPS": {
                place.GPSVersionID: (2, 3, 0, 0),
                place.GPSLatitudeRef: b"N" if gps.latitude >= 0 else b"S",
                place.GPSLatitude: _degrees(gps.latitude),
                place.GPSLongitudeRef: b"E" if gps.longitude >= 0 else b"W",
                place.GPSLongitude: _degrees(gps.longitude),
                place.GPSAltitudeRef: 0 if gps.altitude_m >= 0 else 1,
                place.GPSAltitude: (round(abs(gps.altitude_m) * 1000), 1000),
            },
        }
    )
    return block


def xmp_bytes(pose: Pose, airframe: Attitude, gps: Position, index: int) -> bytes:
    """Returns the XMP packet of a photo; heights and angles as the drone knows them."""
    day = taken_at(index).strftime("%Y-%m-%d")
    values = {
        "xmp:ModifyDate": day,
        "xmp:CreateDate": day,
        "tiff:Make": MAKE,
        "tiff:Model": MODEL,
        "dc:format": "image/jpeg",
        "drone-dji:AbsoluteAltitude": f"{gps.altitude_m:+.2f}",
        "drone-dji:RelativeAltitude": f"{pose.centre[2]:+.2f}",
        "drone-dji:GimbalRollDegree": f"{pose.roll:+.2f}",
        "drone-dji:GimbalYawDegree": f"{wrapped(pose.yaw):+.2f}",
        "drone-dji:GimbalPitchDegree": f"{pose.pitch:+.2f}",
        "drone-dji:FlightRollDegree": f"{airframe.roll:+.2f}",
        "drone-dji:FlightYawDegree": f"{wrapped(airframe.yaw):+.2f}",
        "drone-dji:FlightPitchDegree": f"{airframe.pitch:+.2f}",
    }
    attributes = "\n".join(f'   {name}="{value}"' for name, value in values.items())
    return XMP.format(attributes=attributes).encode()


def wrapped(degrees: float) -> float:
    """Returns an angle in -180..180 degrees."""
    return (degrees + 180.0) % 360.0 - 180.0
