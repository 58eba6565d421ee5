"""A rendered sample capture: what its files say must agree with its truth."""

import itertools
import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pycolmap
import pytest
from PIL import ExifTags, Image

from local.capture import CaptureSettings, SampleCapture, sample_capture
from local.capture.flight import make_plan
from local.capture.relief import ground_height
from local.capture.truth import read_depth

SMALL = CaptureSettings(seed=3, width=192, height=144, photos=8, heldout_views=1, exposure_ev=0.4)
DJI = "{http://www.dji.com/drone-dji/1.0/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
Floats = npt.NDArray[np.float64]


@dataclass
class Photo:
    """A photo with its truth."""

    sample: SampleCapture
    truth: dict[str, Any]
    camera: pycolmap.Camera

    @property
    def path(self) -> Path:
        return self.sample.photos / self.truth["name"]

    @cached_property
    def matrix(self) -> Floats:
        return np.array(self.truth["cam_from_world"])

    @cached_property
    def depth(self) -> npt.NDArray[np.float32]:
        return read_depth(self.sample.folder / self.truth["depth"])

    @cached_property
    def linear(self) -> Floats:
        """The photo's radiance, [H, W, 3]."""
        with Image.open(self.path) as image:
            value = np.asarray(image, float) / 255.0
        return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)

    @cached_property
    def points(self) -> Floats:
        """Where every pixel's middle lies in the world, [H, W, 3]; NaN in the sky."""
        height, width = self.depth.shape
        columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        rays = self.camera.cam_from_img(np.stack([columns, rows], axis=-1).reshape(-1, 2))
        depth = np.where(self.depth > 0.0, self.depth, np.nan).reshape(-1, 1)
        in_camera = np.hstack([rays, np.ones_like(depth)]) * depth
        world = (in_camera - self.matrix[:3, 3]) @ self.matrix[:3, :3]
        return world.reshape(height, width, 3)

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Returns pixel positions [N, 2] and depths [N] of points of the world."""
        in_camera = points @ self.matrix[:3, :3].T + self.matrix[:3, 3]
        return self.camera.img_from_cam(in_camera), in_camera[:, 2]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("capture")


@pytest.fixture(scope="module")
def sample(cache: Path) -> SampleCapture:
    return sample_capture(cache, settings=SMALL)


@pytest.fixture(scope="module")
def truth(sample: SampleCapture) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(sample.truth.read_text())
    return known


@pytest.fixture(scope="module")
def photos(sample: SampleCapture, truth: dict[str, Any]) -> list[Photo]:
    known = truth["camera"]
    camera = pycolmap.Camera(
        model=known["model"], width=known["width"], height=known["height"], params=known["params"]
    )
    return [Photo(sample, photo, camera) for photo in truth["photos"]]


def contents(sample: SampleCapture) -> dict[str, bytes]:
    files = (path for path in sample.folder.rglob("*") if path.is_file())
    return {path.relative_to(sample.folder).as_posix(): path.read_bytes() for path in files}


def gps_of(photo: Photo) -> tuple[float, float, float]:
    """Decodes latitude, longitude and altitude with Pillow's reader."""
    with Image.open(photo.path) as image:
        tags = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    angles = []
    for key, reference, negative in (
        (ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "S"),
        (ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "W"),
    ):
        degrees, minutes, seconds = (float(part) for part in tags[key])
        sign = -1.0 if tags[reference] == negative else 1.0
        angles.append(sign * (degrees + minutes / 60.0 + seconds / 3600.0))
    return angles[0], angles[1], float(tags[ExifTags.GPS.GPSAltitude])


def gimbal_of(photo: Photo) -> dict[str, str]:
    """Reads the DJI attributes of the XMP packet."""
    with Image.open(photo.path) as image:
        packet = image.info["xmp"].decode()
    description = ET.fromstring(packet).find(f".//{RDF}Description")  # noqa: S314 - our own file
    assert description is not None
    return {key.removeprefix(DJI): value for key, value in description.items() if key.startswith(DJI)}


def matches(first: Photo, second: Photo) -> tuple[Floats, Floats, Floats, Floats]:
    """Returns where the first photo's pixels are in the second one.

    Of those that lie inside it: the first photo's rows and columns [N, 2], the second one's [N, 2], the depth
    that they should have there, and the one that is there.
    """
    height, width = first.depth.shape
    seen = np.isfinite(first.points[..., 0])
    here = np.argwhere(seen)
    pixels, expected = second.project(first.points[seen])
    ahead = (
        (expected > 0.0)
        & (pixels > 1.0).all(axis=1)
        & (pixels[:, 0] < width - 1)
        & (pixels[:, 1] < height - 1)
    )
    there = np.floor(pixels[ahead]).astype(int)[:, ::-1]
    return here[ahead], there, expected[ahead], second.depth[there[:, 0], there[:, 1]].astype(float)


def test_it_is_all_there_and_the_photos_folder_holds_photos_only(sample: SampleCapture, truth):
    assert sorted(path.name for path in sample.photos.iterdir()) == [p["name"] for p in truth["photos"]]
    assert sorted(path.name for path in sample.heldout.iterdir()) == [v["name"] for v in truth["heldout"]]
    assert len(truth["photos"]) == SMALL.photos
    assert sample.settings == SMALL
    assert sample.flight_plan.read_text() == make_plan(SMALL)


def test_the_same_settings_give_the_same_bytes(sample: SampleCapture, tmp_path: Path):
    again = sample_capture(tmp_path, settings=SMALL)
    assert again.folder != sample.folder
    assert contents(again) == contents(sample)


def test_another_seed_is_another_place(sample: SampleCapture, tmp_path: Path):
    few = replace(SMALL, photos=1, heldout_views=0)
    one, other = (sample_capture(tmp_path, settings=replace(few, seed=seed)) for seed in (3, 4))
    name = "DJI_0001.jpg"
    pictures = [np.asarray(Image.open(place.photos / name), float) for place in (one, other)]
    assert np.abs(pictures[0] - pictures[1]).mean() > 10.0


def test_exif_gps_is_the_noisy_position(photos: list[Photo]):
    for photo in photos:
        known = photo.truth["gps_noisy"]
        latitude, longitude, altitude = gps_of(photo)
        # 1e-8 degrees are a millimetre.
        assert latitude == pytest.approx(known["latitude"], abs=2e-9)
        assert longitude == pytest.approx(known["longitude"], abs=2e-9)
        assert altitude == pytest.approx(known["altitude_m"], abs=6e-4)


def test_exif_gps_is_the_true_place_plus_the_noise(photos: list[Photo], truth):
    origin = truth["origin"]
    # Radii of curvature of the WGS84 ellipsoid: good to a millimetre over the 40 m of the flight.
    sine = np.sin(np.radians(origin["latitude"]))
    eccentricity = 6.69437999014e-3
    normal = 6378137.0 / np.sqrt(1.0 - eccentricity * sine**2)
    meridian = normal * (1.0 - eccentricity) / (1.0 - eccentricity * sine**2)
    height = origin["altitude_m"]
    for photo in photos:
        latitude, longitude, altitude = gps_of(photo)
        north = np.radians(latitude - origin["latitude"]) * (meridian + height)
        cosine = np.cos(np.radians(latitude))
        east = np.radians(longitude - origin["longitude"]) * (normal + height) * cosine
        up = altitude - height
        expected = np.add(photo.truth["center"], photo.truth["gps_noise_m"])
        assert (east, north, up) == pytest.approx(expected, abs=5e-3)
        assert -photo.matrix[:3, :3].T @ photo.matrix[:3, 3] == pytest.approx(photo.truth["center"])


def test_colmap_reads_focal_length_and_gps(photos: list[Photo], truth):
    bitmap = pycolmap.Bitmap.read(photos[0].path, as_rgb=True)
    assert bitmap.exif_focal_length() == pytest.approx(truth["camera"]["params"][0], rel=0.03)
    known = photos[0].truth["gps_noisy"]
    read = (bitmap.exif_latitude(), bitmap.exif_longitude(), bitmap.exif_altitude())
    assert read == pytest.approx((known["latitude"], known["longitude"], known["altitude_m"]), rel=1e-6)


def test_xmp_tells_how_the_camera_was_turned(photos: list[Photo]):
    for photo in photos:
        dji = gimbal_of(photo)
        yaw, pitch = (np.radians(float(dji[f"Gimbal{name}Degree"])) for name in ("Yaw", "Pitch"))
        right, _, forward = photo.matrix[:3, :3]
        ahead = (np.cos(pitch) * np.sin(yaw), np.cos(pitch) * np.cos(yaw), np.sin(pitch))
        assert forward == pytest.approx(ahead, abs=2e-4)
        # The right side points 90 degrees clockwise of the yaw, and is as low as the roll says.
        roll = np.radians(float(dji["GimbalRollDegree"]))
        assert np.hypot(right[0] - np.cos(yaw), right[1] + np.sin(yaw)) < 2e-4 + abs(roll)
        assert right[2] == pytest.approx(-np.sin(roll) * np.cos(pitch), abs=2e-4)
        assert float(dji["AbsoluteAltitude"]) == pytest.approx(
            photo.truth["gps_noisy"]["altitude_m"], abs=0.006
        )
        assert float(dji["RelativeAltitude"]) == pytest.approx(photo.truth["center"][2], abs=0.006)
        assert -180.0 <= float(dji["FlightYawDegree"]) <= 180.0


def above_ground(photo: Photo) -> Floats:
    """Returns how far pixels within 60 m of the origin are over the ground, metres."""
    points = photo.points[::3, ::3].reshape(-1, 3)
    points = points[np.isfinite(points[:, 0])]
    points = points[np.abs(points[:, :2]).max(axis=1) < 60.0]
    return points[:, 2] - [ground_height(x, y, SMALL.seed) for x, y, _ in points]


def test_depths_and_poses_put_the_ground_where_it_is(photos: list[Photo]):
    for photo in photos:
        above = above_ground(photo)
        # Most of what is seen is ground, the rest stands on it; the relief is sampled every 0.25 m.
        assert (np.abs(above) < 0.01).mean() > 0.5, photo.truth["name"]
        assert (above > -0.05).all(), photo.truth["name"]


def test_a_point_of_one_photo_is_at_its_place_in_another(photos: list[Photo]):
    around = sorted(photos, key=lambda photo: np.arctan2(*photo.truth["center"][:2]))
    for first, second in itertools.pairwise(around):
        _, there, expected, found = matches(first, second)
        assert len(there) > 1000
        # A pixel's own size on slanted ground is some percent of its depth.
        assert (np.abs(found - expected) < 0.02 * expected).mean() > 0.6
        # Nothing can be seen through what stands before it.
        assert (found < expected * 1.1).mean() > 0.95


def test_without_its_distortion_the_lens_does_not_fit(photos: list[Photo], truth):
    pinhole = pycolmap.Camera(
        model="PINHOLE", width=SMALL.width, height=SMALL.height, params=truth["camera"]["params"][:4]
    )
    for photo in photos:
        bent = np.abs(above_ground(photo)) < 0.01
        straight = np.abs(above_ground(Photo(photo.sample, photo.truth, pinhole))) < 0.01
        assert straight.mean() < 0.75 * bent.mean()


def test_brightness_follows_the_exposure(photos: list[Photo]):
    ordered = sorted(photos, key=lambda photo: photo.truth["exposure_ev"])
    dark, bright = ordered[0], ordered[-1]
    change = bright.truth["exposure_ev"] - dark.truth["exposure_ev"]
    assert change > 0.5
    here, there, expected, found = matches(dark, bright)
    same = np.abs(found - expected) < 0.01 * expected
    one = dark.linear[here[same, 0], here[same, 1]].mean(axis=1)
    other = bright.linear[there[same, 0], there[same, 1]].mean(axis=1)
    usable = (other < 0.8) & (one > 0.02)
    assert usable.sum() > 500
    assert np.log2(np.median(other[usable] / one[usable])) == pytest.approx(change, abs=0.08)


def test_colours_are_the_same_from_everywhere(photos: list[Photo]):
    first, second = photos[-2:]
    here, there, expected, found = matches(first, second)
    same = np.abs(found - expected) < 0.01 * expected
    one = first.linear[here[same, 0], here[same, 1], 1]
    other = second.linear[there[same, 0], there[same, 1], 1]
    assert np.corrcoef(one, other)[0, 1] > 0.7


def test_heldout_views_have_their_own_undistorted_lens(sample: SampleCapture, truth):
    assert truth["heldout_camera"]["model"] == "PINHOLE"
    assert truth["heldout_camera"]["params"] == truth["camera"]["params"][:4]
    with Image.open(sample.heldout / truth["heldout"][0]["name"]) as view:
        assert (view.format, view.size) == ("PNG", (SMALL.width, SMALL.height))
        assert np.asarray(view).std() > 20.0
    centre = np.array(truth["heldout"][0]["center"])
    others = np.array([photo["center"] for photo in truth["photos"]])
    assert np.linalg.norm(others - centre, axis=1).min() > 0.5
