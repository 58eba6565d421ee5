"""Takes a job from its start to its end."""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import Enum

from local.cloud.ministack import faults
from local.cloud.ministack.sagemaker import events, images
from local.cloud.ministack.sagemaker.aws import RoleClients
from local.cloud.ministack.sagemaker.container import Container
from local.cloud.ministack.sagemaker.errors import JobError, JobStopped, JobWaitedTooLong
from local.cloud.ministack.sagemaker.jobs import Job, Status
from local.cloud.ministack.sagemaker.log_stream import LogStream
from local.cloud.ministack.sagemaker.transfer import ContinuousCopy, Mirror

log = logging.getLogger("spaceport.sagemaker")

POLL_SECONDS = 0.1
# How long a job that is asked to stop may take, before it is killed.
GRACE_SECONDS = 120.0
NO_CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML "
    "instance type."
)
REASON_CHARACTERS = 1024


@dataclass(frozen=True)
class Launch:
    """How a job's container is started.

    Attributes:
        image_uri: Its image.
        entrypoint: What replaces the image's entry point, if anything.
        arguments: What follows it.
        longest_seconds: How long it may run.
    """

    image_uri: str
    entrypoint: Sequence[str]
    arguments: Sequence[str]
    longest_seconds: float


class Asked(Enum):
    """Why a container was asked to leave, as the job's secondary status and its message."""

    STOPPED = ("Stopped", "Training job stopped")
    RAN_TOO_LONG = ("MaxRuntimeExceeded", "Training job runtime exceeded MaxRuntimeInSeconds provided")
    WAITED_TOO_LONG = ("MaxWaitTimeExceeded", "Training job wait time exceeded MaxWaitTimeInSeconds provided")
    INTERRUPTED = ("Interrupted", "Spot capacity was reclaimed; waiting for capacity")


@dataclass(frozen=True)
class Exit:
    """How a container ended.

    Attributes:
        status: Its exit status.
        asked: Why it was asked to leave, where it was.
        seconds: How long it ran.
    """

    status: int
    asked: Asked | None
    seconds: float

    @property
    def stopped(self) -> bool:
        """Tells whether it was asked to leave."""
        return self.asked is not None

    @property
    def interrupted(self) -> bool:
        """Tells whether its machine was taken away before its work was done."""
        return self.asked is Asked.INTERRUPTED


class Work(ABC):
    """What a kind of job does with its folder before, while and after its container runs."""

    def __init__(self, job: Job, container: Container, clients: RoleClients) -> None:
        self.job = job
        self.container = container
        self.clients = clients
        self.role: str = job.request["RoleArn"]

    @abstractmethod
    def launch(self) -> Launch:
        """Returns how the container is started."""

    @abstractmethod
    def download(self) -> None:
        """Brings the inputs."""

    @abstractmethod
    def mirrors(self) -> list[Mirror]:
        """Returns the folders that are copied to S3 while the container runs."""

    @abstractmethod
    def upload(self, ended: Exit) -> None:
        """Takes the results away."""

    @abstractmethod
    def note(self, ended: Exit) -> None:
        """Keeps what the container has to say of its end."""

    @abstractmethod
    def failure(self, ended: Exit) -> str:
        """Returns the reason of a failure."""


def run(job: Job, work_of: type[Work]) -> None:
    """Runs a job to its end, whatever happens, and tells of it."""
    try:
        ended = _run(job, work_of)
    except JobStopped:
        job.end(Status.STOPPED, *Asked.STOPPED.value)
    except JobWaitedTooLong:
        job.end(Status.STOPPED, *Asked.WAITED_TOO_LONG.value)
    except JobError as error:
        job.failure_reason = str(error)[:REASON_CHARACTERS]
        job.end(Status.FAILED, "Failed", job.failure_reason)
    except Exception:
        log.exception("%s broke", job.arn)
        job.failure_reason = "InternalServerError: We encountered an internal error. Please try again."
        job.end(Status.FAILED, "Failed", job.failure_reason)
    else:
        _end(job, ended)
    finally:
        events.tell(job)
        job.finished.set()


def _end(job: Job, ended: Exit) -> None:
    if ended.asked is not None:
        job.end(Status.STOPPED, *ended.asked.value)
    elif ended.status != 0:
        job.end(Status.FAILED, "Failed", job.failure_reason or "")
    else:
        job.end(Status.COMPLETED, "Completed", "Training job completed")


def _run(job: Job, work_of: type[Work]) -> Exit:
    """Runs a job on one machine after another, as long as they are taken away."""
    seconds = 0.0
    while True:
        job.enter("Starting", "Preparing the instances for training")
        events.tell(job)
        _wait_for_machine(job)
        with closing(Container(job)) as container:
            work = work_of(job, container, RoleClients(job.request["RoleArn"], job.region))
            ended = _run_once(job, work, seconds)
        if not ended.interrupted:
            return ended
        seconds += ended.seconds
        job.enter(*Asked.INTERRUPTED.value)
        events.tell(job)


def _wait_for_machine(job: Job) -> None:
    """Waits for a spot machine for as long as the job may; a job on demand fails for want of one."""
    while faults.plan.take(faults.Kind.NO_CAPACITY, instance_type=job.instance_type, spot=job.is_spot):
        if not job.is_spot:
            raise JobError(NO_CAPACITY)
        if job.wait_deadline is not None and time.time() > job.wait_deadline:
            raise JobWaitedTooLong
        if job.stop_requested.wait(POLL_SECONDS):
            raise JobStopped


def _run_once(job: Job, work: Work, seconds_before: float) -> Exit:
    container = work.container
    launch = work.launch()
    image = images.find(launch.image_uri)
    _check_stop(job)
    job.enter("Downloading", "Downloading input data")
    events.tell(job)
    work.download()
    _check_stop(job)
    job.enter("Training", "Training image download completed. Training in progress.")
    job.start()
    events.tell(job)
    command = image.command(launch.entrypoint, launch.arguments)
    copy = ContinuousCopy(work.mirrors())
    output = container.start(image, command, job.request.get("Environment", {}))
    with copy, LogStream(work.clients.logs, job, output):
        ended = _watch(job, container, launch.longest_seconds - seconds_before)
    if ended.interrupted:
        copy.finish()
        return ended
    work.note(ended)
    if ended.status != 0 and not ended.stopped:
        job.failure_reason = work.failure(ended)[:REASON_CHARACTERS]
    if not ended.stopped:
        job.enter("Uploading", "Uploading generated training model")
        events.tell(job)
    copy.finish()
    work.upload(ended)
    return ended


def _check_stop(job: Job) -> None:
    if job.stop_requested.is_set():
        raise JobStopped


def _watch(job: Job, container: Container, longest_seconds: float) -> Exit:
    """Waits for the container's end; asks it to leave when the job is stopped or its time is over."""
    started = time.monotonic()
    interruption = (
        faults.plan.take(faults.Kind.INTERRUPTION, instance_type=job.instance_type) if job.is_spot else None
    )
    asked: Asked | None = None
    asked_at = 0.0
    while (status := container.wait(POLL_SECONDS)) is None:
        now = time.monotonic()
        if asked is None:
            asked = _reason_to_leave(job, now - started, longest_seconds, interruption)
            if asked is not None:
                asked_at = now
                _ask_to_leave(job, container, asked)
        elif now - asked_at > GRACE_SECONDS:
            container.kill()
    if asked is None and job.stop_requested.is_set():
        asked = Asked.STOPPED
    if asked is Asked.INTERRUPTED and status == 0:
        # It was done before its machine was gone.
        asked = None
    return Exit(status, asked, time.monotonic() - started)


def _reason_to_leave(
    job: Job, seconds: float, longest_seconds: float, interruption: faults.Fault | None
) -> Asked | None:
    if seconds > longest_seconds:
        return Asked.RAN_TOO_LONG
    if job.wait_deadline is not None and time.time() > job.wait_deadline:
        return Asked.WAITED_TOO_LONG
    if job.stop_requested.is_set():
        return Asked.STOPPED
    if interruption is not None and seconds > interruption.after_seconds:
        return Asked.INTERRUPTED
    return None


def _ask_to_leave(job: Job, container: Container, asked: Asked) -> None:
    if asked is not Asked.INTERRUPTED:
        job.status = Status.STOPPING
        job.enter("Stopping", "Stopping the training job")
        events.tell(job)
    container.terminate()
