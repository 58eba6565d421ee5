"""PNG pictures of small arrays, for pages that hold everything that they show."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DEPTH, _COLOUR = 8, 2


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Write red, green and blue (rows from the top, columns, 3) as a PNG."""
    rows, columns, _ = pixels.shape
    header = struct.pack(">IIBBBBB", columns, rows, _DEPTH, _COLOUR, 0, 0, 0)
    # Every row begins with the number of its filter: none.
    unfiltered = np.concatenate([np.zeros((rows, 1), np.uint8), pixels.reshape(rows, -1)], axis=1)
    data = zlib.compress(unfiltered.tobytes(), 9)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
