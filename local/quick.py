"""Options with which a job on the tiny capture takes seconds."""

QUICK = {
    "max_steps": 120,
    "image_size": 160,
    "initial_gaussians": 3000,
    "max_gaussians": 4000,
    "sh_degree": 1,
    "heldout_every": 5,
}
