import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from local.cloud import CloudError, EmbeddedCloud
from tests.local.cloud_kit import CloudKit

pytestmark = pytest.mark.cloud

ROOT = Path(__file__).resolve().parents[2]

# Starts a cloud with a warm function in a call and a running job, says so, and waits to be killed.
BUSY_PARENT = """
import sys, threading, time
from local.cloud import EmbeddedCloud
from tests.local.cloud_kit import CloudKit, until
with EmbeddedCloud() as cloud:
    kit = CloudKit(cloud)
    code = "import time\\ndef handler(event, context):\\n    time.sleep(100)\\n"
    function = kit.function(code, Timeout=200)
    threading.Thread(target=kit.invoke, args=(function,), daemon=True).start()
    job = kit.process(kit.processing_request("import time; time.sleep(100)", kit.job_role("none")))
    describe = kit.sagemaker.describe_processing_job
    until(lambda: describe(ProcessingJobName=job).get("ProcessingStartTime"), "start")
    time.sleep(1)
    print(cloud.run_dir, flush=True)
    try:
        time.sleep(100)
    except KeyboardInterrupt:
        pass
"""


@pytest.fixture
def busy_parent():
    parent = subprocess.Popen(
        [sys.executable, "-c", BUSY_PARENT],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    run_dir = Path(parent.stdout.readline().strip())
    family = psutil.Process(parent.pid).children(recursive=True)
    yield parent, run_dir, family
    for process in family:
        if process.is_running():
            process.kill()
    parent.kill()
    parent.wait()
    shutil.rmtree(run_dir, ignore_errors=True)


def test_killed_parent_leaves_no_process(busy_parent):
    parent, _, family = busy_parent
    commands = " ".join(" ".join(process.cmdline()) for process in family)
    for part in ("launch.py", "_worker.py", "time.sleep(100)"):
        assert part in commands, f"{part} was not running before the kill"
    parent.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def test_interrupt_cleans_up_everything(busy_parent):
    parent, run_dir, family = busy_parent
    parent.send_signal(signal.SIGINT)
    parent.wait(timeout=10)
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive
    assert not run_dir.exists()


def test_crashed_cloud_takes_its_functions_and_jobs_along(busy_parent):
    _, _, family = busy_parent
    (launcher,) = (process for process in family if "launch.py" in process.cmdline()[1])
    launcher.kill()
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def test_two_clouds_at_once_are_apart(cloud: EmbeddedCloud, kit: CloudKit, tmp_path: Path):
    bucket = kit.bucket({"key": "here"})
    with EmbeddedCloud(tmp_path / "other") as other:
        assert other.endpoint != cloud.endpoint
        buckets = {found["Name"] for found in other.client("s3").list_buckets()["Buckets"]}
        assert bucket not in buckets
        assert (tmp_path / "other" / "cloud.log").exists()
    # The other's end is not this one's.
    assert kit.read(bucket, "key") == "here"
    with pytest.raises(CloudError, match="not running"):
        other.client("s3")


def test_objects_are_kept_on_disk(cloud: EmbeddedCloud, kit: CloudKit):
    bucket = kit.bucket({"photo": b"x" * 1000})
    kept = [path for path in (cloud.run_dir / "s3").rglob("*") if path.is_file() and bucket in path.parts]
    sizes = [path.stat().st_size for path in kept]
    assert 1000 in sizes


def test_failed_start_tells_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho the disk is full\nexit 3\n")
    python.chmod(0o755)
    monkeypatch.setenv("SPACEPORT_CLOUD_PYTHON", str(python))
    expected = r"status 3 while starting(.|\n)*the disk is full"
    with pytest.raises(CloudError, match=expected), EmbeddedCloud(tmp_path):
        pass


def test_missing_environment_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPACEPORT_CLOUD_PYTHON", str(tmp_path / "nowhere"))
    with pytest.raises(CloudError, match="make setup"), EmbeddedCloud(tmp_path / "run"):
        pass


def test_administrator_is_root_of_the_account(cloud: EmbeddedCloud):
    identity = cloud.client("sts").get_caller_identity()
    assert identity["Account"] == cloud.account
    assert identity["Arn"].endswith(":root")


def test_mail_is_kept_in_order(cloud: EmbeddedCloud):
    ses = cloud.client("sesv2")
    ses.create_email_identity(EmailIdentity="sender@example.com")
    before = len(cloud.mail())
    for subject in ("first", "second"):
        ses.send_email(
            FromEmailAddress="sender@example.com",
            Destination={"ToAddresses": ["pilot@example.com"]},
            Content={"Simple": {"Subject": {"Data": subject}, "Body": {"Text": {"Data": "words"}}}},
        )
    mails = cloud.mail()[before:]
    assert [mail["Subject"] for mail in mails] == ["first", "second"]
    assert mails[0]["To"] == ["pilot@example.com"]


def test_cloud_sees_nothing_of_this_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-leak")
    monkeypatch.setenv("MY_TOKEN", "do-not-leak")
    with EmbeddedCloud(tmp_path / "run") as cloud:
        kit = CloudKit(cloud)
        code = "import os\ndef handler(event, context):\n    return dict(os.environ)\n"
        function = kit.function(code, Environment={"Variables": {"OWN": "value"}})
        seen = kit.invoke(function)["payload"]
        family = psutil.Process(os.getpid()).children(recursive=True)
        launchers = [process for process in family if "launch.py" in " ".join(process.cmdline())]
        inherited = [process.environ() for process in launchers]
    assert "do-not-leak" not in json.dumps([seen, inherited])
    assert seen["OWN"] == "value"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == function.rpartition(":")[2]
    assert seen["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{seen['AWS_ENDPOINT_URL'].rpartition(':')[2]}"
    assert seen["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert not {"SPACEPORT_RUN_DIR", "S3_DATA_DIR", "AUTH", "MINISTACK_ACCOUNT_ID"} & set(seen)
    assert inherited
