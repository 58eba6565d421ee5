"""Zip archives whose bytes depend on the files' names and contents alone."""

import hashlib
import zipfile
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o100644 << 16
_UNIX = 3


def write_archive(path: Path, folder: Path, *, under: str, comment: str) -> None:
    """Pack a folder: in the order of names, with one date and one mode for all files.

    Args:
        path: The archive; written beside itself first, moved in place at the end.
        folder: What to pack.
        under: Folder in the archive.
        comment: The archive's comment.
    """
    partial = path.with_suffix(".partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in sorted(item for item in folder.rglob("*") if item.is_file()):
            info = zipfile.ZipInfo(f"{under}/{file.relative_to(folder).as_posix()}", _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = _UNIX
            info.external_attr = _FILE_MODE
            archive.writestr(info, file.read_bytes())
        archive.comment = comment.encode()
    partial.replace(path)


def read_comment(path: Path) -> str | None:
    """Read an archive's comment; None when there is no such archive, or it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.comment.decode(errors="replace")
    except (OSError, zipfile.BadZipFile):
        return None


def digest(*contents: bytes) -> str:
    """Give the SHA-256 of some contents together, each kept apart from the next."""
    state = hashlib.sha256()
    for content in contents:
        state.update(len(content).to_bytes(8, "big"))
        state.update(content)
    return state.hexdigest()
