"""The sample capture's lens, gimbal and sensor: no scene is rendered here."""

import math

import numpy as np
import pycolmap
import pytest

from local.capture.camera import Intrinsics, Pose, looking_at, posed, ray
from local.capture.flight import fly_plan, make_plan
from local.capture.photo import add_sensor_noise, expose, to_bytes
from local.capture.relief import ground_height
from local.capture.settings import CaptureSettings
from local.capture.truth import draw_photo_truths
from local.flight import read_litchi

LENS = Intrinsics(640, 480, 500.0, (-0.03, 0.006, 0.0003, -0.0002))


def test_rays_are_those_of_colmaps_camera_model():
    pose = Pose((3.0, -4.0, 20.0), yaw=130.0, pitch=-35.0, roll=2.0)
    camera = posed(LENS, pose)
    colmap = pycolmap.Camera(model=LENS.model, width=640, height=480, params=LENS.params)
    for pixel in ((0.5, 0.5), (639.5, 479.5), (600.0, 30.0), (320.0, 240.0)):
        direction, depth_per_metre = ray(camera, *pixel)
        in_camera = pose.rotation @ np.array(direction)
        assert in_camera[2] == pytest.approx(depth_per_metre, abs=1e-12)
        assert colmap.img_from_cam(in_camera[None])[0] == pytest.approx(pixel, abs=1e-8)


def test_a_lens_without_distortion_is_a_pinhole():
    lens = Intrinsics(640, 480, 500.0)
    assert (lens.model, lens.params) == ("PINHOLE", [500.0, 500.0, 320.0, 240.0])
    (x, y, z), _ = ray(posed(lens, Pose((0.0, 0.0, 0.0), yaw=0.0, pitch=0.0)), 420.0, 240.0)
    assert x / y == pytest.approx(100.0 / 500.0)
    assert z == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("yaw", "pitch", "forward", "up_in_image"),
    [
        (0.0, 0.0, (0, 1, 0), (0, 0, 1)),
        (90.0, 0.0, (1, 0, 0), (0, 0, 1)),
        (0.0, -90.0, (0, 0, -1), (0, 1, 0)),
        (-90.0, -90.0, (0, 0, -1), (-1, 0, 0)),
    ],
)
def test_gimbal_angles_count_from_north_over_east(yaw, pitch, forward, up_in_image):
    right, down, ahead = Pose((0.0, 0.0, 0.0), yaw, pitch).rotation
    assert ahead == pytest.approx(forward, abs=1e-12)
    assert -down == pytest.approx(up_in_image, abs=1e-12)
    assert np.cross(right, down) == pytest.approx(ahead, abs=1e-12)


def test_a_positive_roll_lowers_the_right_side():
    assert Pose((0.0, 0.0, 0.0), yaw=40.0, pitch=-20.0, roll=5.0).rotation[0, 2] < 0.0


def test_what_a_camera_looks_at_is_in_its_middle():
    centre, target = np.array([10.0, -20.0, 18.0]), np.array([1.0, 2.0, 0.5])
    matrix = looking_at(centre, target, roll=3.0).cam_from_world
    seen = matrix @ np.append(target, 1.0)
    assert seen[:2] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert seen[2] == pytest.approx(np.linalg.norm(target - centre))
    assert (matrix @ np.append(centre, 1.0))[:3] == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)


@pytest.fixture(scope="module")
def flight_plan() -> str:
    return make_plan(CaptureSettings())


def photos_of(shots):
    return [shot for shot in shots if shot.kind == "photo"]


def test_the_photos_are_taken_on_the_planned_route(flight_plan):
    settings = CaptureSettings()
    shots = fly_plan(settings, flight_plan)
    photos = photos_of(shots)
    assert len(photos) == settings.photos
    assert len(shots) == settings.photos + settings.heldout_views
    assert len({shot.name for shot in shots}) == len(shots)
    route = read_litchi(flight_plan).waypoints
    metres = 111_320.0
    corners = np.array(
        [
            (
                (one.longitude - settings.longitude) * metres * math.cos(math.radians(settings.latitude)),
                (one.latitude - settings.latitude) * metres,
                one.height,
            )
            for one in route
        ]
    )
    level = ground_height(corners[0, 0], corners[0, 1], settings.seed)
    legs = np.diff(corners, axis=0)
    for shot in photos:
        away = np.array(shot.pose.centre) - (0, 0, level) - corners[:-1]
        share = np.clip((away * legs).sum(axis=1) / (legs**2).sum(axis=1), 0, 1)
        # Some metres within the corners that it cuts, and a little beside its way.
        assert np.linalg.norm(away - share[:, None] * legs, axis=1).min() < 4.0


def test_the_photos_see_the_middle_from_every_side(flight_plan):
    poses = [shot.pose for shot in photos_of(fly_plan(CaptureSettings(), flight_plan))]
    around = np.sort(np.arctan2([pose.centre[1] for pose in poses], [pose.centre[0] for pose in poses]))
    assert np.diff(around, append=around[0] + 2 * math.pi).max() < math.radians(40)
    lens = CaptureSettings()
    for pose in poses:
        x, y, depth = pose.rotation @ -np.array(pose.centre)
        assert abs(x) < depth * lens.width / 2 / lens.focal_px
        assert abs(y) < depth * lens.height / 2 / lens.focal_px


def test_more_photos_than_the_flight_takes_are_refused(flight_plan):
    with pytest.raises(ValueError, match=r"takes \d+ photos, and 900 are wanted"):
        fly_plan(CaptureSettings(photos=900), flight_plan)


def test_gps_noise_and_exposures_are_as_the_settings_say(flight_plan):
    settings = CaptureSettings(gps_sigma_m=0.7, exposure_ev=0.2)
    photos = photos_of(fly_plan(settings, flight_plan))
    truths = draw_photo_truths(photos * 40, settings)
    noise = np.array([truth.gps_noise_m for truth in truths])
    assert np.sqrt((noise**2).mean(axis=0)) == pytest.approx([0.7] * 3, rel=0.08)
    assert np.abs(noise.mean(axis=0)).max() < 0.1
    exposures = np.array([truth.exposure_ev for truth in truths])
    assert (exposures.min(), exposures.max()) == pytest.approx((-0.2, 0.2))
    assert exposures.mean() == pytest.approx(0.0, abs=1e-9)


def test_the_sensors_noise_is_as_asked_for_at_middle_grey():
    grey = np.full((200, 200, 3), 0.18, np.float32)
    noisy = to_bytes(add_sensor_noise(grey, 4.0, np.random.default_rng(1))).astype(float)
    assert noisy.std() == pytest.approx(4.0, rel=0.05)
    assert (to_bytes(add_sensor_noise(grey, 0.0, np.random.default_rng(1))) == to_bytes(grey)).all()


def test_one_ev_is_twice_the_light():
    grey = np.full((1, 1, 3), 0.1, np.float32)
    assert expose(grey, 1.0) == pytest.approx(2.0 * grey)


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 8},
        {"photos": 0},
        {"heldout_views": -1},
        {"gps_sigma_m": -0.1},
        {"antialiasing": 0},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=r"pixels|photo|negative|antialiasing"):
        CaptureSettings(**wrong)
