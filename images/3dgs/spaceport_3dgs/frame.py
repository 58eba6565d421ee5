"""The model frame: the viewer's axes, centred on the scene, in metres.

SfM hands over east-north-up metres. The model's file has x = -east, y = -up, z = -north: a viewer that turns
files by half a turn about z, as PlayCanvas does with splats, shows it upright. Everything is brought there
before training, for turning trained spherical harmonics would cost accuracy.
"""

import numpy as np
from numpy.typing import NDArray
from spaceport_job import Georeference, Similarity
from spaceport_job.records import Matrix3, Vector3

Array = NDArray[np.float64]

MODEL_FROM_ENU: Array = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, -1.0, 0.0]])
"""Rotation from east, north, up to the model's axes."""


def to_model(points: Array, center: Array) -> Array:
    """Points [N, 3] of the SfM frame in the model frame, whose origin is `center` [3] of the SfM frame."""
    return (points - center) @ MODEL_FROM_ENU.T


def camera_to_model(cam_from_sfm: Array, center: Array) -> Array:
    """A camera's [4, 4] transform from the model frame, from its [3, 4] or [4, 4] from the SfM frame."""
    rotation, translation = cam_from_sfm[:3, :3], cam_from_sfm[:3, 3]
    result = np.eye(4)
    result[:3, :3] = rotation @ MODEL_FROM_ENU.T
    result[:3, 3] = translation + rotation @ center
    return result


def compose(georeference: Georeference, center: Array) -> Georeference:
    """The georeference of the model frame, from that of the SfM frame.

    With x_enu = s R x_sfm + t and x_sfm = M^T x_model + c it is x_enu = s (R M^T) x_model + (s R c + t).
    """
    old = georeference.model_to_enu
    rotation = np.array(old.rotation)
    translation = old.scale * rotation @ center + np.array(old.translation)
    composed = Similarity(
        scale=old.scale,
        rotation=_matrix3(rotation @ MODEL_FROM_ENU.T),
        translation=_vector3(translation),
    )
    return georeference.model_copy(update={"model_to_enu": composed})


def _vector3(values: Array) -> Vector3:
    x, y, z = (float(value) for value in values)
    return (x, y, z)


def _matrix3(rows: Array) -> Matrix3:
    first, second, third = (_vector3(row) for row in rows)
    return (first, second, third)
