"""SageMaker's bad days, tried on the deployed program: no machine, an interruption, a quota, lost events.

The program, its roles and its functions are real; the containers are small ones that keep their contract.
"""

import json
import secrets
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer
from PIL import Image

from functions.job_events.events import SETTLE_AFTER_MS
from functions.pipeline_steps.logic import MODEL_FILES
from functions.shared.clock import iso, now_ms
from functions.shared.job_names import STEPS as STEP_NAMES
from functions.shared.jobs import WAITING_FOR_MACHINE, JobRow
from local import client, people
from local.deployed import Deployed, deployed
from tests.local.cloud_kit import until

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(300)]

FIRST, SECOND = "ml.g5.2xlarge", "ml.g6.2xlarge"
SETTINGS = {
    "spaceport:useSpot": True,
    "spaceport:trainingInstanceTypes": [FIRST, SECOND],
    "spaceport:spotWaitMinutes": 5,
}
NO_GPU = [{"fault": "no-capacity", "instanceType": machine} for machine in (FIRST, SECOND)]
# Minutes are seconds: a spot machine is waited for for 6 seconds, a quota for 1, then 2.
WAIT_SCALE = 0.02
STEPS = 25
JOB_SECONDS = 90

PREAMBLE = """
import json, os, pathlib, signal, sys, tarfile, time
base = pathlib.Path(os.environ["SPACEPORT_ML_BASE"])
"""
SFM = (
    PREAMBLE
    + """
result = base / "processing/output/sfm"
photos = len(list((base / "processing/input/capture").iterdir()))
(result / "report.json").write_text(json.dumps({
    "input": {"photos": photos}, "output": {"registered": photos, "points": 4000}}))
"""
)
TRAINING = (
    PREAMBLE
    + """
assert json.loads((base / "input/data/sfm/report.json").read_text())["output"]["points"] == 4000
checkpoint = base / "checkpoints/state.json"
state = json.loads(checkpoint.read_text()) if checkpoint.exists() else {"step": 0, "sum": 0, "begun_at": []}
state["begun_at"].append(state["step"])
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
while state["step"] < {steps}:
    time.sleep(0.1)
    state["step"] += 1
    state["sum"] += state["step"]
    if asked:
        checkpoint.write_text(json.dumps(state))
        sys.exit(143)
(base / "model/splat.json").write_text(json.dumps(state))
""".replace("{steps}", str(STEPS))
)
COMPRESSOR = (
    PREAMBLE
    + """
result = base / "processing/output/model"
with tarfile.open(base / "processing/input/model/model.tar.gz") as archive:
    state = archive.extractfile("splat.json").read()
for name in {files}:
    (result / name).write_text("content")
report = {"sfm": json.loads((base / "processing/input/sfm/report.json").read_text())}
(result / "report.json").write_text(json.dumps(report))
(result / "model.sog").write_bytes(state)
""".replace("{files}", repr(MODEL_FILES))
)
CONTAINERS = {"sfm": SFM, "3dgs": TRAINING, "compressor": COMPRESSOR}


@pytest.fixture(scope="module")
def up() -> Iterator[Deployed]:
    with deployed(settings=SETTINGS) as cloud:
        cloud.cloud.scale_waits(WAIT_SCALE)
        registry = cloud.cloud.image_registry
        images = json.loads(registry.read_text())
        for uri, image in images.items():
            (step,) = [step for step in CONTAINERS if f"{step}-" in uri.rpartition("/")[2]]
            image |= {"argv": [sys.executable, "-c", CONTAINERS[step]], "pythonpath": [], "env": {}}
        registry.write_text(json.dumps(images))
        yield cloud


@dataclass
class Pilot:
    """A signed-in person with an uploaded capture.

    Attributes:
        up: The deployed program.
        api: The APIs.
        capture: Where the photos are.
        project_id: A project.
        email: Where mails go.
    """

    up: Deployed
    api: client.Spaceport
    capture: str
    project_id: str
    email: str

    def start(self) -> str:
        return self.api.start_job(self.capture, project_id=self.project_id, options={})

    def ended(self, job_id: str) -> client.Json:
        """Wait for the end that the API tells."""
        return until(lambda: self._ended(job_id), f"the end of {job_id}", JOB_SECONDS)

    def _ended(self, job_id: str) -> client.Json | None:
        job = self.api.job(job_id)
        return None if job["status"] in client.RUNNING else job

    def row(self, job_id: str) -> JobRow:
        """Read the job's record itself, which the API corrects by what Step Functions says."""
        table = self.up.cloud.client("dynamodb")
        item = table.get_item(TableName=self.table, Key={"jobId": {"S": job_id}})["Item"]
        return JobRow.model_validate({name: _plain(value) for name, value in item.items()})

    def look(self, moment: int) -> None:
        """Let the function that takes events look at what runs, as of a moment in epoch milliseconds."""
        resources = self.up.deployment.resources
        (function,) = [one.id for one in resources if one.name.startswith("job-events-function")]
        tick = {"detail-type": "Scheduled Event", "source": "aws.events", "time": iso(moment), "detail": {}}
        answer = self.up.cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(tick))
        assert "FunctionError" not in answer, answer["Payload"].read()

    @property
    def table(self) -> str:
        return next(one.id for one in self.up.deployment.resources if one.name.endswith("jobs-table"))

    def mails(self, job_id: str) -> list[dict[str, Any]]:
        return [mail for mail in self.up.cloud.mail() if job_id in json.dumps(mail)]

    def trainings(self, job_id: str) -> list[client.Json]:
        """Describe the job's trainings, the first one first."""
        sagemaker = self.up.cloud.client("sagemaker")
        listed = sagemaker.list_training_jobs(NameContains=job_id, SortBy="CreationTime", MaxResults=100)
        names = [one["TrainingJobName"] for one in listed["TrainingJobSummaries"]]
        return [sagemaker.describe_training_job(TrainingJobName=name) for name in sorted(names)]

    def model(self, job_id: str) -> client.Json:
        """Read what the training counted, out of the published model."""
        key = f"jobs/{job_id}/model/model.sog"
        bucket = self.up.deployment.outputs["mlBucket"]
        return json.loads(self.up.cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


_plain = TypeDeserializer().deserialize


@pytest.fixture(scope="module")
def pilot(up: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pilot]:
    addresses = client.Addresses.from_outputs(up.deployment.outputs)
    email = f"pilot-{secrets.token_hex(4)}@example.com"
    person = people.sign_in_new(up.cloud.client("cognito-idp"), addresses, email)
    api = client.Spaceport(addresses, person.token)
    capture = api.upload_capture(photos(tmp_path_factory.mktemp("photos")))
    yield Pilot(up, api, capture, api.create_project("Field")["projectId"], email)
    api.close()


def photos(folder: Path) -> list[tuple[str, Path]]:
    paths = [folder / f"{number}.jpg" for number in range(4)]
    for number, path in enumerate(paths):
        Image.effect_noise((200, 200), 10 + 10 * number).save(path)
    return [(path.name, path) for path in paths]


@pytest.fixture(autouse=True)
def good_day(up: Deployed) -> Iterator[None]:
    """End every test's faults with it."""
    yield
    up.cloud.plan_faults()


def machines(trainings: list[client.Json]) -> list[tuple[str, bool]]:
    return [(one["ResourceConfig"]["InstanceType"], one["EnableManagedSpotTraining"]) for one in trainings]


def secondary(training: client.Json) -> list[str]:
    return [transition["Status"] for transition in training["SecondaryStatusTransitions"]]


def whole(count: int) -> int:
    return count * (count + 1) // 2


def test_the_next_machine_takes_over_when_no_spot_machine_is_to_be_had(up: Deployed, pilot: Pilot):
    up.cloud.plan_faults({"fault": "no-capacity", "instanceType": FIRST})
    job = pilot.start()
    told = pilot.ended(job)
    assert told["status"] == "SUCCEEDED", told
    waited, trained = pilot.trainings(job)
    assert machines([waited, trained]) == [(FIRST, True), (SECOND, True)]
    assert [one["TrainingJobName"] for one in (waited, trained)] == [f"{job}-1-3dgs-{n}" for n in (0, 1)]
    assert secondary(waited) == ["Starting", "Stopped"]
    assert waited["TrainingJobStatus"] == "Stopped"
    assert "TrainingStartTime" not in waited
    assert trained["TrainingJobStatus"] == "Completed"
    assert pilot.model(job)["sum"] == whole(STEPS)


def test_machines_on_demand_come_last_and_their_want_fails_the_job(up: Deployed, pilot: Pilot):
    up.cloud.plan_faults(*NO_GPU)
    job = pilot.start()
    told = pilot.ended(job)
    assert told["status"] == "FAILED"
    assert "No machine was free" in told["error"]["sentence"]
    trainings = pilot.trainings(job)
    assert machines(trainings) == [(FIRST, True), (SECOND, True), (FIRST, False), (SECOND, False)]
    assert [one["TrainingJobStatus"] for one in trainings] == ["Stopped", "Stopped", "Failed", "Failed"]


def test_an_interrupted_training_goes_on_from_its_checkpoint(up: Deployed, pilot: Pilot):
    up.cloud.plan_faults({"fault": "interruption", "instanceType": FIRST, "afterSeconds": 1})
    job = pilot.start()
    told = pilot.ended(job)
    assert told["status"] == "SUCCEEDED", told
    (training,) = pilot.trainings(job)
    work = ["Starting", "Downloading", "Training"]
    assert secondary(training) == [*work, "Interrupted", *work, "Uploading", "Completed"]
    # SageMaker's events do not tell what is billed.
    (trained,) = [used for used in pilot.row(job).machines if used.step == "3dgs"]
    assert (trained.instance_type, trained.billed_seconds) == (FIRST, training["BillableTimeInSeconds"])
    model = pilot.model(job)
    assert (model["step"], model["sum"]) == (STEPS, whole(STEPS))
    first, again = model["begun_at"]
    assert first == 0
    assert 0 < again < STEPS


def test_a_used_up_quota_is_waited_for_and_the_record_says_so(up: Deployed, pilot: Pilot):
    up.cloud.plan_faults({"fault": "quota", "instanceType": FIRST, "times": 2})
    job = pilot.start()
    waiting = until(
        lambda: pilot.row(job) if pilot.row(job).stage_status == WAITING_FOR_MACHINE else None,
        "the waiting",
        30,
    )
    assert (waiting.status, waiting.current_stage) == ("RUNNING", "3dgs")
    assert "waits" in pilot.api.job(job)["details"]
    told = pilot.ended(job)
    assert told["status"] == "SUCCEEDED", told
    (training,) = pilot.trainings(job)
    # Refused requests made no job, and their names are not used again.
    assert training["TrainingJobName"] == f"{job}-1-3dgs-2"
    assert pilot.row(job).stage_order > waiting.stage_order


def test_a_quota_that_was_never_granted_is_not_waited_for(up: Deployed, pilot: Pilot):
    up.cloud.plan_faults({"fault": "quota", "instanceType": FIRST, "limit": 0})
    job = pilot.start()
    assert pilot.ended(job)["status"] == "SUCCEEDED"
    assert machines(pilot.trainings(job)) == [(SECOND, True)]


def test_processing_waits_for_its_quota_too(up: Deployed, pilot: Pilot):
    up.cloud.plan_faults({"fault": "quota", "instanceType": "ml.c6i.4xlarge"})
    job = pilot.start()
    assert pilot.ended(job)["status"] == "SUCCEEDED"
    listed = up.cloud.client("sagemaker").list_processing_jobs(NameContains=f"{job}-1-sfm")
    assert [one["ProcessingJobName"] for one in listed["ProcessingJobSummaries"]] == [f"{job}-1-sfm-1"]


@pytest.mark.parametrize(
    "faults", [NO_GPU, [{"fault": "quota", "instanceType": FIRST, "times": 99}]], ids=["spot", "quota"]
)
def test_a_stop_while_the_job_waits_ends_everything(up: Deployed, pilot: Pilot, faults: list[dict[str, Any]]):
    up.cloud.plan_faults(*faults)
    job = pilot.start()
    statuses = ("Starting", WAITING_FOR_MACHINE)
    until(
        lambda: pilot.row(job).current_stage == "3dgs" and pilot.row(job).stage_status in statuses,
        "the waiting",
        30,
    )
    pilot.api.stop_job(job)
    assert pilot.ended(job)["status"] == "ABORTED"
    until(lambda: pilot.row(job).status == "ABORTED", "the record of the stop")
    ended = until(lambda: all_ended(pilot.trainings(job)), "the end of the trainings")
    # Nothing goes on behind it: neither another training nor the watcher.
    time.sleep(180 * WAIT_SCALE)
    assert all_ended(pilot.trainings(job)) == ended
    assert len(pilot.mails(job)) == 1


def all_ended(trainings: list[client.Json]) -> list[str] | None:
    statuses = [f"{one['TrainingJobName']} {one['TrainingJobStatus']}" for one in trainings]
    return None if any("InProgress" in one or "Stopping" in one for one in statuses) else statuses or ["none"]


def test_doubled_events_change_nothing(up: Deployed, pilot: Pilot):
    up.cloud.plan_faults({"fault": "doubled-event", "times": 1000})
    job = pilot.start()
    assert pilot.ended(job)["status"] == "SUCCEEDED"
    until(lambda: pilot.mails(job), "the mail")
    time.sleep(1)
    row = pilot.row(job)
    assert (row.status, row.current_stage) == ("SUCCEEDED", "completed")
    assert sorted(used.step for used in row.machines) == sorted(STEP_NAMES)
    (mail,) = pilot.mails(job)
    assert "and cost less than $0.01." in mail["BodyText"]


def test_lost_events_on_the_way_do_not_change_the_end(up: Deployed, pilot: Pilot):
    up.cloud.plan_faults(
        {"fault": "lost-event", "source": "aws.sagemaker", "times": 1000},
        {"fault": "lost-event", "source": "aws.states", "status": "RUNNING"},
    )
    job = pilot.start()
    assert pilot.ended(job)["status"] == "SUCCEEDED"
    row = until(lambda: pilot.row(job) if pilot.row(job).status != "PENDING" else None, "the record")
    assert (row.status, row.current_stage) == ("SUCCEEDED", "completed")
    assert row.started_at is None
    assert (row.machines, pilot.api.job(job)["cost"]["usd"]) == ([], None)
    # SageMaker itself is asked, some time later.
    pilot.look(now_ms() + SETTLE_AFTER_MS + 60_000)
    assert sorted(used.step for used in pilot.row(job).machines) == sorted(STEP_NAMES)
    assert pilot.api.job(job)["cost"]["usd"] is not None


def test_an_end_that_no_event_told_is_found_by_the_clock(up: Deployed, pilot: Pilot):
    up.cloud.plan_faults({"fault": "lost-event", "source": "aws.states", "status": "SUCCEEDED"})
    job = pilot.start()
    # The API looks at the execution itself; the record, the project and the person know nothing yet.
    assert pilot.ended(job)["status"] == "SUCCEEDED"
    assert pilot.row(job).status == "RUNNING"
    assert pilot.mails(job) == []
    pilot.look(now_ms())
    assert pilot.row(job).status == "SUCCEEDED"
    assert len(pilot.mails(job)) == 1


def test_a_job_starts_at_a_later_step_from_an_earlier_jobs_results(up: Deployed, pilot: Pilot):
    earlier = pilot.start()
    assert pilot.ended(earlier)["status"] == "SUCCEEDED"
    jobs = {step: pilot.api.start_from(earlier, step=step, options={}) for step in ("3dgs", "compressor")}
    sagemaker = up.cloud.client("sagemaker")
    for start_at, job in jobs.items():
        row = until(
            lambda job=job: pilot.row(job) if pilot.row(job).status not in client.RUNNING else None,
            f"the end from {start_at}",
            JOB_SECONDS,
        )
        assert row.status == "SUCCEEDED"
        assert row.viewer_url
        assert pilot.model(job)["sum"] == whole(STEPS)
        assert not sagemaker.list_processing_jobs(NameContains=f"{job}-1-sfm")["ProcessingJobSummaries"]
        assert len(pilot.trainings(job)) == (start_at == "3dgs")
