"""Zip archives of assets: what is in them, and that the same files give the same bytes."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from local.deploy.archives import ArchiveError, zip_archive
from local.deploy.properties import Archive, Asset


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "functions" / "shared" / "__pycache__").mkdir(parents=True)
    (tmp_path / "functions" / "shared" / "__pycache__" / "x.pyc").write_bytes(b"compiled")
    (tmp_path / "functions" / "shared" / "claims.py").write_text("claims = 1")
    (tmp_path / "functions" / "run.sh").write_text("#!/bin/sh")
    (tmp_path / "functions" / "run.sh").chmod(0o755)
    return tmp_path


def content(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_tree_of_assets_is_packed_under_its_names(sources: Path):
    archive = Archive(
        assets={
            "functions/__init__.py": Asset(text=""),
            "functions/shared": Archive(path="functions/shared"),
            "nested": Archive(assets={"a.sh": Asset(path="functions/run.sh")}),
        }
    )

    assert content(zip_archive(archive, sources)) == {
        "functions/__init__.py": b"",
        "functions/shared/claims.py": b"claims = 1",
        "nested/a.sh": b"#!/bin/sh",
    }


def test_the_same_files_give_the_same_bytes_whatever_their_dates(sources: Path):
    archive = Archive(path="functions")
    first = zip_archive(archive, sources)

    os.utime(sources / "functions" / "shared" / "claims.py", (1, 10**9))
    (sources / "functions" / "shared" / "__pycache__" / "y.pyc").write_bytes(b"more")
    assert zip_archive(archive, sources) == first

    (sources / "functions" / "shared" / "claims.py").write_text("claims = 2")
    assert zip_archive(archive, sources) != first


def test_executables_stay_executable(sources: Path):
    with zipfile.ZipFile(io.BytesIO(zip_archive(Archive(path="functions"), sources))) as archive:
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()}

    assert modes == {"run.sh": 0o755, "shared/claims.py": 0o644}


def test_a_zip_file_is_handed_on_as_it_is(sources: Path):
    packed = zip_archive(Archive(path="functions"), sources)
    (sources / "layer.zip").write_bytes(packed + b"")

    assert zip_archive(Archive(path="layer.zip"), sources) == packed
    assert content(zip_archive(Archive(assets={"python": Archive(path="layer.zip")}), sources)) == {
        f"python/{name}": data for name, data in content(packed).items()
    }


@pytest.mark.parametrize(
    "archive",
    [Archive(path="nowhere"), Archive(assets={"a": Asset(path="nowhere")}), Archive(assets={})],
)
def test_what_is_missing_is_an_error(sources: Path, archive: Archive):
    with pytest.raises(ArchiveError, match=r"nowhere|empty"):
        zip_archive(archive, sources)
