"""Amazon EventBridge rules and their targets."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

from typing import Any, ClassVar

from local.deploy.kinds import Kind, Registration, pascal, present


class EventRule(Kind):
    """A rule on a bus: a pattern or a schedule."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:cloudwatch/eventRule:EventRule",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        name = registration.physical_name(limit=64)
        registration.client("events").put_rule(
            Name=name,
            Tags=registration.tag_list(),
            **present(EventPattern=registration.document("eventPattern")),
            **pascal(inputs.take("description", "scheduleExpression", "roleArn", "state", "eventBusName")),
        )
        inputs.ignore("forceDestroy", because="rules of the embedded cloud are nobody else's")
        return name

    def read(self, registration: Registration) -> dict[str, Any]:
        rule = registration.client("events").describe_rule(Name=registration.id, **_bus(registration))
        return {"name": registration.id, "arn": rule["Arn"]}

    def delete(self, registration: Registration) -> None:
        registration.client("events").delete_rule(Name=registration.id, **_bus(registration))


class EventTarget(Kind):
    """What a rule calls."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:cloudwatch/eventTarget:EventTarget",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        target = registration.physical_name("targetId", limit=64)
        transformer = inputs.whole("inputTransformer")
        failed = registration.client("events").put_targets(
            Rule=inputs["rule"],
            **_bus(registration),
            Targets=[
                {
                    "Id": target,
                    **pascal(inputs.take("arn", "roleArn", "input", "inputPath")),
                    **present(
                        DeadLetterConfig=pascal(inputs.whole("deadLetterConfig")),
                        RetryPolicy=pascal(inputs.whole("retryPolicy")),
                        SqsParameters=pascal(inputs.whole("sqsTarget")),
                        InputTransformer=_transformer(transformer) if transformer else None,
                    ),
                }
            ],
        )["FailedEntries"]
        if failed:
            raise ValueError(f"EventBridge refused the target: {failed[0].get('ErrorMessage', failed[0])}")
        inputs.ignore("forceDestroy", because="rules of the embedded cloud are nobody else's")
        return target

    def read(self, registration: Registration) -> dict[str, Any]:
        return {"targetId": registration.id}

    def delete(self, registration: Registration) -> None:
        registration.client("events").remove_targets(
            Rule=registration.inputs["rule"], Ids=[registration.id], **_bus(registration)
        )


def _bus(registration: Registration) -> dict[str, str]:
    return present(EventBusName=registration.inputs.get("eventBusName"))


def _transformer(transformer: dict[str, Any]) -> dict[str, Any]:
    return present(InputPathsMap=transformer.get("inputPaths"), InputTemplate=transformer["inputTemplate"])
