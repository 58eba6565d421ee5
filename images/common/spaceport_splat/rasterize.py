"""Draws projected Gaussians and gives the gradient of the drawing, on the CPU.

The contract is that of gsplat's rasterize_to_pixels: front to back, alpha at most 0.999, a contribution below
1/255 left out, a pixel finished before its transmittance would reach 1e-4. Tiles of 16 x 16 px run in
parallel; every sum is taken in a fixed order, so that a result is the same on every run.

Within a tile the loop is over Gaussians and, inside, over the pixels of the ellipse where its alpha is at
least 1/255, row by row: most Gaussians cover a few pixels of a tile only.
"""

import math
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import ArrayLike

from spaceport_splat import sh
from spaceport_splat.arrays import Float32, Int32, Int64
from spaceport_splat.kernels import kernel, parallel_kernel
from spaceport_splat.projection import MIN_ALPHA, NEAR_PLANE, View, camera_center, project
from spaceport_splat.splats import Splats

TILE = 16
COLUMNS = 9
MAX_ALPHA = np.float32(0.999)
CUT = np.float32(MIN_ALPHA)
MIN_TRANSMITTANCE = np.float32(1e-4)
SMALL = np.float32(1e-20)
EDGE_SLACK = np.float32(1e-3)
"""Pixels by which a row is widened against rounding; the test of alpha itself decides."""


@dataclass(frozen=True)
class Tiles:
    """Which Gaussians touch which tile.

    Attributes:
        offsets: [tiles + 1] where a tile's part of `gaussians` begins; tiles are row-major.
        gaussians: [M] indices, per tile from near to far.
    """

    offsets: Int64
    gaussians: Int32


@dataclass(frozen=True)
class Drawing:
    """A picture with what its gradient needs.

    Attributes:
        canvas: [H, W, 4] colour without the background, and the share of the background that is seen.
        last: [H, W] place in its tile's list of the last Gaussian drawn; -1 where there is none.
        background: [3].
        tiles: Which Gaussians were drawn where.
    """

    canvas: Float32
    last: Int32
    background: Float32
    tiles: Tiles

    @property
    def image(self) -> Float32:
        """[H, W, 3] colour over the background."""
        return self.canvas[..., :3] + self.canvas[..., 3:] * self.background

    @property
    def alpha(self) -> Float32:
        """[H, W] in 0..1: how much the Gaussians cover."""
        return 1 - self.canvas[..., 3]


def render(
    splats: Splats,
    view: View,
    background: ArrayLike = (0.0, 0.0, 0.0),
    *,
    near_plane: float = NEAR_PLANE,
) -> tuple[Float32, Float32]:
    """Renders a view of the model.

    Args:
        splats: The Gaussians, in the model frame.
        view: The camera, in the model frame; `spaceport_job.Camera` is one.
        background: [3] colour behind the Gaussians.
        near_plane: What is nearer than this is left out, in units of the model frame.

    Returns:
        The picture [H, W, 3], which may exceed 1, and its coverage [H, W] in 0..1.
    """
    projected = project(splats, view, near_plane=near_plane)
    colors = sh.colors(splats.means, splats.sh0, splats.shN, camera_center(view))
    drawing = draw(
        pack(projected.means2d, projected.conics, projected.opacities, colors),
        find_tiles(projected.means2d, projected.radii, projected.depths, view.width, view.height),
        width=view.width,
        height=view.height,
        background=np.asarray(background, np.float32),
    )
    return drawing.image, drawing.alpha


def pack(means2d: Float32, conics: Float32, opacities: Float32, colors: Float32) -> Float32:
    """[N, 9] what `draw` takes: x, y; conic xx, xy, yy; opacity; red, green, blue."""
    return np.concatenate([means2d, conics, opacities[:, None], colors], axis=1)


def find_tiles(means2d: Float32, radii: Int32, depths: Float32, width: int, height: int) -> Tiles:
    """Sorts the Gaussians by depth and lists them under every tile that their boxes touch.

    Args:
        means2d: [N, 2] centres in px.
        radii: [N, 2] half size of the boxes in px; 0 where it is not to be drawn.
        depths: [N].
        width: Of the picture, in px.
        height: Of the picture, in px.
    """
    visible = np.flatnonzero((radii > 0).all(axis=1))
    order = visible[np.argsort(depths[visible], kind="stable")]
    offsets, gaussians = _list_by_tile(order, means2d, radii, width, height)
    return Tiles(offsets, gaussians)


def draw(packed: Float32, tiles: Tiles, *, width: int, height: int, background: Float32) -> Drawing:
    """Draws Gaussians front to back.

    Args:
        packed: [N, 9] from `pack`.
        tiles: From `find_tiles`.
        width: Of the picture, in px.
        height: Of the picture, in px.
        background: [3] colour behind the Gaussians.
    """
    canvas = np.empty((height, width, 4), np.float32)
    last = np.empty((height, width), np.int32)
    _draw(packed, tiles.offsets, tiles.gaussians, canvas, last)
    return Drawing(canvas, last, background, tiles)


def draw_backward(packed: Float32, drawing: Drawing, grad_image: Float32, grad_alpha: Float32) -> Float32:
    """Derivatives of a loss by what was drawn, from those by its picture and coverage.

    Args:
        packed: As given to `draw`.
        drawing: What `draw` returned.
        grad_image: [H, W, 3].
        grad_alpha: [H, W].

    Returns:
        [N, 9], in the order of `packed`.
    """
    behind = drawing.canvas[..., 3] * (grad_image @ drawing.background - grad_alpha)
    grad = np.concatenate([grad_image, behind[..., None]], axis=2)
    tiles = drawing.tiles
    parts = np.zeros((len(tiles.gaussians), COLUMNS), np.float32)
    _draw_backward(packed, tiles.offsets, tiles.gaussians, drawing.canvas, drawing.last, grad, parts)
    sums = np.zeros((len(packed), COLUMNS), np.float32)
    _add_parts(parts, tiles.gaussians, sums)
    return sums


@kernel
def _list_by_tile(
    order: Int64, means2d: Float32, radii: Int32, width: int, height: int
) -> tuple[Int64, Int32]:
    columns = (width + TILE - 1) // TILE
    rows = (height + TILE - 1) // TILE
    boxes = np.empty((len(order), 4), np.int32)
    offsets = np.zeros(columns * rows + 1, np.int64)
    for i in range(len(order)):
        g = order[i]
        boxes[i, 0] = max(0, math.floor((means2d[g, 0] - radii[g, 0]) / TILE))
        boxes[i, 1] = min(columns, math.ceil((means2d[g, 0] + radii[g, 0]) / TILE))
        boxes[i, 2] = max(0, math.floor((means2d[g, 1] - radii[g, 1]) / TILE))
        boxes[i, 3] = min(rows, math.ceil((means2d[g, 1] + radii[g, 1]) / TILE))
        for row in range(boxes[i, 2], boxes[i, 3]):
            for column in range(boxes[i, 0], boxes[i, 1]):
                offsets[row * columns + column + 1] += 1
    for tile in range(columns * rows):
        offsets[tile + 1] += offsets[tile]
    gaussians = np.empty(offsets[-1], np.int32)
    next_free = offsets[:-1].copy()
    for i in range(len(order)):
        for row in range(boxes[i, 2], boxes[i, 3]):
            for column in range(boxes[i, 0], boxes[i, 1]):
                tile = row * columns + column
                gaussians[next_free[tile]] = order[i]
                next_free[tile] += 1
    return offsets, gaussians


@kernel
def _exp_minus(sigma: np.float32) -> np.float32:
    """exp(-sigma) for sigma in 0..ln 255, to 1e-6 of itself, without a call."""
    x = sigma * np.float32(-0.125)
    power = np.float32(1 / 720)
    power = power * x + np.float32(1 / 120)
    power = power * x + np.float32(1 / 24)
    power = power * x + np.float32(1 / 6)
    power = power * x + np.float32(0.5)
    power = power * x + np.float32(1)
    power = power * x + np.float32(1)
    power = power * power
    power = power * power
    return power * power


@kernel
def _rows(gaussian: Float32, max_sigma: float, begin: int, end: int) -> tuple[int, int]:
    """First row and the one after the last where a Gaussian's sigma may be at most `max_sigma`."""
    xx, xy, yy = gaussian[2], gaussian[3], gaussian[4]
    half = math.sqrt(np.float32(2) * max_sigma * xx / max(xx * yy - xy * xy, SMALL))
    # Brought into the tile as floats: a huge float has no whole number.
    first = max(np.float32(begin), gaussian[1] - half - np.float32(1))
    stop = min(np.float32(end), gaussian[1] + half + np.float32(1))
    return math.floor(first), math.ceil(stop)


@kernel
def _row_span(gaussian: Float32, max_sigma: float, dy: float, begin: int, end: int) -> tuple[int, int]:
    """First pixel of a row and the one after the last where sigma is at most `max_sigma`."""
    xx, xy, yy = gaussian[2], gaussian[3], gaussian[4]
    slope = xy * dy
    inside = slope * slope - xx * (yy * dy * dy - np.float32(2) * max_sigma)
    if inside <= 0:
        return begin, begin
    half = math.sqrt(inside) / xx + EDGE_SLACK
    middle = gaussian[0] - slope / xx - np.float32(0.5)
    first = max(np.float32(begin), middle - half)
    stop = min(np.float32(end - 1), middle + half)
    return math.ceil(first), math.floor(stop) + 1


@parallel_kernel
def _draw(packed: Float32, offsets: Int64, gaussians: Int32, canvas: Float32, last: Int32) -> None:
    columns = (canvas.shape[1] + TILE - 1) // TILE
    for tile in numba.prange(len(offsets) - 1):
        left = (tile % columns) * TILE
        top = (tile // columns) * TILE
        listed = gaussians[offsets[tile] : offsets[tile + 1]]
        canvas_part = canvas[top : top + TILE, left : left + TILE]
        last_part = last[top : top + TILE, left : left + TILE]
        _draw_tile(packed, listed, left, top, canvas_part, last_part)


@kernel
def _draw_tile(packed: Float32, listed: Int32, left: int, top: int, canvas: Float32, last: Int32) -> None:
    """Draws the listed Gaussians on a tile, whose part of the picture is `canvas` [h, w, 4]."""
    height, width = last.shape
    # A finished pixel's transmittance is kept negative.
    through = np.ones((TILE, TILE), np.float32)
    light = np.zeros((3, TILE, TILE), np.float32)
    newest = np.full((TILE, TILE), -1, np.int32)
    live = height * width
    for k in range(len(listed)):
        gaussian = packed[listed[k]]
        max_sigma = math.log(gaussian[5] * np.float32(255))
        if max_sigma <= 0:
            continue
        first_row, stop_row = _rows(gaussian, max_sigma, top, top + height)
        for y in range(first_row, stop_row):
            dy = np.float32(y) + np.float32(0.5) - gaussian[1]
            first, stop = _row_span(gaussian, max_sigma, dy, left, left + width)
            live -= _draw_row(
                gaussian, k, dy, first, stop, left, through[y - top], light[:, y - top], newest[y - top]
            )
        if live == 0:
            break
    for y in range(height):
        for x in range(width):
            last[y, x] = newest[y, x]
            canvas[y, x, 3] = abs(through[y, x])
            for channel in range(3):
                canvas[y, x, channel] = light[channel, y, x]


@kernel
def _draw_row(  # noqa: PLR0917 - numba knows no keyword-only arguments
    gaussian: Float32,
    k: int,
    dy: float,
    first: int,
    stop: int,
    left: int,
    through: Float32,
    light: Float32,
    newest: Int32,
) -> int:
    """Adds a Gaussian to one row of a tile; returns how many of its pixels are finished by it."""
    xx, xy, yy = gaussian[2], gaussian[3], gaussian[4]
    opacity = gaussian[5]
    finished = 0
    for x in range(first, stop):
        before = through[x - left]
        dx = np.float32(x) + np.float32(0.5) - gaussian[0]
        sigma = np.float32(0.5) * (xx * dx * dx + yy * dy * dy) + xy * dx * dy
        alpha = min(MAX_ALPHA, opacity * _exp_minus(sigma))
        if before < 0 or sigma < 0 or alpha < CUT:
            continue
        after = before * (np.float32(1) - alpha)
        if after <= MIN_TRANSMITTANCE:
            through[x - left] = -before
            finished += 1
            continue
        weight = alpha * before
        light[0, x - left] += weight * gaussian[6]
        light[1, x - left] += weight * gaussian[7]
        light[2, x - left] += weight * gaussian[8]
        through[x - left] = after
        newest[x - left] = k
    return finished


@parallel_kernel
def _draw_backward(
    packed: Float32,
    offsets: Int64,
    gaussians: Int32,
    canvas: Float32,
    last: Int32,
    grad: Float32,
    parts: Float32,
) -> None:
    """Derivatives by each entry of the tiles' lists, to `parts` [M, 9]."""
    columns = (canvas.shape[1] + TILE - 1) // TILE
    for tile in numba.prange(len(offsets) - 1):
        left = (tile % columns) * TILE
        top = (tile // columns) * TILE
        begin, end = offsets[tile], offsets[tile + 1]
        _draw_tile_backward(
            packed,
            gaussians[begin:end],
            left,
            top,
            canvas[top : top + TILE, left : left + TILE],
            last[top : top + TILE, left : left + TILE],
            grad[top : top + TILE, left : left + TILE],
            parts[begin:end],
        )


@kernel
def _draw_tile_backward(
    packed: Float32,
    listed: Int32,
    left: int,
    top: int,
    canvas: Float32,
    last: Int32,
    grad: Float32,
    parts: Float32,
) -> None:
    """Walks a tile's list from back to front."""
    height, width = last.shape
    through = np.empty((TILE, TILE), np.float32)
    # What lies behind the current Gaussian adds to the loss; at first, the background.
    behind = np.empty((TILE, TILE), np.float32)
    newest = -1
    for y in range(height):
        for x in range(width):
            through[y, x] = canvas[y, x, 3]
            behind[y, x] = grad[y, x, 3]
            newest = max(newest, last[y, x])
    for k in range(newest, -1, -1):
        gaussian = packed[listed[k]]
        max_sigma = math.log(gaussian[5] * np.float32(255))
        if max_sigma <= 0:
            continue
        first_row, stop_row = _rows(gaussian, max_sigma, top, top + height)
        for y in range(first_row, stop_row):
            dy = np.float32(y) + np.float32(0.5) - gaussian[1]
            first, stop = _row_span(gaussian, max_sigma, dy, left, left + width)
            _draw_row_backward(
                gaussian,
                k,
                dy,
                first - left,
                stop - left,
                np.float32(left) + np.float32(0.5) - gaussian[0],
                through[y - top],
                behind[y - top],
                last[y - top],
                grad[y - top],
                parts[k],
            )


@kernel
def _draw_row_backward(  # noqa: PLR0917 - numba knows no keyword-only arguments
    gaussian: Float32,
    k: int,
    dy: float,
    first: int,
    stop: int,
    offset: float,
    through: Float32,
    behind: Float32,
    last: Int32,
    grad: Float32,
    part: Float32,
) -> None:
    """Adds one row of a tile to a Gaussian's derivatives, and the Gaussian to what lies behind the next."""
    xx, xy, yy = gaussian[2], gaussian[3], gaussian[4]
    opacity = gaussian[5]
    red, green, blue = gaussian[6], gaussian[7], gaussian[8]
    d_x, d_y = np.float32(0), np.float32(0)
    d_xx, d_xy, d_yy = np.float32(0), np.float32(0), np.float32(0)
    d_opacity = np.float32(0)
    d_red, d_green, d_blue = np.float32(0), np.float32(0), np.float32(0)
    for x in range(first, stop):
        if k > last[x]:
            continue
        dx = np.float32(x) + offset
        sigma = np.float32(0.5) * (xx * dx * dx + yy * dy * dy) + xy * dx * dy
        shape = _exp_minus(sigma)
        alpha = min(MAX_ALPHA, opacity * shape)
        if sigma < 0 or alpha < CUT:
            continue
        passing = np.float32(1) / (np.float32(1) - alpha)
        before = through[x] * passing
        weight = alpha * before
        lit = red * grad[x, 0] + green * grad[x, 1] + blue * grad[x, 2]
        d_red += weight * grad[x, 0]
        d_green += weight * grad[x, 1]
        d_blue += weight * grad[x, 2]
        d_alpha = before * lit - behind[x] * passing
        behind[x] += weight * lit
        through[x] = before
        if opacity * shape <= MAX_ALPHA:
            d_sigma = -opacity * shape * d_alpha
            d_xx += np.float32(0.5) * d_sigma * dx * dx
            d_xy += d_sigma * dx * dy
            d_yy += np.float32(0.5) * d_sigma * dy * dy
            d_x -= d_sigma * (xx * dx + xy * dy)
            d_y -= d_sigma * (xy * dx + yy * dy)
            d_opacity += shape * d_alpha
    part[0] += d_x
    part[1] += d_y
    part[2] += d_xx
    part[3] += d_xy
    part[4] += d_yy
    part[5] += d_opacity
    part[6] += d_red
    part[7] += d_green
    part[8] += d_blue


@kernel
def _add_parts(parts: Float32, gaussians: Int32, sums: Float32) -> None:
    for k in range(len(gaussians)):
        for column in range(COLUMNS):
            sums[gaussians[k], column] += parts[k, column]
