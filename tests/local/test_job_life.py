"""A job's life through the APIs alone, the program deployed with IAM enforced: as people and pages do it."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.capture import SampleCapture
from local.deployed import Deployed
from local.quick import QUICK
from tests.local.tokens import Person

pytestmark = [pytest.mark.cloud, pytest.mark.slow, pytest.mark.timeout(900)]

JOB_SECONDS = 240
Api = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def pilot(up: Deployed) -> Person:
    return Person(up.cloud, up.deployment.outputs["userPoolV3Id"])


@pytest.fixture(scope="module")
def api(up: Deployed, pilot: Person) -> Iterator[Api]:
    """Give a function that sends the pilot's requests to an API and returns what it answers."""
    headers = {"Authorization": f"Bearer {pilot.identity}"}
    with httpx.Client(timeout=60, headers=headers, trust_env=False) as browser:

        def send(method: str, output: str, path: str, body: object = None) -> dict[str, Any]:
            url = up.deployment.outputs[output].rstrip("/") + path
            answer = browser.request(method, url, json=body if method == "GET" else body or {})
            assert answer.is_success, answer.text
            told: dict[str, Any] = answer.json()
            return told

        yield send


def upload(api: Api, sample: SampleCapture) -> str:
    """Upload the sample capture, losing the connection in each file; its address for a job."""
    place, photos = "", sorted(sample.photos.iterdir())
    for photo in photos:
        data = photo.read_bytes()
        asked = {"fileName": photo.name, "size": len(data), **({"captureId": place} if place else {})}
        begun = api("POST", "fileUploadApiUrl", "/start-multipart-upload", asked)
        place = begun["captureId"]
        file = {name: begun[name] for name in ("uploadId", "bucketName", "objectKey")}
        # The page was reloaded: what the start answered is gone, and S3's list is the truth.
        missing = api("POST", "fileUploadApiUrl", "/list-parts", file)["missing"]
        urls = api("POST", "fileUploadApiUrl", "/get-presigned-urls", {**file, "partNumbers": missing})
        offset = 0
        for part in urls["parts"]:
            sent = httpx.put(part["url"], content=data[offset : offset + part["size"]], trust_env=False)
            assert sent.is_success
            offset += part["size"]
        assert api("POST", "fileUploadApiUrl", "/list-parts", file)["missing"] == []
        done = api("POST", "fileUploadApiUrl", "/complete-multipart-upload", file)
    assert len(api("GET", "fileUploadApiUrl", f"/captures/{place}")["files"]) == len(photos)
    return str(done["s3Url"])


def watch(api: Api, job_id: str, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Look at a job until something is so, and see that it never goes back."""
    fraction, end = 0.0, time.monotonic() + JOB_SECONDS
    while time.monotonic() < end:
        job = api("GET", "mlApiUrl", f"/jobs/{job_id}")
        assert job["progress"]["fraction"] >= fraction - 1e-9
        fraction = job["progress"]["fraction"]
        if until(job):
            return job
        time.sleep(0.2)
    raise AssertionError(f"the job {job_id} has not come so far")


def mails_about(up: Deployed, job_id: str, count: int) -> list[str]:
    """Wait for so many mails about a job; their subjects, as they came."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = [mail["Subject"] for mail in up.cloud.mail() if job_id in mail["BodyText"]]
        if len(found) >= count:
            return found
        time.sleep(0.2)
    raise AssertionError(f"no {count} mails about {job_id}")


def step_jobs(up: Deployed, job_id: str) -> list[str]:
    """Names of a job's SageMaker jobs, without its id."""
    sagemaker = up.cloud.client("sagemaker")
    listed = [
        *(one["ProcessingJobName"] for one in sagemaker.list_processing_jobs()["ProcessingJobSummaries"]),
        *(one["TrainingJobName"] for one in sagemaker.list_training_jobs()["TrainingJobSummaries"]),
    ]
    return sorted(name.removeprefix(f"{job_id}-") for name in listed if name.startswith(job_id))


def test_a_stopped_job_goes_on_where_it_was_and_its_model_is_shared(
    up: Deployed, api: Api, sample: SampleCapture
):
    place = upload(api, sample)
    slow = {**QUICK, "max_steps": 100_000, "checkpoint_every_seconds": 1}
    asked = {"s3Url": place, "hyperparameters": slow}
    job_id = api("POST", "mlApiUrl", "/start-job", asked)["jobId"]
    running = watch(api, job_id, lambda job: job["currentStage"] == "3dgs" and job["progress"]["figures"])
    assert running["progress"]["secondsLeft"] > 0
    api("POST", "mlApiUrl", "/stop-job", {"jobId": job_id})
    stopped = watch(api, job_id, lambda job: job["status"] == "ABORTED")
    assert stopped["error"]["sentence"] == "You stopped this job."
    (training,) = [name for name in step_jobs(up, job_id) if "-3dgs-" in name]
    assert watch_training(up, f"{job_id}-{training}") == "Stopped"

    again = api("POST", "mlApiUrl", f"/jobs/{job_id}/retry", {})
    assert again["executionArn"].endswith(f":{job_id}-2")
    watch(api, job_id, lambda job: job["currentStage"] == "3dgs" and job["progress"]["figures"])
    again_done = [name for name in step_jobs(up, job_id) if name.startswith("2-")]
    assert [name.split("-")[1] for name in again_done] == ["3dgs"], "what was done is not done again"
    api("POST", "mlApiUrl", "/stop-job", {"jobId": job_id})
    watch(api, job_id, lambda job: job["status"] == "ABORTED")

    later = {"pipelineStep": "3dgs", "sourceJobId": job_id, "hyperparameters": QUICK}
    made = api("POST", "mlApiUrl", "/start-job", later)["jobId"]
    done = watch(api, made, lambda job: job["status"] in ("SUCCEEDED", "FAILED"))
    assert done["status"] == "SUCCEEDED", done["error"]
    assert [name.split("-")[1] for name in step_jobs(up, made)] == ["3dgs", "compressor"]
    assert done["cost"]["usd"] is not None
    assert len(mails_about(up, job_id, 2)) == 2
    assert mails_about(up, made, 1) == ["Your 3D model is ready"]

    assert api("GET", "mlApiUrl", f"/jobs/{made}/logs?step=3dgs&limit=5")["lines"]
    files = api("GET", "mlApiUrl", f"/jobs/{made}/artifacts")["artifacts"]
    (model,) = [file for file in files if file["name"] == "model/model.sog"]
    assert len(httpx.get(model["url"], trust_env=False).content) == model["bytes"]
    link = api("POST", "mlApiUrl", f"/jobs/{made}/links", {"label": "The surveyor"})
    with httpx.Client(follow_redirects=True, trust_env=False) as browser:
        page = browser.get(link["url"])
        assert page.status_code == 200
        assert api("DELETE", "mlApiUrl", f"/jobs/{made}/links/{link['linkId']}")["state"] == "revoked"
        assert browser.get(page.url).status_code == 200, "cookies that are out last to their end"
    assert httpx.get(link["url"], trust_env=False).status_code == 410


def watch_training(up: Deployed, name: str) -> str:
    """Wait for a training job's end; how it ended."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        status = up.cloud.client("sagemaker").describe_training_job(TrainingJobName=name)["TrainingJobStatus"]
        if status not in ("InProgress", "Stopping"):
            return str(status)
        time.sleep(0.2)
    raise AssertionError(f"{name} has not ended")


@pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "jq"))), reason="docs/api.md needs bash, curl and jq"
)
def test_the_session_of_the_docs_runs(up: Deployed, pilot: Person, sample: SampleCapture, tmp_path: Path):
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert len(blocks) > 10
    outputs = up.deployment.outputs
    settings = {
        "UPLOAD": outputs["fileUploadApiUrl"],
        "PROJECTS": outputs["projectsApiUrl"],
        "ML": outputs["mlApiUrl"],
        "TOKEN": pilot.identity,
        "PHOTOS": str(sample.photos),
        "OPTIONS": json.dumps(QUICK),
    }
    named = re.findall(r"^([A-Z]+)=", page.partition("```sh settings\n")[2].partition("```")[0], re.MULTILINE)
    assert set(settings) == set(named)
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        cwd=tmp_path,
        env={**os.environ, **settings, "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert '"status": "SUCCEEDED"' in run.stdout
