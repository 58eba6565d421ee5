"""The main job, whole: the program deployed with IAM enforced, a tiny capture from upload to model."""

import html
import json
import re
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from local import people
from local.capture import TINY, SampleCapture
from local.capture.faults import make_fault
from local.capture.flight import make_plan
from local.client import Addresses, Spaceport
from local.demo.job import Outcome
from local.demo.photos import find_photos
from local.deployed import Deployed
from local.quick import QUICK
from tests.local.demo_kit import run_demo

pytestmark = [pytest.mark.cloud, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def made(up: Deployed, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    out = tmp_path_factory.mktemp("demo")
    return run_demo(up, out), out


def model_files(up: Deployed, job_id: str) -> set[str]:
    prefix = f"jobs/{job_id}/model/"
    listed = up.cloud.client("s3").list_objects_v2(Bucket=up.deployment.outputs["mlBucket"], Prefix=prefix)
    return {item["Key"].removeprefix(prefix) for item in listed.get("Contents", [])}


def test_a_capture_becomes_a_model(made: tuple[Outcome, Path], up: Deployed):
    outcome, out = made
    report = json.loads((out / "report.json").read_text())
    assert outcome.succeeded
    assert report["status"] == "SUCCEEDED"
    assert report["sfm"]["registered"] == report["capture"]["photos"]
    assert report["sfm"]["shape_rmse_m"] < report["sfm"]["georef_rmse_m"] < 1.0
    assert abs(report["compressor"]["psnr_loss_db"]) < 1.0
    assert report["warnings"] == []
    assert report["3dgs"]["steps"] == QUICK["max_steps"]
    assert 0 < report["compressor"]["gaussians"] <= report["3dgs"]["gaussians"] <= QUICK["max_gaussians"]
    assert {"index.html", "model.sog", "settings.json", "preview.jpg"} <= model_files(up, report["job_id"])


def rows(up: Deployed, name: str) -> list[dict[str, dict[str, str]]]:
    """Everything in a table of the program, as DynamoDB writes it."""
    table = next(one.id for one in up.deployment.resources if one.name == name)
    return up.cloud.client("dynamodb").scan(TableName=table)["Items"]


def test_the_capture_flies_a_plan_that_was_saved_for_its_project(
    made: tuple[Outcome, Path], up: Deployed, sample: SampleCapture
):
    outcome, out = made
    (plan,) = rows(up, "flight-paths-table")
    job = next(row for row in rows(up, "jobs-table") if row["jobId"]["S"] == outcome.report["job_id"])
    assert plan["owner"] == job["owner"]
    assert plan["projectId"] == job["projectId"]
    assert sample.flight_plan.read_text() == make_plan(TINY)
    assert "<svg" in (out / "flight-plan.html").read_text()


def test_the_report_shows_pictures(made: tuple[Outcome, Path]):
    page = (made[1] / "report.html").read_text()
    assert page.count("data:image/png;base64,") >= 5
    assert "http://" not in re.sub(r"https?://127\.0\.0\.1\S*", "", page)


def test_the_model_is_private_and_its_link_opens_it(made: tuple[Outcome, Path]):
    outcome, _ = made
    assert httpx.get(outcome.report["model_url"], trust_env=False).status_code == 403
    with httpx.Client(follow_redirects=True, trust_env=False) as browser:
        page = browser.get(outcome.link)
        assert page.status_code == 200
        assert str(page.url) == outcome.report["model_url"]
        assert (
            len(browser.get(page.url.join("model.sog")).content) == outcome.report["compressor"]["sog_bytes"]
        )
        other = re.sub(r"/jobs/[^/]+/", "/jobs/00000000-0000-4000-8000-000000000000/", str(page.url))
        assert browser.get(other).status_code == 403


@pytest.fixture
def pilot(up: Deployed) -> Iterator[Spaceport]:
    addresses = Addresses.from_outputs(up.deployment.outputs)
    person = people.sign_in_new(up.cloud.client("cognito-idp"), addresses, f"{uuid.uuid4().hex}@example.com")
    with closing(Spaceport(addresses, person.token)) as api:
        yield api


def test_a_pilot_hears_what_is_wrong_with_a_capture_before_any_job(
    up: Deployed, pilot: Spaceport, sample: SampleCapture, tmp_path: Path
):
    def check(folder: Path) -> dict[str, str]:
        found = pilot.check_capture(pilot.upload_capture(find_photos(folder).files))
        assert found["stale"] is False
        assert found["state"] == "warned"
        return {reason["code"]: reason["sentence"] for reason in found["reasons"]}

    good = check(sample.photos)
    bad = check(make_fault("forwarded", sample, tmp_path / "capture"))
    assert set(bad) - set(good) == {"BLURRED", "COPIES", "NO_GPS", "COVERAGE_UNKNOWN"}
    assert set(good) < set(bad)
    assert "again.jpg" in bad["COPIES"]


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("two_photos", r"at least 3|3 or more|too few"),
        ("text_as_jpg", r"photo|image"),
        ("two_places", r"overlap|places"),
        ("zip_traversal", r"outside|\.\.|unsafe"),
        ("zip_bomb", r"too large|unpack|GB"),
    ],
)
def test_a_capture_that_cannot_work_fails_with_a_sentence(
    up: Deployed, sample: SampleCapture, tmp_path: Path, kind: str, sentence: str
):
    outcome = run_demo(up, tmp_path / "out", make_fault(kind, sample, tmp_path / "capture"))
    assert outcome.report["status"] == "FAILED"
    message = outcome.report["error"]["message"]
    assert re.search(sentence, message), message
    assert "Traceback" not in message
    assert "Error:" not in message
    assert outcome.link is None
    assert not model_files(up, outcome.report["job_id"])
    assert message in html.unescape((tmp_path / "out" / "report.html").read_text())


@pytest.mark.parametrize("kind", ["truncated", "zip"])
def test_a_capture_with_a_bad_photo_or_in_a_zip_goes_on(
    up: Deployed, sample: SampleCapture, tmp_path: Path, kind: str
):
    photos = make_fault(kind, sample, tmp_path / "capture")
    outcome = run_demo(up, tmp_path / "out", photos)
    assert outcome.succeeded
    if kind == "truncated":
        assert any(".jpg" in warning.lower() for warning in outcome.report["warnings"])
