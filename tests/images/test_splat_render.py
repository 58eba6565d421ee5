"""Projection, harmonics and drawing against gsplat's torch formulas, and what a picture must obey."""

import math

import numpy as np
import pytest
import torch
from gsplat.cuda._torch_impl import (
    _fully_fused_projection,
    _quat_scale_to_covar_preci,
    _spherical_harmonics,
)
from spaceport_splat import projection, rasterize, sh
from spaceport_splat.metrics import psnr
from spaceport_splat.projection import Pinhole
from spaceport_splat.splats import SH_COEFFICIENTS, Splats

WIDTH, HEIGHT = 50, 37
VIEW = Pinhole(
    WIDTH,
    HEIGHT,
    55.0,
    57.0,
    24.0,
    19.5,
    [[0.995, 0.0, 0.0998, 0.1], [0.0, 1.0, 0.0, -0.05], [-0.0998, 0.0, 0.995, 0.2], [0, 0, 0, 1]],
)


def scene(count: int = 300, degree: int = 3) -> Splats:
    rng = np.random.default_rng(count)

    def normal(*shape: int):
        return rng.normal(size=shape)

    arrays = (
        normal(count, 3) * [1.2, 1.0, 0.5] + [0, 0, 4],
        normal(count, 3) * 0.5 - 2.2,
        normal(count, 4),
        normal(count) * 1.5,
        normal(count, 3),
        normal(count, SH_COEFFICIENTS[degree], 3) * 0.2,
    )
    return Splats(*(array.astype(np.float32) for array in arrays))


def torch_projection(splats: Splats):
    covariances, _ = _quat_scale_to_covar_preci(
        torch.from_numpy(splats.quats), torch.from_numpy(splats.log_scales).exp(), compute_preci=False
    )
    intrinsics = torch.tensor([[VIEW.fx, 0, VIEW.cx], [0, VIEW.fy, VIEW.cy], [0, 0, 1]])
    return _fully_fused_projection(
        torch.from_numpy(splats.means),
        covariances,
        torch.tensor(VIEW.cam_from_model)[None],
        intrinsics[None],
        WIDTH,
        HEIGHT,
    )


def torch_draw(packed: torch.Tensor, order: torch.Tensor, background: torch.Tensor):
    """Every Gaussian at every pixel, front to back, by the formulas alone."""
    ys, xs = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    through = torch.ones(HEIGHT, WIDTH)
    image = torch.zeros(HEIGHT, WIDTH, 3)
    finished = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    for x, y, xx, xy, yy, opacity, *color in packed[order]:
        dx, dy = xs - x, ys - y
        sigma = (xx * dx * dx + yy * dy * dy) / 2 + xy * dx * dy
        alpha = (opacity * torch.exp(-sigma)).clamp(max=0.999)
        alpha = torch.where((alpha >= 1 / 255) & (sigma >= 0) & ~finished, alpha, 0.0)
        finished = finished | (through * (1 - alpha) <= 1e-4)
        alpha = torch.where(finished, 0.0, alpha)
        image = image + (alpha * through)[..., None] * torch.stack(color)
        through = through * (1 - alpha)
    return image + through[..., None] * background, 1 - through


def packed_scene(count: int = 300):
    splats = scene(count)
    projected = projection.project(splats, VIEW)
    colors = sh.colors(splats.means, splats.sh0, splats.shN, projection.camera_center(VIEW))
    tiles = rasterize.find_tiles(projected.means2d, projected.radii, projected.depths, WIDTH, HEIGHT)
    packed = rasterize.pack(projected.means2d, projected.conics, projected.opacities, colors)
    visible = np.flatnonzero((projected.radii > 0).all(axis=1))
    order = visible[np.argsort(projected.depths[visible], kind="stable")]
    return packed, tiles, torch.from_numpy(order)


def test_projection_is_gsplats():
    splats = scene(500)
    mine = projection.project(splats, VIEW)
    radii, means2d, depths, conics, _ = torch_projection(splats)
    seen = (mine.radii > 0).all(axis=1)
    assert 0 < seen.sum() < len(splats)
    # gsplat's torch version has looser boxes (3.33 sigma whatever the opacity): it may see more, never less.
    assert not np.any(seen & ~(radii[0] > 0).all(-1).numpy())
    np.testing.assert_allclose(mine.means2d[seen], means2d[0].numpy()[seen], atol=1e-3)
    np.testing.assert_allclose(mine.conics[seen], conics[0].numpy()[seen], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(mine.depths[seen], depths[0].numpy()[seen], rtol=1e-5)


def test_box_holds_all_that_is_seen_and_little_more():
    packed, _, _ = packed_scene()
    projected = projection.project(scene(), VIEW)
    ys, xs = np.mgrid[-200:300, -200:300] + 0.5
    checked = 0
    for index in np.flatnonzero((projected.radii > 0).all(axis=1))[:60]:
        x, y, xx, xy, yy, opacity = packed[index, :6]
        sigma = (xx * (xs - x) ** 2 + yy * (ys - y) ** 2) / 2 + xy * (xs - x) * (ys - y)
        lit = opacity * np.exp(-sigma) >= 1 / 255
        if lit[0].any() or lit[-1].any() or lit[:, 0].any() or lit[:, -1].any() or not lit.any():
            continue
        checked += 1
        reach = np.abs(xs[lit] - x).max(), np.abs(ys[lit] - y).max()
        for axis in range(2):
            assert reach[axis] <= projected.radii[index, axis] <= reach[axis] + 2.5
    assert checked > 20


def test_behind_and_beside_the_camera_nothing_is_drawn():
    splats = scene(50)
    behind = Splats(
        -splats.means, splats.log_scales, splats.quats, splats.opacity_logits, splats.sh0, splats.shN
    )
    image, alpha = rasterize.render(behind, VIEW, (0.2, 0.3, 0.4))
    np.testing.assert_allclose(image, np.broadcast_to(np.float32([0.2, 0.3, 0.4]), image.shape))
    assert not alpha.any()


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_colours_are_gsplats(degree: int):
    splats = scene(200, degree)
    center = np.float32([0.3, -2.0, 9.0])
    mine = sh.colors(splats.means, splats.sh0, splats.shN, center)
    coefficients = torch.cat([torch.from_numpy(splats.sh0)[:, None], torch.from_numpy(splats.shN)], 1)
    directions = torch.from_numpy(splats.means - center)
    theirs = (_spherical_harmonics(degree, directions, coefficients) + 0.5).clamp_min(0)
    np.testing.assert_allclose(mine, theirs.numpy(), atol=2e-6)


def test_constant_coefficient_gives_the_colour_back():
    rgb = np.float32([[0.1, 0.5, 0.9]])
    seen = sh.colors(
        np.ones((1, 3), np.float32), sh.rgb_to_sh0(rgb), np.empty((1, 0, 3), np.float32), np.zeros(3)
    )
    np.testing.assert_allclose(seen, rgb, atol=1e-6)


def test_drawing_follows_the_formulas():
    packed, tiles, order = packed_scene()
    background = np.float32([0.3, 0.5, 0.7])
    drawing = rasterize.draw(packed, tiles, width=WIDTH, height=HEIGHT, background=background)
    image, alpha = torch_draw(torch.from_numpy(packed), order, torch.from_numpy(background))
    assert alpha.max() > 0.99
    # Where alpha is at the 1/255 threshold or the transmittance at 1e-4, rounding may decide either way.
    assert np.quantile(np.abs(drawing.image - image.numpy()), 0.999) < 2e-5
    assert np.abs(drawing.image - image.numpy()).max() < 0.01
    assert np.quantile(np.abs(drawing.alpha - alpha.numpy()), 0.999) < 2e-5


def test_gradients_are_autograds():
    packed, tiles, order = packed_scene()
    background = np.float32([0.3, 0.5, 0.7])
    rng = np.random.default_rng(5)
    grad_image = rng.normal(size=(HEIGHT, WIDTH, 3)).astype(np.float32)
    grad_alpha = rng.normal(size=(HEIGHT, WIDTH)).astype(np.float32)
    drawing = rasterize.draw(packed, tiles, width=WIDTH, height=HEIGHT, background=background)
    mine = rasterize.draw_backward(packed, drawing, grad_image, grad_alpha)

    leaf = torch.from_numpy(packed).requires_grad_()
    image, alpha = torch_draw(leaf, order, torch.from_numpy(background))
    loss = (image * torch.from_numpy(grad_image)).sum() + (alpha * torch.from_numpy(grad_alpha)).sum()
    loss.backward()
    assert leaf.grad is not None
    theirs = leaf.grad.numpy()
    for column, name in enumerate(["x", "y", "xx", "xy", "yy", "opacity", "red", "green", "blue"]):
        error = np.linalg.norm(mine[:, column] - theirs[:, column]) / np.linalg.norm(theirs[:, column])
        assert error < 2e-3, name


def test_same_picture_on_every_run():
    packed, tiles, _ = packed_scene(2000)
    background = np.zeros(3, np.float32)
    grad_image = np.random.default_rng(1).normal(size=(HEIGHT, WIDTH, 3)).astype(np.float32)
    grad_alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    results = []
    for _ in range(3):
        drawing = rasterize.draw(packed, tiles, width=WIDTH, height=HEIGHT, background=background)
        results.append((drawing.image, rasterize.draw_backward(packed, drawing, grad_image, grad_alpha)))
    for image, gradients in results[1:]:
        np.testing.assert_array_equal(image, results[0][0])
        np.testing.assert_array_equal(gradients, results[0][1])


def one_splat(**changes: object) -> Splats:
    values: dict[str, object] = {
        "means": np.float32([[0, 0, 4]]),
        "log_scales": np.full((1, 3), -1.5, np.float32),
        "quats": np.float32([[1, 0, 0, 0]]),
        "opacity_logits": np.float32([3]),
        "sh0": np.float32([[1, 0, -1]]),
        "shN": np.empty((1, 0, 3), np.float32),
    }
    return Splats(**{**values, **changes})  # type: ignore[arg-type]  # a test may put anything in


@pytest.mark.parametrize(
    "changes",
    [
        {"means": np.float32([[np.nan, 0, 4]])},
        {"means": np.float32([[0, np.inf, 4]])},
        {"log_scales": np.full((1, 3), 60, np.float32)},
        {"log_scales": np.float32([[12, -30, -30]]), "quats": np.float32([[0.9, 0.1, 0.2, 0.3]])},
        {"quats": np.zeros((1, 4), np.float32)},
        {"opacity_logits": np.float32([np.nan])},
    ],
)
def test_degenerate_gaussians_do_no_harm_beyond_themselves(changes):
    good = one_splat(means=np.float32([[0.5, 0.2, 2]]))
    bad = one_splat(**changes)
    both = Splats(
        *(
            np.concatenate([getattr(a, f), getattr(b, f)])
            for f in good.__dataclass_fields__
            for a, b in [(good, bad)]
        )
    )
    image, alpha = rasterize.render(both, VIEW)
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert np.isfinite(alpha).all()


def test_nearer_gaussian_hides_the_farther_one():
    near = one_splat(
        means=np.float32([[0, 0, 2]]), opacity_logits=np.float32([9]), sh0=np.float32([[1, -1, -1]])
    )
    far = one_splat(
        means=np.float32([[0, 0, 5]]), opacity_logits=np.float32([9]), sh0=np.float32([[-1, 1, -1]])
    )
    view = Pinhole(21, 21, 20.0, 20.0, 10.5, 10.5, np.eye(4))
    for first, second in [(near, far), (far, near)]:
        both = Splats(
            *(np.concatenate([getattr(first, f), getattr(second, f)]) for f in near.__dataclass_fields__)
        )
        image, _ = rasterize.render(both, view)
        assert image[10, 10, 0] > 0.7
        assert image[10, 10, 1] < 0.3


def test_resized_view_draws_the_same_picture_smaller():
    splats = scene(200)
    large = Pinhole.resized(VIEW, WIDTH * 4, HEIGHT * 4)
    image, _ = rasterize.render(splats, large)
    reduced = image.reshape(HEIGHT, 4, WIDTH, 4, 3).mean(axis=(1, 3))
    small, _ = rasterize.render(splats, VIEW)
    # The blur of the smallest Gaussians is in pixels, so that the two are near, not equal.
    assert psnr(reduced.clip(0, 1), small.clip(0, 1)) > 28


def test_psnr():
    picture = np.full((4, 5, 3), 0.5, np.float32)
    assert psnr(picture, picture) == 100
    assert math.isclose(psnr(picture, picture + np.float32(0.1)), 20, abs_tol=1e-4)
    with pytest.raises(ValueError, match="shapes"):
        psnr(picture, picture[:2])
