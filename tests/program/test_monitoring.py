"""Monitoring: everything that can go wrong has an alarm, and every alarm reaches a person."""

import json
import re
from collections import Counter

import pytest

from components import alarms, grants
from components.account import COST_TAG
from components.dashboard import BILLING_REGION, STAGES
from functions.job_events.metrics import NAMESPACE
from functions.shared.job_names import STEPS
from local.preview import ROOT, run_program, stack_config
from tests.program.states_language import states_of
from tests.program.test_functions import sent_events

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
TABLE = "aws:dynamodb/table:Table"
FUNCTION = "aws:lambda/function:Function"
API = "aws:apigateway/restApi:RestApi"
API_STAGE = "aws:apigateway/stage:Stage"
MACHINE = "aws:sfn/stateMachine:StateMachine"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
BUDGET = "aws:budgets/budget:Budget"
RATES = {"Reputation.BounceRate", "Reputation.ComplaintRate"}
LASTING = {"5XXError", "Latency", "Throttles", "ReadThrottleEvents", "WriteThrottleEvents", *RATES}
"""What goes on until something is done; the rest is over when it is told."""


def topic_of(run):
    (topic,) = run.of("aws:sns/topic:Topic")
    return topic


def metric_of(one):
    """What an alarm is on: namespace, name and dimensions."""
    dimensions = frozenset(one.inputs["dimensions"].items())
    return one.inputs["namespace"], one.inputs["metricName"], dimensions


def wanted(run):
    """What must be watched, from what the program registers."""
    for machine in run.of(MACHINE):
        for metric in ("ExecutionsFailed", "ExecutionsTimedOut"):
            yield "AWS/States", metric, {"StateMachineArn": machine.outputs["arn"]}
    service = run.one(FUNCTION, "job-events-function").inputs["environment"]["variables"]["METRICS_SERVICE"]
    yield NAMESPACE, alarms.STAGE_RUNNING_SECONDS, {"service": service, "stage": "3dgs"}
    yield from wanted_of_functions(run)
    yield from wanted_of_apis(run)
    yield from wanted_of_tables(run)
    for sent_with in run.of("aws:sesv2/configurationSet:ConfigurationSet"):
        for rate in RATES:
            yield "AWS/SES", rate, {"ses:configuration-set": sent_with.inputs["configurationSetName"]}
    for queue in dead_letter_queues(run):
        yield "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": queue.outputs["name"]}


def dead_letter_queues(run):
    """All queues that no function works off, and that are filled with what went wrong alone."""
    mappings = run.of("aws:lambda/eventSourceMapping:EventSourceMapping")
    worked_off = {one.inputs["eventSourceArn"] for one in mappings}
    told = {one.inputs["arn"] for one in run.of("aws:cloudwatch/eventTarget:EventTarget")}
    return [one for one in run.of("aws:sqs/queue:Queue") if one.outputs["arn"] not in worked_off | told]


def wanted_of_functions(run):
    called_by_events = sent_events(run)
    aliases = run.of("aws:lambda/alias:Alias")
    called = {alias.inputs["functionName"] for alias in aliases if alias.outputs["arn"] in called_by_events}
    for function in run.of(FUNCTION):
        dropped = ["AsyncEventsDropped"] if function.outputs["name"] in called else []
        for metric in ("Errors", "Throttles", *dropped):
            yield "AWS/Lambda", metric, {"FunctionName": function.outputs["name"]}


def wanted_of_apis(run):
    stages = {stage.inputs["restApi"]: stage.inputs["stageName"] for stage in run.of(API_STAGE)}
    for api in run.of(API):
        for metric in ("5XXError", "Latency"):
            yield "AWS/ApiGateway", metric, {"ApiName": api.outputs["name"], "Stage": stages[api.id]}


def wanted_of_tables(run):
    for table in run.of(TABLE):
        indexes = table.inputs.get("globalSecondaryIndexes", [])
        for part in ({}, *({"GlobalSecondaryIndexName": index["name"]} for index in indexes)):
            for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
                yield "AWS/DynamoDB", metric, {"TableName": table.outputs["name"], **part}


def test_everything_that_can_go_wrong_has_an_alarm_and_no_alarm_watches_anything_else(stack):
    expected = [(namespace, name, frozenset(dims.items())) for namespace, name, dims in wanted(stack)]
    assert len(expected) > 30
    assert Counter(metric_of(one) for one in stack.of(ALARM)) == Counter(expected)


def test_every_alarm_tells_the_topic_and_the_end_of_what_lasts(stack):
    topic = topic_of(stack).outputs["arn"]
    for one in stack.of(ALARM):
        assert one.inputs["alarmActions"] == [topic], one.name
        assert one.inputs.get("actionsEnabled", True)
        if one.inputs["metricName"] in LASTING:
            assert one.inputs["okActions"] == [topic], one.name
        assert one.inputs.get("okActions") in (None, [topic])
        assert not one.inputs.get("insufficientDataActions")


def test_alarms_come_after_those_who_publish_may(stack):
    (policy,) = stack.of("aws:sns/topicPolicy:TopicPolicy")
    for one in [*stack.of(ALARM), *stack.of(BUDGET)]:
        assert policy.urn in one.dependencies, one.name


def test_an_alarms_name_and_text_say_where_and_what(stack):
    names = [one.inputs["name"] for one in stack.of(ALARM)]
    (provider,) = stack.of("pulumi:providers:aws")
    service = json.loads(provider.inputs["defaultTags"])["tags"][COST_TAG]
    assert len(set(names)) == len(names)
    for one in stack.of(ALARM):
        assert one.inputs["name"].startswith(f"{service}-")
        assert len(one.inputs["alarmDescription"]) > 40


def test_alarms_are_ones_that_cloudwatch_takes(stack):
    for one in stack.of(ALARM):
        inputs = one.inputs
        assert ("statistic" in inputs) != ("extendedStatistic" in inputs), one.name
        assert inputs.get("statistic", "Sum") in ("Sum", "Maximum"), one.name
        assert re.fullmatch(r"p\d+", inputs.get("extendedStatistic", "p95")), one.name
        assert inputs["period"] % 60 == 0
        assert inputs["period"] * inputs["evaluationPeriods"] <= 24 * 3600
        assert inputs["comparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert inputs["threshold"] > 0, "a figure of none would alarm"
        # None of these is put where nothing happens; a queue falls silent with its letters still in it, and a
        # rate of mails until the next mail.
        silence = "ignore" if inputs["namespace"] in ("AWS/SQS", "AWS/SES") else "notBreaching"
        assert inputs["treatMissingData"] == silence, one.name


def test_a_training_is_too_long_before_it_is_ended(stack):
    (alarm,) = [one for one in stack.of(ALARM) if one.inputs["namespace"] == NAMESPACE]
    (machine,) = stack.of(MACHINE)
    states = states_of(json.loads(machine.inputs["definition"]))
    training = json.dumps([state for name, state in states.items() if name.startswith("Train3dgs")])
    longest = max(int(seconds) for seconds in re.findall(r'"MaxRuntimeInSeconds": (\d+)', training))
    assert longest / 2 < alarm.inputs["threshold"] < longest
    assert alarm.inputs["statistic"] == "Maximum"


def test_subscriptions_are_those_of_the_config(prod, staging, branch):
    for run, stack_name in ((prod, "prod"), (staging, "staging"), (branch, "staging")):
        addresses = json.loads(stack_config(stack_name)["spaceport:alarmEmails"])
        assert addresses
        made = [(one.inputs["protocol"], one.inputs["endpoint"]) for one in run.of(SUBSCRIPTION)]
        assert made == [("email", address) for address in addresses]
        assert {one.inputs["topic"] for one in run.of(SUBSCRIPTION)} == {topic_of(run).outputs["arn"]}


@pytest.mark.parametrize("addresses", [[], ["a@one.example", "b@two.example"]])
def test_an_ephemeral_stack_tells_as_many_as_it_says(bootstrap, addresses):
    config = stack_config(
        "staging", {**bootstrap, "spaceport:ephemeral": True, "spaceport:alarmEmails": addresses}
    )
    run = run_program(config, stack="branch")
    assert {one.inputs["endpoint"] for one in run.of(SUBSCRIPTION)} == set(addresses)
    assert run.of(ALARM)


def test_cloudwatch_and_budgets_publish_for_this_account_and_nobody_else(stack):
    (key,) = stack.of("aws:kms/key:Key")
    (policy,) = stack.of("aws:sns/topicPolicy:TopicPolicy")
    topic = topic_of(stack)
    assert topic.inputs["kmsMasterKeyId"] == key.outputs["arn"]
    assert policy.inputs["arn"] == topic.outputs["arn"]
    may_publish = services(policy, "sns:Publish")
    assert may_publish == {grants.CLOUDWATCH, grants.BUDGETS}
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        assert services(key, action) == may_publish
    for statement in json.loads(policy.inputs["policy"])["Statement"]:
        assert statement["Resource"] == [topic.outputs["arn"]]


def services(one, action):
    """Services that a policy allows an action for this account's sake."""
    found = set()
    for statement in json.loads(one.inputs["policy"])["Statement"]:
        if action in statement["Action"]:
            assert statement["Condition"]["StringEquals"]["aws:SourceAccount"], one.urn
            found.add(statement["Principal"]["Service"])
    return found


def test_the_budget_counts_this_stack_alone_and_tells_before_and_at_the_limit(prod, staging):
    limits = {}
    for run in (prod, staging):
        (budget,) = run.of(BUDGET)
        (provider,) = run.of("pulumi:providers:aws")
        tags = json.loads(provider.inputs["defaultTags"])["tags"]
        assert budget.inputs["costFilters"] == [
            {"name": "TagKeyValue", "values": [f"user:{COST_TAG}${tags[COST_TAG]}"]}
        ]
        told = {
            (one["notificationType"], one["threshold"], tuple(one["subscriberSnsTopicArns"]))
            for one in budget.inputs["notifications"]
        }
        topic = topic_of(run).outputs["arn"]
        assert told == {("ACTUAL", 80, (topic,)), ("FORECASTED", 100, (topic,))}
        assert (budget.inputs["timeUnit"], budget.inputs["limitUnit"]) == ("MONTHLY", "USD")
        limits[tags[COST_TAG]] = int(budget.inputs["limitAmount"])
    assert len(limits) == 2
    for run_name in ("prod", "staging"):
        assert limits[f"spaceport-{run_name}"] == int(stack_config(run_name)["spaceport:monthlyBudgetUsd"])


def test_a_branch_has_alarms_and_no_budget(branch, staging):
    assert not branch.of(BUDGET)
    assert len(branch.of(ALARM)) == len(staging.of(ALARM))


def widgets(run):
    (dashboard,) = run.of("aws:cloudwatch/dashboard:Dashboard")
    return json.loads(dashboard.inputs["dashboardBody"])["widgets"]


def shown(run):
    """Every metric on the dashboard, with the region that it is read in."""
    for widget in widgets(run):
        properties = widget["properties"]
        for metric in properties.get("metrics", []):
            path = [part for part in metric if isinstance(part, str)]
            if path:
                dimensions = frozenset(zip(path[2::2], path[3::2], strict=True))
                yield path[0], path[1], dimensions, properties["region"]


def test_the_dashboard_shows_the_pipeline_the_apis_and_what_is_behind_them(stack):
    seen = {(namespace, name, dimensions) for namespace, name, dimensions, _ in shown(stack)}
    for machine in stack.of(MACHINE):
        for metric in ("ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed", "ExecutionTime"):
            dims = frozenset({("StateMachineArn", machine.outputs["arn"])})
            assert ("AWS/States", metric, dims) in seen
    for api in stack.of(API):
        for metric in ("Count", "4XXError", "5XXError", "Latency"):
            assert ("AWS/ApiGateway", metric, frozenset({("ApiName", api.outputs["name"])})) in seen
    for function in stack.of(FUNCTION):
        for metric in ("Errors", "Duration", "Throttles"):
            assert ("AWS/Lambda", metric, frozenset({("FunctionName", function.outputs["name"])})) in seen
    for table in stack.of(TABLE):
        for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
            assert ("AWS/DynamoDB", metric, frozenset({("TableName", table.outputs["name"])})) in seen
    stages = {dict(dims)["stage"] for namespace, _, dims in seen if namespace == NAMESPACE}
    assert stages == set(STAGES) == set(STEPS)


def test_the_dashboard_shows_every_alarm(stack):
    (panel,) = [one for one in widgets(stack) if one["type"] == "alarm"]
    assert set(panel["properties"]["alarms"]) == {one.outputs["arn"] for one in stack.of(ALARM)}


def test_the_dashboard_reads_costs_where_aws_keeps_them(stack):
    (provider,) = stack.of("pulumi:providers:aws")
    regions = {(namespace == "AWS/Billing", region) for namespace, _, _, region in shown(stack)}
    assert regions == {(True, BILLING_REGION), (False, provider.inputs["region"])}


def test_no_widget_covers_another(stack):
    taken = set()
    for one in widgets(stack):
        cells = {
            (x, y)
            for x in range(one["x"], one["x"] + one["width"])
            for y in range(one["y"], one["y"] + one["height"])
        }
        assert not cells & taken
        assert one["x"] + one["width"] <= 24
        taken |= cells


def test_a_dead_letter_queue_is_watched_even_when_it_falls_silent(stack):
    queues = dead_letter_queues(stack)
    assert len(queues) > 1
    topic = [topic_of(stack).outputs["arn"]]
    for queue in queues:
        where = frozenset({("QueueName", queue.outputs["name"])})
        metric = ("AWS/SQS", "ApproximateNumberOfMessagesVisible", where)
        (alarm,) = [one for one in stack.of(ALARM) if metric_of(one) == metric]
        assert (alarm.inputs["alarmActions"], alarm.inputs["okActions"]) == (topic, topic)
        assert alarm.inputs["threshold"] == 1
        assert alarm.inputs["treatMissingData"] == "ignore"
        assert metric in {(namespace, name, dimensions) for namespace, name, dimensions, _ in shown(stack)}


def test_the_page_explains_every_alarm(prod):
    page = (ROOT / "docs" / "alarms.md").read_text()
    explained = set(re.findall(r"^\| `([^`]+)`", page, re.MULTILINE))
    kinds = {kind(one.inputs["name"].removeprefix("spaceport-prod-")) for one in prod.of(ALARM)}
    assert kinds == explained


def kind(name):
    """An alarm's name as the page has it: whose it is is left open."""
    endings = (
        "errors",
        "events-dropped",
        "5xx",
        "latency",
        "read-throttles",
        "write-throttles",
        "throttles",
        "dead-letters",
    )
    return next((f"*-{ending}" for ending in endings if name.endswith(f"-{ending}")), name)
