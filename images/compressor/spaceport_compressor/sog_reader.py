"""Reads a SOG file back into splats: what the viewer will show, for measuring what the compression lost."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from spaceport_splat.splats import Splats

from spaceport_compressor import sog_format as sog

_OPACITY_MARGIN = 1e-6


class SogError(ValueError):
    """The file is not a SOG file of version 2."""


def _pixels(archive: zipfile.ZipFile, name: str, count: int) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(archive.read(name))) as image:
        pixels = np.asarray(image.convert("RGBA")).reshape(-1, 4)
    if len(pixels) < count:
        raise SogError(f"{name} has {len(pixels)} pixels, {count} are needed")
    return pixels[:count]


def _decode_means(
    low: NDArray[np.uint8], high: NDArray[np.uint8], meta: dict[str, Any]
) -> NDArray[np.float32]:
    steps = low[:, :3].astype(np.float64) + 256.0 * high[:, :3]
    lowest, highest = np.array(meta["mins"]), np.array(meta["maxs"])
    return sog.from_log_space(lowest + (highest - lowest) * steps / sog.MEANS_STEPS).astype(np.float32)


def _decode_quats(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    largest = pixels[:, 3].astype(np.int64) - sog.QUAT_LARGEST_BASE
    if largest.min() < 0:
        raise SogError(f"{sog.QUATS} has an alpha below {sog.QUAT_LARGEST_BASE}")
    smaller = (pixels[:, :3] / 255.0 - 0.5) * np.sqrt(2)
    quats = np.empty((len(pixels), 4))
    np.put_along_axis(quats, sog.REMAINING_COMPONENTS[largest], smaller, axis=1)
    rest = np.sqrt(np.maximum(0, 1 - np.square(smaller).sum(axis=1)))
    np.put_along_axis(quats, largest[:, None], rest[:, None], axis=1)
    return quats.astype(np.float32)


def _decode_harmonics(archive: zipfile.ZipFile, meta: dict[str, Any], count: int) -> NDArray[np.float32]:
    coefficients = sog.COEFFICIENTS[meta["bands"]]
    entries = meta["count"]
    codebook = np.array(meta["codebook"], np.float32)
    pixels = _pixels(archive, sog.SHN_CENTROIDS, entries * coefficients)
    palette = codebook[pixels[:, :3]].reshape(entries, coefficients, 3)
    labels = _pixels(archive, sog.SHN_LABELS, count)
    return np.asarray(palette[labels[:, 0].astype(np.int64) + 256 * labels[:, 1].astype(np.int64)])


def _decode(archive: zipfile.ZipFile) -> Splats:
    meta = json.loads(archive.read(sog.META))
    if meta["version"] != sog.VERSION:
        raise SogError(f"version {meta['version']} of the format is not supported")
    count = meta["count"]
    colour = _pixels(archive, sog.SH0, count)
    opacity = np.clip(colour[:, 3] / 255.0, _OPACITY_MARGIN, 1 - _OPACITY_MARGIN)
    harmonics = (
        _decode_harmonics(archive, meta["shN"], count)
        if "shN" in meta
        else np.zeros((count, 0, 3), np.float32)
    )
    return Splats(
        means=_decode_means(
            _pixels(archive, sog.MEANS_LOW, count), _pixels(archive, sog.MEANS_HIGH, count), meta["means"]
        ),
        log_scales=np.array(meta["scales"]["codebook"], np.float32)[
            _pixels(archive, sog.SCALES, count)[:, :3]
        ],
        quats=_decode_quats(_pixels(archive, sog.QUATS, count)),
        opacity_logits=np.log(opacity / (1 - opacity)).astype(np.float32),
        sh0=np.array(meta["sh0"]["codebook"], np.float32)[colour[:, :3]],
        shN=harmonics,
    )


def read_sog(path: Path) -> Splats:
    """Returns the splats of a SOG file, in the file's order.

    Raises:
        SogError: The file is damaged or of another kind or version.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _decode(archive)
    except SogError:
        raise
    except (zipfile.BadZipFile, KeyError, IndexError, TypeError, ValueError, UnidentifiedImageError) as error:
        raise SogError(f"{path.name} is no readable SOG file: {error}") from error
