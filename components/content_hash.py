"""A digest over what a container image is built from."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

TAG_LENGTH = 20
_LEFT_OUT = frozenset({"__pycache__", "node_modules", ".DS_Store", ".pytest_cache"})


def content_hash(root: Path, folders: Iterable[str]) -> str:
    """Digest the names, modes and bytes of all files below some folders.

    The same files give the same digest on every machine, whatever their dates; a changed, renamed, added or
    removed file gives another. `.dockerignore` of the root counts too.

    Args:
        root: The build context.
        folders: Folders below it that go into the image.

    Returns:
        Hexadecimal digits, short enough for a tag.

    Raises:
        FileNotFoundError: A folder is missing or has no files.
    """
    digest = hashlib.sha256()
    for folder in sorted(folders):
        paths = sorted(_files(root / folder), key=lambda path: path.as_posix())
        if not paths:
            raise FileNotFoundError(f"{root / folder} has no files")
        for path in paths:
            _add(digest, path.relative_to(root).as_posix(), path)
    ignored = root / ".dockerignore"
    if ignored.is_file():
        _add(digest, ignored.name, ignored)
    return digest.hexdigest()[:TAG_LENGTH]


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        # Not even looked into: node_modules has more files than all else together.
        if path.name in _LEFT_OUT:
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.is_file():
            yield path


def _add(digest: "hashlib._Hash", name: str, path: Path) -> None:
    executable = bool(path.stat().st_mode & 0o100)
    content = hashlib.sha256(path.read_bytes()).digest()
    digest.update(f"{name}\0{executable:d}\0".encode() + content)
