"""From what was uploaded to a folder of usable photos with unique names."""

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from PIL import Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError
from spaceport_job import CaptureError

from spaceport_sfm.metadata import read_metadata
from spaceport_sfm.photos import Photo, PhotoMetadata
from spaceport_sfm.unpack import UnpackLimits, unpack_zip

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff"}
PHOTO_FORMATS = (
    JpegImagePlugin.JpegImageFile.format,
    PngImagePlugin.PngImageFile.format,
    TiffImagePlugin.TiffImageFile.format,
)
"""Pillow's names; its JPEG reader also opens the multi-picture files of drones."""
CONVERTIBLE_SUFFIXES = {
    **dict.fromkeys((".heic", ".heif", ".avif", ".webp", ".bmp", ".gif"), "an image format"),
    **dict.fromkeys((".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2"), "a raw format"),
    **dict.fromkeys((".mp4", ".mov", ".avi", ".mkv", ".lrv"), "a video"),
    **dict.fromkeys((".7z", ".rar", ".tar", ".gz", ".tgz", ".zip"), "an archive"),
}
COMPANION_SUFFIXES = {
    *(".txt", ".csv", ".json", ".xml", ".kml", ".kmz", ".pdf", ".md", ".srt", ".log", ".ini", ".db"),
    *(".mrk", ".nav", ".obs", ".rtk", ".bin", ".rtl", ".rpos", ".ds_store", ".html"),
}
MIN_PHOTOS = 3
MIN_SIDE_PX = 160
MAX_PIXELS = 300_000_000
MAX_PHOTOS = 5000
NAMES_PER_WARNING = 12


@dataclass(frozen=True)
class Intake:
    """What came in.

    Attributes:
        folder: Holds every usable photo under its name in the model.
        photos: The usable photos, in the order of their names.
        files: Number of photo files that were found, usable or not.
        warnings: What was left out and why, for people.
    """

    folder: Path
    photos: tuple[Photo, ...]
    files: int
    warnings: tuple[str, ...]


@dataclass
class _LeftOut:
    """Names of files by the reason why they cannot be used."""

    by_reason: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, reason: str, name: str) -> None:
        self.by_reason[reason].append(name)

    def sentences(self) -> list[str]:
        return [f"Left out, {reason}: {name_list(names)}." for reason, names in self.by_reason.items()]


@dataclass(frozen=True)
class _Candidate:
    path: Path
    source: str


def take_in(
    capture: Path,
    work: Path,
    *,
    limits: UnpackLimits | None = None,
    on_progress: Callable[[float, str], None] | None = None,
) -> Intake:
    """Finds the photos of a capture at any depth and in zips, and puts the usable ones into one folder.

    Args:
        capture: What was uploaded: folders, photos and zips.
        work: A folder of the job's own; gets `unpacked/` and `photos/` (links to the files).
        limits: How much a zip may hold.
        on_progress: Called with the share of files that were looked at and a line for people.

    Raises:
        CaptureError: there is nothing to use, fewer than 3 photos are usable, or a zip cannot be trusted.
    """
    left_out = _LeftOut()
    candidates = _find(capture, work / "unpacked", limits or UnpackLimits(), left_out)
    if len(candidates) > MAX_PHOTOS:
        raise CaptureError(
            f"The capture holds {len(candidates)} photos; at most {MAX_PHOTOS} can be used at once. "
            "Upload one place at a time."
        )
    usable = _check_all(candidates, left_out, on_progress or (lambda _share, _line: None))
    if len(usable) < MIN_PHOTOS:
        raise CaptureError(_too_few(capture, len(usable), left_out))
    folder = work / "photos"
    folder.mkdir(parents=True, exist_ok=True)
    photos = []
    for candidate, name, (size, metadata) in _with_names(usable):
        (folder / name).symlink_to(candidate.path.resolve())
        photos.append(Photo(name, candidate.source, *size, metadata))
    photos.sort(key=lambda photo: photo.name)
    return Intake(folder, tuple(photos), len(candidates), tuple(left_out.sentences()))


def name_list(names: Iterable[str], limit: int = NAMES_PER_WARNING) -> str:
    """The first names and how many more there are."""
    ordered = sorted(names)
    shown = ", ".join(ordered[:limit])
    more = len(ordered) - limit
    return f"{shown} and {more} more" if more > 0 else shown


def _find(capture: Path, unpacked: Path, limits: UnpackLimits, left_out: _LeftOut) -> list[_Candidate]:
    if not capture.is_dir():
        raise CaptureError(
            "The capture is not there: no folder of photos was uploaded. Upload the photos again."
        )
    found: list[_Candidate] = []
    budget = limits
    for index, path in enumerate(_files(capture)):
        source = path.relative_to(capture).as_posix()
        if path.suffix.lower() == ".zip":
            target = unpacked / f"{index:05d}"
            members = unpack_zip(
                path, target, source=source, wanted=PHOTO_SUFFIXES | set(CONVERTIBLE_SUFFIXES), limits=budget
            )
            budget = budget.less(members.total_bytes, len(members.files))
            for member in members.files:
                _sort(member.path, f"{source}/{member.name}", found, left_out)
        else:
            _sort(path, source, found, left_out)
    return found


def _files(folder: Path) -> list[Path]:
    """Every plain file below the folder, in the order of its path; hidden ones are the system's."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    visible = [path for path in files if not _hidden(path.relative_to(folder).as_posix())]
    return sorted(visible, key=lambda path: path.relative_to(folder).as_posix())


def _hidden(source: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(source).parts)


def _sort(path: Path, source: str, found: list[_Candidate], left_out: _LeftOut) -> None:
    suffix = path.suffix.lower()
    if _hidden(source):
        return
    if suffix in PHOTO_SUFFIXES:
        found.append(_Candidate(path, source))
    elif suffix in CONVERTIBLE_SUFFIXES:
        kind = CONVERTIBLE_SUFFIXES[suffix]
        remedy = "put its photos into the capture" if kind == "an archive" else "export as JPEG"
        left_out.add(f"{kind} that cannot be used ({remedy})", source)
    elif suffix not in COMPANION_SUFFIXES:
        left_out.add("not a photo", source)


Checked = tuple[tuple[int, int], PhotoMetadata]


def _check_all(
    candidates: Sequence[_Candidate], left_out: _LeftOut, on_progress: Callable[[float, str], None]
) -> list[tuple[_Candidate, Checked]]:
    usable: list[tuple[_Candidate, Checked]] = []
    total = len(candidates)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for index, (candidate, outcome) in enumerate(
            zip(candidates, pool.map(_check, candidates), strict=True), start=1
        ):
            if isinstance(outcome, str):
                left_out.add(outcome, candidate.source)
            else:
                usable.append((candidate, outcome))
            on_progress(index / total, f"Looking at the photos: {index} of {total}")
    copies = _copies([candidate for candidate, _ in usable])
    for candidate in sorted(copies, key=lambda copy: copy.source):
        left_out.add("an exact copy of another photo", candidate.source)
    return [(candidate, checked) for candidate, checked in usable if candidate not in copies]


def _check(candidate: _Candidate) -> Checked | str:
    """Size and metadata of a photo that can be decoded to its end, or why it cannot be used."""
    if candidate.path.stat().st_size == 0:
        return "an empty file"
    Image.MAX_IMAGE_PIXELS = None  # the header's size is checked below, before any pixel is decoded
    try:
        image = Image.open(candidate.path, formats=PHOTO_FORMATS)
    except (UnidentifiedImageError, OSError):
        return "not an image inside"
    try:
        with image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                return f"larger than {MAX_PIXELS // 1_000_000} megapixels"
            if min(width, height) < MIN_SIDE_PX:
                return f"smaller than {MIN_SIDE_PX} pixels"
            metadata = read_metadata(image)
            image.draft("RGB", (width // 8, height // 8))  # decodes every byte of a JPEG, at an eighth
            image.load()
    except Exception:  # noqa: BLE001 - decoders fed with a stranger's bytes raise anything
        return "damaged or cut off (copy it from the drone's card again)"
    return (width, height), metadata


def _copies(candidates: Sequence[_Candidate]) -> set[_Candidate]:
    """Later files with the very bytes of an earlier one; only files of equal size are read."""
    by_size: dict[int, list[_Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_size[candidate.path.stat().st_size].append(candidate)
    copies: set[_Candidate] = set()
    for group in by_size.values():
        if len(group) == 1:
            continue
        seen: set[bytes] = set()
        for candidate in group:
            with candidate.path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
            if digest in seen:
                copies.add(candidate)
            seen.add(digest)
    return copies


def _with_names(
    usable: Sequence[tuple[_Candidate, Checked]],
) -> list[tuple[_Candidate, str, Checked]]:
    """Gives each photo its file name, or where two share one, its whole path as a name."""
    plain = [_safe(PurePosixPath(candidate.source).name) for candidate, _ in usable]
    count = Counter(name.lower() for name in plain)
    taken: set[str] = set()
    named = []
    for (candidate, checked), name in zip(usable, plain, strict=True):
        unique = name if count[name.lower()] == 1 else _safe(candidate.source.replace("/", "__"))
        stem, suffix = PurePosixPath(unique).stem, PurePosixPath(unique).suffix
        number = 2
        while unique.lower() in taken or (unique != name and unique.lower() in count):
            unique = f"{stem}-{number}{suffix}"
            number += 1
        taken.add(unique.lower())
        named.append((candidate, unique, checked))
    return named


def _safe(name: str) -> str:
    """A file name without what COLMAP's pair lists or a shell would stumble over."""
    return re.sub(r"[^\w.\-]", "_", name).lstrip(".-") or "photo"


def _too_few(capture: Path, usable: int, left_out: _LeftOut) -> str:
    reasons = " ".join(left_out.sentences())
    if usable == 0 and not reasons:
        what = "The capture is empty" if not any(capture.rglob("*")) else "The capture holds no photos"
        return f"{what}. Upload the drone's original photos (JPEG), or a zip of them."
    have = {0: "no usable photo", 1: "only 1 usable photo"}.get(usable, f"only {usable} usable photos")
    return (
        f"The capture holds {have}; a model needs at least {MIN_PHOTOS}, and comes out well from 20. "
        f"Upload more of the drone's original photos (JPEG). {reasons}".strip()
    )
