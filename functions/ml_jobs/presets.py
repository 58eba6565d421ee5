"""Named presets: what draft, standard and high mean for each step."""

from collections.abc import Mapping
from typing import Literal

from functions.shared.job_names import COMPRESSOR, SFM, TRAINING

Preset = Literal["draft", "standard", "high"]

# SageMaker refuses a processing job with an empty list of arguments: every step has at least one option.
PRESETS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "draft": {
        SFM: {"max_image_size": "1600"},
        TRAINING: {"max_steps": "7000", "image_size": "1200", "max_gaussians": "500000"},
        COMPRESSOR: {"sh_degree": "3"},
    },
    "standard": {
        SFM: {"max_image_size": "1600"},
        TRAINING: {"max_steps": "30000", "image_size": "1600", "max_gaussians": "1500000"},
        COMPRESSOR: {"sh_degree": "3"},
    },
    "high": {
        SFM: {"max_image_size": "2400", "feature_image_size": "2400"},
        TRAINING: {"max_steps": "45000", "image_size": "2400", "max_gaussians": "3000000"},
        COMPRESSOR: {"sh_degree": "3"},
    },
}


def options_of(preset: str, chosen: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Lay the chosen options over a preset's.

    Args:
        preset: Name of the preset.
        chosen: Checked options per step.

    Returns:
        Options per step.
    """
    return {step: {**options, **chosen.get(step, {})} for step, options in PRESETS[preset].items()}
