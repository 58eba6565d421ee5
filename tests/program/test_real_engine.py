"""The real `pulumi preview` of the program, where there is a Pulumi CLI with its providers.

It stays on this machine: state is in a folder, and the one question that a preview asks AWS, whose account
this is, is answered by a server in this process.
"""

import re
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import boto3
import pytest
from pulumi import automation

from local.preview import PROJECT, ROOT, run_program, stack_config
from local.preview.outputs import ACCOUNT

STACK = "prod"
PROVIDERS = ("aws", "awsx")
ANSWER = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>arn:aws:iam::{ACCOUNT}:user/deployer</Arn><UserId>AIDA1</UserId><Account>{ACCOUNT}</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>"""


class _Sts(BaseHTTPRequestHandler):
    """Answers whose account it is, and nothing else."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        (action,) = re.findall(r"Action=(\w+)", body) or ["?"]
        self.asked.append(action)
        self.send_response(200 if action == "GetCallerIdentity" else 400)
        self.send_header("Content-Type", "text/xml")
        self.end_headers()
        self.wfile.write(ANSWER.encode() if action == "GetCallerIdentity" else b"")

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def sts() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Sts)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def cli() -> str:
    """The Pulumi CLI with what this program needs of it."""
    found = shutil.which("pulumi")
    if found is None:
        pytest.skip("there is no `pulumi` on this machine: the program is not shown to the real engine")
    listed = subprocess.run([found, "plugin", "ls"], capture_output=True, text=True, check=True).stdout
    missing = [name for name in PROVIDERS if not re.search(rf"^{name} +resource", listed, re.MULTILINE)]
    if missing:
        pytest.skip(f"`pulumi plugin install resource` has not been run for {' and '.join(missing)}")
    if shutil.which("docker") is None:
        pytest.skip("there is no `docker` on this machine, which awsx.ecr.Image asks for")
    return found


def copied(folder: Path) -> Path:
    """The program in a folder of its own: the CLI writes into the stack's file."""
    for name in ("components", "functions", "images"):
        left_out = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(ROOT / name, folder / name, ignore=left_out)
    for path in (ROOT / "__main__.py", *ROOT.glob("Pulumi*.yaml")):
        shutil.copy(path, folder)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    config = stack_config(STACK)
    runtime, architecture = (config[f"{PROJECT}:function{key}"] for key in ("Runtime", "Architecture"))
    layer = folder / "build" / "layers" / f"base-{runtime}-{architecture}.zip"
    layer.parent.mkdir(parents=True)
    with zipfile.ZipFile(layer, "w") as packed:
        packed.writestr("python/empty.py", "")
    return folder


def test_whose_account_it_is_can_be_asked_without_aws(sts):
    client = boto3.client(
        "sts",
        endpoint_url=sts,
        region_name="us-west-2",
        aws_access_key_id="nobody",
        aws_secret_access_key="nothing",
    )
    assert client.get_caller_identity()["Account"] == ACCOUNT
    assert _Sts.asked[-1] == "GetCallerIdentity"


@pytest.mark.slow
def test_the_real_engine_previews_what_the_mocks_saw(cli, sts, tmp_path, bootstrap):
    folder, state = tmp_path / "program", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    options = automation.LocalWorkspaceOptions(
        env_vars={
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE": "rehearsal",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_ERROR_OUTPUT_STRING": "true",
            "AWS_ENDPOINT_URL_STS": sts,
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    )
    stack = automation.create_stack(STACK, work_dir=str(copied(folder)), opts=options)
    try:
        for key, value in bootstrap.items():
            stack.set_config(key, automation.ConfigValue(value))
        events: list[automation.events.EngineEvent] = []
        stack.preview(on_event=events.append)
    finally:
        stack.workspace.remove_stack(STACK)
    steps = [event.resource_pre_event.metadata for event in events if event.resource_pre_event]
    seen = run_program(stack_config(STACK, bootstrap), stack=STACK)
    created = {step.urn for step in steps if step.op == automation.OpType.CREATE}
    assert {step.op for step in steps} == {automation.OpType.CREATE}
    assert {one.urn for one in seen.registrations} <= created
    others = created - {one.urn for one in seen.registrations}
    assert all("awsx:ecr:Image$" in urn or "::pulumi:" in urn for urn in others)
