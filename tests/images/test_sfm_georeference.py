"""Georeferencing: known similarities are recovered, wrong positions do not bend them, and doubt is said."""

import numpy as np
import pytest
from spaceport_sfm.georeference import Placement, place_by_gps
from spaceport_sfm.matching import enu_positions
from spaceport_sfm.photos import Gimbal, GpsPosition
from spaceport_sfm.similarity import (
    Points,
    SimilarityTransform,
    fit_similarity,
    fit_similarity_robust,
)
from spaceport_sfm.uprightness import north_from_gimbals, up_from_cameras, up_from_gimbals

ORIGIN = GpsPosition(47.05, 8.3, 450.0)
METRES_PER_DEGREE = 111_320.0


def rotation(seed: int) -> Points:
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


def model_from_world(seed: int) -> SimilarityTransform:
    random = np.random.default_rng(seed)
    return SimilarityTransform(float(random.uniform(0.01, 5)), rotation(seed), random.normal(size=3) * 10)


def orbit(count: int = 24) -> Points:
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([30 * np.cos(angles), 30 * np.sin(angles), 20 + 10 * (np.arange(count) % 3)], axis=1)


def to_gps(enu: Points) -> list[GpsPosition]:
    """WGS84 of ENU points by Newton steps on the forward transform: independent of the one under test."""
    guess = np.array([[ORIGIN.latitude, ORIGIN.longitude, ORIGIN.altitude_m]] * len(enu))
    metres = np.array([METRES_PER_DEGREE, METRES_PER_DEGREE * np.cos(np.radians(ORIGIN.latitude)), 1.0])
    for _ in range(20):
        error = enu - geodetic_enu(guess)
        guess += error[:, [1, 0, 2]] / metres
    return [GpsPosition(*row) for row in guess]


def geodetic_enu(degrees: Points) -> Points:
    """ENU from latitude, longitude, altitude by the textbook formulas (WGS84, through ECEF)."""

    def ecef(rows: Points) -> Points:
        latitude, longitude = np.radians(rows[:, 0]), np.radians(rows[:, 1])
        a, e2 = 6378137.0, 6.69437999014e-3
        n = a / np.sqrt(1 - e2 * np.sin(latitude) ** 2)
        radius = (n + rows[:, 2]) * np.cos(latitude)
        return np.stack(
            [
                radius * np.cos(longitude),
                radius * np.sin(longitude),
                (n * (1 - e2) + rows[:, 2]) * np.sin(latitude),
            ],
            axis=1,
        )

    reference = np.array([[ORIGIN.latitude, ORIGIN.longitude, ORIGIN.altitude_m]])
    lat, lon = np.radians(reference[0, :2])
    axes = np.array(
        [
            [-np.sin(lon), np.cos(lon), 0],
            [-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)],
            [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)],
        ]
    )
    return np.asarray((ecef(degrees) - ecef(reference)) @ axes.T)


def place(truth: Points, gps: Points, seed: int = 1) -> Placement | str:
    """Places a model of camera centres whose true and measured ENU positions are given."""
    world_to_model = model_from_world(seed)
    names = [f"{index:03d}.jpg" for index in range(len(truth))]
    ground = np.random.default_rng(0).uniform(-20, 20, (500, 3)) * [1, 1, 0.01]
    return place_by_gps(
        dict(zip(names, world_to_model.apply(truth), strict=True)),
        dict(zip(names, to_gps(gps), strict=True)),
        world_to_model.apply(ground),
    )


def error_to_truth(placement: Placement, truth: Points, seed: int = 1) -> Points:
    """Distances in metres between the placed centres and the truth, both in the placement's ENU: [N]."""
    assert placement.origin is not None
    placed = placement.transform.apply(model_from_world(seed).apply(truth))
    return np.asarray(np.linalg.norm(placed - enu_positions(to_gps(truth), placement.origin), axis=1))


@pytest.mark.parametrize("seed", range(5))
def test_a_known_similarity_is_recovered(seed: int) -> None:
    expected = model_from_world(seed)
    source = np.random.default_rng(seed + 100).normal(size=(12, 3))
    found = fit_similarity(source, expected.apply(source))
    assert found.scale == pytest.approx(expected.scale)
    np.testing.assert_allclose(found.rotation, expected.rotation, atol=1e-9)
    np.testing.assert_allclose(found.translation, expected.translation, atol=1e-9)


def test_a_mirrored_set_never_gives_a_mirror() -> None:
    source = np.random.default_rng(3).normal(size=(20, 3))
    found = fit_similarity(source, source * [1, 1, -1])
    assert np.linalg.det(found.rotation) == pytest.approx(1)


@pytest.mark.parametrize("bad", [1, 5, 10])
def test_outliers_below_half_change_nothing(bad: int) -> None:
    random = np.random.default_rng(bad)
    source = random.normal(size=(24, 3)) * 10
    expected = model_from_world(7)
    target = expected.apply(source)
    target[:bad] += random.normal(size=(bad, 3)) * 50
    fit = fit_similarity_robust(source, target)
    assert fit is not None
    assert fit.inliers.tolist() == [False] * bad + [True] * (24 - bad)
    assert fit.transform.scale == pytest.approx(expected.scale)


def test_enu_agrees_with_the_textbook_over_kilometres() -> None:
    rows = np.array([[47.06, 8.32, 500.0], [47.0, 8.2, 300.0], [47.05, 8.3, 450.0]])
    found = enu_positions([GpsPosition(*row) for row in rows], ORIGIN)
    np.testing.assert_allclose(found, geodetic_enu(rows), atol=1e-5)


def test_exact_gps_places_the_model_exactly() -> None:
    placement = place(orbit(), orbit())
    assert isinstance(placement, Placement)
    assert error_to_truth(placement, orbit()).max() < 1e-4
    assert placement.record().source == "exif_gps"
    assert placement.warnings == ()


def test_noise_averages_out_and_the_residuals_tell_its_size() -> None:
    random = np.random.default_rng(5)
    noise = random.normal(size=(24, 3)) * 0.3
    placement = place(orbit(), orbit() + noise)
    assert isinstance(placement, Placement)
    error = np.sqrt((error_to_truth(placement, orbit()) ** 2).mean())
    assert error < 0.26
    residuals = placement.record().residuals
    assert residuals is not None
    assert residuals.rmse_m == pytest.approx(0.3 * np.sqrt(3), rel=0.35)
    assert residuals.rmse_m == pytest.approx(np.hypot(residuals.horizontal_rmse_m, residuals.vertical_rmse_m))


def test_a_wrong_position_is_left_out_and_named() -> None:
    random = np.random.default_rng(6)
    gps = orbit() + random.normal(size=(24, 3)) * 0.3
    gps[4] += [40, 0, 0]
    gps[9] += [0, 0, 80]
    placement = place(orbit(), gps)
    assert isinstance(placement, Placement)
    assert np.sqrt((error_to_truth(placement, orbit()) ** 2).mean()) < 0.3
    assert {"004.jpg", "009.jpg"}.isdisjoint(placement.inliers)
    assert "004.jpg, 009.jpg" in " ".join(placement.warnings)
    record = placement.record().residuals
    assert record is not None
    assert np.linalg.norm(record.per_photo["004.jpg"]) == pytest.approx(40, abs=3)


def test_the_ground_is_at_height_zero() -> None:
    placement = place(orbit(), orbit())
    assert isinstance(placement, Placement)
    assert placement.origin is not None
    assert placement.origin.altitude_m == pytest.approx(ORIGIN.altitude_m, abs=0.1)


def test_too_few_positions() -> None:
    reason = place(orbit()[:3], orbit()[:3])
    assert reason == "Only 3 of the 3 photos carry a GPS position."


def test_positions_on_a_line_do_not_place_a_model() -> None:
    line = np.outer(np.arange(12.0), [5.0, 2.0, 0.0])
    random = np.random.default_rng(8)
    reason = place(line + random.normal(size=line.shape) * 0.01, line + random.normal(size=line.shape) * 0.3)
    assert isinstance(reason, str)
    assert "line" in reason


def test_a_narrow_strip_does_not_tell_the_tilt_through_the_noise_of_gps() -> None:
    index = np.arange(24.0)
    strip = np.stack([4 * index, 0.8 * (index % 2), np.zeros(24)], axis=1)
    noise = np.random.default_rng(12).normal(size=strip.shape) * 0.3
    reason = place(strip, strip + noise)
    assert isinstance(reason, str)
    assert "line" in reason


def test_positions_of_a_hovering_drone_do_not_place_a_model() -> None:
    random = np.random.default_rng(9)
    assert isinstance(place(orbit(), random.normal(size=(24, 3)) * 0.3), str)


def test_positions_that_contradict_the_model_are_refused() -> None:
    random = np.random.default_rng(10)
    reason = place(orbit(), random.uniform(-30, 30, (24, 3)))
    assert isinstance(reason, str)
    assert "contradict" in reason


def look_at(centre: Points, target: Points, up: Points) -> Points:
    """World-from-camera rotation, OpenCV axes."""
    forward = (target - centre) / np.linalg.norm(target - centre)
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward], axis=1)


def attitude(yaw: float, pitch: float) -> Points:
    """World-from-camera rotation of a level camera in ENU by heading and pitch, in degrees."""
    y, p = np.radians([yaw, pitch])
    forward = np.array([np.sin(y) * np.cos(p), np.cos(y) * np.cos(p), np.sin(p)])
    right = np.array([np.cos(y), -np.sin(y), 0.0])
    return np.stack([right, np.cross(forward, right), forward], axis=1)


@pytest.mark.parametrize("pitch", [-90.0, -60.0, -20.0, 0.0])
def test_gimbal_angles_give_up_and_north(pitch: float) -> None:
    model_axes = rotation(4)
    yaws = (0.0, 50.0, 170.0, -100.0)
    rotations = {str(yaw): model_axes @ attitude(yaw, pitch) for yaw in yaws}
    gimbals = {str(yaw): Gimbal(yaw, pitch, 0.0) for yaw in yaws}
    up = up_from_gimbals(rotations, gimbals)
    assert up is not None
    np.testing.assert_allclose(up, model_axes[:, 2], atol=1e-9)
    north = north_from_gimbals(rotations, gimbals, up)
    assert north is not None
    np.testing.assert_allclose(north, model_axes[:, 1], atol=1e-9)


def test_gimbal_angles_that_disagree_are_not_believed() -> None:
    rotations = {str(index): rotation(index) for index in range(6)}
    gimbals = {str(index): Gimbal(0.0, -90.0, 0.0) for index in range(6)}
    assert up_from_gimbals(rotations, gimbals) is None


def test_a_gimbal_that_turned_over_costs_north_but_not_up() -> None:
    rotations = {str(index): attitude(45.0, -90.0) for index in range(6)}
    gimbals = {str(index): Gimbal(45.0 if index % 2 else -135.0, -90.0, 0.0) for index in range(6)}
    up = up_from_gimbals(rotations, gimbals)
    assert up is not None
    np.testing.assert_allclose(up, [0, 0, 1], atol=1e-9)
    assert north_from_gimbals(rotations, gimbals, up) is None


def test_without_any_gimbal_there_is_no_up_of_it() -> None:
    assert up_from_gimbals({"a": rotation(1)}, {}) is None


def test_cameras_around_a_place_tell_up() -> None:
    model_axes = rotation(11)
    centres = orbit()
    rotations = np.array([model_axes @ look_at(c, np.zeros(3), np.array([0, 0, 1.0])) for c in centres])
    np.testing.assert_allclose(up_from_cameras(rotations), model_axes[:, 2], atol=1e-6)


def test_cameras_looking_down_in_strips_tell_up() -> None:
    model_axes = rotation(12)
    random = np.random.default_rng(12)
    tilts = random.normal(size=(18, 2)) * 1.0
    rotations = np.array(
        [model_axes @ attitude(180.0 * (i % 2) + a, -90.0 + abs(b)) for i, (a, b) in enumerate(tilts)]
    )
    up = up_from_cameras(rotations)
    assert up @ (model_axes @ [0, 0, 1.0]) > np.cos(np.radians(5))
