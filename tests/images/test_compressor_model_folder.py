import gzip
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from spaceport_compressor.errors import ModelFolderError, ViewerFilesError
from spaceport_compressor.model_folder import read_model_folder, unpack
from spaceport_compressor.viewer_files import FOLDER_VARIABLE, copy_viewer, viewer_folder

from tests.images.compressor_job import pack_bytes, write_model_folder
from tests.images.compressor_scene import landmark_scene, orbit_cameras


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    write_model_folder(tmp_path / "trained", landmark_scene(400), orbit_cameras())
    return tmp_path / "trained"


def test_the_contracts_files_are_unpacked_and_nothing_else(tmp_path: Path):
    members = {
        "splat.ply": b"1",
        "./cameras.json": b"2",
        "heldout/a.JPG.png": b"3",
        "heldout/sub/b.png": b"4",
        "heldout/script.sh": b"5",
        "code/anything.py": b"6",
    }
    pack_bytes(members, tmp_path / "model.tar.gz")
    unpack(tmp_path / "model.tar.gz", tmp_path / "out")
    found = {
        str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()
    }
    assert found == {"splat.ply", "cameras.json", "heldout/a.JPG.png", "heldout/sub/b.png"}


@pytest.mark.parametrize(
    "name", ["../evil.png", "heldout/../../evil.png", "/spaceport-evil/evil.png", "heldout/../evil.png"]
)
def test_a_name_that_leads_out_of_the_folder_writes_nothing_there(name: str, tmp_path: Path):
    pack_bytes({name: b"x", "splat.ply": b"1"}, tmp_path / "model.tar.gz")
    unpack(tmp_path / "model.tar.gz", tmp_path / "deep" / "out")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()].count("evil.png") == 0
    assert (tmp_path / "deep" / "out" / "splat.ply").exists()
    assert not Path("/spaceport-evil").exists()


def test_links_are_not_followed(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"not yours")
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as packed:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            link = tarfile.TarInfo("splat.ply")
            link.type, link.linkname = kind, str(secret)
            packed.addfile(link)
    unpack(tmp_path / "model.tar.gz", tmp_path / "out")
    assert not (tmp_path / "out" / "splat.ply").exists()


def test_an_archive_larger_than_any_model_is_refused_before_it_is_written(tmp_path: Path):
    header = tarfile.TarInfo("splat.ply")
    header.size = 1 << 40
    (tmp_path / "model.tar.gz").write_bytes(gzip.compress(header.tobuf(format=tarfile.GNU_FORMAT)))
    with pytest.raises(ModelFolderError, match="larger than"):
        unpack(tmp_path / "model.tar.gz", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"not gzip", gzip.compress(b"not tar" * 100, mtime=0)])
def test_a_damaged_archive_is_named(content: bytes, tmp_path: Path):
    (tmp_path / "model.tar.gz").write_bytes(content)
    with pytest.raises(ModelFolderError, match=r"model\.tar\.gz is damaged"):
        unpack(tmp_path / "model.tar.gz", tmp_path / "out")


def test_a_cut_archive_is_named(tmp_path: Path):
    pack_bytes({"splat.ply": bytes(range(256)) * 4000}, tmp_path / "model.tar.gz")
    content = (tmp_path / "model.tar.gz").read_bytes()
    (tmp_path / "model.tar.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelFolderError, match="damaged"):
        unpack(tmp_path / "model.tar.gz", tmp_path / "out")


def test_a_missing_archive_is_named(tmp_path: Path):
    with pytest.raises(ModelFolderError, match=r"model\.tar\.gz is missing"):
        unpack(tmp_path / "model.tar.gz", tmp_path / "out")


def test_the_folder_is_read_whole(folder: Path):
    model = read_model_folder(folder)
    assert len(model.splats.means) == len(landmark_scene(400).means)
    assert [view.name for view in model.cameras.views] == [camera.name for camera in orbit_cameras()]
    heldout = [view for view in model.cameras.views if view.split == "heldout"]
    assert heldout
    assert all(model.heldout_photo(view.name) for view in heldout)
    assert model.heldout_photo("other.jpg") is None


@pytest.mark.parametrize("name", ["splat.ply", "cameras.json", "georeference.json", "report.json"])
def test_a_missing_file_is_named(folder: Path, name: str):
    (folder / name).unlink()
    with pytest.raises(ModelFolderError, match=name):
        read_model_folder(folder)


@pytest.mark.parametrize("name", ["splat.ply", "cameras.json", "georeference.json", "report.json"])
def test_a_damaged_file_is_named(folder: Path, name: str):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 3])
    with pytest.raises(ModelFolderError, match=name):
        read_model_folder(folder)


def test_the_viewer_page_is_found_by_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(ViewerFilesError, match=str(tmp_path)):
        viewer_folder()
    (tmp_path / "index.html").touch()
    assert viewer_folder() == tmp_path


def test_the_viewer_page_never_replaces_a_file_of_the_model(tmp_path: Path):
    for name in ("page", "model"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "preview.jpg").write_text(name)
    with pytest.raises(ViewerFilesError, match=r"preview\.jpg"):
        copy_viewer(tmp_path / "page", tmp_path / "model")
    assert (tmp_path / "model" / "preview.jpg").read_text() == "model"


def test_a_stream_of_tar_members_needs_no_order(folder: Path, tmp_path: Path):
    """The archive may list heldout/ first, as `tar` does."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        for path in sorted(folder.rglob("*"), reverse=True):
            packed.add(path, arcname=str(path.relative_to(folder)), recursive=False)
    (tmp_path / "model.tar.gz").write_bytes(buffer.getvalue())
    unpack(tmp_path / "model.tar.gz", tmp_path / "out")
    assert len(read_model_folder(tmp_path / "out").splats.means) > 0
