"""The comment on a pull request: abilities in words, diffs cut to what GitHub takes, one comment only."""

import json

import pytest

from local.preview import ROOT
from local.preview.documents import dump
from release.abilities import Abilities
from release.comment import MARKER, Section, body, read_section
from release.drift import Found, judge, title
from release.github import GitHub, GitHubError
from tests.release.conftest import role_policy, run_of, statement
from tests.release.tool_kit import Tools, bash
from tests.release.workflow_checks import jobs

GITHUB_TAKES = 65_536
NOTHING = Abilities((), ())
GIVES = """
if "--paginate" in arguments:
    print(ANSWER)
elif FAILS:
    sys.exit("HTTP 403: no")
"""


def section(diff="+ aws:s3:Bucket", *, stack="staging", passed=True, abilities=NOTHING, problem=""):
    return Section(stack, diff, passed, abilities, problem)


def write(*sections, images=()):
    return body(sections, revision="0123456789abcdef", images=list(images))


@pytest.fixture
def tools(tmp_path, monkeypatch):
    return Tools(tmp_path / "tools", monkeypatch)


def with_gh(tools, answer, *, fails=False):
    text = json.dumps(json.dumps(answer))
    tools.add("gh", GIVES.replace("ANSWER", text).replace("FAILS", str(fails)))


def sent(tools):
    return [
        (arguments[arguments.index("--method") + 1], arguments[3], json.loads(given))
        for arguments, given in tools.calls("gh")
        if "--method" in arguments
    ]


def test_it_says_revision_stacks_abilities_images_and_the_diff():
    abilities = Abilities(("`a` may now `s3:*` on anything",), ("`b` may no longer `x:y` on `z`",))
    text = write(section(abilities=abilities), section("- gone", stack="prod"), images=["sfm"])
    for word in ("0123456789ab", "#### staging", "#### prod", "Images to be built: sfm", "- gone"):
        assert word in text
    assert text.index("**Gained**") < text.index("s3:*") < text.index("**Lost**") < text.index("x:y")
    assert "Nobody gains or loses" in text


def test_a_preview_that_failed_and_a_program_that_does_not_run_are_said():
    text = write(section(passed=False, abilities=None, problem="The program does not run"))
    assert "failed" in text
    assert "The program does not run" in text
    assert "failed" not in write(section())


@pytest.mark.parametrize("sign", ["x", "ä", "🛰", "`" * 3 + "\n"])
@pytest.mark.parametrize("stacks", [1, 2])
def test_however_long_it_fits_and_keeps_beginning_and_end(sign, stacks):
    diff = f"FIRST\n{sign * 200_000}\nLAST"
    many = Abilities(tuple(f"`{n}` {'may ' * 40}" for n in range(500)), ())
    sections = [section(diff, stack=f"s{n}", abilities=many) for n in range(stacks)]
    text = f"{MARKER}\n{write(*sections)}"
    assert len(text.encode("utf-16-le")) // 2 < GITHUB_TAKES
    assert len(text) > GITHUB_TAKES // 8
    assert text.count("FIRST") == text.count("LAST") == stacks
    assert text.count("<details>") == text.count("</details>") == stacks
    assert "cut here" in text
    assert "\N{REPLACEMENT CHARACTER}" not in text


def test_nothing_in_a_diff_ends_its_block():
    text = write(section("````\n</details>\n```diff"))
    fences = [line for line in text.splitlines() if set(line.removesuffix("diff")) == {"`"} and len(line) > 4]
    assert fences[0] == "`````diff"
    assert fences[-1] == "`````"


def test_a_section_is_read_from_what_the_preview_has_left(tmp_path):
    folder = tmp_path / "staging"
    folder.mkdir()
    (folder / "before.json").write_text(dump(run_of()))
    (folder / "after.json").write_text(dump(run_of(role_policy(statement("s3:*", "*")))))
    (folder / "diff.txt").write_text("+ role")
    (folder / "passed").touch()
    found = read_section(folder)
    assert (found.stack, found.diff, found.passed) == ("staging", "+ role", True)
    assert "s3:*" in found.abilities.gained[0]
    (folder / "before.json").unlink()
    (folder / "passed").unlink()
    found = read_section(folder)
    assert not found.passed
    assert found.abilities is None
    assert found.problem


def comment(id_, text, kind="Bot"):
    return {"id": id_, "body": text, "user": {"type": kind}}


def test_there_is_one_comment_which_is_written_anew(tools):
    with_gh(
        tools, [[comment(1, "hello"), comment(2, f"{MARKER} mine", "User")], [comment(3, f"{MARKER}\nold")]]
    )
    GitHub("o/r").upsert_comment(7, MARKER, "new")
    assert sent(tools) == [("PATCH", "repos/o/r/issues/comments/3", {"body": f"{MARKER}\nnew"})]


def test_the_first_comment_is_posted(tools):
    with_gh(tools, [[comment(2, f"{MARKER} of a person", "User")]])
    GitHub("o/r").upsert_comment(7, MARKER, "new")
    assert sent(tools) == [("POST", "repos/o/r/issues/7/comments", {"body": f"{MARKER}\nnew"})]


def test_what_github_refuses_is_said(tools):
    with_gh(tools, [[]], fails=True)
    with pytest.raises(GitHubError, match="HTTP 403: no"):
        GitHub("o/r").upsert_comment(7, MARKER, "new")


def issue(number, what, **more):
    return {"number": number, "title": what, "user": {"type": "Bot"}, **more}


def test_there_is_one_issue_per_stack(tools):
    with_gh(
        tools,
        [[issue(1, title("prod")), issue(2, title("staging"), pull_request={}), issue(3, title("staging"))]],
    )
    GitHub("o/r").open_issue(title("staging"), "text")
    assert GitHub("o/r").close_issue(title("prod"))
    assert not GitHub("o/r").close_issue("another")
    assert sent(tools) == [
        ("PATCH", "repos/o/r/issues/3", {"body": "text"}),
        ("PATCH", "repos/o/r/issues/1", {"state": "closed"}),
    ]


def test_a_difference_is_told_from_a_preview_that_failed():
    says = "error: no changes were expected but changes were proposed"
    assert judge(0, "") is Found.SAME
    assert judge(255, f"~ bucket\n{says}") is Found.DRIFT
    assert judge(255, "error: no credentials") is Found.FAILED


def step_of(where, contains):
    (job,) = [job for job in jobs(ROOT / ".github") if job.where == where]
    (found,) = [run for run in job.runs if contains in run]
    return found


@pytest.mark.slow
def test_the_workflows_step_writes_the_comment(tools, tmp_path):
    with_gh(tools, [[]])
    folder = tmp_path / "preview" / "staging"
    folder.mkdir(parents=True)
    for name in ("before", "after"):
        (folder / f"{name}.json").write_text(dump(run_of()))
    (folder / "diff.txt").write_text("~ bucket")
    step = step_of("preview.comment", "release comment").replace("--base base", f"--base {ROOT}")
    done = bash(
        step,
        ROOT,
        RUNNER_TEMP=str(tmp_path),
        NUMBER="7",
        REVISION="abc",
        GITHUB_REPOSITORY="o/r",
        GH_TOKEN="t",
    )
    assert done.returncode == 0, done.stderr
    ((method, place, fields),) = sent(tools)
    assert (method, place) == ("POST", "repos/o/r/issues/7/comments")
    assert "~ bucket" in fields["body"]
    assert "Nobody gains or loses" in fields["body"]
    assert "Images to be built" not in fields["body"]


@pytest.mark.slow
def test_the_workflows_step_runs_the_program_at_both_revisions(tmp_path):
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for path in ROOT.iterdir():
        (checkout / path.name).symlink_to(path)
    (checkout / "base").symlink_to(ROOT)
    step = step_of("preview.preview", "--json")
    done = bash(step, checkout, RUNNER_TEMP=str(tmp_path), STACK="staging")
    assert done.returncode == 0, done.stderr
    found = read_section(tmp_path / "preview" / "staging")
    assert found.abilities == NOTHING


DIFFERS = "print('error: no changes were expected but changes were proposed')\nsys.exit(255)"


@pytest.mark.parametrize(
    ("preview", "code", "methods"),
    [
        ("", 0, ["PATCH"]),
        (DIFFERS, 0, ["PATCH"]),
        ("sys.exit('error: no credentials')", 1, []),
    ],
)
@pytest.mark.slow
def test_the_workflows_step_tells_of_drift(tools, tmp_path, preview, code, methods):
    with_gh(tools, [[issue(3, title("staging"))]])
    state = json.dumps({"deployment": {"resources": []}})
    does = "\n    ".join(["if arguments[0] == 'preview':", *(preview or "pass").splitlines()])
    tools.add("pulumi", f"{does}\nelse:\n    print({state!r})")
    done = bash(
        step_of("drift.drift", "release drift"), ROOT,
        RUNNER_TEMP=str(tmp_path), STACK="staging", RUN_URL="https://run", GITHUB_REPOSITORY="o/r",
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert [method for method, *_ in sent(tools)] == methods
    previews = [arguments for arguments, _ in tools.calls("pulumi") if arguments[0] == "preview"]
    assert len(previews) == 1
    assert {"--refresh", "--expect-no-changes"} <= set(previews[0])
    if preview == DIFFERS:
        assert "https://run" in sent(tools)[0][2]["body"]
    elif methods:
        assert sent(tools)[0][2] == {"state": "closed"}
