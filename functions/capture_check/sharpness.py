"""How blurred a photo is, judged by its pixels alone.

The measure is the blur effect of F. Crété-Roffet, T. Dolmiere, P. Ladet and M. Nicolas, "The blur effect:
perception and estimation with a new no-reference perceptual blur metric" (Human Vision and Electronic Imaging
XII, SPIE 6492, 2007): how little the differences between neighbouring pixels lose when the photo is blurred
once more. A sharp photo loses most of them, a blurred one hardly any. Unlike the variance of the Laplacian
(S. Pertuz et al., "Analysis of focus measure operators for shape-from-focus", 2013), it hardly depends on
what the photo shows or on its contrast, so that one threshold serves for all places.
"""

from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from functions.capture_check.metadata import PHOTO_FORMATS

LONG_SIDE_PX = 1600
"""Photos are judged at this size: about what the pipeline finds its features at."""
WINDOW = 9
"""Pixels of the second blur, as in the paper."""
BLURRED_ABOVE = 0.55
"""Sharp aerial photos have 0.15 to 0.4 at this size, ones blurred by three pixels of it above 0.6."""
_BORDER = WINDOW // 2 + 1
_NO_DETAIL = 1e-3
"""Mean difference between neighbours, of a range of 255, below which there is nothing to be sharp."""

Grey = npt.NDArray[np.float32]


def decode_grey(file: BinaryIO) -> Grey:
    """Decode a photo in grey at about `LONG_SIDE_PX`.

    Args:
        file: The whole photo.

    Returns:
        Values 0 to 255, [height, width].

    Raises:
        Exception: The photo cannot be decoded to its end; decoders raise whatever they like.
    """
    with Image.open(file, formats=PHOTO_FORMATS) as image:
        shrink = max(1.0, max(image.size) / LONG_SIDE_PX)
        wanted = (max(1, round(image.width / shrink)), max(1, round(image.height / shrink)))
        # A JPEG's decoder leaves out what a half, quarter or eighth of the size does not show.
        image.draft("L", wanted)
        grey = image.convert("L")
        if grey.size != wanted:
            grey = grey.resize(wanted, Image.Resampling.BOX)
        return np.asarray(grey, dtype=np.float32)


def blur_effect(grey: Grey) -> float | None:
    """Measure how blurred a photo is.

    Args:
        grey: The photo, [height, width].

    Returns:
        0 (sharp) to 1; the worse of both directions, as a camera that moves blurs along one only. None for a
        photo without any detail, or too small to tell.
    """
    if min(grey.shape) < 2 * WINDOW:
        return None
    effects = [_along_rows(direction) for direction in (grey, grey.T)]
    known = [effect for effect in effects if effect is not None]
    return max(known) if known else None


def _along_rows(grey: Grey) -> float | None:
    total = np.cumsum(
        np.pad(grey, ((0, 0), (WINDOW // 2 + 1, WINDOW // 2)), mode="edge"), axis=1, dtype=np.float64
    )
    blurred = (total[:, WINDOW:] - total[:, :-WINDOW]) / WINDOW
    inside = np.s_[_BORDER:-_BORDER, _BORDER:-_BORDER]
    before = np.abs(np.diff(grey, axis=1))[inside]
    after = np.abs(np.diff(blurred, axis=1))[inside]
    details = float(before.sum(dtype=np.float64))
    if details < _NO_DETAIL * before.size:
        return None
    lost = float(np.maximum(before - after, 0).sum(dtype=np.float64))
    return (details - lost) / details
