"""What a capture may be: names, sizes, and what archives say they hold."""

import re
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.capture_check import rules
from functions.capture_check.archives import MAX_DIRECTORY_BYTES, read_photos, unpack_start
from functions.capture_check.reasons import CaptureRejected
from functions.capture_check.rules import Photo
from tests.functions.capture_kit import zip_of


def photos(count, size=5_000_000):
    return [Photo(name=f"{number}.jpg", size=size) for number in range(count)]


def entries_of(data, log=None):
    def read(first, last):
        if log is not None:
            log.append(last - first + 1)
        return data[first : last + 1]

    return read_photos("a.zip", "key", len(data), read)


@given(st.integers(0, 20), st.integers(0, 20))
def test_photos_count_wherever_they_are(plain, packed):
    archives = {"a.zip": photos(packed)}
    if plain + packed < rules.MIN_PHOTOS:
        with pytest.raises(CaptureRejected, match=f"{plain + packed or 'no'} photos?;"):
            rules.take_photos(photos(plain), archives)
    else:
        assert len(rules.take_photos(photos(plain), archives)) == plain + packed


def test_empty_photos_do_not_count():
    with pytest.raises(CaptureRejected, match="2 photos"):
        rules.take_photos([*photos(2), *photos(5, size=0)], {})


def test_more_than_a_machine_holds_is_refused():
    with pytest.raises(CaptureRejected, match="several captures"):
        rules.take_photos(photos(rules.MAX_PHOTOS + 1), {})
    with pytest.raises(CaptureRejected, match="GB"):
        rules.take_photos(photos(10, size=rules.MAX_UNPACKED_BYTES // 9), {})


def test_only_photos_of_an_archive_are_listed():
    data = zip_of({"DCIM/a.JPG": b"1", "DCIM/": b"", "__MACOSX/._a.JPG": b"2", ".b.jpg": b"3", "c.txt": b"4"})
    assert [(photo.name, photo.size) for photo in entries_of(data)] == [("a.zip/DCIM/a.JPG", 1)]


def test_a_large_archive_is_judged_by_its_end():
    data = zip_of({f"{number}.jpg": bytes(1000) * 1000 for number in range(30)})
    log: list[int] = []
    assert len(entries_of(data, log)) == 30
    assert sum(log) < len(data) / 20


@pytest.mark.parametrize("name", ["../a.jpg", "x/../../a.jpg", "/etc/a.jpg", "..\\a.jpg", "C:\\a.jpg"])
def test_a_name_that_leads_out_is_refused(name):
    with pytest.raises(CaptureRejected, match="outside its folder"):
        entries_of(zip_of({"good.jpg": b"1", name: b"2"}))


@pytest.mark.parametrize("name", ["a.jpg", "bomb.bin"])
def test_a_bomb_is_refused(name):
    data = zip_of({name: bytes(50_000_000)}, method=zipfile.ZIP_DEFLATED)
    assert len(data) < 1_000_000
    with pytest.raises(CaptureRejected, match="far more"):
        entries_of(data)


def test_a_directory_too_large_to_read_is_refused():
    data = zip_of({"a.jpg": b"1"})
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
    data = bytearray(zip_of({"a.jpg": b"1"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(CaptureRejected, match="password"):
        entries_of(bytes(data))


@given(st.binary(max_size=400))
def test_anything_else_named_zip_is_refused(data):
    with pytest.raises(CaptureRejected, match=re.escape("a.zip")):
        entries_of(data)


@given(st.data())
def test_a_damaged_archive_is_refused_or_listed(data):
    content = bytearray(zip_of({"a.jpg": b"1", "b.jpg": b"2"}))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        entries = entries_of(bytes(content))
    except CaptureRejected:
        return
    assert len(entries) <= 2


@given(
    content=st.binary(min_size=1, max_size=3000),
    length=st.integers(1, 4000),
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_the_first_bytes_of_an_entry_are_those_of_the_photo(content, length, method):
    data = zip_of({"first.jpg": b"other", "a.jpg": content}, method=method)
    packed = entries_of(data)[1].packed
    assert unpack_start(packed, lambda first, last: data[first : last + 1], length) == content[:length]


def test_a_start_is_read_without_the_rest():
    data = zip_of({"a.jpg": bytes(range(256)) * 40_000})
    packed, log = entries_of(data)[0].packed, []

    def read(first, last):
        log.append(last - first + 1)
        return data[first : last + 1]

    assert len(unpack_start(packed, read, 100_000)) == 100_000
    assert sum(log) < 110_000


@given(st.data())
def test_a_damaged_entry_is_an_error_or_some_bytes(data):
    whole = bytearray(zip_of({"a.jpg": b"123" * 100}, method=zipfile.ZIP_DEFLATED))
    packed = entries_of(bytes(whole))[0].packed
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, packed.offset + packed.size + 30))] = data.draw(st.integers(0, 255))
    try:
        start = unpack_start(packed, lambda first, last: bytes(whole[first : last + 1]), 50)
    except ValueError:
        return
    assert len(start) <= 50
