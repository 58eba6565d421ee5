"""How an image runs from its sources: what its Dockerfile copies is there, and nothing else."""

import subprocess
from pathlib import Path

import pytest

from local.deploy.dockerfile import DockerfileError, content_digest, local_command, parse

IMAGES = Path(__file__).resolve().parents[2] / "images"
DOCKERFILE = """\
# syntax=docker/dockerfile:1
FROM node:22 AS page
COPY step/page.json ./
RUN npm ci && \\
    # a comment within
    npm run build
FROM python:3.11 AS step
ARG WHO=me
ENV PYTHONUNBUFFERED=1 \\
    PYTHONPATH=/opt/program
ENV DATA_DIR=$PYTHONPATH/data GREETING="hello there"
WORKDIR /opt/program
COPY step/requirements.txt ./
RUN pip install -r requirements.txt
COPY --from=page /page/built ./page
COPY common/shared_package ./shared_package
COPY --chown=1:1 ["step/the_step", "./the_step"]
COPY step/data/*.txt data/
ENTRYPOINT ["python", "-m", "the_step"]
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    files = {
        "step/Dockerfile": DOCKERFILE,
        "step/page.json": "{}",
        "step/requirements.txt": "numpy",
        "step/the_step/__init__.py": "",
        "step/the_step/__main__.py": (
            "import os, pathlib, shared_package, sys\n"
            "print(shared_package.WORD, sys.argv[1], os.environ['GREETING'],"
            " *sorted(path.name for path in pathlib.Path(os.environ['DATA_DIR']).iterdir()),"
            " (pathlib.Path(sys.path[-1])/'x').exists())\n"
        ),
        "step/data/a.txt": "a",
        "step/data/b.txt": "b",
        "step/data/c.bin": "c",
        "common/shared_package/__init__.py": "WORD = 'shared'",
        "common/other_package/__init__.py": "",
    }
    for name, text in files.items():
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("<html>")
    return tmp_path / "images"


def run(
    context: Path, text: str, *arguments: str, code: str | None = None
) -> subprocess.CompletedProcess[str]:
    root = context.parent / "root"
    root.mkdir(exist_ok=True)
    built = {"/page/built": context.parent / "page"}
    command = local_command(parse(text), context, root, built=built)
    argv = [command["argv"][0], "-c", code] if code else [*command["argv"], *arguments]
    return subprocess.run(
        argv,
        env={**command["env"], "PYTHONPATH": ":".join(command["pythonpath"])},
        capture_output=True,
        text=True,
        check=False,
        cwd=context.parent,
    )


def test_the_entry_point_runs_from_the_sources(context: Path):
    done = run(context, DOCKERFILE, "argument")

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["shared", "argument", "hello", "there", "a.txt", "b.txt", "False"]


def test_a_package_that_the_dockerfile_forgets_is_missing(context: Path):
    forgetful = DOCKERFILE.replace("COPY common/shared_package ./shared_package\n", "")

    assert "No module named 'shared_package'" in run(context, forgetful, "x").stderr
    assert "No module named 'other_package'" in run(context, DOCKERFILE, code="import other_package").stderr


def test_what_an_earlier_stage_builds_lies_where_it_is_copied(context: Path):
    run(context, DOCKERFILE, "x")

    assert (context.parent / "root/opt/program/page/index.html").read_text() == "<html>"


def test_folders_copied_to_one_place_are_merged_without_touching_the_sources(context: Path):
    merged = DOCKERFILE.replace(
        "COPY common/shared_package ./shared_package\n",
        "COPY common/shared_package ./shared_package\nCOPY common/other_package ./shared_package\n",
    )
    before = sorted((context / "common/shared_package").iterdir())

    run(context, merged, "x")

    both = {
        path.name for name in ("shared", "other") for path in (context / f"common/{name}_package").iterdir()
    }
    merged_folder = context.parent / "root/opt/program/shared_package"
    assert {path.name for path in merged_folder.iterdir()} - {"__pycache__"} == both
    assert sorted((context / "common/shared_package").iterdir()) == before


def test_the_digest_follows_the_copied_content_and_nothing_else(context: Path):
    def digest() -> str:
        return content_digest(parse(DOCKERFILE), context, DOCKERFILE)

    first = digest()
    (context / "common/other_package/__init__.py").write_text("changed = 1")
    (context / "step/the_step/__pycache__").mkdir()
    (context / "step/the_step/__pycache__/x.pyc").write_text("compiled")
    assert digest() == first

    seen = {first}
    for changed in ("common/shared_package/__init__.py", "step/page.json", "step/data/a.txt"):
        (context / changed).write_text("changed = 1")
        seen.add(digest())
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('ENTRYPOINT ["python", "-m", "the_step"]', "", "no ENTRYPOINT"),
        ('["python", "-m", "the_step"]', "python -m the_step", "shell form"),
        ('["python", "-m", "the_step"]', '["bash", "run.sh"]', "runs bash"),
        ("common/shared_package", "common/no_package", "common/no_package: there is no such file"),
        ("step/data/*.txt", "step/data/*.csv", r"step/data/\*.csv: there is no such file"),
        ("--from=page /page/built", "--from=page /elsewhere", "/elsewhere: it is not known"),
        ("PYTHONPATH=/opt/program", "PYTHONPATH=/srv", "PYTHONPATH names /srv"),
        ("ARG WHO=me", "ONBUILD RUN x", "ONBUILD is not known"),
    ],
)
def test_what_cannot_be_followed_is_named(context: Path, old: str, new: str, complaint: str):
    assert old in DOCKERFILE

    with pytest.raises(DockerfileError, match=complaint):
        run(context, DOCKERFILE.replace(old, new), "x")


@pytest.mark.parametrize("path", sorted(IMAGES.glob("*/Dockerfile")), ids=lambda path: path.parent.name)
def test_the_images_of_this_repository_can_be_followed(tmp_path: Path, path: Path):
    (tmp_path / "viewer").mkdir()

    built = {"/viewer/page": tmp_path / "viewer", "/opt/packages": None}
    command = local_command(parse(path.read_text()), IMAGES, tmp_path / "root", built=built)

    module = command["argv"][-1]
    assert any((Path(folder) / module / "__main__.py").is_file() for folder in command["pythonpath"])
