"""A layer is unpacked once, by content."""

import io
import zipfile

import pytest

from local.cloud.ministack import lambda_layers


def layer(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("python/answer.py", text)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(lambda_layers.CACHE_VARIABLE, str(tmp_path))
    return tmp_path


def test_the_same_layer_is_unpacked_once(cache):
    folder = lambda_layers.unpacked(layer("answer = 1"))
    compiled = folder / "python" / "compiled"
    compiled.write_text("kept")
    assert lambda_layers.unpacked(layer("answer = 1")) == folder
    assert compiled.read_text() == "kept"
    assert list(cache.iterdir()) == [folder]


def test_other_content_has_a_folder_of_its_own():
    first, second = lambda_layers.unpacked(layer("answer = 1")), lambda_layers.unpacked(layer("answer = 2"))
    assert first != second
    assert (first / "python" / "answer.py").read_text() == "answer = 1"
    assert (second / "python" / "answer.py").read_text() == "answer = 2"
