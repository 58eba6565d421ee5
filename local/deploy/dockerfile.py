"""What a Dockerfile says about running its image, and how the same runs on this machine from the sources."""

import hashlib
import json
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

PYTHON_NAMES = re.compile(r"(?:/\S+/)?python3?(?:\.\d+)?")
# Instructions that shape what the image has installed or how a registry shows it: this machine has its own.
_NOT_OURS = frozenset(
    {
        "ARG",
        "RUN",
        "LABEL",
        "SHELL",
        "USER",
        "EXPOSE",
        "STOPSIGNAL",
        "HEALTHCHECK",
        "MAINTAINER",
        "VOLUME",
        "CMD",
    }
)
# Variables that this machine sets its own way; numba caches beside the sources, which outlive the run.
_THIS_MACHINES = frozenset({"PYTHONPATH", "PATH", "NUMBA_CACHE_DIR"})
_OPTION = re.compile(r"--[a-z-]+(?:=\S+)?")


class DockerfileError(Exception):
    """A Dockerfile that cannot be followed on this machine."""


@dataclass(frozen=True)
class Copy:
    """One COPY from the build context or from an earlier stage."""

    sources: tuple[str, ...]
    target: PurePosixPath
    stage: str | None = None
    into_folder: bool = False


@dataclass
class Image:
    """The last stage of a Dockerfile.

    Attributes:
        entrypoint: In exec form.
        env: Variables, in the image's own paths.
        copies: Of the last stage, in order.
        earlier: Copies of the stages before it.
        workdir: Folder that the command starts in.
    """

    entrypoint: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    copies: list[Copy] = field(default_factory=list)
    earlier: list[Copy] = field(default_factory=list)
    workdir: PurePosixPath = field(default_factory=lambda: PurePosixPath("/"))


def parse(text: str) -> Image:
    """Reads the last stage of a Dockerfile.

    Raises:
        DockerfileError: An instruction is unknown, or ENTRYPOINT is missing or not in exec form.
    """
    image = Image()
    for keyword, rest in _instructions(text):
        if keyword == "FROM":
            image = Image(earlier=image.earlier + image.copies)
        elif keyword == "ENTRYPOINT":
            image.entrypoint = _exec_form(rest)
        elif keyword == "ENV":
            image.env |= _variables(rest, image.env)
        elif keyword in ("COPY", "ADD"):
            image.copies.append(_copy(rest, image))
        elif keyword == "WORKDIR":
            image.workdir /= _expand(rest, image.env)
        elif keyword not in _NOT_OURS:
            raise DockerfileError(f"the instruction {keyword} is not known here")
    if not image.entrypoint:
        raise DockerfileError("its last stage has no ENTRYPOINT, so it cannot be said what it runs")
    return image


def content_digest(image: Image, context: Path, text: str) -> str:
    """SHA-256 over the Dockerfile and every file that any stage copies, as hexadecimal digits."""
    digest = hashlib.sha256(text.encode())
    for copy in image.earlier + image.copies:
        if copy.stage is not None:
            continue
        for source in _sources(copy, context):
            files = (
                sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
            )
            for path in files:
                if "__pycache__" not in path.parts:
                    digest.update(f"\0{path.relative_to(context)}\0".encode())
                    digest.update(path.read_bytes())
    return digest.hexdigest()


def local_command(
    image: Image,
    context: Path,
    root: Path,
    *,
    built: Mapping[str, Path | None],
    python: str = sys.executable,
) -> dict[str, Any]:
    """How the image's command runs on this machine, from the sources.

    A folder is filled with links as COPY would fill the image, so that a package which the Dockerfile forgets
    is missing here too.

    Args:
        image: The last stage.
        context: The build context.
        root: Empty folder that stands for the image's `/`.
        built: Where on this machine lies what earlier stages build, by its path in the stage; None for
            packages that the interpreter has itself.
        python: Interpreter that stands for the image's.

    Returns:
        `argv`, `pythonpath` (folders) and `env` for the image registry.

    Raises:
        DockerfileError: A COPY source is missing, the command is not Python's, or PYTHONPATH names a folder
            that no COPY fills.
    """
    program, *arguments = image.entrypoint
    if not PYTHON_NAMES.fullmatch(program):
        raise DockerfileError(f"its ENTRYPOINT runs {program}; only Python runs here without its image")
    for copy in image.copies:
        _link(copy, _sources(copy, context) if copy.stage is None else _built(copy, built), root)
    own = {
        str(copy.target)
        for copy in image.copies
        if copy.stage and all(built[path] is None for path in copy.sources)
    }
    env = _local_env(image, root)
    pythonpath = _python_path(image, root, own)
    return {"argv": [python, *arguments], "pythonpath": pythonpath, "env": env}


def _python_path(image: Image, root: Path, own: set[str]) -> list[str]:
    folders = []
    for part in filter(None, image.env.get("PYTHONPATH", "").split(":")):
        if part in own:
            continue
        folder = _in_root(part, root)
        if not folder.is_dir():
            raise DockerfileError(f"its PYTHONPATH names {part}, which no COPY fills")
        folders.append(str(folder))
    # Python started with -m searches the folder it starts in.
    workdir = _in_root(str(image.workdir), root)
    if workdir.is_dir() and str(workdir) not in folders:
        folders.append(str(workdir))
    return folders


def _local_env(image: Image, root: Path) -> dict[str, str]:
    env = {}
    for name, value in image.env.items():
        if name not in _THIS_MACHINES:
            copied = value.startswith("/") and _in_root(value, root).exists()
            env[name] = str(_in_root(value, root)) if copied else value
    return env


def _in_root(path: str, root: Path) -> Path:
    return root / PurePosixPath(path).relative_to("/")


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    joined = re.sub(r"\\\s*\n(?:\s*#[^\n]*\n)*", " ", text)
    terminator: str | None = None
    for line in joined.splitlines():
        stripped = line.strip()
        if terminator is not None:
            if stripped == terminator:
                terminator = None
            continue
        if not stripped or stripped.startswith("#"):
            continue
        keyword, _, rest = stripped.partition(" ")
        heredoc = re.search(r"<<-?[\"']?(\w+)", rest)
        if keyword.upper() == "RUN" and heredoc:
            terminator = heredoc.group(1)
        yield keyword.upper(), rest.strip()


def _exec_form(rest: str) -> tuple[str, ...]:
    try:
        words = json.loads(rest)
    except json.JSONDecodeError as error:
        raise DockerfileError(
            f"its ENTRYPOINT {rest} is in shell form, which swallows SIGTERM: write it as a JSON list"
        ) from error
    return tuple(str(word) for word in words)


def _variables(rest: str, known: Mapping[str, str]) -> dict[str, str]:
    if "=" not in rest.split(maxsplit=1)[0]:
        name, _, value = rest.partition(" ")
        return {name: _expand(value.strip(), known)}
    pairs = (word.partition("=") for word in shlex.split(rest))
    return {name: _expand(value, known) for name, _, value in pairs}


def _expand(text: str, known: Mapping[str, str]) -> str:
    return re.sub(
        r"\$(?:\{(\w+)(?::-[^}]*)?\}|(\w+))", lambda found: known.get(found[1] or found[2], ""), text
    )


def _copy(rest: str, image: Image) -> Copy:
    stage = None
    while option := _OPTION.match(rest):
        if option[0].startswith("--from="):
            stage = option[0].partition("=")[2]
        rest = rest[option.end() :].lstrip()
    words = json.loads(rest) if rest.startswith("[") else shlex.split(rest)
    words = [_expand(word, image.env) for word in words]
    if len(words) < 2:  # noqa: PLR2004 - a source and a target
        raise DockerfileError(f"COPY {rest} needs a source and a target")
    *sources, target = words
    return Copy(
        tuple(sources),
        image.workdir / target,
        stage,
        into_folder=target.endswith("/") or target in (".", "./") or len(sources) > 1,
    )


def _sources(copy: Copy, context: Path) -> list[Path]:
    found: list[Path] = []
    for pattern in copy.sources:
        relative = pattern.strip("/")
        matches = (
            sorted(context.glob(relative))
            if any(mark in relative for mark in "*?[")
            else [context / relative]
        )
        if not matches or not all(path.exists() for path in matches):
            raise DockerfileError(f"COPY {pattern}: there is no such file in {context}")
        found.extend(matches)
    return found


def _built(copy: Copy, built: Mapping[str, Path | None]) -> list[Path]:
    found = []
    for path in copy.sources:
        if path not in built:
            raise DockerfileError(
                f"COPY --from={copy.stage} {path}: it is not known here what that stage builds there"
            )
        here = built[path]
        if here is None:
            continue
        if not here.exists():
            raise DockerfileError(f"{here}, which stands for {path}, is not there: run `make setup`")
        found.append(here)
    return found


def _link(copy: Copy, sources: list[Path], root: Path) -> None:
    target = root / copy.target.relative_to("/")
    for source in sources:
        if source.is_dir():
            _link_folder(target, source)
        else:
            place = target / source.name if copy.into_folder else target
            place.parent.mkdir(parents=True, exist_ok=True)
            _replace(place, source)


def _link_folder(target: Path, source: Path) -> None:
    """Puts a folder's content, as Docker does, into the target.

    The first folder there is linked as a whole: what its code caches beside itself is there the next time.
    """
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source.resolve())
        return
    if target.is_symlink():
        first = target.resolve()
        target.unlink()
        target.mkdir()
        _link_folder(target, first)
    for child in source.iterdir():
        _replace(target / child.name, child)


def _replace(place: Path, source: Path) -> None:
    if place.is_symlink() or place.is_file():
        place.unlink()
    if place.is_dir():
        for child in source.iterdir():
            _replace(place / child.name, child)
        return
    place.symlink_to(source.resolve())
