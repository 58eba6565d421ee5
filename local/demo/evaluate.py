"""How far a reconstruction is from the truth that the sample capture knows."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pycolmap

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CameraErrors:
    """Distances between estimated and true camera centres.

    Attributes:
        names: The registered photos that have a truth.
        estimated: Their centres, in metres east, north, up of the truth's origin, [N, 3].
        true: Their true centres in the same frame, [N, 3].
        shape_rmse_m: After the similarity that fits best: the error of the shape alone.
        georef_rmse_m: As georeferenced, with nothing fitted; None without a georeference.
    """

    names: list[str]
    estimated: Points
    true: Points
    shape_rmse_m: float
    georef_rmse_m: float | None


def rmse(differences: Points) -> float:
    """Returns the root mean square length of the rows of [N, 3]."""
    return float(np.sqrt((differences**2).sum(axis=1).mean()))


def align_similarity(source: Points, target: Points) -> Points:
    """Returns the source moved onto the target by the similarity with the least squared error, [N, 3].

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 1991,
    equations 40 to 42.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    source_centred, target_centred = source - source_mean, target - target_mean
    u, singular, vt = np.linalg.svd(target_centred.T @ source_centred / len(source))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ np.diag(signs) @ vt
    scale = (singular * signs).sum() / source_centred.var(axis=0).sum()
    aligned: Points = scale * source_centred @ rotation.T + target_mean
    return aligned


def camera_centres(sfm: Path) -> dict[str, Points]:
    """Returns each registered photo's camera centre in model space, metres, by file name."""
    model = pycolmap.Reconstruction(str(sfm / "sparse" / "0"))
    return {
        image.name: np.asarray(image.projection_center()) for image in model.images.values() if image.has_pose
    }


def to_enu(points: Points, georeference: dict[str, object], origin: dict[str, float]) -> Points | None:
    """Moves points from model space to metres east, north, up of an origin, [N, 3].

    Args:
        points: In model space, [N, 3].
        georeference: The content of georeference.json.
        origin: latitude, longitude (degrees) and altitude_m of the frame to express them in.

    Returns:
        The points, or None where the model has no place in the world.
    """
    own = georeference["origin"]
    if not isinstance(own, dict):
        return None
    transform = georeference["model_to_enu"]
    assert isinstance(transform, dict)  # noqa: S101 - the schema of georeference.json
    enu = transform["scale"] * points @ np.array(transform["rotation"]).T + np.array(transform["translation"])
    gps = pycolmap.GPSTransform(pycolmap.GPSTransformEllipsoid.WGS84)
    world = gps.enu_to_ellipsoid(enu, own["latitude"], own["longitude"], own["altitude_m"])
    moved: Points = gps.ellipsoid_to_enu(world, origin["latitude"], origin["longitude"], origin["altitude_m"])
    return moved


def compare_cameras(sfm: Path, truth: Path) -> CameraErrors:
    """Compares the camera centres of an SfM result with those that the sample capture was made from.

    Args:
        sfm: The folder of an SfM result.
        truth: The truth.json of the sample capture.
    """
    known = json.loads(truth.read_text())
    true_centres = {Path(photo["name"]).name: np.array(photo["center"]) for photo in known["photos"]}
    centres = {Path(name).name: centre for name, centre in camera_centres(sfm).items()}
    names = sorted(set(true_centres) & set(centres))
    true = np.array([true_centres[name] for name in names])
    model = np.array([centres[name] for name in names])
    georeference = json.loads((sfm / "georeference.json").read_text())
    placed = to_enu(model, georeference, known["origin"])
    aligned = align_similarity(model, true)
    return CameraErrors(
        names=names,
        estimated=aligned if placed is None else placed,
        true=true,
        shape_rmse_m=rmse(aligned - true),
        georef_rmse_m=None if placed is None else rmse(placed - true),
    )
