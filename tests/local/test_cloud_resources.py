"""What a role may do is judged by the ARNs and conditions that AWS judges it by."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.local.cloud_kit import allow

pytestmark = pytest.mark.cloud

REFUSED = "AccessDenied"
OTHER_ANSWER = "ResourceNotFound"
"""The call was allowed, and is about nothing that there is."""


def arn(cloud, service: str, resource: str) -> str:
    return f"arn:aws:{service}:{cloud.region}:{cloud.account}:{resource}"


def test_a_stream_belongs_to_its_group(cloud, kit):
    group, other = kit.name("group"), kit.name("group")
    for name in (group, other):
        kit.logs.create_log_group(logGroupName=name)
    logs = kit.as_user("logs", allow("logs:CreateLogStream", arn(cloud, "logs", f"log-group:{group}:*")))
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    with pytest.raises(ClientError, match=f"{REFUSED}.*{other}:log-stream:one"):
        logs.create_log_stream(logGroupName=other, logStreamName="one")


def test_one_stream_alone_can_be_given(cloud, kit):
    group = kit.name("group")
    kit.logs.create_log_group(logGroupName=group)
    only = arn(cloud, "logs", f"log-group:{group}:log-stream:one")
    logs = kit.as_user("logs", allow("logs:CreateLogStream", only))
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    with pytest.raises(ClientError, match=REFUSED):
        logs.create_log_stream(logGroupName=group, logStreamName="two")


def test_a_log_group_is_tagged_by_its_own_arn(cloud, kit):
    group = kit.name("group")
    kit.logs.create_log_group(logGroupName=group)
    own = arn(cloud, "logs", f"log-group:{group}")
    kit.as_user("logs", allow("logs:TagResource", own)).tag_resource(resourceArn=own, tags={"a": "b"})


@pytest.mark.parametrize(("bus", "place"), [("default", ""), ("another", "another/")])
def test_a_rule_is_named_with_its_bus_unless_that_is_the_default_one(cloud, kit, bus: str, place: str):
    own, other = kit.name("rule"), kit.name("rule")
    actions = ["events:DescribeRule", "events:PutTargets"]
    events = kit.as_user("events", allow(actions, arn(cloud, "events", f"rule/{place}{own}")))
    targets = [{"Id": "one", "Arn": arn(cloud, "sqs", "queue")}]
    for rule, answer in ((own, OTHER_ANSWER), (other, REFUSED)):
        with pytest.raises(ClientError, match=answer):
            events.describe_rule(Name=rule, EventBusName=bus)
        with pytest.raises(ClientError, match=answer):
            events.put_targets(Rule=rule, EventBusName=bus, Targets=targets)


def test_metrics_go_into_the_given_namespace_alone(kit):
    given = allow("cloudwatch:PutMetricData", "*", StringEquals={"cloudwatch:namespace": "Given"})
    metrics = kit.as_user("cloudwatch", given)
    data = [{"MetricName": "one", "Value": 1.0}]
    metrics.put_metric_data(Namespace="Given", MetricData=data)
    with pytest.raises(ClientError, match=REFUSED):
        metrics.put_metric_data(Namespace="Other", MetricData=data)


def test_traces_are_sent_by_those_who_may(kit):
    document = [json.dumps({"name": "one"})]
    with pytest.raises(ClientError, match=REFUSED):
        kit.as_user("xray", allow("xray:GetSamplingRules", "*")).put_trace_segments(
            TraceSegmentDocuments=document
        )
    with pytest.raises(ClientError) as told:
        kit.as_user("xray", allow("xray:PutTraceSegments", "*")).put_trace_segments(
            TraceSegmentDocuments=document
        )
    assert REFUSED not in str(told.value)


def test_a_jobs_tags_are_of_that_job(cloud, kit):
    sagemaker = kit.as_user(
        "sagemaker", allow("sagemaker:AddTags", arn(cloud, "sagemaker", "training-job/own-*"))
    )
    tags = [{"Key": "a", "Value": "b"}]
    with pytest.raises(ClientError, match="UnknownOperation"):
        sagemaker.add_tags(ResourceArn=arn(cloud, "sagemaker", "training-job/own-1"), Tags=tags)
    with pytest.raises(ClientError, match=REFUSED):
        sagemaker.add_tags(ResourceArn=arn(cloud, "sagemaker", "training-job/other-1"), Tags=tags)


def test_a_batch_of_messages_needs_the_right_to_one(kit):
    url, queue = kit.queue()
    entries = [{"Id": str(number), "MessageBody": "A job has ended."} for number in range(2)]
    sqs = kit.as_user("sqs", allow("sqs:SendMessage", queue))
    assert len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == len(entries)
    with pytest.raises(ClientError, match="AccessDenied"):
        kit.as_user("sqs", allow("sqs:SendMessageBatch", queue)).send_message_batch(
            QueueUrl=url, Entries=entries
        )
    handles = [
        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
        for number, message in enumerate(
            kit.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        )
    ]
    with pytest.raises(ClientError, match="AccessDenied"):
        sqs.delete_message_batch(QueueUrl=url, Entries=handles)
