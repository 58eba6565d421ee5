"""What becomes of an old item."""

from decimal import Decimal

import pytest
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from adoption.rows import UnfitError, differences, row_of
from functions.projects.models import CreateProject
from tests.adoption.conftest import OWNER, old_item

SECOND = 1_700_000_000


def test_an_item_that_fits_gets_a_version_and_nothing_else():
    old = old_item(paymentStatus="paid", photos=[{"key": "a.jpg"}], note=None)
    row = row_of(old)
    assert row.item == {**old, "version": 1}
    assert row.changes == ("version: added",)
    assert row.key == (old["userSub"], old["projectId"])


@pytest.mark.parametrize(
    "time",
    [
        Decimal(SECOND),
        Decimal(SECOND * 1000 + 999),
        Decimal(SECOND * 1_000_000),
        Decimal(SECOND) + Decimal("0.75"),
        str(SECOND),
        str(SECOND * 1000),
        "2023-11-14T22:13:20Z",
        "2023-11-14T22:13:20.5",
        "2023-11-15T00:13:20+02:00",
    ],
    ids=str,
)
def test_a_time_is_in_whole_seconds_whatever_it_was_in(time):
    row = row_of(old_item(createdAt=time))
    assert row.item["createdAt"] == SECOND
    assert any(change.startswith("createdAt: ") for change in row.changes) == (time != Decimal(SECOND))


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"createdAt": None}, (1_700_000_100, 1_700_000_100)),
        ({"updatedAt": None}, (1_700_000_000, 1_700_000_000)),
        ({"createdAt": None, "updatedAt": None}, (0, 0)),
        ({"createdAt": "yesterday"}, (1_700_000_100, 1_700_000_100)),
    ],
)
def test_a_time_that_is_not_known_is_the_other_one(times, expected):
    row = row_of(old_item(**times))
    assert (row.item["createdAt"], row.item["updatedAt"]) == expected
    assert all(any(change.startswith(f"{name}: ") for change in row.changes) for name in times)


@pytest.mark.parametrize(
    ("field", "given", "expected"),
    [
        ("progress", "50", 50),
        ("progress", Decimal("49.5"), 50),
        ("progress", Decimal(130), 100),
        ("progress", Decimal(-1), 0),
        ("status", "Delivered ", "delivered"),
        ("params", '{"latitude": 41.7}', {"latitude": Decimal("41.7")}),
        ("upload", "{}", {}),
        ("title", Decimal(7), "7"),
        ("version", Decimal(4), 4),
    ],
)
def test_a_field_is_read_into_its_form(field, given, expected):
    row = row_of(old_item(**{field: given}))
    assert row.item[field] == expected
    assert f"{field}Before" not in row.item


@pytest.mark.parametrize(
    ("field", "given", "expected"),
    [
        ("status", "sold", "draft"),
        ("progress", "half", 0),
        ("progress", True, 0),
        ("params", ["a"], {}),
        ("params", '{"a": NaN}', {}),
        ("params", "[1]", {}),
        ("ml", "ready", None),
        ("title", ["Barn"], "Untitled"),
        ("version", Decimal("0.5"), 1),
        ("createdAt", Decimal(10) ** 20, 1_700_000_100),
    ],
)
def test_what_cannot_be_read_stays_beside_the_default(field, given, expected):
    row = row_of(old_item(**{field: given}))
    assert row.item.get(field) == expected
    assert row.item[f"{field}Before"] == given
    assert any(f"kept as {field}Before" in change for change in row.changes)


def test_what_json_does_not_know_is_made_of_what_it_knows():
    row = row_of(old_item(tags={"b", "a"}, deep={"bytes": [Binary(b"\x00\xff")]}, sizes={Decimal(2)}))
    assert row.item["tags"] == ["a", "b"]
    assert row.item["deep"] == {"bytes": ["AP8="]}
    assert row.item["sizes"] == [2]
    assert {"tags: made JSON's types", "deep: made JSON's types"} <= set(row.changes)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"userSub": None}, "userSub"),
        ({"userSub": ""}, "userSub"),
        ({"userSub": "ada@example.org"}, "userSub"),
        ({"userSub": OWNER.upper()}, "userSub"),
        ({"projectId": "a/b"}, "projectId"),
        ({"projectId": "x" * 65}, "projectId"),
        ({"projectId": Decimal(5)}, "projectId"),
        ({"projectId": None, "id": "a b"}, "projectId"),
    ],
)
def test_an_item_without_usable_ids_is_nobodys_project(fields, word):
    with pytest.raises(UnfitError, match=word):
        row_of(old_item(**fields))


def test_an_id_that_a_new_project_could_have_is_taken_over():
    made = CreateProject.model_validate({"projectId": "barn_2-A"})
    assert row_of(old_item(projectId=made.project_id)).item["projectId"] == "barn_2-A"
    assert row_of({**old_item(id="barn-1"), "projectId": ""}).item["projectId"] == "barn-1"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.text(max_size=20)
    | st.decimals(-(10**18), 10**18, places=3)
    | st.sets(st.text(min_size=1, max_size=3), min_size=1)
    | st.binary(max_size=5).map(Binary),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=5), parts, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["title", "email", "status", "progress", "params", "upload", "ml", "version", "createdAt", "updatedAt"]
) | st.text(min_size=1, max_size=8)


@given(st.dictionaries(FIELDS, VALUES, max_size=6))
def test_any_item_becomes_a_row_that_stays_as_it_is_from_then_on(fields):
    old = old_item(**{name: value for name, value in fields.items() if name not in ("userSub", "projectId")})
    row = row_of(old)
    stored = {
        name: TypeDeserializer().deserialize(TypeSerializer().serialize(value))
        for name, value in row.item.items()
    }
    assert differences(row.item, stored) == []
    assert row_of(stored).item == row.item
    assert not row_of(stored).changes
    assert set(old) - {name for name, value in old.items() if value is None} <= set(row.item) | {
        name for name in ("upload", "ml") if f"{name}Before" in row.item
    }
    for name in ("createdAt", "updatedAt", "version", "progress"):
        assert row.item[name] == int(row.item[name])


def test_a_difference_of_type_is_a_difference():
    assert differences({"a": Decimal(1)}, {"a": True}) == ["a"]
    assert differences({"a": {"b": [Decimal(1)]}}, {"a": {"b": ["1"]}}) == ["a"]
    assert differences({"a": None}, {}) == ["a"]
    assert differences({"a": Decimal("1.0")}, {"a": Decimal(1)}) == []
