"""Writes and reads SPZ version 3 (github.com/nianticlabs/spz): the exchange format beside the page's SOG.

A gzip stream: a header of 16 bytes, then all positions, opacities, colours, scales, rotations, harmonics. Its
axes are right, up, back; those of a splat file right, down, forward: half a turn around x, which flips signs.
"""

import gzip
import math
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from spaceport_splat.splats import Splats

from spaceport_compressor.sog_format import COEFFICIENTS

MAGIC = 0x5053474E
VERSION = 3
_HEADER = struct.Struct("<IIIBBBB")
_MOST_FRACTIONAL_BITS = 16
_POSITION_LIMIT = 2**23 - 1
_COLOUR_SCALE = 0.15
_OPACITY_MARGIN = 1e-6
_MAGNITUDE_STEPS = 511
# Coefficients of degree 1 keep five bits, the others four: the low bits are zero, which gzip then removes.
_BUCKETS = np.array([8] * 3 + [16] * 12)

_TURN_AXES = np.array([1.0, -1.0, -1.0])
_TURN_QUATS = np.array([1.0, 1.0, -1.0, -1.0])
_TURN_HARMONICS = np.array([-1, -1, 1, -1, 1, 1, -1, 1, -1, 1, -1, -1, 1, -1, 1], float)


class SpzError(ValueError):
    """The file is not an SPZ file of version 3, or splats cannot be written as one."""


def turned(splats: Splats) -> Splats:
    """Returns the splats in the other axes: half a turn around x, which is its own inverse."""
    coefficients = splats.shN.shape[1]
    return replace(
        splats,
        means=(splats.means * _TURN_AXES).astype(np.float32),
        quats=(splats.quats * _TURN_QUATS).astype(np.float32),
        shN=(splats.shN * _TURN_HARMONICS[:coefficients, None]).astype(np.float32),
    )


def _fractional_bits(means: NDArray[np.float32]) -> int:
    """Returns how many bits below the metre still leave room for the farthest splat in 24 bits."""
    farthest = float(np.abs(means).max())
    bits = _MOST_FRACTIONAL_BITS
    while bits >= 0 and farthest * 2**bits > _POSITION_LIMIT:
        bits -= 1
    if bits < 0:
        raise SpzError(f"a splat {farthest:.3g} away from the middle is too far for the SPZ format")
    return bits


def _pack_quats(quats: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Packs (w, x, y, z) into 32 bits: the largest of x, y, z, w, then sign and 9 bits of each other."""
    unit = quats.astype(np.float64)
    unit = np.roll(unit / np.linalg.norm(unit, axis=1, keepdims=True), -1, axis=1)
    largest = np.abs(unit).argmax(axis=1)
    negate = np.take_along_axis(unit, largest[:, None], axis=1)[:, 0] < 0
    packed = largest.astype(np.uint32)
    for component in range(4):
        value = unit[:, component]
        magnitude = (_MAGNITUDE_STEPS * np.abs(value) * math.sqrt(2) + 0.5).astype(np.uint32)
        sign = ((value < 0) ^ negate).astype(np.uint32)
        appended = packed << np.uint32(10) | sign << np.uint32(9) | np.minimum(magnitude, _MAGNITUDE_STEPS)
        packed = np.where(largest == component, packed, appended).astype(np.uint32)
    return np.asarray(packed.astype("<u4").view(np.uint8).reshape(-1, 4))


def _unpack_quats(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    bits = np.ascontiguousarray(packed).view("<u4")[:, 0].astype(np.int64)
    largest = bits >> 30
    unit = np.zeros((len(bits), 4))
    for component in (3, 2, 1, 0):
        here = largest != component
        magnitude = (bits & _MAGNITUDE_STEPS) / _MAGNITUDE_STEPS / math.sqrt(2)
        unit[:, component] = np.where(here, np.where(bits & 512, -magnitude, magnitude), 0.0)
        bits = np.where(here, bits >> 10, bits)
    rest = np.sqrt(np.maximum(0, 1 - np.square(unit).sum(axis=1)))
    np.put_along_axis(unit, largest[:, None], rest[:, None], axis=1)
    return np.asarray(np.roll(unit, 1, axis=1), np.float32)


def _pack_harmonics(harmonics: NDArray[np.float32]) -> NDArray[np.uint8]:
    coefficients = harmonics.shape[1]
    buckets = _BUCKETS[:coefficients, None]
    steps = np.rint(harmonics.astype(np.float64) * 128) + 128
    return np.asarray(np.clip((steps + buckets // 2) // buckets * buckets, 0, 255), np.uint8)


def write_spz(splats: Splats, path: Path) -> None:
    """Writes `splats`, finite and with non-zero quaternions, to `path`; the same splats give the same bytes.

    Raises:
        SpzError: A splat is too far away for the format's 24 bits.
    """
    count, coefficients, _ = splats.shN.shape
    degree = next(degree for degree, number in COEFFICIENTS.items() if number == coefficients)
    bits = _fractional_bits(splats.means)
    splats = turned(splats)
    positions = np.rint(splats.means.astype(np.float64) * 2**bits).astype("<i4")
    opacity = 0.5 * (1 + np.tanh(splats.opacity_logits.astype(np.float64) / 2))
    colours = np.rint((splats.sh0.astype(np.float64) * _COLOUR_SCALE + 0.5) * 255).clip(0, 255)
    scales = np.rint((splats.log_scales.astype(np.float64) + 10) * 16).clip(0, 255)
    parts = [
        _HEADER.pack(MAGIC, VERSION, count, degree, bits, 0, 0),
        positions.view(np.uint8).reshape(count, 3, 4)[:, :, :3].tobytes(),
        np.rint(opacity * 255).astype(np.uint8).tobytes(),
        colours.astype(np.uint8).tobytes(),
        scales.astype(np.uint8).tobytes(),
        _pack_quats(splats.quats).tobytes(),
        _pack_harmonics(splats.shN).tobytes(),
    ]
    path.write_bytes(gzip.compress(b"".join(parts), mtime=0))


def read_spz(path: Path) -> Splats:
    """Returns the splats of an SPZ file of version 3, in the axes of a splat file.

    Raises:
        SpzError: The file is damaged or of another kind or version.
    """
    try:
        content = gzip.decompress(path.read_bytes())
        magic, version, count, degree, bits, _, _ = _HEADER.unpack_from(content)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise SpzError(f"{path.name} is no readable SPZ file: {error}") from error
    if (magic, version) != (MAGIC, VERSION) or degree not in COEFFICIENTS:
        raise SpzError(f"{path.name} is no SPZ file of version {VERSION}")
    coefficients = COEFFICIENTS[degree]
    widths = (9, 1, 3, 3, 4, 3 * coefficients)
    if len(content) != _HEADER.size + count * sum(widths):
        raise SpzError(f"{path.name} has {len(content)} bytes, which do not fit {count} splats")
    edges = _HEADER.size + count * np.cumsum([0, *widths])
    columns = [
        np.frombuffer(content[start:end], np.uint8).reshape(count, width)
        for start, end, width in zip(edges[:-1], edges[1:], widths, strict=True)
    ]
    positions = np.zeros((count, 3, 4), np.uint8)
    positions[:, :, 1:] = columns[0].reshape(count, 3, 3)
    # Three bytes in the upper part of a 32-bit number: shifting back down extends the sign.
    fixed = positions.view("<i4")[:, :, 0] >> 8
    opacity = np.clip(columns[1][:, 0] / 255.0, _OPACITY_MARGIN, 1 - _OPACITY_MARGIN)
    harmonics = (columns[5].reshape(count, coefficients, 3) - 128.0) / 128
    stored = Splats(
        means=(fixed / 2**bits).astype(np.float32),
        log_scales=(columns[3] / 16.0 - 10).astype(np.float32),
        quats=_unpack_quats(columns[4]),
        opacity_logits=np.log(opacity / (1 - opacity)).astype(np.float32),
        sh0=((columns[2] / 255.0 - 0.5) / _COLOUR_SCALE).astype(np.float32),
        shN=harmonics.astype(np.float32),
    )
    return turned(stored)
