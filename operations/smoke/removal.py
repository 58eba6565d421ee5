"""Takes away what a trial has made, as far as that goes, and tells what stays."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from local import client, people
from local.aws import Clients
from local.client import ApiError, Spaceport
from operations.smoke.outputs import Stack

END_SECONDS = 300.0
"""So long a stopped job may take to end: SageMaker gives containers two minutes."""
QUIET_SECONDS = 10.0
"""So long nothing may be written into a stopped job's folder before it goes: its machine ends after it."""
REMOVAL_SECONDS = 180.0
"""So long `housekeeping` may take, which is mostly done within seconds."""
LOOK_EVERY_SECONDS = 1.0


@dataclass
class Made:
    """What there is to remove: None for what was not made.

    Attributes:
        person: The test person.
        pilot: The APIs, as the person sees them.
        project_id: The project; its capture, jobs, links and models go with it.
        job_id: The job.
    """

    person: people.SignedIn | None = None
    pilot: Spaceport | None = None
    project_id: str | None = None
    job_id: str | None = None


@dataclass
class Removal:
    """One removal.

    Attributes:
        stack: Where.
        clients: boto3 clients with the caller's credentials.
        made: What is to go.
        left: What could not be removed, and why.
    """

    stack: Stack
    clients: Clients
    made: Made
    left: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Removes all of it; what fails keeps nothing else from going."""
        if self.made.pilot is not None:
            if self.made.job_id:
                with self._noting(f"job {self.made.job_id} runs on"):
                    self._end_job(self.made.pilot, self.made.job_id)
            if self.made.project_id:
                with self._noting(f"project {self.made.project_id}"):
                    self._remove_project(self.made.pilot, self.made.project_id)
            self.made.pilot.close()
        if self.made.person is not None:
            with self._noting(f"person {self.made.person.name} of {self.stack.addresses.user_pool_id}"):
                people.remove(self.clients("cognito-idp"), self.stack.addresses, self.made.person.name)

    @contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        try:
            yield
        except (ApiError, ClientError, BotoCoreError, httpx.HTTPError, TimeoutError) as error:
            self.left.append(f"{what} ({error})")

    def _end_job(self, pilot: Spaceport, job_id: str) -> None:
        """Stops the job if it runs, and waits for its end and its machine's: until then its project stays.

        Raises:
            TimeoutError: It does not end.
        """
        if pilot.job(job_id)["status"] not in client.RUNNING:
            return
        pilot.stop_job(job_id)
        deadline = time.monotonic() + END_SECONDS
        for job in pilot.watch(job_id, every=LOOK_EVERY_SECONDS):
            if job["status"] in client.RUNNING and time.monotonic() > deadline:
                raise TimeoutError(f"it was stopped {END_SECONDS:.0f} s ago")
        seen, since = self._written(job_id), time.monotonic()
        while time.monotonic() - since < QUIET_SECONDS:
            if time.monotonic() > deadline:
                raise TimeoutError(f"its machine still writes, {END_SECONDS:.0f} s after the stop")
            time.sleep(LOOK_EVERY_SECONDS)
            now = self._written(job_id)
            if now != seen:
                seen, since = now, time.monotonic()

    def _written(self, job_id: str) -> set[tuple[str, str]]:
        """Returns what is in a job's folder: keys and contents."""
        listed = self.clients("s3").list_objects_v2(Bucket=self.stack.ml_bucket, Prefix=f"jobs/{job_id}/")
        return {(item["Key"], item["ETag"]) for item in listed.get("Contents", [])}

    def _remove_project(self, pilot: Spaceport, project_id: str) -> None:
        """Removes a project with its parts, and looks whether they have gone.

        Raises:
            TimeoutError: Some have not.
        """
        pilot.delete_project(project_id)
        deadline = time.monotonic() + REMOVAL_SECONDS
        while remains := self._remains(project_id):
            if time.monotonic() > deadline:
                raise TimeoutError(f"after {REMOVAL_SECONDS:.0f} s there are {', '.join(remains)}")
            time.sleep(LOOK_EVERY_SECONDS)

    def _remains(self, project_id: str) -> list[str]:
        """Returns what is there of a project: objects, and the row that goes after all others."""
        owner = self.made.person.sub if self.made.person else ""
        places = [
            (self.stack.uploads_bucket, f"uploads/{owner}/"),
            (self.stack.ml_bucket, f"exports/{owner}/"),
        ]
        if self.made.job_id:
            places.append((self.stack.ml_bucket, f"jobs/{self.made.job_id}/"))
        s3 = self.clients("s3")
        remains = [
            f"objects in s3://{bucket}/{prefix}"
            for bucket, prefix in places
            if s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("Contents")
        ]
        row = self.clients("dynamodb").get_item(
            TableName=self.stack.projects_table,
            Key={"userSub": {"S": owner}, "projectId": {"S": project_id}},
            ConsistentRead=True,
        )
        return [*remains, f"a row in {self.stack.projects_table}"] if "Item" in row else remains
