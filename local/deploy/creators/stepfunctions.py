"""AWS Step Functions state machines."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

import json
from typing import Any, ClassVar

from local.deploy.kinds import Kind, Registration, present


class StateMachine(Kind):
    """A state machine."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:sfn/stateMachine:StateMachine",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        definition = registration.document("definition") or "{}"
        _check_targets(json.loads(definition))
        made = registration.client("stepfunctions").create_state_machine(
            name=registration.physical_name(limit=80),
            definition=definition,
            roleArn=inputs["roleArn"],
            tags=registration.tag_list("key", "value"),
            **inputs.take("type", "publish"),
            **present(
                loggingConfiguration=_logging(inputs.whole("loggingConfiguration")),
                tracingConfiguration=inputs.whole("tracingConfiguration"),
            ),
        )
        arn: str = made["stateMachineArn"]
        return arn

    def read(self, registration: Registration) -> dict[str, Any]:
        found = registration.client("stepfunctions").describe_state_machine(stateMachineArn=registration.id)
        return {
            "name": found["name"],
            "arn": registration.id,
            "status": found["status"],
            "creationDate": found["creationDate"].isoformat(),
        }

    def delete(self, registration: Registration) -> None:
        registration.client("stepfunctions").delete_state_machine(stateMachineArn=registration.id)


def _logging(configuration: dict[str, Any] | None) -> dict[str, Any] | None:
    if configuration is None:
        return None
    made: dict[str, Any] = {key: configuration[key] for key in configuration if key != "logDestination"}
    if configuration.get("logDestination"):
        made["destinations"] = [{"cloudWatchLogsLogGroup": {"logGroupArn": configuration["logDestination"]}}]
    return made


def _check_targets(definition: dict[str, Any]) -> None:
    """Refuses what AWS refuses and the embedded cloud takes: a state that is named and not there."""
    states = definition.get("States", {})
    named = {("StartAt", definition.get("StartAt"))}
    for name, state in states.items():
        named |= {(name, target) for target in _targets(state)}
        for inner in [*state.get("Branches", []), state.get("ItemProcessor") or state.get("Iterator")]:
            if inner:
                _check_targets(inner)
    missing = [
        f"{place} names {target!r}" for place, target in sorted(named, key=str) if target not in states
    ]
    if missing:
        raise ValueError(f"the state machine has no such state: {'; '.join(missing)}")


def _targets(state: dict[str, Any]) -> set[str]:
    steps = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return {step[key] for step in steps for key in ("Next", "Default") if key in step}
