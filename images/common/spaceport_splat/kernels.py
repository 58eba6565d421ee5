"""How the package compiles its kernels: one place for numba's settings."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

FAST_MATH = frozenset({"reassoc", "arcp", "contract", "afn", "nsz"})
"""Liberties with rounding; not those that assume that no number is infinite or NaN."""
Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def kernel(function: Kernel) -> Kernel:
    """Compiles a kernel that runs on one thread or is called by other kernels."""
    return cast("Kernel", numba.njit(cache=True, fastmath=set(FAST_MATH), error_model="numpy")(function))


def parallel_kernel(function: Kernel) -> Kernel:
    """Compiles a kernel whose `numba.prange` loops run on all of numba's threads.

    Every iteration of such a loop must write to places of its own: the result is then the same whatever
    the number of threads.
    """
    compiled = numba.njit(cache=True, fastmath=set(FAST_MATH), error_model="numpy", parallel=True)(function)
    return cast("Kernel", compiled)
