"""Takes a job from its start to its end."""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from local.cloud.ministack.sagemaker import events, images
from local.cloud.ministack.sagemaker.aws import RoleClients
from local.cloud.ministack.sagemaker.container import Container
from local.cloud.ministack.sagemaker.errors import JobError, JobStopped
from local.cloud.ministack.sagemaker.jobs import Job, Status
from local.cloud.ministack.sagemaker.log_stream import LogStream
from local.cloud.ministack.sagemaker.transfer import ContinuousCopy, Mirror

log = logging.getLogger("spaceport.sagemaker")

POLL_SECONDS = 0.1
# How long a job that is asked to stop may take, before it is killed.
GRACE_SECONDS = 120.0
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


@dataclass(frozen=True)
class Exit:
    """How a container ended.

    Attributes:
        status: Its exit status.
        stopped: It was asked to stop.
        out_of_time: It was asked to, because it ran for too long.
    """

    status: int
    stopped: bool
    out_of_time: bool


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
    container = Container(job)
    try:
        ended = _run(job, work_of, container)
    except JobStopped:
        job.end(Status.STOPPED, "Stopped", "Training job stopped")
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
        container.close()
        events.tell(job)
        job.finished.set()


def _end(job: Job, ended: Exit) -> None:
    if ended.out_of_time:
        job.end(
            Status.STOPPED, "MaxRuntimeExceeded", "Training job runtime exceeded MaxRuntimeInSeconds provided"
        )
    elif ended.stopped:
        job.end(Status.STOPPED, "Stopped", "Training job stopped")
    elif ended.status != 0:
        job.end(Status.FAILED, "Failed", job.failure_reason or "")
    else:
        job.end(Status.COMPLETED, "Completed", "Training job completed")


def _run(job: Job, work_of: type[Work], container: Container) -> Exit:
    job.enter("Starting", "Preparing the instances for training")
    events.tell(job)
    work = work_of(job, container, RoleClients(job.request["RoleArn"], job.region))
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
        ended = _watch(job, container, launch.longest_seconds)
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
    asked: float | None = None
    out_of_time = False
    while (status := container.wait(POLL_SECONDS)) is None:
        now = time.monotonic()
        if asked is None:
            out_of_time = now - started > longest_seconds
            if out_of_time or job.stop_requested.is_set():
                job.status = Status.STOPPING
                job.enter("Stopping", "Stopping the training job")
                events.tell(job)
                container.terminate()
                asked = now
        elif now - asked > GRACE_SECONDS:
            container.kill()
    return Exit(status, stopped=asked is not None or job.stop_requested.is_set(), out_of_time=out_of_time)
