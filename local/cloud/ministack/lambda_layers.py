"""Unpacks a layer once for all functions that use it; MiniStack does it again at every cold start."""

import hashlib
import io
import os
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from local.cloud.ministack import patch_points

FOLDERS_VARIABLE = "_LAMBDA_LAYERS_DIRS"
CACHE_VARIABLE = "SPACEPORT_LAYER_CACHE"

_lock = threading.Lock()
_spawning = threading.local()


def install(runtime: ModuleType, functions: ModuleType) -> None:
    """Changes how MiniStack's workers find their layers."""
    original = patch_points.function(runtime.Worker, "_spawn", ("self",))
    layer_zip = patch_points.function(functions, "_resolve_layer_zip", ("attachment",))

    def spawn(worker: Any) -> None:  # noqa: ANN401 - MiniStack's class is untyped
        own = worker.config
        layers = own.get("Layers", [])
        _spawning.folders = [str(unpacked(_content(layer_zip(layer), layer))) for layer in layers]
        worker.config = {**own, "Layers": []}
        try:
            original(worker)
        finally:
            worker.config = own
            _spawning.folders = []

    patch_points.replace(runtime.Worker, "_spawn", spawn)


def _content(content: bytes | None, layer: object) -> bytes:
    if content is None:
        msg = f"Failed to resolve layer {layer}"
        raise RuntimeError(msg)
    return content


def variables() -> Mapping[str, str]:
    """Returns what tells the worker that is being started in this thread where its layers are."""
    folders = getattr(_spawning, "folders", [])
    return {FOLDERS_VARIABLE: os.pathsep.join(folders)} if folders else {}


def unpacked(layer: bytes) -> Path:
    """Returns the folder of a layer's content, unpacking it the first time.

    Folders are named by content and kept between clouds, so that what Python compiles is kept too.
    """
    cache = Path(os.environ[CACHE_VARIABLE])
    folder = cache / hashlib.sha256(layer).hexdigest()[:16]
    with _lock:
        if not folder.exists():
            cache.mkdir(parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(dir=cache))
            with zipfile.ZipFile(io.BytesIO(layer)) as archive:
                archive.extractall(partial)
            try:
                partial.rename(folder)
            except OSError:
                # Another cloud was quicker.
                shutil.rmtree(partial)
    return folder
