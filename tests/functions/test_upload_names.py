"""Names of uploaded files, for any name a person's disk may have."""

import re
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.file_upload import logic
from functions.file_upload.logic import RefusedFileError
from functions.file_upload.models import UploadedPart

EXTENSIONS = st.sampled_from([*logic.CONTENT_TYPES, ".JPG", ".Zip"])


@given(st.text(max_size=300), EXTENSIONS)
def test_a_safe_name_is_one_plain_file_name(stem, extension):
    name = logic.safe_name(stem + extension)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name)
    assert len(name) <= logic.MAX_NAME_CHARACTERS
    assert PurePosixPath(name).name == name
    assert PurePosixPath(name).suffix == extension
    assert logic.safe_name(name) == name


@given(st.text(max_size=300))
def test_any_text_gives_a_safe_name_or_a_refusal(text):
    known = any(text.strip().lower().endswith(extension) for extension in logic.CONTENT_TYPES)
    try:
        name = logic.safe_name(text)
    except RefusedFileError:
        assert not known
    else:
        assert logic.content_type(name)


@given(st.text(max_size=50), EXTENSIONS, st.lists(st.integers(1, 3000), min_size=2, unique=True))
def test_numbers_keep_names_apart_and_safe(stem, extension, numbers):
    name = logic.safe_name(stem + extension)
    numbered = [logic.numbered_name(name, number) for number in numbers]
    assert len(set(numbered)) == len(numbers)
    assert {logic.safe_name(one) for one in numbered} == set(numbered)


@given(st.text(max_size=60), st.text(max_size=40))
def test_a_key_belongs_to_its_owner_alone(key, other):
    mine = logic.capture_prefix("me", "cap") + "a.jpg"
    assert logic.capture_and_name("me", mine) == ("cap", "a.jpg")
    if other != "me":
        assert logic.capture_and_name(other, mine) is None
    assert logic.capture_and_name("me", key) is None or key.startswith("uploads/me/")


@pytest.mark.parametrize("name", ["../../etc/passwd.jpg", "C:\\photos\\passwd.jpg", "/abs/passwd.jpg"])
def test_folders_are_dropped(name):
    assert logic.safe_name(name) == "passwd.jpg"


def test_an_archive_may_be_larger_than_a_photo():
    between = logic.MAX_PHOTO_BYTES + 1
    logic.check_size("a.zip", between)
    with pytest.raises(RefusedFileError, match="200 MB"):
        logic.check_size("a.jpg", between)
    with pytest.raises(RefusedFileError, match="empty"):
        logic.check_size("a.zip", 0)


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=50))
def test_parts_come_in_order_and_once(numbers):
    parts = [UploadedPart(e_tag="e", part_number=number) for number in numbers]
    if len(set(numbers)) < len(numbers):
        with pytest.raises(RefusedFileError, match="twice"):
            logic.ordered_parts(parts)
    else:
        assert [part.part_number for part in logic.ordered_parts(parts)] == sorted(numbers)
