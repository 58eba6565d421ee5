"""Codebooks of 256 numbers: one byte then stands for a float with the least mean squared error."""

import numpy as np
from numpy.typing import NDArray

ENTRIES = 256
_MAX_SAMPLES = 2_000_000
_MAX_ITERATIONS = 1500
_HISTOGRAM_BINS = 1024
_SMOOTHING_BINS = 17
# Keeps some entries in the thin tails, where the density alone would put none.
_UNIFORM_SHARE = 0.15


def _thin_out(ordered: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(ordered) <= _MAX_SAMPLES:
        return ordered
    every = len(ordered) // _MAX_SAMPLES + 1
    return np.concatenate([ordered[:1], ordered[1:-1][::every], ordered[-1:]])


def _starting_entries(ordered: NDArray[np.float64]) -> NDArray[np.float64]:
    """Entries by the cube root of the density, best where there are many (Panter and Dite, 1951)."""
    counts, edges = np.histogram(ordered, _HISTOGRAM_BINS)
    half = _SMOOTHING_BINS // 2
    mirrored = np.concatenate([counts[half:0:-1], counts, counts[-2 : -half - 2 : -1]])
    density = np.convolve(mirrored, np.full(_SMOOTHING_BINS, 1 / _SMOOTHING_BINS), "valid") ** (1 / 3)
    share = density / density.sum() + _UNIFORM_SHARE / _HISTOGRAM_BINS
    cumulative = np.concatenate([[0.0], np.cumsum(share)])
    quantiles = (np.arange(ENTRIES) + 0.5) / ENTRIES * cumulative[-1]
    return np.asarray(np.interp(quantiles, cumulative, edges))


def build_codebook(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Returns 256 ascending numbers that minimise the squared error of `values` (any shape, at least one).

    Lloyd's iteration on the sorted values: the cells of a 1-D codebook are intervals, so one round is 256
    binary searches and their means come from one running sum. No more different values than entries are kept
    as they are.
    """
    ordered = np.sort(values, axis=None).astype(np.float64)
    distinct = ordered[np.concatenate([[True], np.diff(ordered) > 0])]
    if len(distinct) <= ENTRIES:
        return np.pad(distinct, (0, ENTRIES - len(distinct)), mode="edge").astype(np.float32)
    ordered = _thin_out(ordered)
    entries = _starting_entries(ordered)
    running = np.concatenate([[0.0], np.cumsum(ordered)])
    for _ in range(_MAX_ITERATIONS):
        middles = (entries[1:] + entries[:-1]) / 2
        edges = np.concatenate([[0], np.searchsorted(ordered, middles), [len(ordered)]])
        sizes = np.diff(edges)
        means = np.diff(running[edges]) / np.maximum(sizes, 1)
        moved = np.where(sizes > 0, means, entries)
        if np.array_equal(moved, entries):
            break
        entries = moved
    return np.sort(entries).astype(np.float32)


def nearest_entries(values: NDArray[np.floating], codebook: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Returns, in the shape of `values`, the index of the entry nearest to each value."""
    middles = (codebook[1:].astype(np.float64) + codebook[:-1]) / 2
    return np.searchsorted(middles, values).astype(np.uint8)
