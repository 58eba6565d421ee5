import math

import numpy as np
import pytest
from spaceport_compressor.opening_view import UP, OpeningView, opening_view
from spaceport_compressor.viewer_settings import viewer_position, viewer_settings
from spaceport_job.records import Camera

from tests.images.compressor_scene import (
    MODEL_FROM_ENU,
    ORBIT_HEIGHT,
    ORBIT_RADIUS,
    landmark_scene,
    orbit_cameras,
)


def elevation(view: OpeningView) -> float:
    offset = view.position - view.target
    return math.degrees(math.asin(offset @ UP / np.linalg.norm(offset)))


def nadir_cameras() -> list[Camera]:
    """A grid 60 m up that looks straight down, with the photos' tops to the north."""
    cameras = []
    for east in (-20, 0, 20):
        for north in (-20, 0, 20):
            cam_from_enu = np.eye(4)
            cam_from_enu[:3, :3] = [[1, 0, 0], [0, -1, 0], [0, 0, -1]]
            cam_from_enu[:3, 3] = -cam_from_enu[:3, :3] @ [east, north, 60]
            enu_from_model = np.eye(4)
            enu_from_model[:3, :3] = MODEL_FROM_ENU.T
            rows = (cam_from_enu @ enu_from_model).tolist()
            cameras.append(orbit_cameras(1)[0].model_copy(update={"cam_from_model": rows}))
    return cameras


def test_an_orbit_is_opened_at_what_it_looks_at_from_its_own_distance():
    view = opening_view(orbit_cameras(), landmark_scene().means)
    assert np.linalg.norm(view.target) < 0.05
    assert np.linalg.norm(view.position) == pytest.approx(math.hypot(ORBIT_RADIUS, ORBIT_HEIGHT), rel=0.01)
    assert elevation(view) == pytest.approx(math.degrees(math.atan2(ORBIT_HEIGHT, ORBIT_RADIUS)), abs=0.5)


def test_of_equally_good_sides_the_southern_one_is_taken():
    view = opening_view(orbit_cameras(), landmark_scene().means)
    east, up, minus_north = viewer_position(view.position)
    assert abs(east) < 0.1
    assert up > 0
    assert minus_north > 20


def test_a_capture_from_one_side_is_opened_from_that_side():
    eastern = orbit_cameras()[1:4]
    view = opening_view(eastern, landmark_scene().means)
    east, _, minus_north = viewer_position(view.position)
    assert east > abs(minus_north) - 1e-6


def test_photos_straight_down_are_opened_from_almost_straight_above_with_north_up():
    means = landmark_scene().means
    view = opening_view(nadir_cameras(), means)
    assert 65 <= elevation(view) <= 80
    east, up, minus_north = viewer_position(view.position - view.target)
    assert abs(east) < 1e-6
    assert minus_north > 0
    assert up > 0
    lowest, highest = means.min(axis=0) - 1, means.max(axis=0) + 1
    assert ((view.target > lowest) & (view.target < highest)).all(), "it looks at the scene, not below it"


def test_photos_that_look_outwards_open_at_the_middle_of_the_model():
    outward = []
    for camera in orbit_cameras():
        turned = np.diag([-1.0, 1, -1, 1]) @ np.array(camera.cam_from_model)
        outward.append(camera.model_copy(update={"cam_from_model": turned.tolist()}))
    means = landmark_scene().means
    view = opening_view(outward, means)
    assert np.allclose(view.target, np.median(means, axis=0))
    assert np.linalg.norm(view.position - view.target) > 5


def test_without_cameras_the_model_decides():
    means = landmark_scene().means
    view = opening_view([], means)
    assert np.allclose(view.target, np.median(means, axis=0))
    assert elevation(view) > 20


def test_one_camera_is_enough():
    view = opening_view(orbit_cameras(1), landmark_scene().means)
    assert np.isfinite(view.position).all()
    assert elevation(view) > 15


def test_a_single_splat_has_a_view():
    view = opening_view([], np.zeros((1, 3), np.float32))
    assert np.linalg.norm(view.position - view.target) > 0


def test_the_camera_looks_at_its_target_with_up_on_top():
    view = opening_view(orbit_cameras(), landmark_scene().means)
    transform = view.cam_from_model()
    assert np.allclose(transform[:3, :3] @ transform[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(transform[:3, :3]) == pytest.approx(1)
    x, y, z = transform[:3, :3] @ view.target + transform[:3, 3]
    assert (x, y) == pytest.approx((0, 0), abs=1e-9)
    assert z == pytest.approx(np.linalg.norm(view.position - view.target))
    assert (transform[:3, :3] @ UP)[1] < 0, "up in the model is up in the picture (image y grows down)"


def test_the_settings_say_it_in_the_viewers_world():
    """World = (east, up, -north), which a point of the scene shows."""
    assert viewer_position(MODEL_FROM_ENU @ [3.0, 5.0, 7.0]) == [3, 7, -5]
    view = opening_view(orbit_cameras(), landmark_scene().means)
    initial = viewer_settings(view, "")["cameras"][0]["initial"]
    assert initial["position"] == viewer_position(view.position)
    assert math.tan(math.radians(initial["fov"]) / 2) * view.focal_length(960) == pytest.approx(480, rel=1e-4)
