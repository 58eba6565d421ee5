"""Writes splats as a SOG file. Values are rounded, codebooks and palette minimise the squared error."""

import io
import json
import math
import zipfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from spaceport_splat.splats import Splats

from spaceport_compressor import sog_format as sog
from spaceport_compressor.codebook import build_codebook, nearest_entries
from spaceport_compressor.morton import morton_order
from spaceport_compressor.palette import Palette, build_palette

Bytes = NDArray[np.uint8]

GENERATOR = "spaceport"
_SIDE_MULTIPLE = 4
_WEBP_QUALITY = 70
_WEBP_EFFORT = 4
_LEAST_WEIGHT, _MOST_WEIGHT = 0.02, 50.0
_MOST_LOG_AREA = 50.0
_UNIX = 3


@dataclass(frozen=True)
class SogSettings:
    """How to encode.

    Attributes:
        palette_size: Rows of the spherical-harmonics palette, 1..65536; None chooses by the number of splats.
        palette_rounds: Largest number of k-means rounds.
        weigh_by_visibility: Count a splat's colour error by opacity and area, as it counts on screen.
        seed: Of the palette.
        threads: Workers; the bytes do not depend on it.
    """

    palette_size: int | None = None
    palette_rounds: int = 10
    weigh_by_visibility: bool = True
    seed: int = 0
    threads: int = 2


class _Archive:
    """Collects the images, compressing them in the background."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._images: dict[str, Future[bytes]] = {}

    def add(self, name: str, pixels: Bytes, width: int, height: int) -> None:
        """Adds an image of `width` x `height` whose first pixels, row by row, are `pixels` [N, 2..4]."""
        canvas = np.zeros((height * width, 4), np.uint8)
        canvas[:, 3] = 255
        canvas[: len(pixels), : pixels.shape[1]] = pixels
        self._images[name] = self._pool.submit(_webp, canvas.reshape(height, width, 4))

    def write(self, path: Path, meta: dict[str, Any]) -> None:
        """Writes the zip, stored, with fixed dates: the same images give the same bytes."""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for name, image in self._images.items():
                archive.writestr(_entry(name), image.result())
            archive.writestr(_entry(sog.META), json.dumps(meta))


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = _UNIX
    entry.external_attr = 0o644 << 16
    return entry


def _webp(pixels: Bytes) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(pixels)
    image.save(buffer, "WEBP", lossless=True, exact=True, quality=_WEBP_QUALITY, method=_WEBP_EFFORT)
    return buffer.getvalue()


def _image_size(count: int) -> tuple[int, int]:
    """Returns the width and height, multiples of 4, of a nearly square image of at least `count` pixels."""
    side = _SIDE_MULTIPLE
    width = max(side, math.ceil(math.ceil(math.sqrt(count)) / side) * side)
    return width, math.ceil(math.ceil(count / width) / side) * side


def _quantise_means(means: NDArray[np.float32]) -> tuple[Bytes, Bytes, dict[str, Any]]:
    logs = sog.to_log_space(means)
    lowest, highest = logs.min(axis=0), logs.max(axis=0)
    extent = np.where(highest > lowest, highest - lowest, 1.0)
    steps = np.rint(sog.MEANS_STEPS * (logs - lowest) / extent).astype(np.uint32)
    meta = {
        "mins": lowest.tolist(),
        "maxs": highest.tolist(),
        "files": [sog.MEANS_LOW, sog.MEANS_HIGH],
    }
    return (steps & 255).astype(np.uint8), (steps >> 8).astype(np.uint8), meta


def _quantise_quats(quats: NDArray[np.float32]) -> Bytes:
    """Packs rotations (w, x, y, z) of any length but zero: three bytes, and which component is the largest.

    The largest component is made positive; the others then lie in +-1/sqrt(2).
    """
    unit = quats.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    largest = np.abs(unit).argmax(axis=1)
    sign = np.where(np.take_along_axis(unit, largest[:, None], axis=1) < 0, -1.0, 1.0)
    smaller = np.take_along_axis(unit * sign, sog.REMAINING_COMPONENTS[largest], axis=1)
    scaled = np.rint(255 * (smaller * math.sqrt(2) / 2 + 0.5)).clip(0, 255)
    return np.column_stack([scaled, sog.QUAT_LARGEST_BASE + largest]).astype(np.uint8)


def _opacities(splats: Splats) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1 + np.tanh(splats.opacity_logits.astype(np.float64) / 2)))


def visibility_weights(splats: Splats) -> NDArray[np.float32]:
    """Returns [N] opacity times area of the two longer axes, relative to the median and bounded to 0.02..50.

    It is what an error of a splat's colour costs on screen, so the palette spends its rows where people look.
    """
    log_areas = np.sort(splats.log_scales.astype(np.float64), axis=1)[:, 1:].sum(axis=1)
    relative_areas = np.exp(np.clip(log_areas - np.median(log_areas), -_MOST_LOG_AREA, _MOST_LOG_AREA))
    seen = _opacities(splats) * relative_areas
    relative = seen / max(float(np.median(seen)), 1e-12)
    return np.asarray(np.clip(relative, _LEAST_WEIGHT, _MOST_WEIGHT), np.float32)


def _by_first_use(palette: Palette) -> Palette:
    """Orders centroids by their first use, which makes the label image smooth, and drops the unused ones."""
    used, first_use, labels = np.unique(palette.labels, return_index=True, return_inverse=True)
    order = np.argsort(first_use, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return Palette(palette.centroids[used[order]], rank[labels])


def _add_harmonics(
    archive: _Archive, splats: Splats, settings: SogSettings, on_round: Callable[[int], None] | None
) -> dict[str, Any]:
    count, coefficients, _ = splats.shN.shape
    size = settings.palette_size or sog.automatic_palette_size(count)
    rows = np.ascontiguousarray(splats.shN.reshape(count, -1), np.float32)
    palette = _by_first_use(
        build_palette(
            rows,
            min(size, sog.MAX_PALETTE),
            iterations=settings.palette_rounds,
            seed=settings.seed,
            weights=visibility_weights(splats) if settings.weigh_by_visibility else None,
            threads=settings.threads,
            on_round=on_round,
        )
    )
    entries = len(palette.centroids)
    codebook = build_codebook(palette.centroids)
    pixels = nearest_entries(palette.centroids, codebook).reshape(entries * coefficients, 3)
    per_line = sog.PALETTE_ENTRIES_PER_LINE
    archive.add(sog.SHN_CENTROIDS, pixels, per_line * coefficients, math.ceil(entries / per_line))
    labels = np.column_stack([palette.labels & 255, palette.labels >> 8]).astype(np.uint8)
    archive.add(sog.SHN_LABELS, labels, *_image_size(count))
    degree = next(degree for degree, number in sog.COEFFICIENTS.items() if number == coefficients)
    return {
        "count": entries,
        "bands": degree,
        "codebook": codebook.tolist(),
        "files": [sog.SHN_CENTROIDS, sog.SHN_LABELS],
    }


def write_sog(
    splats: Splats,
    path: Path,
    settings: SogSettings | None = None,
    *,
    on_round: Callable[[int], None] | None = None,
) -> None:
    """Writes `splats` to `path` as SOG version 2.

    Rows come out in Z-order. The same splats, settings and library versions give the same bytes.

    Args:
        splats: At least one; every number finite and no quaternion zero (see `cleaning.clean`).
        path: The .sog file; replaced if it is there.
        settings: How to encode.
        on_round: Called after each round of the palette's clustering, the longest part.

    Raises:
        ValueError: There is nothing to write, or a number is not finite, or a quaternion is zero.
    """
    settings = settings or SogSettings()
    _check(splats)
    splats = splats[morton_order(splats.means)]
    width, height = _image_size(len(splats))
    low, high, means_meta = _quantise_means(splats.means)
    scale_codebook = build_codebook(splats.log_scales)
    colour_codebook = build_codebook(splats.sh0)
    opacity = np.rint(255 * _opacities(splats)).astype(np.uint8)
    colour = np.column_stack([nearest_entries(splats.sh0, colour_codebook), opacity])
    meta: dict[str, Any] = {
        "version": sog.VERSION,
        "asset": {"generator": GENERATOR},
        "count": len(splats),
        "means": means_meta,
        "scales": {"codebook": scale_codebook.tolist(), "files": [sog.SCALES]},
        "quats": {"files": [sog.QUATS]},
        "sh0": {"codebook": colour_codebook.tolist(), "files": [sog.SH0]},
    }
    with ThreadPoolExecutor(settings.threads) as pool:
        archive = _Archive(pool)
        archive.add(sog.MEANS_LOW, low, width, height)
        archive.add(sog.MEANS_HIGH, high, width, height)
        archive.add(sog.QUATS, _quantise_quats(splats.quats), width, height)
        archive.add(sog.SCALES, nearest_entries(splats.log_scales, scale_codebook), width, height)
        archive.add(sog.SH0, colour, width, height)
        if splats.shN.shape[1]:
            meta["shN"] = _add_harmonics(archive, splats, settings, on_round)
        archive.write(path, meta)


def _check(splats: Splats) -> None:
    if not len(splats):
        raise ValueError("there are no splats to write")
    columns = (splats.means, splats.log_scales, splats.quats, splats.opacity_logits, splats.sh0, splats.shN)
    if not all(np.isfinite(column).all() for column in columns):
        raise ValueError("some splats have numbers that are not finite")
    if not np.any(splats.quats, axis=1).all():
        raise ValueError("some splats have a zero quaternion")
    if splats.shN.shape[1] not in sog.COEFFICIENTS.values():
        raise ValueError(f"{splats.shN.shape[1]} coefficients are no whole degree of harmonics up to 3")
