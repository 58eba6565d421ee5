"""Judgements of captures, archives, reconstructions and models."""

import io
import re
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.pipeline_steps import logic
from functions.pipeline_steps.archives import MAX_DIRECTORY_BYTES, read_entries
from functions.pipeline_steps.logic import Entry
from functions.pipeline_steps.refusals import CaptureRejected, ModelIncomplete, ReconstructionRejected


def photos(count, size=5_000_000):
    return [Entry(name=f"{number}.jpg", size=size) for number in range(count)]


def archive(files, *, compression=zipfile.ZIP_STORED):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return data.getvalue()


def entries_of(data, log=None):
    def read(first, last):
        if log is not None:
            log.append(last - first + 1)
        return data[first : last + 1]

    return read_entries("a.zip", len(data), read)


@given(st.integers(0, 20), st.integers(0, 20))
def test_photos_count_wherever_they_are(plain, packed):
    archives = {"a.zip": photos(packed)}
    if plain + packed < logic.MIN_PHOTOS:
        with pytest.raises(CaptureRejected, match=f"{plain + packed or 'no'} photos?;"):
            logic.judge_capture(photos(plain), archives)
    else:
        assert logic.judge_capture(photos(plain), archives)["photos"] == plain + packed


def test_empty_photos_do_not_count():
    with pytest.raises(CaptureRejected, match="2 photos"):
        logic.judge_capture([*photos(2), *photos(5, size=0)], {})


def test_more_than_a_machine_holds_is_refused():
    with pytest.raises(CaptureRejected, match="several captures"):
        logic.judge_capture(photos(logic.MAX_PHOTOS + 1), {})
    with pytest.raises(CaptureRejected, match="GB"):
        logic.judge_capture(photos(10, size=logic.MAX_UNPACKED_BYTES // 9), {})


def test_only_photos_of_an_archive_are_listed():
    data = archive(
        {"DCIM/a.JPG": b"1", "DCIM/": b"", "__MACOSX/._a.JPG": b"2", ".b.jpg": b"3", "c.txt": b"4"}
    )
    assert entries_of(data) == [Entry("DCIM/a.JPG", 1)]


def test_a_large_archive_is_judged_by_its_end():
    data = archive({f"{number}.jpg": bytes(1000) * 1000 for number in range(30)})
    log: list[int] = []
    assert len(entries_of(data, log)) == 30
    assert sum(log) < len(data) / 20


@pytest.mark.parametrize("name", ["../a.jpg", "x/../../a.jpg", "/etc/a.jpg", "..\\a.jpg", "C:\\a.jpg"])
def test_a_name_that_leads_out_is_refused(name):
    with pytest.raises(CaptureRejected, match="outside its folder"):
        entries_of(archive({"good.jpg": b"1", name: b"2"}))


@pytest.mark.parametrize("name", ["a.jpg", "bomb.bin"])
def test_a_bomb_is_refused(name):
    data = archive({name: bytes(50_000_000)}, compression=zipfile.ZIP_DEFLATED)
    assert len(data) < 1_000_000
    with pytest.raises(CaptureRejected, match="far more"):
        entries_of(data)


def test_a_directory_too_large_to_read_is_refused():
    data = archive({"a.jpg": b"1"})
    end = data.rindex(b"PK\x05\x06")
    claimed = MAX_DIRECTORY_BYTES + 10**6
    forged = bytearray(data[end:])
    forged[12:16] = claimed.to_bytes(4, "little")
    forged[16:20] = bytes(4)
    log: list[int] = []
    with pytest.raises(CaptureRejected, match="not a readable zip"):
        entries_of(bytes(claimed) + bytes(forged), log)
    assert sum(log) <= MAX_DIRECTORY_BYTES


def test_a_protected_archive_is_refused():
    data = bytearray(archive({"a.jpg": b"1"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(CaptureRejected, match="password"):
        entries_of(bytes(data))


@given(st.binary(max_size=400))
def test_anything_else_named_zip_is_refused(data):
    with pytest.raises(CaptureRejected, match=re.escape("a.zip")):
        entries_of(data)


@given(st.data())
def test_a_damaged_archive_is_refused_or_listed(data):
    content = bytearray(archive({"a.jpg": b"1", "b.jpg": b"2"}))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        entries = entries_of(bytes(content))
    except CaptureRejected:
        return
    assert len(entries) <= 2


def report(photos=24, registered=24, points=5000):
    return {"input": {"photos": photos}, "output": {"registered": registered, "points": points}}


def test_a_good_reconstruction_passes():
    assert logic.judge_reconstruction(report()) == {"photos": 24, "registered": 24, "points": 5000}


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (report(registered=12), "12 of 24"),
        (report(photos=2, registered=2), "2 of 2"),
        (report(points=logic.MIN_POINTS - 1), f"{logic.MIN_POINTS - 1} points"),
    ],
)
def test_a_poor_reconstruction_is_refused_with_its_figures(bad, words):
    with pytest.raises(ReconstructionRejected, match=words):
        logic.judge_reconstruction(bad)


def test_a_missing_report_is_our_fault():
    for broken in (None, {}, {"input": {}}):
        with pytest.raises(LookupError):
            logic.judge_reconstruction(broken)


@pytest.mark.parametrize("name", logic.MODEL_FILES)
def test_a_model_is_complete_with_every_file(name):
    sizes = dict.fromkeys(logic.MODEL_FILES, 1)
    logic.check_model(sizes)
    for broken in ({**sizes, name: 0}, {key: size for key, size in sizes.items() if key != name}):
        with pytest.raises(ModelIncomplete, match=name):
            logic.check_model(broken)


def test_a_summary_takes_what_the_reports_have():
    full = {
        "sfm": {**report(), "seconds": 5.0},
        "3dgs": {"quality": {"psnr_heldout_db": 23.5}, "seconds": 9.0},
    }
    summary = logic.summarize(full)
    assert (summary["photos"], summary["psnrDb"]) == (24, 23.5)
    assert summary["seconds"] == {"sfm": 5.0, "3dgs": 9.0}
    assert summary["sogBytes"] is None


def test_a_browser_is_told_what_each_file_is():
    assert logic.content_type("index.html").startswith("text/html")
    assert logic.content_type("assets/viewer.JS").startswith("text/javascript")
    assert logic.content_type("model.sog") == "application/octet-stream"
