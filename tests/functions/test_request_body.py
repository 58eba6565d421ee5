"""Request bodies: what is read is what can be kept and sent back."""

import json
from decimal import Decimal

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.errors import ApiError
from functions.shared.request_body import (
    LEAST_MAGNITUDE,
    MAX_BODY_CHARACTERS,
    MAX_NESTING,
    MOST_MAGNITUDE,
    read_body,
)
from functions.shared.stores import MAX_DIGITS, _exact

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers()
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def refused(text):
    with pytest.raises(ApiError) as error:
        read_body(text)
    return error.value


@given(st.dictionaries(st.text(), VALUES))
def test_a_body_that_is_read_can_be_stored_and_sent(body):
    text = json.dumps(body)
    try:
        read = read_body(text)
    except ApiError:
        return
    assert read == body
    stored = TypeSerializer().serialize(_exact(read))
    assert set(TypeDeserializer().deserialize(stored)) == set(body)
    assert json.dumps(read, ensure_ascii=False).encode()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_of_every_size_that_dynamodb_holds_are_taken(number):
    fits = number == 0 or LEAST_MAGNITUDE <= abs(number) <= MOST_MAGNITUDE
    if fits:
        assert read_body(json.dumps({"a": number})) == {"a": number}
        assert TypeSerializer().serialize(Decimal(repr(number)))
    else:
        assert refused(json.dumps({"a": number})).code == "INVALID_NUMBER"


def test_whole_numbers_are_ints_however_they_are_written():
    for text in ("41", "41.0", "4.1e1", "4100E-2"):
        value = read_body(f'{{"a": {text}}}')["a"]
        assert (value, type(value)) == (41, int), text
    assert type(read_body('{"a": 1e100}')["a"]) is float


def test_digits_beyond_what_is_kept_are_refused():
    assert read_body(f'{{"a": -{"9" * MAX_DIGITS}}}') == {"a": -int("9" * MAX_DIGITS)}
    for digits in (MAX_DIGITS + 1, 5_000):
        assert refused(f'{{"a": {"9" * digits}}}').code == "INVALID_NUMBER"


def nested(levels):
    return '{"a":' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


def test_levels_beyond_the_limit_are_refused_however_many():
    assert read_body(nested(MAX_NESTING))
    flat = json.dumps({"a": [{} for _ in range(2 * MAX_NESTING)]})
    assert read_body(flat)
    for levels in (MAX_NESTING + 1, 900, 300_000):
        assert refused(nested(levels)).code == "INVALID_JSON"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"a"',
        "NaN",
        '{"a": NaN}',
        '{"a": -Infinity}',
        r'{"a": "\ud800"}',
        r'{"\udc00": 1}',
    ],
)
def test_what_is_no_json_object_is_refused(text):
    assert (refused(text).status, refused(text).code) == (400, "INVALID_JSON")


def test_escaped_characters_are_read():
    assert read_body(r'{"a": "\ud83d\ude00\u0000"}') == {"a": "\U0001f600\0"}


def test_a_body_may_be_so_long_and_no_longer():
    text = json.dumps({"a": ""})
    filled = text.replace('""', f'"{"x" * (MAX_BODY_CHARACTERS - len(text))}"')
    assert read_body(filled)
    assert refused(filled + " ").status == 413
