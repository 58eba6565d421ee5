"""Writes the APIs' documents to where the program takes them from."""

import json
import tomllib
from pathlib import Path

from components.offers import OFFERS
from functions.layers.archive import digest

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build" / "openapi"
_STAMP = "sources"


def write_documents(output: Path = OUTPUT) -> list[Path]:
    """Write every document, unless those of the same sources are there.

    Args:
        output: Folder of the documents.

    Returns:
        Their files, one per API; the same sources give the same bytes.

    Raises:
        DocumentError: A route table and the functions' routes do not fit together.
    """
    paths = {name: output / f"{name}.json" for name in OFFERS}
    stamp, sources = output / _STAMP, _sources()
    there = stamp.exists() and all(path.exists() for path in paths.values())
    if there and stamp.read_text() == sources:
        return list(paths.values())
    # Only now: it imports all functions.
    from functions.openapi.document import document  # noqa: PLC0415

    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    output.mkdir(parents=True, exist_ok=True)
    for name, offer in OFFERS.items():
        text = json.dumps(document(name, offer, version), indent=2, ensure_ascii=False)
        partial = paths[name].with_suffix(".partial")
        partial.write_text(text + "\n")
        partial.replace(paths[name])
    stamp.write_text(sources)
    return list(paths.values())


def _sources() -> str:
    files = [
        *sorted((ROOT / "functions").rglob("*.py")),
        *(ROOT / name for name in ("components/offers.py", "components/routes.py")),
        *(ROOT / name for name in ("pyproject.toml", "uv.lock")),
    ]
    return digest(*(part for file in files for part in (str(file).encode(), file.read_bytes())))
