"""Draws projected Gaussians and gives the gradient of the drawing, on the CPU.

The contract is that of gsplat's rasterize_to_pixels: front to back, alpha at most 0.999, a contribution below
1/255 left out, a pixel finished before its transmittance would reach 1e-4. Tiles of 16 x 16 px run in
parallel; every sum is taken in a fixed order, so that a result is the same on every run.

Within a tile the loop is over Gaussians and, inside, over the rows that its ellipse of alpha 1/255 touches: a
tile's row is what one vector of the processor holds.
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
MAX_SIGMA = np.float32(math.log(255) + 1e-3)
# Where in a row of a tile's state each quantity begins: transmittance is first.
RED = np.uint64(TILE)
GREEN = np.uint64(2 * TILE)
BLUE = np.uint64(3 * TILE)
NEWEST = np.uint64(4 * TILE)
BEHIND = np.uint64(4 * TILE)
LAST = np.uint64(5 * TILE)


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
def _alpha(opacity: np.float32, sigma: np.float32) -> np.float32:
    """min(0.999, opacity * exp(-sigma)), or 0 where it is below 1/255, in a form that is vectorized.

    exp(-sigma) is the eighth power of exp(-sigma / 8) by its series: exact to 1e-6 of itself up to ln 255,
    beyond which alpha is below 1/255 whatever the opacity.
    """
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
    alpha = opacity * power * power
    alpha = MAX_ALPHA if alpha > MAX_ALPHA else alpha  # noqa: FURB136 - a selection is vectorized
    alpha = np.float32(0) if alpha < CUT else alpha
    alpha = np.float32(0) if sigma > MAX_SIGMA else alpha
    return np.float32(0) if sigma < np.float32(0) else alpha


@kernel
def _rows(gaussian: Float32, g: int, max_sigma: float, begin: int, end: int) -> tuple[int, int]:
    """First row and the one after the last where Gaussian `g` may have a sigma of at most `max_sigma`."""
    xx, xy, yy = gaussian[g, 2], gaussian[g, 3], gaussian[g, 4]
    half = math.sqrt(np.float32(2) * max_sigma * xx / max(xx * yy - xy * xy, SMALL))
    # Brought into the tile as floats: a huge float has no whole number.
    first = max(np.float32(begin), gaussian[g, 1] - half - np.float32(1))
    stop = min(np.float32(end), gaussian[g, 1] + half + np.float32(1))
    return math.floor(first), math.ceil(stop)


@kernel
def _touches(xx: float, xy_dy: float, yy_dy2: float, max_sigma: float, mean_x: float) -> bool:
    """Whether in a row of the tile sigma may be at most `max_sigma`; x counts from the tile's first pixel."""
    inside = xy_dy * xy_dy - xx * (yy_dy2 - np.float32(2) * max_sigma)
    if inside <= 0:
        return False
    half = math.sqrt(inside) / xx + EDGE_SLACK
    middle = mean_x - xy_dy / xx
    return bool(middle + half >= 0) and bool(middle - half <= TILE - 1)


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
    state = _new_state(height, width)
    live = np.float32(height * width)
    for k in range(len(listed)):
        g = listed[k]
        max_sigma = math.log(packed[g, 5] * np.float32(255))
        if max_sigma <= 0:
            continue
        xx, xy, yy = packed[g, 2], packed[g, 3], packed[g, 4]
        mean_x = packed[g, 0] - np.float32(left) - np.float32(0.5)
        first_row, stop_row = _rows(packed, g, max_sigma, top, top + height)
        for y in range(first_row, stop_row):
            dy = np.float32(y) + np.float32(0.5) - packed[g, 1]
            xy_dy = xy * dy
            yy_dy2 = yy * dy * dy
            if not _touches(xx, xy_dy, yy_dy2, max_sigma, mean_x):
                continue
            live -= _draw_row(
                state,
                np.uint64(5 * TILE * (y - top)),
                np.float32(k),
                mean_x,
                np.float32(0.5) * xx,
                xy_dy,
                np.float32(0.5) * yy_dy2,
                packed[g, 5],
                packed[g, 6],
                packed[g, 7],
                packed[g, 8],
            )
        if live <= 0:
            break
    for y in range(height):
        for x in range(width):
            place = 5 * TILE * y + x
            canvas[y, x, 3] = abs(state[place])
            last[y, x] = int(state[place + 4 * TILE])
            for channel in range(3):
                canvas[y, x, channel] = state[place + (channel + 1) * TILE]


@kernel
def _new_state(height: int, width: int) -> Float32:
    """Per row of a tile 5 x 16 numbers, before anything is drawn.

    Transmittance (negative once finished, and outside the picture), red, green, blue, and the place in the
    list of the last Gaussian drawn.
    """
    state = np.zeros(TILE * 5 * TILE, np.float32)
    for y in range(TILE):
        for x in range(TILE):
            state[5 * TILE * y + x] = 1 if y < height and x < width else -1
            state[5 * TILE * y + 4 * TILE + x] = -1
    return state


@kernel
def _draw_row(  # noqa: PLR0917 - numba knows no keyword-only arguments
    state: Float32,
    row: np.uint64,
    k: np.float32,
    mean_x: np.float32,
    half_xx: np.float32,
    xy_dy: np.float32,
    half_yy_dy2: np.float32,
    opacity: np.float32,
    red: np.float32,
    green: np.float32,
    blue: np.float32,
) -> np.float32:
    """Adds a Gaussian to one row of a tile's state; returns how many pixels are finished by it.

    All 16 pixels go through the same unsigned indices and selections, so that a row is one vector.
    """
    finished = np.float32(0)
    for x in range(np.uint64(TILE)):
        i = np.uint64(row + x)
        before = state[i]
        dx = np.float32(np.int32(x)) - mean_x
        alpha = _alpha(opacity, half_xx * dx * dx + half_yy_dy2 + xy_dy * dx)
        alpha = np.float32(0) if before < np.float32(0) else alpha
        after = before * (np.float32(1) - alpha)
        full = np.float32(1) if after <= MIN_TRANSMITTANCE else np.float32(0)
        full = np.float32(0) if before < np.float32(0) else full
        finished += full
        weight = alpha * before * (np.float32(1) - full)
        state[i + RED] += weight * red
        state[i + GREEN] += weight * green
        state[i + BLUE] += weight * blue
        state[i] = -before if full > np.float32(0) else after
        state[i + NEWEST] = k if weight > np.float32(0) else state[i + NEWEST]
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
    # Per row 6 x 16 numbers: transmittance, the loss's derivative by red, green and blue, what lies behind
    # the current Gaussian adds to the loss (at first, the background), and the last Gaussian drawn.
    state = np.zeros(TILE * 6 * TILE, np.float32)
    newest = -1
    for y in range(TILE):
        for x in range(TILE):
            place = 6 * TILE * y + x
            state[place + 5 * TILE] = -1
            if y < height and x < width:
                state[place] = canvas[y, x, 3]
                for channel in range(4):
                    state[place + (channel + 1) * TILE] = grad[y, x, channel]
                state[place + 5 * TILE] = last[y, x]
                newest = max(newest, last[y, x])
    sums = np.zeros(COLUMNS * TILE, np.float32)
    for k in range(newest, -1, -1):
        g = listed[k]
        max_sigma = math.log(packed[g, 5] * np.float32(255))
        if max_sigma <= 0:
            continue
        xx, xy, yy = packed[g, 2], packed[g, 3], packed[g, 4]
        mean_x = packed[g, 0] - np.float32(left) - np.float32(0.5)
        first_row, stop_row = _rows(packed, g, max_sigma, top, top + height)
        sums[:] = 0
        for y in range(first_row, stop_row):
            dy = np.float32(y) + np.float32(0.5) - packed[g, 1]
            xy_dy = xy * dy
            yy_dy2 = yy * dy * dy
            if not _touches(xx, xy_dy, yy_dy2, max_sigma, mean_x):
                continue
            _draw_row_backward(
                state,
                np.uint64(6 * TILE * (y - top)),
                sums,
                np.float32(k),
                mean_x,
                dy,
                np.float32(0.5) * xx,
                xy_dy,
                np.float32(0.5) * yy_dy2,
                packed[g, 5],
                packed[g, 6],
                packed[g, 7],
                packed[g, 8],
            )
        _finish_sums(sums, xx, xy, yy, packed[g, 5], parts[k])


@kernel
def _draw_row_backward(  # noqa: PLR0917 - numba knows no keyword-only arguments
    state: Float32,
    row: np.uint64,
    sums: Float32,
    k: np.float32,
    mean_x: np.float32,
    dy: np.float32,
    half_xx: np.float32,
    xy_dy: np.float32,
    half_yy_dy2: np.float32,
    opacity: np.float32,
    red: np.float32,
    green: np.float32,
    blue: np.float32,
) -> None:
    """Adds one row of a tile to a Gaussian's `sums`, and the Gaussian to what lies behind the next.

    The sums are, each by column of the tile: the derivative by sigma alone and times dx, dx^2, dy, dx dy and
    dy^2; and those by the colour.
    """
    for x in range(np.uint64(TILE)):
        i = np.uint64(row + x)
        dx = np.float32(np.int32(x)) - mean_x
        alpha = _alpha(opacity, half_xx * dx * dx + half_yy_dy2 + xy_dy * dx)
        alpha = np.float32(0) if k > state[i + LAST] else alpha
        passing = np.float32(1) / (np.float32(1) - alpha)
        before = state[i] * passing
        weight = alpha * before
        d_red = state[i + RED]
        d_green = state[i + GREEN]
        d_blue = state[i + BLUE]
        lit = red * d_red + green * d_green + blue * d_blue
        d_sigma = -alpha * (before * lit - state[i + BEHIND] * passing)
        # An alpha held at its upper bound does not follow sigma.
        d_sigma = np.float32(0) if alpha >= MAX_ALPHA else d_sigma
        state[i + BEHIND] += weight * lit
        state[i] = before
        j = np.uint64(x)
        sums[j] += d_sigma
        sums[j + np.uint64(TILE)] += d_sigma * dx
        sums[j + np.uint64(2 * TILE)] += d_sigma * dx * dx
        sums[j + np.uint64(3 * TILE)] += d_sigma * dy
        sums[j + np.uint64(4 * TILE)] += d_sigma * dx * dy
        sums[j + np.uint64(5 * TILE)] += d_sigma * dy * dy
        sums[j + np.uint64(6 * TILE)] += weight * d_red
        sums[j + np.uint64(7 * TILE)] += weight * d_green
        sums[j + np.uint64(8 * TILE)] += weight * d_blue


@kernel
def _finish_sums(sums: Float32, xx: float, xy: float, yy: float, opacity: float, part: Float32) -> None:
    """A Gaussian's derivatives in the order of `pack`, from its sums by column."""
    total = np.zeros(COLUMNS, np.float32)
    for column in range(COLUMNS):
        for x in range(TILE):
            total[column] += sums[column * TILE + x]
    # Here dx is pixel minus mean, and alpha = opacity * exp(-sigma).
    part[0] = -(xx * total[1] + xy * total[3])
    part[1] = -(xy * total[1] + yy * total[3])
    part[2] = np.float32(0.5) * total[2]
    part[3] = total[4]
    part[4] = np.float32(0.5) * total[5]
    part[5] = -total[0] / opacity
    part[6] = total[6]
    part[7] = total[7]
    part[8] = total[8]


@kernel
def _add_parts(parts: Float32, gaussians: Int32, sums: Float32) -> None:
    for k in range(len(gaussians)):
        for column in range(COLUMNS):
            sums[gaussians[k], column] += parts[k, column]
