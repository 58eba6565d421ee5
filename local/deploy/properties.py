"""Pulumi's wire format for properties: protobuf structs to plain values and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import struct_pb2

# Marks of Pulumi's wire format (sdk/go/common/resource/properties.go in pulumi/pulumi).
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_ASSET = "c44067f5952c0a294b673a41bacd8c17"
_ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark of the wire format
_RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class PropertyError(Exception):
    """A property cannot be taken as it came."""


@dataclass(frozen=True)
class Asset:
    """A file or a text that the program hands over."""

    path: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class Archive:
    """A folder, an archive file, or a tree of assets and archives."""

    path: str | None = None
    assets: Mapping[str, "Asset | Archive"] | None = None


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Reads properties: secrets opened, whole numbers as ints, resource references as ids, nulls left out.

    Raises:
        PropertyError: A value rests on an output that nothing gives, or is of a kind not taken here.
    """
    values = {name: _from_value(value, name) for name, value in struct.fields.items()}
    return {name: value for name, value in values.items() if value is not None}


def to_struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Writes properties; None is left out."""
    struct = struct_pb2.Struct()
    struct.update(_without_none(values))
    return struct


def _without_none(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, Mapping):
        return {name: _without_none(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value


def _from_value(value: struct_pb2.Value, path: str) -> Any:  # noqa: ANN401 - any JSON value
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        if value.string_value == _UNKNOWN:
            raise PropertyError(
                f"{path} rests on an output that the local deployer does not give: add it to what the "
                "creator of that resource reads (local/deploy/creators/)"
            )
        return value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_from_value(item, f"{path}[{index}]") for index, item in enumerate(value.list_value.values)]
    if kind == "struct_value":
        return _from_object(value.struct_value, path)
    return None


def _from_object(struct: struct_pb2.Struct, path: str) -> Any:  # noqa: ANN401 - any JSON value
    fields = struct.fields
    if _SIGNATURE not in fields:
        values = {name: _from_value(value, f"{path}.{name}") for name, value in fields.items()}
        return {name: value for name, value in values.items() if value is not None}
    signature = fields[_SIGNATURE].string_value
    if signature == _SECRET:
        return _from_value(fields["value"], path)
    if signature == _RESOURCE:
        return _from_value(fields["id"], path) if "id" in fields else fields["urn"].string_value
    if signature in (_ASSET, _ARCHIVE) and "uri" in fields:
        raise PropertyError(
            f"{path} is fetched from {fields['uri'].string_value}: only local files are taken here"
        )
    if signature == _ASSET:
        return Asset(path=_text(fields, "path"), text=_text(fields, "text"))
    if signature == _ARCHIVE:
        assets = fields["assets"].struct_value.fields if "assets" in fields else None
        members = None
        if assets is not None:
            members = {name: _from_value(value, f"{path}.{name}") for name, value in assets.items()}
        return Archive(path=_text(fields, "path"), assets=members)
    raise PropertyError(f"{path} has an unknown mark ({signature}) of Pulumi's wire format")


def _text(fields: Mapping[str, struct_pb2.Value], name: str) -> str | None:
    return fields[name].string_value if name in fields else None
