"""Names of the array types that the modules of the capture pass around."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Records = npt.NDArray[np.void]
Integers = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint16]
Colour = tuple[float, float, float]
Vector = tuple[float, float, float]
