"""Compiles gsplat's CUDA kernels while the image is built, so that no job needs a compiler.

The result is put where gsplat looks first: `gsplat/csrc.so`. What to compile for is TORCH_CUDA_ARCH_LIST.
"""

import importlib.util
import shutil
import tempfile
from pathlib import Path

from torch.utils import cpp_extension

NAME = "csrc"


def main() -> None:
    """Compiles with the flags that gsplat itself uses.

    Raises:
        FileNotFoundError: gsplat is not installed, or not as expected.
    """
    spec = importlib.util.find_spec("gsplat")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("gsplat is not installed")
    package = Path(spec.submodule_search_locations[0])
    cuda = package / "cuda"
    sources = [
        *sorted((cuda / "csrc").glob("*.cu")),
        *sorted((cuda / "csrc").glob("*.cpp")),
        cuda / "ext.cpp",
    ]
    includes = [cuda / "include", cuda / "csrc" / "third_party" / "glm"]
    for needed in (*includes, *sources):
        if not needed.exists():
            raise FileNotFoundError(f"gsplat has no {needed.relative_to(package)}")
    with tempfile.TemporaryDirectory() as build:
        cpp_extension.load(
            name=NAME,
            sources=[str(source) for source in sources],
            extra_cflags=["-O3", "-Wno-attributes"],
            extra_cuda_cflags=["-O3", "-use_fast_math"],
            extra_include_paths=[str(folder) for folder in includes],
            build_directory=build,
            with_cuda=True,
            is_python_module=False,
            verbose=True,
        )
        shutil.copy(Path(build) / f"{NAME}.so", package / f"{NAME}.so")


if __name__ == "__main__":
    main()
