"""How files are cut into parts, for files of any size that S3 keeps."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.file_upload import logic
from functions.file_upload.models import StartUpload
from functions.file_upload.parts import MAX_PARTS, MIN_PART_BYTES, PartPlan, in_words

LARGEST_OBJECT = 5 * 2**40
LARGEST_PART = 5 * 2**30

sizes = st.integers(1, LARGEST_OBJECT)
cuts = st.builds(PartPlan, st.integers(1, 10**6), st.integers(1, 10**5)).filter(lambda plan: plan.count < 300)


@given(sizes)
def test_s3_takes_every_cut(size):
    plan = PartPlan.for_size(size)
    assert 1 <= plan.count <= MAX_PARTS
    assert MIN_PART_BYTES <= plan.part_size <= LARGEST_PART


@given(st.one_of(cuts, st.integers(1, 300 * 2**23).map(PartPlan.for_size)))
def test_parts_cover_the_file_exactly(plan):
    lengths = [plan.length(number) for number in range(1, plan.count + 1)]
    assert sum(lengths) == plan.size
    assert set(lengths[:-1]) <= {plan.part_size}
    assert 1 <= lengths[-1] <= plan.part_size
    for outside in (0, plan.count + 1):
        with pytest.raises(ValueError, match="parts 1 to"):
            plan.length(outside)


@given(st.sampled_from([*logic.CONTENT_TYPES]).map(lambda extension: f"a{extension}"))
def test_the_largest_file_that_is_taken_is_cut_as_usual(name):
    plan = PartPlan.for_size(logic.size_limit(name))
    assert plan.part_size == PartPlan.for_size(1).part_size


@given(st.data(), cuts)
def test_what_is_missing_is_what_was_not_stored_whole(data, plan):
    numbers = range(1, plan.count + 1)
    whole = data.draw(st.sets(st.sampled_from(numbers)))
    wrong = data.draw(st.sets(st.sampled_from(numbers))) - whole
    stored = {number: plan.length(number) for number in whole}
    stored |= {number: plan.length(number) - 1 for number in wrong}
    missing = plan.missing(stored)
    assert set(missing) == set(numbers) - whole
    assert missing == sorted(missing)


@given(cuts, st.integers(1, 10**5))
def test_nothing_is_missing_of_a_file_that_was_cut_otherwise(plan, other):
    otherwise = PartPlan(plan.size, max(other, -(-plan.size // 300)))
    stored = {number: otherwise.length(number) for number in range(1, otherwise.count + 1)}
    assert plan.missing(stored) == []


@given(st.sets(st.integers(1, 60)).map(sorted))
def test_numbers_in_words_say_all_numbers(numbers):
    words = in_words(numbers, most=60)
    read = []
    for run in words.split(", ") if words else []:
        first, _, last = run.partition("-")
        read += range(int(first), int(last or first) + 1)
    assert read == numbers
    runs = sum(later != earlier + 1 for earlier, later in pairwise(numbers)) + bool(numbers)
    assert in_words(numbers, most=2).endswith("and more") == (runs > 2)


@given(st.text(max_size=20), st.sets(st.integers(1, 30)), st.integers(1, 8))
def test_free_numbers_are_free_and_the_first(stem, taken_numbers, count):
    name = logic.safe_name(f"{stem}.jpg")
    taken = {logic.numbered_name(name, number).lower() for number in taken_numbers}
    free = logic.free_numbers(name, taken, count)
    assert len(free) == count
    assert not taken_numbers & set(free)
    assert set(range(1, max(free))) <= taken_numbers | set(free)


@given(st.integers(1, 10**10), st.integers(1, 100))
def test_there_are_no_more_checksums_than_parts(size, count):
    body = {"fileName": "a.zip", "size": size, "checksums": ["A" * 43 + "="] * count}
    fits = count <= PartPlan.for_size(size).count
    if fits:
        assert StartUpload.model_validate(body).checksummed
    else:
        with pytest.raises(ValueError, match="checksums"):
            StartUpload.model_validate(body)
    with pytest.raises(ValueError, match="size"):
        StartUpload.model_validate({**body, "size": None})
