"""The images: tagged by what is in them, kept while they may run."""

import json
import os

import pytest

from components.content_hash import content_hash
from components.images import CONTEXT, PLATFORM
from local.preview import ROOT, run_program, stack_config

NAMES = ("sfm", "3dgs", "compressor")


@pytest.fixture
def context(tmp_path):
    for name in ("common/a.py", "sfm/Dockerfile", "sfm/pkg/run.py", "other/x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def digest(context):
    return content_hash(context, ["common", "sfm"])


def test_dates_and_the_order_of_folders_do_not_count(context):
    before = digest(context)
    os.utime(context / "sfm/Dockerfile", (1, 1))
    assert content_hash(context, ["sfm", "common"]) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "sfm/pkg/run.py").write_text("other"),
        lambda root: (root / "common/a.py").write_text("other"),
        lambda root: (root / "sfm/pkg/run.py").rename(root / "sfm/pkg/ran.py"),
        lambda root: (root / "sfm/pkg/run.py").rename(root / "sfm/run.py"),
        lambda root: (root / "sfm/asset.bin").write_bytes(b"\0"),
        lambda root: (root / "common/a.py").unlink() or (root / "common/b.py").write_text("common/a.py"),
        lambda root: (root / "sfm/pkg/run.py").chmod(0o755),
        lambda root: (root / ".dockerignore").write_text("*.md"),
    ],
)
def test_every_change_of_what_is_built_changes_the_tag(context, change):
    before = digest(context)
    change(context)
    assert digest(context) != before


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "other/x.py").write_text("another image's"),
        lambda root: (root / "sfm/__pycache__").mkdir() or (root / "sfm/__pycache__/run.pyc").touch(),
        lambda root: (root / "sfm/node_modules").mkdir() or (root / "sfm/node_modules/x.js").touch(),
    ],
)
def test_what_is_not_built_does_not_count(context, change):
    before = digest(context)
    change(context)
    assert digest(context) == before


def test_a_missing_folder_is_named(context):
    with pytest.raises(FileNotFoundError, match="lost"):
        content_hash(context, ["common", "lost"])


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_built_from_its_dockerfile_under_a_tag_of_its_content(stack, name):
    image = stack.one("awsx:ecr:Image", f"{name}-build")
    assert image.inputs["dockerfile"] == f"./images/{name}/Dockerfile"
    assert (ROOT / image.inputs["dockerfile"]).is_file()
    assert (ROOT / image.inputs["context"]).resolve() == CONTEXT
    assert image.inputs["platform"] == PLATFORM
    assert image.inputs["imageTag"] == content_hash(CONTEXT, ["common", name])
    repository = stack.one("aws:ecr/repository:Repository", f"{name}-repository")
    assert image.inputs["repositoryUrl"] == repository.outputs["repositoryUrl"]


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_built_from_what_its_tag_is_made_of(name):
    instructions = (CONTEXT / name / "Dockerfile").read_text().splitlines()
    copies = [
        line.split()[1:-1] for line in instructions if line.startswith("COPY ") and "--from=" not in line
    ]
    sources = [source for copy in copies for source in copy if not source.startswith("--")]
    assert sources
    assert {source.split("/")[0] for source in sources} <= {"common", name}


@pytest.mark.parametrize("name", NAMES)
def test_what_runs_is_never_deleted_or_overwritten(stack, name):
    assert stack.one("awsx:ecr:Image", f"{name}-build").retain_on_delete
    repository = stack.one("aws:ecr/repository:Repository", f"{name}-repository")
    assert repository.inputs["imageTagMutability"] == "IMMUTABLE"
    assert repository.inputs["imageScanningConfiguration"]["scanOnPush"] is True
    policy = stack.one("aws:ecr/lifecyclePolicy:LifecyclePolicy", f"{name}-lifecycle")
    assert policy.inputs["repository"] == repository.outputs["name"]
    (rule,) = json.loads(policy.inputs["policy"])["rules"]
    assert rule["selection"]["tagStatus"] == "any"
    assert rule["selection"]["countType"] == "imageCountMoreThan"
    assert rule["selection"]["countNumber"] >= 10


def test_images_that_ci_has_pushed_are_taken_by_their_digest(prod, bootstrap):
    digests = {name: "sha256:" + character * 64 for name, character in zip(NAMES, "abc", strict=True)}
    config = stack_config("prod", {**bootstrap, "spaceport:imageDigests": digests})
    run = run_program(config, stack="prod")
    assert not run.of("awsx:ecr:Image")
    definition = json.loads(run.of("aws:sfn/stateMachine:StateMachine")[0].inputs["definition"])
    for name, digest in digests.items():
        repository = run.one("aws:ecr/repository:Repository", f"{name}-repository").outputs["repositoryUrl"]
        assert f'"{repository}@{digest}"' in json.dumps(definition)
    built = {one.name for one in prod.registrations} - {one.name for one in run.registrations}
    assert built == {f"{name}-build" for name in NAMES}
