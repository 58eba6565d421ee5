"""The training's parts by themselves: frame, split, relocation, limits, losses, colour fit, drawing."""

import math

import numpy as np
import pytest
import torch
from gsplat.cuda._torch_impl import (
    _fully_fused_projection,
    _quat_scale_to_covar_preci,
    _spherical_harmonics,
)
from spaceport_3dgs import cpu_rasterizer, exposure
from spaceport_3dgs.cleaning import keep
from spaceport_3dgs.densify import Densifier, compute_relocation
from spaceport_3dgs.frame import MODEL_FROM_ENU, camera_to_model, compose, to_model
from spaceport_3dgs.gaussians import initialize, to_splats
from spaceport_3dgs.losses import ssim
from spaceport_3dgs.rasterizer import NEAR_PLANE, Rendered, TrainingView
from spaceport_3dgs.scene import heldout_indices
from spaceport_3dgs.schedule import Schedule
from spaceport_job import Georeference
from spaceport_splat import Pinhole, render
from torch.nn import Parameter, ParameterDict

from tests.images.training_scene import camera_poses, cloud, georeference

WIDTH, HEIGHT = 40, 30


def turned_georeference() -> Georeference:
    angle = 0.3
    rotation = (
        (math.cos(angle), -math.sin(angle), 0.0),
        (math.sin(angle), math.cos(angle), 0.0),
        (0.0, 0.0, 1.0),
    )
    similarity = georeference().model_to_enu.model_copy(
        update={"scale": 2.5, "rotation": rotation, "translation": (5.0, -7.0, 400.0)}
    )
    return georeference().model_copy(update={"model_to_enu": similarity})


def test_composed_georeference_leads_to_the_same_place():
    points = np.random.default_rng(0).normal(size=(20, 3)) * 30
    center = np.array([4.0, -3.0, 2.0])
    before, after = turned_georeference().model_to_enu, compose(turned_georeference(), center).model_to_enu

    def apply(similarity, values):
        return similarity.scale * values @ np.array(similarity.rotation).T + np.array(similarity.translation)

    np.testing.assert_allclose(apply(after, to_model(points, center)), apply(before, points), atol=1e-9)
    assert np.linalg.det(np.array(after.rotation)) == pytest.approx(1)


def test_model_axes_are_minus_east_minus_up_minus_north():
    east_up_north = np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
    np.testing.assert_array_equal(to_model(east_up_north, np.zeros(3)), -np.eye(3))
    assert np.linalg.det(MODEL_FROM_ENU) == pytest.approx(1)


def test_camera_sees_the_same_in_the_model_frame():
    center = np.array([1.0, 2.0, 3.0])
    points = np.random.default_rng(1).normal(size=(5, 3))
    for pose in camera_poses(4):
        turned = camera_to_model(pose[:3], center)
        seen = points @ pose[:3, :3].T + pose[:3, 3]
        again = to_model(points, center) @ turned[:3, :3].T + turned[:3, 3]
        np.testing.assert_allclose(again, seen, atol=1e-12)


@pytest.mark.parametrize(("count", "every"), [(24, 8), (100, 8), (9, 3), (5, 2)])
def test_held_out_photos_are_spread_and_leave_the_others_to_learn_from(count: int, every: int):
    chosen = sorted(heldout_indices(count, every))
    assert len(chosen) == len(range(every // 2, count, every))
    assert set(np.diff(chosen)) <= {every}
    assert not heldout_indices(count, 0)
    assert not heldout_indices(3, 2)


def test_relocated_gaussians_together_look_like_the_one_they_replace():
    """Along a ray through the middle, n new ones hide as much as the old one, whatever n."""
    old = torch.tensor([0.2, 0.6, 0.95, 0.5])
    counts = torch.tensor([2, 3, 5, 1])
    binoms = torch.tensor([[float(math.comb(n, k)) for k in range(51)] for n in range(51)])
    scales = torch.ones(4, 3)
    new, new_scales = compute_relocation(old, scales, counts, binoms)
    torch.testing.assert_close(1 - (1 - new) ** counts, old)
    # Equation 9: what they add up to, integrated over the line, is what the old one did.
    x = torch.linspace(-8, 8, 4001)[None]
    one = old[:, None] * torch.exp(-(x**2) / 2)
    each = new[:, None] * torch.exp(-((x / new_scales[:, :1]) ** 2) / 2)
    together = 1 - (1 - each) ** counts[:, None]
    torch.testing.assert_close(together.sum(1), one.sum(1), rtol=1e-3, atol=0)
    torch.testing.assert_close(new_scales[3], scales[3])


def parameters(count: int = 300, degree: int = 3, seed: int = 0) -> ParameterDict:
    random = torch.Generator().manual_seed(seed)

    def normal(*shape: int):
        return torch.randn(*shape, generator=random)

    values = {
        "means": normal(count, 3) * torch.tensor([1.2, 1.0, 0.5]) + torch.tensor([0, 0, 4.0]),
        "scales": normal(count, 3) * 0.4 - 2.2,
        "quats": normal(count, 4),
        "opacities": normal(count) * 1.5,
        "sh0": normal(count, 1, 3),
        "shN": normal(count, (degree + 1) ** 2 - 1, 3) * 0.2,
    }
    return ParameterDict({name: Parameter(value) for name, value in values.items()})


def training_view(device: str = "cpu") -> TrainingView:
    pose = np.eye(4)
    pose[:3, 3] = [0.1, -0.2, 0.3]
    view = Pinhole(WIDTH, HEIGHT, 42.0, 44.0, 19.0, 16.0, pose)
    return TrainingView.of(view, 1.0, torch.device(device))


def reference(params: ParameterDict, view: TrainingView, degree: int):
    """The whole way in torch alone: every Gaussian at every pixel."""
    covariances, _ = _quat_scale_to_covar_preci(params["quats"], params["scales"].exp(), compute_preci=False)
    radii, means2d, depths, conics, _ = _fully_fused_projection(
        params["means"],
        covariances,
        view.viewmat[None],
        view.intrinsics[None],
        WIDTH,
        HEIGHT,
        near_plane=NEAR_PLANE,
    )
    coefficients = torch.cat([params["sh0"], params["shN"]], 1)[:, : (degree + 1) ** 2]
    center = torch.linalg.inv(view.viewmat)[:3, 3]
    colors = (_spherical_harmonics(degree, params["means"] - center, coefficients) + 0.5).clamp_min(0)
    means2d.retain_grad()
    ys, xs = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    through = torch.ones(HEIGHT, WIDTH)
    finished = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    image = torch.zeros(HEIGHT, WIDTH, 3)
    visible = (radii[0] > 0).all(1)
    for index in torch.argsort(depths[0]):
        if not visible[index]:
            continue
        dx, dy = xs - means2d[0, index, 0], ys - means2d[0, index, 1]
        xx, xy, yy = conics[0, index]
        sigma = (xx * dx * dx + yy * dy * dy) / 2 + xy * dx * dy
        alpha = (params["opacities"][index].sigmoid() * torch.exp(-sigma)).clamp(max=0.999)
        alpha = torch.where((alpha >= 1 / 255) & ~finished, alpha, 0.0)
        finished = finished | (through * (1 - alpha) <= 1e-4)
        alpha = torch.where(finished, 0.0, alpha)
        image = image + (alpha * through)[..., None] * colors[index]
        through = through * (1 - alpha)
    return image, 1 - through, means2d


@pytest.mark.parametrize("degree", [0, 1, 3])
def test_gradients_of_the_parameters_are_autograds(degree: int):
    view = training_view()
    weights = torch.randn(HEIGHT, WIDTH, 3, generator=torch.Generator().manual_seed(1))
    gradients = []
    for draw in ("mine", "reference"):
        params = parameters()
        if draw == "mine":
            rendered = cpu_rasterizer.rasterize(params, view, degree)
            rendered.info["means2d"].retain_grad()
            image, alpha, means2d = rendered.image, rendered.alpha, rendered.info["means2d"]
        else:
            image, alpha, means2d = reference(params, view, degree)
        ((image * weights).sum() + alpha.square().sum()).backward()
        gradients.append({name: value.grad for name, value in params.items()} | {"means2d": means2d.grad})
    for name, theirs in gradients[1].items():
        mine = gradients[0][name]
        assert theirs.norm() > 0 or (name == "shN" and degree == 0)
        assert (mine - theirs).norm() <= 2e-3 * theirs.norm() + 1e-6, name


def test_training_and_numpy_render_the_same():
    params = parameters()
    splats = to_splats(params, 1.0)
    pose = np.eye(4)
    pose[:3, 3] = [0.1, -0.2, 0.3]
    view = Pinhole(WIDTH, HEIGHT, 42.0, 44.0, 19.0, 16.0, pose)
    with torch.no_grad():
        image = cpu_rasterizer.rasterize(params, training_view(), 3).image.numpy()
    np.testing.assert_allclose(image, render(splats, view)[0], atol=2e-3)


def test_unit_of_length_changes_nothing_in_the_picture():
    params = parameters()
    splats = to_splats(params, 37.0)
    pose = np.eye(4)
    pose[:3, 3] = np.array([0.1, -0.2, 0.3]) * 37
    view = Pinhole(WIDTH, HEIGHT, 42.0, 44.0, 19.0, 16.0, pose)
    with torch.no_grad():
        image = cpu_rasterizer.rasterize(params, training_view(), 3).image.numpy()
    np.testing.assert_allclose(image, render(splats, view)[0], atol=2e-3)


def test_gaussians_begin_at_the_points_in_their_colours():
    points, colors = cloud()
    params = initialize(
        points, (colors * 255).astype(np.uint8), extent=5.0, sh_degree=2, count=100, strategy="mcmc", seed=1
    )
    splats = to_splats(params, 5.0)
    assert len(splats) == 100
    distances = np.linalg.norm(splats.means[:, None] - points[None], axis=2)
    assert distances.min(axis=1).max() < 1e-4
    nearest = distances.argmin(axis=1)
    np.testing.assert_allclose(splats.sh0 * 0.28209479 + 0.5, colors[nearest], atol=1 / 255)
    assert len(set(nearest)) == 100


@pytest.mark.parametrize("strategy", ["mcmc", "default"])
def test_the_limit_holds(strategy: str):
    torch.manual_seed(0)
    params = parameters(200)
    limit = 230
    schedule = Schedule.of(400, strategy=strategy)
    densifier = Densifier(strategy, schedule, max_gaussians=limit, device=torch.device("cpu"))
    optimizers = {name: torch.optim.Adam([{"params": value}]) for name, value in params.items()}
    view = training_view()
    counts = []
    for step in range(60):
        rendered = cpu_rasterizer.rasterize(params, view, 1)
        densifier.before_backward(params, optimizers, step, rendered)
        (rendered.image.square().mean() * 100).backward()
        for optimizer in optimizers.values():
            optimizer.step()
            optimizer.zero_grad()
        densifier.after_step(params, optimizers, step, rendered, 1e-6)
        counts.append(len(params["means"]))
    assert max(counts) > 200
    assert max(counts) <= limit


def test_ssim_follows_its_definition():
    random = np.random.default_rng(0)
    first, second = random.random((2, 14, 13, 3)).astype(np.float32)
    offsets = np.arange(11) - 5
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for y in range(4):
        for x in range(3):
            for channel in range(3):
                a = first[y : y + 11, x : x + 11, channel].astype(np.float64)
                b = second[y : y + 11, x : x + 11, channel].astype(np.float64)
                mean_a, mean_b = (window * a).sum(), (window * b).sum()
                var_a, var_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
                both = (window * (a - mean_a) * (b - mean_b)).sum()
                c1, c2 = 0.01**2, 0.03**2
                values.append(
                    (2 * mean_a * mean_b + c1)
                    * (2 * both + c2)
                    / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
                )
    mine = float(ssim(torch.from_numpy(first), torch.from_numpy(second)))
    assert mine == pytest.approx(np.mean(values), abs=1e-5)
    assert float(ssim(torch.from_numpy(first), torch.from_numpy(first))) == pytest.approx(1, abs=1e-6)


def test_colour_fit_finds_the_transform():
    random = torch.Generator().manual_seed(0)
    render_ = torch.rand(20, 30, 3, generator=random)
    transform = torch.eye(3, 4) + torch.randn(3, 4, generator=random) * 0.1
    photo = render_ @ transform[:, :3].T + transform[:, 3]
    torch.testing.assert_close(exposure.fit(render_, photo), transform, atol=1e-3, rtol=0)
    flat = exposure.fit(torch.zeros(4, 4, 3), torch.full((4, 4, 3), 0.5))
    assert torch.isfinite(flat).all()


@pytest.mark.parametrize("steps", [50, 800, 7000, 30_000])
@pytest.mark.parametrize("strategy", ["mcmc", "default"])
def test_every_schedule_fits_in_the_training(steps: int, strategy: str):
    schedule = Schedule.of(steps, strategy=strategy)
    assert 0 <= schedule.refine_start < schedule.refine_stop < steps
    assert schedule.refine_every < steps
    assert schedule.sh_degree(0, 3) == 0
    assert schedule.sh_degree(steps // 2, 3) == 3
    first, last = schedule.means_learning_rate(0), schedule.means_learning_rate(steps)
    assert last == pytest.approx(first / 100)
    assert Schedule.of(steps * 2, strategy=strategy).rate <= schedule.rate


def test_strays_are_left_out():
    params = parameters(50)
    with torch.no_grad():
        params["means"][0] = torch.tensor([1e4, 0, 0])
        params["means"][1, 2] = math.nan
        params["scales"][2] = 12.0
        params["opacities"][3] = -9.0
    params["opacities"].data[4:] = 2.0
    points = params["means"].detach().numpy()[4:].astype(np.float64)
    mask = keep(to_splats(params, 1.0), points)
    assert not mask[:4].any()
    assert mask[4:].all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("degree", [0, 3])
def test_gpu_draws_and_learns_like_the_cpu(degree: int):
    from spaceport_3dgs import cuda_rasterizer  # noqa: PLC0415 - needs CUDA

    weights = torch.randn(HEIGHT, WIDTH, 3, generator=torch.Generator().manual_seed(1))
    results: list[tuple[Rendered, dict[str, torch.Tensor]]] = []
    for device, rasterize in (("cpu", cpu_rasterizer.rasterize), ("cuda", cuda_rasterizer.rasterize)):
        params = parameters().to(device)
        rendered = rasterize(params, training_view(device), degree)
        rendered.info["means2d"].retain_grad()
        (rendered.image * weights.to(device)).sum().backward()
        gradients = {name: value.grad.cpu() for name, value in params.items()}
        results.append((rendered, gradients | {"means2d": rendered.info["means2d"].grad.cpu()}))
    (cpu, cpu_gradients), (gpu, gpu_gradients) = results
    assert (cpu.image - gpu.image.cpu()).abs().quantile(0.999) < 1e-4
    assert (cpu.alpha - gpu.alpha.cpu()).abs().quantile(0.999) < 1e-4
    seen = (cpu.info["radii"][0] > 0).all(1), (gpu.info["radii"][0].cpu() > 0).all(1)
    assert (seen[0] != seen[1]).sum() <= 2
    for name, mine in cpu_gradients.items():
        assert (mine - gpu_gradients[name]).norm() <= 5e-3 * mine.norm() + 1e-6, name
