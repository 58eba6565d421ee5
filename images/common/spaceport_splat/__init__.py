"""Gaussian splats without torch or a GPU: files, spherical harmonics, projection, rasterizer, metrics.

The rasterizer keeps to gsplat's contract, so that what is trained on a GPU looks the same here. Modules:
`splats` (the data and its PLY file), `sh`, `projection`, `rasterize`, `metrics`.
"""

from spaceport_splat.metrics import psnr
from spaceport_splat.projection import Pinhole, View
from spaceport_splat.rasterize import render
from spaceport_splat.splats import Splats, read_ply, write_ply

__all__ = ["Pinhole", "Splats", "View", "psnr", "read_ply", "render", "write_ply"]
