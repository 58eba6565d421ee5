"""Zip archives of the program's assets: the same files give the same bytes, whatever their dates."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from local.deploy.properties import Archive, Asset

EPOCH = (1980, 1, 1, 0, 0, 0)
FILE_MODE = 0o644 << 16
EXECUTABLE_MODE = 0o755 << 16
_LEFT_OUT = frozenset({"__pycache__", ".DS_Store"})


class ArchiveError(ValueError):
    """An asset names a file that is not there."""


def zip_archive(archive: Archive, folder: Path) -> bytes:
    """Packs an archive.

    Args:
        archive: A zip file is handed on as it is; a folder or a tree of assets is packed.
        folder: Where relative paths start.

    Raises:
        ArchiveError: A file or folder is missing, or there is nothing to pack.
    """
    if archive.path is not None and (folder / archive.path).is_file():
        return (folder / archive.path).read_bytes()
    members = dict(_members(archive, folder, PurePosixPath()))
    if not members:
        raise ArchiveError(f"the archive {archive.path or ''} is empty".replace("  ", " "))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(members):
            content, executable = members[name]
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = EXECUTABLE_MODE if executable else FILE_MODE
            packed.writestr(info, content)
    return buffer.getvalue()


def read_asset(asset: Asset, folder: Path) -> bytes:
    """Reads an asset.

    Args:
        asset: A text, or a file.
        folder: Where relative paths start.

    Raises:
        ArchiveError: The file is missing.
    """
    if asset.path is None:
        return (asset.text or "").encode()
    return _file(folder / asset.path)[0]


def _members(
    item: Archive | Asset, folder: Path, at: PurePosixPath
) -> Iterator[tuple[str, tuple[bytes, bool]]]:
    if isinstance(item, Asset):
        executable = item.path is not None and _file(folder / item.path)[1]
        yield str(at), (read_asset(item, folder), executable)
        return
    for name, member in (item.assets or {}).items():
        yield from _members(member, folder, at / name)
    if item.path is not None:
        yield from _tree(folder / item.path, at)


def _tree(source: Path, at: PurePosixPath) -> Iterator[tuple[str, tuple[bytes, bool]]]:
    if source.is_file() and zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as packed:
            for info in packed.infolist():
                if not info.is_dir():
                    yield str(at / info.filename), (packed.read(info), bool(info.external_attr >> 16 & 0o100))
        return
    if not source.is_dir():
        raise ArchiveError(f"the archive {source} is neither a folder nor a zip file")
    for path in source.rglob("*"):
        relative = path.relative_to(source)
        if path.is_file() and not _LEFT_OUT.intersection(relative.parts):
            yield str(at / relative.as_posix()), _file(path)


def _file(path: Path) -> tuple[bytes, bool]:
    if not path.is_file():
        raise ArchiveError(f"the asset {path} is not there")
    return path.read_bytes(), bool(path.stat().st_mode & 0o100)
