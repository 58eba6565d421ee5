"""Checkpoints: everything a training needs to go on as if it had never stopped."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch

NAME = "checkpoint.pt"
VERSION = 1
NO_MATTER = frozenset({"checkpoint_every_seconds", "max_seconds"})
"""Options that do not change what a training computes."""


def fingerprint(options: dict[str, Any], scene: dict[str, Any], device: str) -> str:
    """Says whether a checkpoint belongs to this input, these options and this kind of machine."""
    kept = {name: value for name, value in options.items() if name not in NO_MATTER}
    document = json.dumps([VERSION, kept, scene, device, torch.__version__], sort_keys=True)
    return hashlib.sha256(document.encode()).hexdigest()


def save(folder: Path, state: dict[str, Any]) -> None:
    """Writes the checkpoint in one step: whoever reads it finds the old one or the new one, whole."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{NAME}.partial"
    with temporary.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / NAME)


def load(folder: Path, expected: str, device: torch.device) -> dict[str, Any] | None:
    """The checkpoint in the folder, or None where there is none that is whole and belongs to this training.

    Only tensors and plain values are read: a checkpoint cannot run code.
    """
    (folder / f".{NAME}.partial").unlink(missing_ok=True)
    path = folder / NAME
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except Exception:  # noqa: BLE001 - torch raises many kinds for a damaged file: then it starts anew
        return None
    return state if state.get("fingerprint") == expected else None
