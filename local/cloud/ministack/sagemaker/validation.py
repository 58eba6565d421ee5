"""Checks requests against SageMaker's own service model and the rules that the model does not have."""

import re
from collections.abc import Iterator
from typing import Any

from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from botocore.session import get_session
from botocore.validate import ParamValidator

from local.cloud.ministack.sagemaker.errors import ApiError
from local.cloud.ministack.sagemaker.jobs import PROCESSING, TRAINING, JobKind, JsonValue

Json = dict[str, Any]
PROCESSING_FOLDER = "/opt/ml/processing"
# Java's letters, digits and spaces of any script.
_CLASSES = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s"}

_model: ServiceModel | None = None


def model() -> ServiceModel:
    """Returns SageMaker's service model, loaded once."""
    global _model  # noqa: PLW0603 - a cache of 3 MB of JSON
    if _model is None:
        _model = get_session().get_service_model("sagemaker")
    return _model


def check(operation: str, request: JsonValue) -> Json:
    """Checks a request.

    Args:
        operation: The API's operation, such as `CreateTrainingJob`.
        request: The request's body.

    Returns:
        The request.

    Raises:
        ApiError: ValidationException; the message lists everything that is wrong.
    """
    shape = model().operation_model(operation).input_shape
    assert shape is not None  # noqa: S101 - every operation here has an input
    if not isinstance(request, dict):
        raise ApiError("SerializationException", "The request is not a JSON object.")
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        raise ApiError("ValidationException", report.generate_report())
    found = [*_constraints(request, shape, "")]
    if operation in _RULES:
        found += _RULES[operation](request)
    if found:
        plural = "s" if len(found) > 1 else ""
        message = f"{len(found)} validation error{plural} detected: {'; '.join(found)}"
        raise ApiError("ValidationException", message)
    return request


def _constraints(value: JsonValue, shape: Shape, path: str) -> Iterator[str]:
    """Yields what breaks the model's patterns, lengths, ranges and enumerations, in AWS's words."""
    if isinstance(shape, StructureShape):
        for name, item in value.items():
            yield from _constraints(
                item, shape.members[name], f"{path}.{_lower(name)}" if path else _lower(name)
            )
        return
    if isinstance(shape, ListShape):
        yield from _length(value, shape, path)
        for index, item in enumerate(value, 1):
            yield from _constraints(item, shape.member, f"{path}.{index}.member")
        return
    if isinstance(shape, MapShape):
        yield from _length(value, shape, path)
        for key, item in value.items():
            yield from _constraints(key, shape.key, f"{path}.key")
            yield from _constraints(item, shape.value, f"{path}.{key}")
        return
    if shape.type_name == "string":
        yield from _string(value, shape, path)
    elif shape.type_name in ("integer", "long") and "max" in shape.metadata and value > shape.metadata["max"]:
        yield _broken(value, path, f"have value less than or equal to {shape.metadata['max']}")


def _as_python(pattern: str) -> str:
    """A pattern of AWS's models, whose classes of characters Python writes otherwise."""
    for theirs, ours in _CLASSES.items():
        pattern = pattern.replace(theirs, ours)
    return pattern


def _string(value: str, shape: Shape, path: str) -> Iterator[str]:
    yield from _length(value, shape, path)
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(_as_python(pattern), value):
        yield _broken(value, path, f"satisfy regular expression pattern: {pattern}")
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield _broken(value, path, f"satisfy enum value set: [{', '.join(allowed)}]")


def _length(value: JsonValue, shape: Shape, path: str) -> Iterator[str]:
    if (longest := shape.metadata.get("max")) is not None and len(value) > longest:
        yield _broken(value, path, f"have length less than or equal to {longest}")


def _broken(value: JsonValue, path: str, rule: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: Member must {rule}"


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _training_rules(request: Json) -> list[str]:
    found = [
        f"Value null at '{_lower(name)}' failed to satisfy constraint: Member must not be null"
        for name in ("AlgorithmSpecification", "ResourceConfig", "StoppingCondition")
        if name not in request
    ]
    algorithm = request.get("AlgorithmSpecification", {})
    if ("TrainingImage" in algorithm) == ("AlgorithmName" in algorithm):
        found.append("You must specify exactly one of TrainingImage and AlgorithmName.")
    stopping = request.get("StoppingCondition", {})
    spot, wait = request.get("EnableManagedSpotTraining", False), stopping.get("MaxWaitTimeInSeconds")
    if spot and (wait is None or wait < stopping.get("MaxRuntimeInSeconds", 0)):
        found.append("Managed spot training needs a MaxWaitTimeInSeconds of at least MaxRuntimeInSeconds.")
    if not spot and wait is not None:
        found.append("MaxWaitTimeInSeconds above 0 is not allowed when EnableManagedSpotTraining is false.")
    channels = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    if len(set(channels)) < len(channels):
        found.append("ChannelName must be unique.")
    return found


def _processing_rules(request: Json) -> list[str]:
    inputs = request.get("ProcessingInputs", [])
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    found = []
    for what, items in (("Input", inputs), ("Output", outputs)):
        names = [item[f"{what}Name"] for item in items]
        if len(set(names)) < len(names):
            found.append(f"Processing{what} names must be unique.")
        for item in items:
            local = item.get(f"S3{what}", {}).get("LocalPath", "")
            if not f"{local}/".startswith(f"{PROCESSING_FOLDER}/") or ".." in local.split("/"):
                found.append(
                    f"Processing{what} {item[f'{what}Name']}: LocalPath must begin with {PROCESSING_FOLDER}."
                )
    return found


_RULES = {
    f"Create{TRAINING.label}Job": _training_rules,
    f"Create{PROCESSING.label}Job": _processing_rules,
}


def operation(verb: str, kind: JobKind) -> str:
    """Returns an operation's name: a verb and a kind of job."""
    return f"{verb}{kind.label}Job{'s' if verb == 'List' else ''}"
