"""Amazon SNS topics and subscriptions."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

from typing import Any, ClassVar

from local.deploy.kinds import Kind, Registration


class Topic(Kind):
    """A topic."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:sns/topic:Topic",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        attributes = {
            theirs: inputs[ours]
            for ours, theirs in (("displayName", "DisplayName"), ("kmsMasterKeyId", "KmsMasterKeyId"))
            if ours in inputs
        }
        policy = registration.document("policy")
        if policy:
            attributes["Policy"] = policy
        made = registration.client("sns").create_topic(
            Name=registration.physical_name(limit=256), Attributes=attributes, Tags=registration.tag_list()
        )
        arn: str = made["TopicArn"]
        return arn

    def read(self, registration: Registration) -> dict[str, Any]:
        registration.client("sns").get_topic_attributes(TopicArn=registration.id)
        return {"arn": registration.id, "name": registration.id.rpartition(":")[2]}

    def delete(self, registration: Registration) -> None:
        registration.client("sns").delete_topic(TopicArn=registration.id)


class TopicPolicy(Kind):
    """Who may publish to a topic."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:sns/topicPolicy:TopicPolicy",)

    def create(self, registration: Registration) -> str:
        arn: str = registration.inputs["arn"]
        registration.client("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=registration.document("policy")
        )
        return arn

    def read(self, registration: Registration) -> dict[str, Any]:
        registration.client("sns").get_topic_attributes(TopicArn=registration.id)
        return {"arn": registration.id, "owner": registration.cloud.account}

    def delete(self, registration: Registration) -> None:
        """It goes with the topic."""


class TopicSubscription(Kind):
    """Whom a topic tells."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:sns/topicSubscription:TopicSubscription",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        attributes = {}
        policy = registration.document("filterPolicy")
        if policy:
            attributes["FilterPolicy"] = policy
        if "rawMessageDelivery" in inputs:
            attributes["RawMessageDelivery"] = str(inputs["rawMessageDelivery"]).lower()
        made = registration.client("sns").subscribe(
            TopicArn=inputs["topic"],
            Protocol=inputs["protocol"],
            Endpoint=inputs["endpoint"],
            Attributes=attributes,
            ReturnSubscriptionArn=True,
        )
        arn: str = made["SubscriptionArn"]
        return arn

    def read(self, registration: Registration) -> dict[str, Any]:
        return {"arn": registration.id}

    def delete(self, registration: Registration) -> None:
        registration.client("sns").unsubscribe(SubscriptionArn=registration.id)
