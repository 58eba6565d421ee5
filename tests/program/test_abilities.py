"""What each function may do is what its settings module says that it must, and no more."""

import importlib
import json
import re

import pytest

from components.storage import JOB
from tests.program.test_functions import FOLDERS, deployed, settings_of

EVERY_FUNCTION = {"logs:CreateLogStream", "logs:PutLogEvents"}
GIVES_UP = "sqs:SendMessage"
"""Whoever is called by events leaves what it cannot take in its dead letters, which no variable names."""
WRITING = {"s3:PutObject", "s3:AbortMultipartUpload"}
"""Whoever may write an object may write it in parts."""


def documented(folder):
    """Rows of the table "What its role must allow": actions, and the places that are variables and more."""
    text = importlib.import_module(settings_of(folder).__module__).__doc__
    rows = re.findall(r"^\| ([\w-]+:.+?) \| (.+?) \|$", text, re.MULTILINE)
    assert rows or "must allow nothing" in text, folder
    for written, resources in rows:
        actions = set(named_actions(re.sub(r"\(.*?\)", "", written)))
        if "s3:PutObject" in actions:
            actions |= WRITING
        places = re.findall(r"\b[A-Z][A-Z_]+_(?:TABLE|BUCKET|QUEUE_URL)\b[^\s,|]*", resources)
        yield actions, [place.replace("jobs/{jobId}", JOB) for place in places]


def named_actions(text):
    """Actions in a text; one without its service is of the service before it."""
    service = ""
    for named, action in re.findall(r"(?:([\w-]+):)?\b([A-Z][a-z]+[A-Za-z]+)\b", text):
        service = named or service
        yield f"{service}:{action}"


def granted(run, folder):
    """Actions that the policies of its functions allow, with places by the variables' names."""
    for one in deployed(run, folder):
        yield from allowed_to(run, one)


def allowed_to(run, one):
    variables = one.inputs["environment"]["variables"]
    queues = {queue.outputs["url"]: queue.outputs["arn"] for queue in run.of("aws:sqs/queue:Queue")}
    places = {
        f"arn:aws:s3:::{value}" if name.endswith("_BUCKET") else f":table/{value}": name
        for name, value in variables.items()
        if name.endswith(("_BUCKET", "_TABLE"))
    }
    places |= {queues[value]: name for name, value in variables.items() if name.endswith("_QUEUE_URL")}
    (role,) = [role for role in run.of("aws:iam/role:Role") if role.outputs["arn"] == one.inputs["role"]]
    for policy in run.of("aws:iam/rolePolicy:RolePolicy"):
        if policy.inputs["role"] == role.outputs["name"]:
            for statement in json.loads(policy.inputs["policy"])["Statement"]:
                for resource in statement["Resource"]:
                    yield set(statement["Action"]), placed(resource, places)


def placed(resource, places):
    for physical, name in places.items():
        _, found, after = resource.partition(physical)
        if found and (not after or after.startswith("/")):
            return name + after
    return resource


def is_nameless(place):
    """Whether none of the function's variables is about it."""
    return place.startswith("arn:")


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_function_may_do_what_its_settings_say_and_no_more(stack, folder):
    said = {action for actions, _ in documented(folder) for action in actions}
    allowed = {(action, place) for actions, place in granted(stack, folder) for action in actions}
    given_up = {one for one in allowed if one[0] == GIVES_UP and is_nameless(one[1])}
    own = {action for action, _ in allowed - given_up if not action.startswith("xray:")}
    called_by_events = any(one.name == f"{folder.replace('_', '-')}-events" for one in stack.registrations)
    assert own - EVERY_FUNCTION == said
    assert bool(given_up) == called_by_events


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_function_reaches_the_places_that_its_settings_say_and_no_other(stack, folder):
    said = {
        (action, place) for actions, places in documented(folder) for action in actions for place in places
    }
    allowed = {
        (action, place)
        for actions, place in granted(stack, folder)
        for action in actions
        if action.startswith(("s3:", "dynamodb:", "sqs:")) and not (action == GIVES_UP and is_nameless(place))
    }
    assert allowed == said
