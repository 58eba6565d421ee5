"""A small place made of splats, recognisable from any side, and the capture that would have seen it."""

import numpy as np
from numpy.typing import NDArray
from spaceport_job.records import Camera, Matrix4
from spaceport_splat.splats import Splats

SH_C0 = 0.28209479177387814
MODEL_FROM_ENU = np.array([[-1.0, 0, 0], [0, 0, -1], [0, -1, 0]])
ORBIT_RADIUS, ORBIT_HEIGHT = 30.0, 22.0

RED, GREEN, BLUE, YELLOW, GREY = (
    np.array(colour)
    for colour in ([0.85, 0.1, 0.1], [0.1, 0.75, 0.15], [0.1, 0.2, 0.9], [0.9, 0.8, 0.1], [0.5] * 3)
)


def _box(
    random: np.random.Generator, count: int, centre: tuple[float, float], size: tuple[float, float, float]
) -> NDArray[np.float64]:
    """Points in a box that stands on the ground, in east-north-up metres."""
    unit = random.uniform(-0.5, 0.5, (count, 3))
    unit[:, 2] += 0.5
    return np.asarray(unit * size + np.array([*centre, 0.0]))


def landmark_scene(count: int = 4000, *, seed: int = 5, coefficients: int = 3) -> Splats:
    """Grey chequered ground; boxes: red in the north, green east, blue west; a yellow tower in the middle."""
    random = np.random.default_rng(seed)
    ground = count // 2
    part = (count - ground) // 4
    flat = np.column_stack([random.uniform(-15, 15, (ground, 2)), np.zeros(ground)])
    chequer = np.where((np.floor(flat[:, :2] / 5).sum(axis=1) % 2)[:, None] > 0, GREY, GREY * 0.6)
    points = np.concatenate(
        [
            flat,
            _box(random, part, (4, 11), (5, 3, 3)),
            _box(random, part, (11, 0), (3, 5, 3)),
            _box(random, part, (-11, 0), (3, 5, 3)),
            _box(random, part, (0, 0), (2, 2, 9)),
        ]
    )
    colours = np.concatenate(
        [chequer, *(np.tile(colour, (part, 1)) for colour in (RED, GREEN, BLUE, YELLOW))]
    )
    number = len(points)
    scale = np.where(np.arange(number) < ground, 0.45, 0.25)
    harmonics = random.normal(0, 0.02, (number, coefficients, 3))
    return Splats(
        means=(points @ MODEL_FROM_ENU.T).astype(np.float32),
        log_scales=np.log(scale[:, None] * random.uniform(0.8, 1.2, (number, 3))).astype(np.float32),
        quats=random.normal(size=(number, 4)).astype(np.float32),
        opacity_logits=np.full(number, 3.0, np.float32),
        sh0=((colours - 0.5) / SH_C0).astype(np.float32),
        shN=harmonics.astype(np.float32),
    )


def orbit_cameras(
    count: int = 8, *, width: int = 240, height: int = 160, heldout_every: int = 4, start: float = 0.0
) -> list[Camera]:
    """Cameras on a circle that look at the tower's foot, in the model frame, from south + `start` on."""
    return [
        Camera(
            name=f"photo_{index:03}.jpg",
            width=width,
            height=height,
            fx=width * 0.8,
            fy=width * 0.8,
            cx=width / 2,
            cy=height / 2,
            cam_from_model=_looking_at_middle(start + 2 * np.pi * index / count),
            split="heldout" if index % heldout_every == 1 else "train",
        )
        for index in range(count)
    ]


def _looking_at_middle(angle: float) -> Matrix4:
    centre = np.array([ORBIT_RADIUS * np.sin(angle), -ORBIT_RADIUS * np.cos(angle), ORBIT_HEIGHT])
    forward = -centre / np.linalg.norm(centre)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    cam_from_enu = np.eye(4)
    cam_from_enu[:3, :3] = np.stack([right, np.cross(forward, right), forward])
    cam_from_enu[:3, 3] = -cam_from_enu[:3, :3] @ centre
    enu_from_model = np.eye(4)
    enu_from_model[:3, :3] = MODEL_FROM_ENU.T
    rows = [tuple(float(value) for value in row) for row in cam_from_enu @ enu_from_model]
    return (rows[0], rows[1], rows[2], rows[3])  # type: ignore[return-value]  # four numbers each
