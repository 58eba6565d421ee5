"""Mails: whose they are, what they are sent with, and who hears what became of them."""

import json

import pytest

from components.account import COST_TAG

FUNCTION = "aws:lambda/function:Function"
SET = "aws:sesv2/configurationSet:ConfigurationSet"
DESTINATION = "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination"
RULE = "aws:cloudwatch/eventRule:EventRule"
SENDERS = ("job-events", "waitlist", "invites-v2", "invites-v3")
TOLD = {
    "DELIVERY": "Email Delivered",
    "BOUNCE": "Email Bounced",
    "COMPLAINT": "Email Complaint Received",
    "REJECT": "Email Rejected",
}
"""https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-ses.html"""


def variables(run, name):
    return run.one(FUNCTION, f"{name}-function").inputs["environment"]["variables"]


def rule_of(run):
    (rule,) = [one for one in run.of(RULE) if "aws.ses" in one.inputs.get("eventPattern", "")]
    return rule


@pytest.mark.parametrize("name", SENDERS)
def test_mails_come_from_an_identity_of_the_account_and_tell_this_stack(prod, name):
    (identity,) = prod.of("aws:sesv2/emailIdentity:EmailIdentity")
    (sent_with,) = prod.of(SET)
    assert variables(prod, name)["MAIL_FROM"].endswith("@" + identity.inputs["emailIdentity"])
    assert variables(prod, name)["MAIL_CONFIGURATION_SET"] == sent_with.inputs["configurationSetName"]
    policy = prod.one("aws:iam/rolePolicy:RolePolicy", f"{name}-policy").inputs["policy"]
    (mail,) = [one for one in json.loads(policy)["Statement"] if "ses:SendEmail" in one["Action"]]
    assert {identity.outputs["arn"], sent_with.outputs["arn"]} <= set(mail["Resource"])


def test_whoever_sends_is_known(stack):
    sending = {
        one.name.removesuffix("-function")
        for one in stack.of(FUNCTION)
        if "MAIL_FROM" in one.inputs["environment"]["variables"]
    }
    assert sending == set(SENDERS)


def test_a_stacks_configuration_set_is_its_own(prod, staging, branch):
    names = set()
    for run in (prod, staging, branch):
        (sent_with,) = run.of(SET)
        (provider,) = run.of("pulumi:providers:aws")
        tags = json.loads(provider.inputs["defaultTags"])["tags"]
        names.add(sent_with.inputs["configurationSetName"])
        assert sent_with.inputs["configurationSetName"].startswith(f"{tags[COST_TAG]}-")
        assert sent_with.inputs["reputationOptions"]["reputationMetricsEnabled"] is True
    assert len(names) == 3


def test_what_becomes_of_a_mail_is_told_to_the_default_bus(stack):
    (destination,) = stack.of(DESTINATION)
    (sent_with,) = stack.of(SET)
    told = destination.inputs["eventDestination"]
    assert destination.inputs["configurationSetName"] == sent_with.inputs["configurationSetName"]
    assert told["enabled"] is True
    assert told["eventBridgeDestination"]["eventBusArn"].endswith(":event-bus/default")
    assert {TOLD[kind] for kind in told["matchingEventTypes"]} == set(TOLD.values())


def test_the_queue_hears_of_this_stacks_mails_alone(stack):
    (sent_with,) = stack.of(SET)
    pattern = json.loads(rule_of(stack).inputs["eventPattern"])
    assert pattern["source"] == ["aws.ses"]
    assert set(pattern["detail-type"]) == set(TOLD.values())
    tags = pattern["detail"]["mail"]["tags"]
    assert tags == {"ses:configuration-set": [sent_with.inputs["configurationSetName"]]}


def test_the_rule_alone_adds_to_the_queue(stack):
    rule = rule_of(stack)
    queue = stack.one("aws:sqs/queue:Queue", "mail-events")
    (target,) = [
        one
        for one in stack.of("aws:cloudwatch/eventTarget:EventTarget")
        if one.inputs["rule"] == rule.outputs["name"]
    ]
    assert target.inputs["arn"] == queue.outputs["arn"]
    policy = stack.one("aws:sqs/queuePolicy:QueuePolicy", "mail-events-policy")
    assert policy.inputs["queueUrl"] == queue.outputs["url"] == stack.outputs["mailEventsQueueUrl"]
    (statement,) = json.loads(policy.inputs["policy"])["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] == ["sqs:SendMessage"]
    assert statement["Resource"] == [queue.outputs["arn"]]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": [rule.outputs["arn"]]}}
    assert policy.urn in target.dependencies


def test_what_the_queue_holds_is_encrypted_and_goes_after_days(stack):
    queue = stack.one("aws:sqs/queue:Queue", "mail-events").inputs
    assert queue["sqsManagedSseEnabled"] is True
    assert queue["messageRetentionSeconds"] == 4 * 24 * 3600
