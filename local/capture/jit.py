"""Compiling of the capture's inner loops."""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])

PACKAGE = Path(__file__).parent
DRONE = PACKAGE.parent / "flight"
# What makes no difference to a picture.
OUTSIDE = frozenset({"__init__.py", "__main__.py", "cache.py", "faults.py"})


def source_digest() -> str:
    """Returns a digest of all sources that decide what a capture looks like: the generator's version."""
    digest = hashlib.sha256()
    for source in sorted([*PACKAGE.glob("*.py"), *DRONE.glob("*.py")]):
        if source.name not in OUTSIDE:
            digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


VERSION = source_digest()


@contextmanager
def _cache_of_this_version() -> Iterator[None]:
    """Numba notices a change of a function's own file, not of those it calls: so each version has a cache."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = before or str(PACKAGE / "__pycache__" / f"kernels-{VERSION}")
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


def kernel(function: Function) -> Function:
    """Compiles a function with numba at its first call, without the GIL, and keeps the result on disk."""
    with _cache_of_this_version():
        return cast("Function", numba.njit(cache=True, nogil=True)(function))


def inlined(function: Function) -> Function:
    """Compiles a function into those that call it: for inner loops whose arguments are many arrays."""
    with _cache_of_this_version():
        return cast("Function", numba.njit(cache=True, nogil=True, forceinline=True)(function))


def over_rows(rows: int, work: Callable[[int, int], object], *, band: int = 64) -> None:
    """Calls work(first, end) for bands of rows, on all cores. The bands must not depend on one another."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        starts = range(0, rows, band)
        for _ in pool.map(lambda first: work(first, min(rows, first + band)), starts):
            pass
