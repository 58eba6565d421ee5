"""One job of the demo, from upload to model and reports, through the public APIs."""

import json
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from local import client, people
from local.demo import follow, report, results
from local.demo.display import Display
from local.demo.memory import PeakMemory
from local.demo.photos import Capture
from local.deployed import BUILD, Deployed

PILOT_DOMAIN = "example.com"
SECONDS_TO_WAIT_FOR_MAIL = 60
# What a laptop without a GPU does in minutes; the presets of the API are for the GPU.
LAPTOP_OPTIONS: Mapping[str, Any] = {
    "sfm": {"feature_image_size": 1024, "max_num_features": 4096},
    "3dgs": {"max_steps": 1400, "image_size": 320, "initial_gaussians": 12_000, "max_gaussians": 30_000},
}


class DemoError(Exception):
    """The demo cannot go on; the message is for the person who runs it."""


@dataclass(frozen=True)
class JobSettings:
    """How the job runs.

    Attributes:
        out: Where report.json and report.html go.
        options: The containers' options that differ from the API's preset.
    """

    out: Path = BUILD / "demo"
    options: Mapping[str, Any] = field(default_factory=lambda: LAPTOP_OPTIONS)


@dataclass(frozen=True)
class Outcome:
    """How a demo ended.

    Attributes:
        report: The content of report.json.
        link: The shared link of the mail, None when the job failed.
    """

    report: results.Json
    link: str | None

    @property
    def succeeded(self) -> bool:
        """Tells whether the job made a model."""
        return bool(self.report["status"] == "SUCCEEDED")


TakePhotos = Callable[[client.Spaceport, str], Capture]
"""Gives the capture of a pilot's project, by its id."""


def run_job(
    take_photos: TakePhotos, up: Deployed, settings: JobSettings, display: Display, *, started: float
) -> Outcome:
    """Takes a capture from the project's beginning to the model and writes the reports.

    Args:
        take_photos: What gives the capture to upload.
        up: Where to.
        settings: How.
        display: Where progress is shown.
        started: When the work began, by the monotonic clock, for the total.

    Raises:
        DemoError: Something between upload and model did not happen.
    """
    address = f"pilot-{secrets.token_hex(4)}@{PILOT_DOMAIN}"
    addresses = client.Addresses.from_outputs(up.deployment.outputs)
    signed_in = people.sign_in_new(up.cloud.client("cognito-idp"), addresses, address)
    with (
        closing(client.Spaceport(addresses, signed_in.token)) as pilot,
        tempfile.TemporaryDirectory(dir=BUILD) as folder,
        PeakMemory() as memory,
    ):
        project = pilot.create_project("Demo")["projectId"]
        capture = take_photos(pilot, project)
        run = _Run(capture, project, up, settings, display, started, address, Path(folder), memory)
        return run.to_the_end(pilot)


@dataclass
class _Run:
    """What the steps of one job share."""

    capture: Capture
    project_id: str
    up: Deployed
    settings: JobSettings
    display: Display
    started: float
    address: str
    folder: Path
    memory: PeakMemory

    def to_the_end(self, pilot: client.Spaceport) -> Outcome:
        """Uploads, runs the job and writes the reports."""
        upload_started = time.monotonic()
        place = follow.upload(pilot, self.capture, self.display, project_id=self.project_id)
        estimated = pilot.estimate_job(place, options=self.settings.options)
        job_started = time.monotonic()
        job_id = pilot.start_job(place, project_id=self.project_id, options=self.settings.options)
        job = follow.until_ended(pilot, job_id, self.display)
        timings = results.Timings(
            deploy=self.up.seconds,
            upload=job_started - upload_started,
            job=time.monotonic() - job_started,
            total=0.0,
        )
        mail = self._wait_for_mail(job_id)
        if job["status"] != "SUCCEEDED":
            return self._report_failure(job_id, job, timings, estimated)
        link = _link_in(mail)
        files, model_url = self._fetch(job_id, link)
        errors = results.camera_errors(self.capture, files)
        content = results.report_of_success(
            self.capture,
            job_id=job_id,
            job=job,
            estimated=estimated,
            resources=len(self.up.deployment.resources),
            timings=replace(timings, total=time.monotonic() - self.started),
            files=files,
            errors=errors,
            model_url=model_url,
            peak_bytes=self.memory.peak_bytes,
        )
        report.write_html(self.settings.out / "report.html", content, report.draw(files, errors))
        results.write_json(self.settings.out / "report.json", content)
        return Outcome(content, link)

    def _wait_for_mail(self, job_id: str) -> str:
        """Returns the text of the mail about this job."""
        deadline = time.monotonic() + SECONDS_TO_WAIT_FOR_MAIL
        while time.monotonic() < deadline:
            for mail in self.up.cloud.mail():
                text = json.dumps(mail)
                if self.address in text and job_id in text:
                    return text
            time.sleep(0.2)
        raise DemoError(f"No mail about job {job_id} came within {SECONDS_TO_WAIT_FOR_MAIL} s.")

    def _fetch(self, job_id: str, link: str) -> tuple[results.JobFiles, str]:
        with closing(client.open_model(link)) as browser:
            model = browser.get("model.sog")
            model.raise_for_status()
            merged = browser.get("report.json").raise_for_status().json()
            url = str(browser.base_url.join("index.html"))
        s3, bucket = self.up.cloud.client("s3"), self.up.deployment.outputs["mlBucket"]
        prefix = f"jobs/{job_id}/"
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for key in (item["Key"] for page in pages for item in page["Contents"]):
            name = key.removeprefix(prefix)
            if name.startswith(("sfm/sparse/", "sfm/georeference.json")) or name.endswith("/model.tar.gz"):
                target = self.folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                s3.download_file(bucket, key, str(target))
        archive = next((self.folder / "3dgs").rglob("model.tar.gz"))
        splat = self.folder / "splat"
        results.unpack(archive, splat)
        return results.JobFiles(sfm=self.folder / "sfm", splat=splat, report=merged), url

    def _report_failure(
        self, job_id: str, job: client.Json, timings: results.Timings, estimated: client.Json
    ) -> Outcome:
        content = results.report_of_failure(
            self.capture,
            job_id=job_id,
            job=job,
            estimated=estimated,
            resources=len(self.up.deployment.resources),
            timings=replace(timings, total=time.monotonic() - self.started),
        )
        report.write_html(self.settings.out / "report.html", content, None)
        results.write_json(self.settings.out / "report.json", content)
        return Outcome(content, None)


def _link_in(mail: str) -> str:
    found = re.search(r"https?://[^\s\"'<>\\]+/open/[\w-]+", mail)
    if not found:
        raise DemoError("The mail about the finished job holds no link to the model.")
    return found.group()
