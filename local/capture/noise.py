"""Random numbers that are a function of a place: the same in whatever order they are asked for.

Value noise and its sum of octaves: Ebert et al., Texturing and Modeling, A Procedural Approach, chapter 2.
"""

import math

from local.capture.jit import kernel


@kernel
def clamp01(x: float) -> float:
    """Returns x limited to 0..1."""
    return min(1.0, max(0.0, x))


@kernel
def mix(a: float, b: float, share: float) -> float:
    """Returns a where share is 0, b where it is 1."""
    return a + (b - a) * share


@kernel
def smoothstep(x: float) -> float:
    """Returns 0 below 0, 1 above 1, and a smooth cubic between."""
    x = clamp01(x)
    return x * x * (3.0 - 2.0 * x)


@kernel
def hash_unit(x: int, y: int, z: int, seed: int) -> float:
    """Returns a number in [0, 1) for four integers; neighbours are unrelated."""
    h = (x * 374761393 + y * 668265263 + z * 1274126177 + seed * 974711 + 1013904223) & 0xFFFFFFFF
    h = ((h ^ (h >> 15)) * 739982445) & 0xFFFFFFFF
    h = ((h ^ (h >> 12)) * 695872825) & 0xFFFFFFFF
    return ((h ^ (h >> 15)) & 0xFFFFFFFF) / 4294967296.0


@kernel
def noise_2d(x: float, y: float, seed: int) -> float:
    """Returns smooth noise in -1..1 whose bumps are one unit wide."""
    i = math.floor(x)
    j = math.floor(y)
    u = smoothstep(x - i)
    v = smoothstep(y - j)
    below = mix(hash_unit(i, j, 0, seed), hash_unit(i + 1, j, 0, seed), u)
    above = mix(hash_unit(i, j + 1, 0, seed), hash_unit(i + 1, j + 1, 0, seed), u)
    return 2.0 * mix(below, above, v) - 1.0


@kernel
def noise_3d(x: float, y: float, z: float, seed: int) -> float:
    """Returns smooth noise in -1..1 whose bumps are one unit wide."""
    i = math.floor(x)
    j = math.floor(y)
    k = math.floor(z)
    u = smoothstep(x - i)
    v = smoothstep(y - j)
    w = smoothstep(z - k)
    near = mix(
        mix(hash_unit(i, j, k, seed), hash_unit(i + 1, j, k, seed), u),
        mix(hash_unit(i, j + 1, k, seed), hash_unit(i + 1, j + 1, k, seed), u),
        v,
    )
    far = mix(
        mix(hash_unit(i, j, k + 1, seed), hash_unit(i + 1, j, k + 1, seed), u),
        mix(hash_unit(i, j + 1, k + 1, seed), hash_unit(i + 1, j + 1, k + 1, seed), u),
        v,
    )
    return 2.0 * mix(near, far, w) - 1.0


@kernel
def fractal_2d(x: float, y: float, wavelength: float, octaves: int, gain: float, seed: int) -> float:
    """Returns a sum of octaves of noise, about -1..1.

    Args:
        x: Metres.
        y: Metres.
        wavelength: Of the first octave, metres; each further one has half of it.
        octaves: How many.
        gain: Amplitude of an octave over that of the one before, below 1. The sum is scaled for infinitely
            many octaves, so leaving out the finest ones only blurs.
        seed: Octaves use seed, seed + 1, and so on.
    """
    total = 0.0
    amplitude = 1.3 * math.sqrt(1.0 - gain * gain)
    frequency = 1.0 / wavelength
    for octave in range(octaves):
        total += amplitude * noise_2d(x * frequency, y * frequency, seed + octave)
        amplitude *= gain
        frequency *= 2.0
        # Turned lattices hide the grid.
        x, y = 0.8 * x - 0.6 * y + 17.3, 0.6 * x + 0.8 * y - 9.1
    return total


@kernel
def octaves_down_to(wavelength: float, finest: float) -> int:
    """Returns how many octaves from a wavelength down are not shorter than another, at least 1."""
    return max(1, math.floor(math.log2(wavelength / finest)) + 1)
