"""The Gaussians of a model and their PLY file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np

from spaceport_splat.arrays import AnyArray, Float32

SH_COEFFICIENTS = (0, 3, 8, 15)
"""Coefficients per colour above the constant one, by degree of the spherical harmonics."""
_PLY_TYPES = {
    "char": "i1",
    "int8": "i1",
    "uchar": "u1",
    "uint8": "u1",
    "short": "i2",
    "int16": "i2",
    "ushort": "u2",
    "uint16": "u2",
    "int": "i4",
    "int32": "i4",
    "uint": "u4",
    "uint32": "u4",
    "float": "f4",
    "float32": "f4",
    "double": "f8",
    "float64": "f8",
}
_MAX_HEADER_LINES = 1000
_MAX_HEADER_LINE = 1000


@dataclass(frozen=True)
class Splats:
    """N Gaussians, in the form in which they are trained and stored.

    Attributes:
        means: [N, 3] centres, in units of the model frame.
        log_scales: [N, 3] natural logarithm of the standard deviation along each axis.
        quats: [N, 4] rotation as w, x, y, z; need not have length one.
        opacity_logits: [N] opacity before the sigmoid.
        sh0: [N, 3] constant coefficient of the spherical harmonics, per colour.
        shN: [N, K, 3] the other coefficients; K is 0, 3, 8 or 15 for degree 0 to 3.
    """

    means: Float32
    log_scales: Float32
    quats: Float32
    opacity_logits: Float32
    sh0: Float32
    shN: Float32  # noqa: N815 - the name that gsplat and the file's readers use

    def __post_init__(self) -> None:
        count = len(self.means)
        shapes = {
            "means": (count, 3),
            "log_scales": (count, 3),
            "quats": (count, 4),
            "opacity_logits": (count,),
            "sh0": (count, 3),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has the shape {getattr(self, name).shape}, expected {shape}")
        if self.shN.ndim != 3 or self.shN.shape[::2] != (count, 3):  # noqa: PLR2004 - N, K, 3
            raise ValueError(f"shN has the shape {self.shN.shape}, expected ({count}, K, 3)")
        if self.shN.shape[1] not in SH_COEFFICIENTS:
            raise ValueError(f"shN has {self.shN.shape[1]} coefficients per colour, expected 0, 3, 8 or 15")

    def __len__(self) -> int:
        return len(self.means)

    def __getitem__(self, index: AnyArray | slice) -> Self:
        """The Gaussians that a mask, a list of indices or a slice picks."""
        return type(self)(
            self.means[index],
            self.log_scales[index],
            self.quats[index],
            self.opacity_logits[index],
            self.sh0[index],
            self.shN[index],
        )

    @property
    def sh_degree(self) -> int:
        """Degree of the spherical harmonics, 0..3."""
        return SH_COEFFICIENTS.index(self.shN.shape[1])

    @property
    def opacities(self) -> Float32:
        """[N] in 0..1."""
        return np.asarray(1 / (1 + np.exp(-self.opacity_logits)), np.float32)


def write_ply(path: Path, splats: Splats) -> None:
    """Writes the layout of the original 3D Gaussian splatting code (binary, little endian, float32).

    That layout has normals, which are zero, and holds `f_rest` channel by channel: all coefficients of red,
    then green, then blue.
    """
    count = len(splats)
    columns = _column_names(splats.shN.shape[1])
    rows = np.concatenate(
        [
            splats.means,
            np.zeros((count, 3), np.float32),
            splats.sh0,
            splats.shN.transpose(0, 2, 1).reshape(count, -1),
            splats.opacity_logits[:, None],
            splats.log_scales,
            splats.quats,
        ],
        axis=1,
    ).astype("<f4")
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {count}"]
    header += [f"property float {name}" for name in columns]
    header += ["end_header", ""]
    with path.open("wb") as file:
        file.write("\n".join(header).encode("ascii"))
        file.write(rows.tobytes())


def read_ply(path: Path) -> Splats:
    """Reads a splat PLY file (binary, little endian), its properties in any order.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a PLY file, not one of splats, or cut short; the message says which.
    """
    with path.open("rb") as file:
        count, dtype = _read_header(file, path.name)
        size = count * dtype.itemsize
        body = file.read(size)
    if len(body) < size:
        raise ValueError(
            f"{path.name} is cut short: {len(body)} of {size} bytes of {count} splats are there."
        )
    vertices = np.frombuffer(body, dtype)
    names = set(dtype.names or ())
    rest = sum(1 for name in names if name.startswith("f_rest_"))
    if rest % 3 or rest // 3 not in SH_COEFFICIENTS:
        raise ValueError(f"{path.name} has {rest} f_rest properties; a splat file has 0, 9, 24 or 45.")
    needed = [name for name in _column_names(rest // 3) if name not in ("nx", "ny", "nz")]
    missing = [name for name in needed if name not in names]
    if missing:
        raise ValueError(f"{path.name} is not a splat file: it has no {', '.join(missing)}.")

    def columns(*wanted: str) -> Float32:
        if not wanted:
            return np.empty((count, 0), np.float32)
        return np.stack([vertices[name].astype(np.float32) for name in wanted], axis=1)

    return Splats(
        means=columns("x", "y", "z"),
        log_scales=columns("scale_0", "scale_1", "scale_2"),
        quats=columns("rot_0", "rot_1", "rot_2", "rot_3"),
        opacity_logits=columns("opacity")[:, 0],
        sh0=columns("f_dc_0", "f_dc_1", "f_dc_2"),
        shN=np.ascontiguousarray(
            columns(*(f"f_rest_{index}" for index in range(rest)))
            .reshape(count, 3, rest // 3)
            .transpose(0, 2, 1)
        ),
    )


def _column_names(coefficients: int) -> list[str]:
    return [
        *("x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"),
        *(f"f_rest_{index}" for index in range(3 * coefficients)),
        *("opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"),
    ]


def _read_header(file: BinaryIO, name: str) -> tuple[int, np.dtype[np.void]]:
    """Reads up to `end_header`: the number of vertices and the type of one."""
    if file.readline().strip() != b"ply":
        raise ValueError(f"{name} is not a PLY file.")
    elements: list[tuple[str, int]] = []
    fields: list[tuple[str, str]] = []
    for words in _header_lines(file, name):
        match words:
            case ["format", kind, *_] if kind != "binary_little_endian":
                raise ValueError(
                    f"{name} is a PLY file of the kind {kind}; only binary_little_endian is read."
                )
            case ["element", element, count]:
                elements.append((element, int(count)))
            case ["property", kind, *_, field] if len(elements) == 1:
                if kind not in _PLY_TYPES:
                    raise ValueError(
                        f"{name} is not a splat file: its property {field} is of the type {kind}."
                    )
                fields.append((field, f"<{_PLY_TYPES[kind]}"))
    if not elements or elements[0][0] != "vertex":
        raise ValueError(f"{name} is not a splat file: it does not begin with vertices.")
    return elements[0][1], np.dtype(fields)


def _header_lines(file: BinaryIO, name: str) -> Iterator[list[str]]:
    for _ in range(_MAX_HEADER_LINES):
        line = file.readline(_MAX_HEADER_LINE).decode("ascii", errors="replace")
        if line.strip() == "end_header":
            return
        yield line.split()
    raise ValueError(f"{name} has no end of its header.")
