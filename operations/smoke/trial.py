"""A test person's way through a stack: each part a check, and everything away again at the end."""

import secrets
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from local import client, people
from local.aws import Clients
from local.capture import TINY, CaptureSettings, sample_capture
from local.client import Spaceport
from local.demo import follow
from local.demo.display import Display
from local.demo.photos import Capture, find_photos
from local.deployed import BUILD
from local.quick import QUICK
from operations.smoke.checks import CheckFailedError, Checks
from operations.smoke.mail import MailEvents
from operations.smoke.model import look_at_model
from operations.smoke.outputs import Stack
from operations.smoke.removal import Made, Removal

NAMES = ("sign-in", "project", "upload", "job", "model", "mail", "clean-up")
"""The checks, in order."""
LOOK_EVERY_SECONDS = 2.0
MAIL_SECONDS = 120.0


def new_address(mailbox: str = "success") -> str:
    """Makes up an address of SES's mailbox simulator, which takes mails from accounts in the sandbox too."""
    return f"{mailbox}+smoke-{secrets.token_hex(6)}@simulator.amazonses.com"


@dataclass(frozen=True)
class TrialSettings:
    """What is tried.

    Attributes:
        photos: A folder of photos; None for a sample capture.
        capture: The sample capture's settings.
        job_seconds: How long the job may take, waiting for machines included.
        address: The test person's.
        mail_seconds: How long is waited to be told of the mail.
    """

    photos: Path | None = None
    capture: CaptureSettings = TINY
    job_seconds: float = 3600.0
    address: str = field(default_factory=new_address)
    mail_seconds: float = MAIL_SECONDS


@dataclass
class Trial:
    """One person's way.

    Attributes:
        stack: Where.
        clients: boto3 clients with the caller's credentials.
        settings: What.
        checks: Takes down how it went.
        display: Shows the long parts.
        made: What there is to remove at the end.
    """

    stack: Stack
    clients: Clients
    settings: TrialSettings
    checks: Checks
    display: Display
    made: Made = field(default_factory=Made)

    def run(self) -> None:
        """Goes the whole way, and cleans up wherever it ended."""
        try:
            self._go()
            self.checks.skip(NAMES[:-1])
        finally:
            self._clean_up()

    def _go(self) -> None:
        capture, check = self._capture(), self.checks.making
        with check("sign-in", next_step="See whether the credentials are the stack's account's.") as found:
            pilot = self._sign_in()
            found.message = self.settings.address
        if not self.checks.ok:
            return
        with check("project", next_step="See the log of the function projects.") as found:
            project = self.made.project_id = pilot.create_project("Smoke test")["projectId"]
            found.message = project
        if not self.checks.ok:
            return
        with check("upload", next_step="See the log of the function file-upload.") as found:
            place = follow.upload(pilot, capture, self.display, project_id=project)
            found.message = f"{len(capture.files)} photos, {capture.bytes / 1e6:.1f} MB"
        if not self.checks.ok:
            return
        job: client.Json = {}
        with check("job", next_step="See the log of the function ml-jobs.") as found:
            job_id = self.made.job_id = pilot.start_job(place, project_id=project, options=QUICK)
            job = self._end_of(pilot, job_id)
            _demand_model(job, job_id)
            found.message = f"{job_id}, {_cost(job)}"
        if self.checks.ok:
            with check("model", next_step="See the log of the function delivery.") as found:
                found.message = look_at_model(job["viewerUrl"], photos=len(capture.files))
        if job:
            # A job that failed is mailed, too.
            with check("mail", next_step="See docs/environments.md, Mail.") as found:
                events = MailEvents(self.clients("sqs"), self.stack.mail_events, self.settings.address)
                found.message = f"delivered, {events.wait_for_delivery(self.settings.mail_seconds)}"

    def _capture(self) -> Capture:
        if self.settings.photos:
            return find_photos(self.settings.photos)
        stage = "Sample capture"
        sample = sample_capture(
            BUILD / "capture",
            settings=self.settings.capture,
            on_progress=partial(self.display.update, stage),
        )
        return find_photos(sample.photos)

    def _sign_in(self) -> Spaceport:
        cognito, addresses = self.clients("cognito-idp"), self.stack.addresses
        person = self.made.person = people.sign_in_new(cognito, addresses, self.settings.address)
        # A GPU may take longer to come than a token lasts.
        renew = partial(client.renew, cognito, addresses, person.tokens.refresh)
        pilot = self.made.pilot = Spaceport(addresses, person.token, renew)
        return pilot

    def _end_of(self, pilot: Spaceport, job_id: str) -> client.Json:
        """Waits for the job's end, and returns it.

        Raises:
            CheckFailedError: It has not ended in time.
        """
        seconds = self.settings.job_seconds
        try:
            return follow.until_ended(pilot, job_id, self.display, seconds=seconds, every=LOOK_EVERY_SECONDS)
        except follow.StillRunningError as error:
            waits = error.job["queue"]["sentence"] or error.job["details"]
            raise CheckFailedError(
                f"job {job_id} has not ended within {seconds / 60:.0f} min: {waits}",
                "Give it a longer --timeout; docs/machines.md tells of quotas and waiting for machines.",
            ) from error

    def _clean_up(self) -> None:
        """Removes all that this has made, and says what it could not remove."""
        if self.made.person is None:
            return
        with self.checks.making("clean-up", next_step="Remove it by hand: docs/smoke.md.") as check:
            removal = Removal(self.stack, self.clients, self.made)
            removal.run()
            if removal.left:
                raise CheckFailedError(f"not removed: {'; '.join(removal.left)}")
            check.message = "nothing is left"


def _demand_model(job: client.Json, job_id: str) -> None:
    """Looks how a job ended.

    Raises:
        CheckFailedError: Without a model.
    """
    if job["status"] == "SUCCEEDED":
        return
    told = job["error"] or {}
    raise CheckFailedError(
        f"job {job_id} ended {job['status']}: {told.get('sentence') or job['details']}",
        f"See its execution, {job['executionArn']}, and its steps' logs: /aws/sagemaker/ProcessingJobs and "
        f"TrainingJobs, streams that begin with {job_id}.",
    )


def _cost(job: client.Json) -> str:
    usd = job["cost"]["usd"]
    return "cost unknown" if usd is None else f"{usd:.2f} USD"
