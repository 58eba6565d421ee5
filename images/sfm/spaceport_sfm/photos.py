"""A photo of the capture, as the rest of the step knows it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class GpsPosition:
    """A measured camera position: degrees and metres (WGS84, altitude as the drone wrote it)."""

    latitude: float
    longitude: float
    altitude_m: float


@dataclass(frozen=True)
class Gimbal:
    """Camera attitude as DJI writes it, in degrees: yaw clockwise from north, pitch 0 level and -90 down."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True)
class PhotoMetadata:
    """What a photo's EXIF and XMP tell; None where they do not, or where it cannot be true.

    Attributes:
        make: Maker of the camera.
        model: Model of the camera.
        focal_px: Focal length in pixels of the full image.
        gps: Where the photo was taken.
        relative_altitude_m: Height above the take-off point.
        gimbal: Attitude of the camera.
        taken_at: EXIF date and time, as text that sorts by time.
    """

    make: str = ""
    model: str = ""
    focal_px: float | None = None
    gps: GpsPosition | None = None
    relative_altitude_m: float | None = None
    gimbal: Gimbal | None = None
    taken_at: str = ""


@dataclass(frozen=True)
class Photo:
    """A usable photo.

    Attributes:
        name: Its name in the model: unique in the capture, without folders or spaces.
        source: Where it came from, in words the pilot knows: the path in the capture, with its zip.
        width: Pixels as stored (the EXIF orientation is not applied, as COLMAP reads it).
        height: Pixels as stored.
        metadata: What its EXIF and XMP tell.
    """

    name: str
    source: str
    width: int
    height: int
    metadata: PhotoMetadata = field(default_factory=PhotoMetadata)
