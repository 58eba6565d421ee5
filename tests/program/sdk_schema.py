"""What the provider's SDK says about a resource's inputs: their names, which must be there, their types."""

import inspect
import json
import sys
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

import pulumi_aws
from pulumi import _types
from pulumi.runtime import rpc

PROVIDER = "pulumi:providers:aws"


def problems(token: str, inputs: Mapping[str, object]) -> list[str]:
    """What the provider would not take of some inputs, each with its path.

    Args:
        token: Type of the resource, such as `aws:s3/bucket:Bucket`.
        inputs: By the provider's names.
    """
    if token == PROVIDER:
        return list(_of_object(_decoded(inputs), pulumi_aws.ProviderArgs, ""))
    return list(_of_object(inputs, args_class(token), ""))


def args_class(token: str) -> type:
    """The SDK's class of the inputs of a type of resource."""
    package, module, _ = token.split(":")
    registered = rpc.get_resource_module(package, module, "")
    assert registered, f"the SDK has no {token}"
    info = registered.mod_info
    resource = getattr(sys.modules[info["fqn"]], info["classes"][token])
    module = sys.modules[resource.__module__]
    # The second name is taken where an object inside some inputs has the first one.
    names = (f"{resource.__name__}Args", f"{resource.__name__}InitArgs")
    classes = [getattr(module, name) for name in names if hasattr(module, name)]
    (own,) = [one for one in classes if one.__module__ == resource.__module__]
    assert isinstance(own, type)
    return own


def _decoded(inputs: Mapping[str, object]) -> dict[str, object]:
    """A provider's inputs: whatever is no text travels as JSON."""
    kinds = _types.input_type_types(pulumi_aws.ProviderArgs)
    return {
        name: value if kinds.get(name) is str or not isinstance(value, str) else json.loads(value)
        for name, value in inputs.items()
    }


def _of_object(value: Mapping[str, object], kind: type, path: str) -> Iterator[str]:
    names = _types.input_type_py_to_pulumi_names(kind)
    hints = _types._raw_return_hints(kind)
    for name in sorted(set(value) - set(names.values())):
        known = ", ".join(sorted(names.values()))
        yield f"{path}{name}: {kind.__name__} has no such input; there are {known}"
    parameters = inspect.signature(kind.__init__).parameters.values()
    required = {names[one.name] for one in parameters if one.name in names and one.default is one.empty}
    for name in sorted(required - set(value)):
        yield f"{path}{name}: {kind.__name__} needs it"
    for name in sorted(set(value) & set(hints)):
        yield from _of_value(value[name], hints[name], f"{path}{name}")


def _of_value(value: object, hint: object, path: str) -> Iterator[str]:
    if value is None or hint is typing.Any:
        return
    found = [list(_of_alternative(value, one, path)) for one in _alternatives(hint)]
    if found and all(found):
        # Of several types that it could have, the one that it comes nearest to.
        yield from min(found, key=len)


def _of_alternative(value: object, hint: object, path: str) -> Iterator[str]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Sequence, list):
        if not isinstance(value, list):
            yield f"{path}: must be a list, not {value!r}"
            return
        for index, item in enumerate(value):
            yield from _of_value(item, arguments[0], f"{path}[{index}]")
    elif origin in (Mapping, dict):
        if not isinstance(value, dict):
            yield f"{path}: must be a map, not {value!r}"
            return
        for name, item in value.items():
            yield from _of_value(item, arguments[1], f"{path}.{name}")
    elif isinstance(hint, type) and _types.is_input_type(hint):
        if not isinstance(value, dict):
            yield f"{path}: must be an object, not {value!r}"
            return
        yield from _of_object(value, hint, f"{path}.")
    elif not _is(value, hint):
        yield f"{path}: must be {getattr(hint, '__name__', hint)}, not {value!r}"


def _is(value: object, hint: object) -> bool:
    if not isinstance(hint, type):
        return True
    if issubclass(hint, Enum):
        return value in {member.value for member in hint}
    if hint is int:
        return isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer()
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, hint)


def _alternatives(hint: object) -> Iterator[object]:
    """The types of a value once nothing is an output any more."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        for one in typing.get_args(hint):
            yield from _alternatives(one)
    elif typing.get_origin(hint) is typing.NotRequired or hint is type(None):
        yield from (_alternatives(typing.get_args(hint)[0]) if typing.get_args(hint) else ())
    elif not _types._is_plumbing_arg(hint):
        yield hint
