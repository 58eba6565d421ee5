"""`make images`: what is there stays, what another stack has is copied, the rest is built."""

import hashlib
import json
import shutil
import stat
from dataclasses import dataclass, field

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError

from components.definition import STEPS
from components.images import PLATFORM, image_tag
from local.cloud import EmbeddedCloud
from local.preview import ROOT, run_program, stack_config, stand_in_public_key
from release import __main__ as commands
from release.images import KEY, Images, Source, changed, read_source, write_digests
from release.registry import ImagesError, Repository, digest_of
from release.state import Deployed
from tests.release.tool_kit import Tools

HOST = "123456789012.dkr.ecr.us-west-2.amazonaws.com"
TOKEN = "QVdTOnRva2Vu"  # AWS:token
BUILDS = """
if arguments[:2] == ["buildx", "build"]:
    tag = arguments[arguments.index("--tag") + 1]
    digest = "sha256:" + __import__("hashlib").sha256(tag.encode()).hexdigest()
    metadata = arguments[arguments.index("--metadata-file") + 1]
    Path(metadata).write_text(json.dumps({"containerimage.digest": digest}))
    with open(PUSHED, "a") as pushed:
        pushed.write(json.dumps([tag, digest]) + "\\n")
"""
COPIES = """
source, target = (one.removeprefix("docker://") for one in arguments[-2:])
with open(PUSHED, "a") as pushed:
    pushed.write(json.dumps([target, source.partition("@")[2]]) + "\\n")
"""


def digest(text):
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@dataclass
class Registry:
    """ECR, as boto3 shows it; tools push by a file."""

    pushed: object
    images: dict = field(default_factory=dict)

    def describe_images(self, repositoryName, imageIds):  # noqa: N803 - boto3's names
        lines = self.pushed.read_text().splitlines() if self.pushed.exists() else []
        known = self.images | {place.partition("/")[2]: found for place, found in map(json.loads, lines)}
        found = known.get(f"{repositoryName}:{imageIds[0]['imageTag']}")
        if found is None:
            raise ClientError({"Error": {"Code": "ImageNotFoundException", "Message": ""}}, "DescribeImages")
        return {"imageDetails": [{"imageDigest": found}]}

    def get_authorization_token(self):
        return {"authorizationData": [{"authorizationToken": TOKEN}]}


@pytest.fixture
def context(tmp_path):
    for folder in ("common", *STEPS):
        (tmp_path / "images" / folder).mkdir(parents=True)
        (tmp_path / "images" / folder / "Dockerfile").write_text(folder)
    return tmp_path / "images"


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "pushed")


@pytest.fixture
def images(registry, context):
    deployed = Deployed({step: f"{HOST}/{step}-repository-1" for step in STEPS})
    return Images(registry, deployed, context)


@pytest.fixture
def tools(tmp_path, monkeypatch):
    return Tools(tmp_path / "tools", monkeypatch, alone=True)


def with_docker(tools, registry, does=BUILDS):
    tools.add("docker", does.replace("PUSHED", repr(str(registry.pushed))))


def with_skopeo(tools, registry):
    tools.add("skopeo", COPIES.replace("PUSHED", repr(str(registry.pushed))))


def make(images, steps=STEPS, **how):
    lines = []
    return images.make(list(steps), lines.append, **how), lines


def test_what_is_not_there_is_built_for_sagemakers_machines_and_pushed_by_its_content(
    images, tools, registry
):
    with_docker(tools, registry)
    digests, _ = make(images)
    builds = [arguments for arguments, _ in tools.calls("docker") if arguments[:2] == ["buildx", "build"]]
    assert len(builds) == len(STEPS)
    for step, build in zip(STEPS, builds, strict=True):
        place = f"{HOST}/{step}-repository-1:{image_tag(step, images.context)}"
        assert build[build.index("--tag") + 1] == place
        assert build[build.index("--platform") + 1] == PLATFORM
        assert build[build.index("--file") + 1] == str(images.context / step / "Dockerfile")
        assert {"--push", "--provenance=false", "--sbom=false"} <= set(build)
        assert build[-1] == str(images.context)
        assert digests[step] == digest(place)


def test_docker_is_logged_in_without_the_token_on_its_command_line(images, tools, registry):
    with_docker(tools, registry)
    make(images, ["sfm"])
    ((login, given),) = [call for call in tools.calls("docker") if call[0][0] == "login"]
    assert login == ["login", "--username", "AWS", "--password-stdin", HOST]
    assert given == "token"


def test_only_what_has_changed_is_built(images, tools, registry):
    with_docker(tools, registry)
    first, _ = make(images)
    tools.calls("docker")
    (images.context / "sfm" / "run.py").write_text("new")
    before = len(tools.calls("docker"))
    second, lines = make(images)
    built = [call for call, _ in tools.calls("docker")[before:] if call[:2] == ["buildx", "build"]]
    assert [call[call.index("--file") + 1] for call in built] == [str(images.context / "sfm" / "Dockerfile")]
    assert {step for step in STEPS if first[step] != second[step]} == {"sfm"}
    assert sum("is there" in line for line in lines) == len(STEPS) - 1


def test_nothing_needs_docker_where_all_is_there(images, tools, registry):
    registry.images = {
        f"{step}-repository-1:{image_tag(step, images.context)}": digest(step) for step in STEPS
    }
    digests, _ = make(images)
    assert digests == {step: digest(step) for step in STEPS}
    assert tools.calls("docker") == []


@pytest.mark.parametrize(
    ("docker", "words"),
    [(None, "no Docker"), ("sys.exit(arguments == ['buildx', 'version'])", "no buildx")],
)
def test_without_the_tools_a_line_says_so(images, tools, registry, docker, words):
    if docker:
        with_docker(tools, registry, docker)
    with pytest.raises(ImagesError, match=words) as raised:
        make(images, ["sfm"])
    assert "\n" not in str(raised.value)
    assert "sfm" in str(raised.value)


def test_a_build_that_fails_ends_it(images, tools, registry):
    with_docker(tools, registry, "sys.exit(3 if 'build' in arguments else 0)")
    with pytest.raises(ImagesError, match=r"docker buildx build.* 3"):
        make(images, ["sfm"])


def test_another_image_under_the_tag_ends_it(images, tools, registry):
    with_docker(tools, registry, BUILDS.replace("[tag, digest]", "[tag, 'sha256:other']"))
    with pytest.raises(ImagesError, match="sha256:other"):
        make(images, ["sfm"])


def source_of(tmp_path, images, steps=STEPS):
    found = {step: f"{HOST}/staging-{step}@{digest(step)}" for step in steps}
    return Source(found, {}, tmp_path / "login")


def test_what_another_stack_has_is_copied_with_its_digest(images, tools, registry, tmp_path):
    with_skopeo(tools, registry)
    digests, _ = make(images, source=source_of(tmp_path, images), builds=False)
    assert digests == {step: digest(step) for step in STEPS}
    for step, (call, _) in zip(STEPS, tools.calls("skopeo"), strict=True):
        assert call[:2] == ["copy", "--preserve-digests"]
        assert call[call.index("--src-authfile") + 1] == str(tmp_path / "login" / "config.json")
        tag = image_tag(step, images.context)
        assert call[-2:] == [
            f"docker://{HOST}/staging-{step}@{digest(step)}",
            f"docker://{HOST}/{step}-repository-1:{tag}",
        ]


def test_what_it_has_not_is_built_or_is_an_error(images, tools, registry, tmp_path):
    with_skopeo(tools, registry)
    with_docker(tools, registry)
    source = source_of(tmp_path, images, ["sfm"])
    with pytest.raises(ImagesError, match=r"3dgs.*development"):
        make(images, source=source, builds=False)
    assert not [call for call, _ in tools.calls("docker") if "build" in call]
    make(images, source=source)
    assert len(tools.calls("skopeo")) == 1
    assert len([call for call, _ in tools.calls("docker") if call[:2] == ["buildx", "build"]]) == 2


def test_without_skopeo_a_line_says_so(images, tools, registry, tmp_path):
    with pytest.raises(ImagesError, match="no skopeo"):
        make(images, source=source_of(tmp_path, images))


def test_a_stack_without_repositories_says_what_to_do(registry, context):
    with pytest.raises(ImagesError, match="deploy it once"):
        make(Images(registry, Deployed(), context))


def test_a_source_is_read_as_it_was_written_and_its_token_is_nobody_elses(images, registry, tmp_path):
    registry.images = {f"sfm-repository-1:{image_tag('sfm', images.context)}": digest("sfm")}
    folder = tmp_path / "source"
    assert images.write_source(folder) == [f"{HOST}/sfm-repository-1@{digest('sfm')}"]
    source = read_source(folder)
    assert source.images == {"sfm": f"{HOST}/sfm-repository-1@{digest('sfm')}"}
    config = source.login / "config.json"
    assert json.loads(config.read_text()) == {"auths": {HOST: {"auth": TOKEN}}}
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    with pytest.raises(ImagesError, match="python -m release source"):
        read_source(tmp_path / "none")


DIGESTS = {step: digest(step) for step in STEPS}


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_the_program_takes_the_digests_from_its_file_and_all_else_in_it_stays(tmp_path, stack):
    for name in ("Pulumi.yaml", f"Pulumi.{stack}.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    file = tmp_path / f"Pulumi.{stack}.yaml"
    before = file.read_text()
    assert write_digests(file, DIGESTS, others={}) == []
    assert all(line in file.read_text().splitlines() for line in before.splitlines())
    made = {"spaceport:deliveryPublicKey": stand_in_public_key()}
    run = run_program(stack_config(stack, made, folder=tmp_path), stack=stack)
    assert not run.of("awsx:ecr:Image")
    (machine,) = run.of("aws:sfn/stateMachine:StateMachine")
    assert all(found in machine.inputs["definition"] for found in DIGESTS.values())


def test_a_new_digest_replaces_its_own_and_leaves_the_others(tmp_path):
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text("config:\n  aws:region: r # why\n")
    assert write_digests(file, {"sfm": digest("a")}, others={"3dgs": digest("b")}) == ["compressor"]
    assert "sha256" not in file.read_text()
    write_digests(file, DIGESTS, others={})
    write_digests(file, {"sfm": digest("new")}, others={"3dgs": digest("never")})
    config = yaml.safe_load(file.read_text())["config"]
    assert config[KEY] == {**DIGESTS, "sfm": digest("new")}
    assert "r # why" in file.read_text()


def test_changed_images_are_those_with_another_content(tmp_path, context):
    base = tmp_path / "base"
    shutil.copytree(context, base)
    assert list(changed(base, context)) == []
    (context / "sfm" / "x").write_text("new")
    assert list(changed(base, context)) == ["sfm"]
    (context / "common" / "x").write_text("new")
    assert list(changed(base, context)) == list(STEPS)
    shutil.rmtree(base / "3dgs")
    assert "3dgs" in list(changed(base, context))


def exported(repositories, digests=()):
    prefix = "urn:pulumi:staging::spaceport::"
    resources = [
        {
            "urn": f"{prefix}aws:ecr/repository:Repository::{step}-repository",
            "type": "aws:ecr/repository:Repository",
            "outputs": {"repositoryUrl": url},
        }
        for step, url in repositories.items()
    ]
    resources += [
        {
            "urn": f"{prefix}spaceport:images:Image::{step}-image",
            "type": "spaceport:images:Image",
            "outputs": {"uri": f"{repositories[step]}@{found}"},
        }
        for step, found in dict(digests).items()
    ]
    return json.dumps({"version": 3, "deployment": {"resources": resources}})


PUSHES = """
if arguments[:2] == ["buildx", "build"]:
    import boto3
    tag = arguments[arguments.index("--tag") + 1]
    place, _, name = tag.rpartition(":")
    manifest = json.dumps({"schemaVersion": 2, "layers": [], "annotations": {"built": tag}})
    pushed = boto3.client("ecr", region_name="us-west-2").put_image(
        repositoryName=place.partition("/")[2], imageManifest=manifest, imageTag=name,
        imageManifestMediaType="application/vnd.oci.image.manifest.v1+json")
    metadata = arguments[arguments.index("--metadata-file") + 1]
    digest = pushed["image"]["imageId"]["imageDigest"]
    Path(metadata).write_text(json.dumps({"containerimage.digest": digest}))
"""


@pytest.mark.cloud
@pytest.mark.slow
def test_the_command_against_the_embedded_clouds_registry(tmp_path, monkeypatch, capsys):
    """What stands for Docker pushes a manifest into the cloud's ECR; the second call builds nothing."""
    root = tmp_path / "program"
    root.mkdir()
    shutil.copytree(ROOT / "images", root / "images", ignore=shutil.ignore_patterns("node_modules"))
    shutil.copy(ROOT / "Pulumi.staging.yaml", root)
    monkeypatch.setattr(commands, "ROOT", root)
    with EmbeddedCloud() as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", cloud.account)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        ecr = boto3.client("ecr", region_name="us-west-2")
        urls = {}
        for step in STEPS:
            made = ecr.create_repository(repositoryName=f"{step}-r", imageTagMutability="IMMUTABLE")
            urls[step] = made["repository"]["repositoryUri"]
        tools = Tools(tmp_path / "tools", monkeypatch)
        tools.add("pulumi", f"print({exported(urls)!r})")
        tools.add("docker", PUSHES)
        assert commands.main(["images", "--stack", "staging"]) == 0, capsys.readouterr()
        config = yaml.safe_load((root / "Pulumi.staging.yaml").read_text())["config"]
        for step in STEPS:
            tag = image_tag(step, root / "images")
            assert config[KEY][step] == digest_of(ecr, Repository(urls[step]), tag)
        calls = len(tools.calls("docker"))
        assert calls
        assert commands.main(["images", "--stack", "staging"]) == 0
        assert len(tools.calls("docker")) == calls
