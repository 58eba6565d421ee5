"""The JSON schemas of the contract's files: `python -m spaceport_job.schemas FOLDER` writes them."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from spaceport_job.records import CameraSet, Georeference, MergedReport, Progress, Report, write_json

RECORDS: dict[str, type[BaseModel]] = {
    "progress": Progress,
    "report": Report,
    "merged-report": MergedReport,
    "georeference": Georeference,
    "cameras": CameraSet,
}


def json_schemas() -> dict[str, dict[str, Any]]:
    """Schema by the name of the file it describes, as the files are written (JSON Schema 2020-12)."""
    return {name: record.model_json_schema(mode="serialization") for name, record in RECORDS.items()}


def main(argv: Sequence[str]) -> int:
    """Writes `<name>.schema.json` for every file of the contract into the folder given."""
    if len(argv) != 1:
        sys.stderr.write("usage: python -m spaceport_job.schemas FOLDER\n")
        return 2
    for name, schema in json_schemas().items():
        write_json(Path(argv[0]) / f"{name}.schema.json", schema)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
