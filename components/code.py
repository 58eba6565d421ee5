"""What goes into the archives of functions and layers."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pulumi

ROOT = Path(__file__).resolve().parent.parent


def function_folders(*, root: Path = ROOT) -> list[str]:
    """List the folders of the functions, sorted."""
    return sorted(handler.parent.name for handler in root.glob("functions/*/handler.py"))


def function_files(function: str, *, root: Path = ROOT) -> list[str]:
    """List the files of a function's archive: the package's root, what all share, and its own folder.

    Compiled files are left out: they differ from run to run, and each difference would be an update.

    Args:
        function: Folder of the function below `functions/`.
        root: Folder of the program.

    Returns:
        Paths below `root`, sorted.

    Raises:
        FileNotFoundError: The function has no handler.
    """
    folders = [root / "functions" / "shared", root / "functions" / function]
    if not (folders[1] / "handler.py").is_file():
        raise FileNotFoundError(f"functions/{function}/handler.py is missing")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    names = [path.relative_to(root) for path in files]
    packed = [name.as_posix() for name in names if "__pycache__" not in name.parts]
    return ["functions/__init__.py", *sorted(packed)]


def function_archive(function: str, extra_files: Mapping[str, str] | None = None) -> pulumi.AssetArchive:
    """Pack a function's code under the paths that it is imported by.

    Args:
        function: Folder of the function below `functions/`.
        extra_files: Files that are made besides: path in the archive to path below the program's folder.
    """
    files = {**{name: name for name in function_files(function)}, **(extra_files or {})}
    return pulumi.AssetArchive({name: pulumi.FileAsset(path) for name, path in files.items()})


def api_documents(apis: Iterable[str], folder: str) -> dict[str, str]:
    """Name the APIs' documents, which `python -m functions.openapi` writes, as a function's extra files.

    Args:
        apis: Logical names of the APIs.
        folder: Folder of the function below `functions/`.
    """
    return {f"functions/{folder}/documents/{api}.json": f"build/openapi/{api}.json" for api in apis}


def layer_archive(layer: str, runtime: str, architecture: str) -> pulumi.FileAsset:
    """Name the archive of a layer of libraries, which `python -m functions.layers` builds."""
    return pulumi.FileAsset(f"build/layers/{layer}-{runtime}-{architecture}.zip")
