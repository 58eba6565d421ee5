"""Judgements of reconstructions and models."""

import pytest

from functions.pipeline_steps import logic
from functions.pipeline_steps.refusals import ModelIncomplete, ReconstructionRejected


def report(photos=24, registered=24, points=5000):
    return {"input": {"photos": photos}, "output": {"registered": registered, "points": points}}


def test_a_good_reconstruction_passes():
    assert logic.judge_reconstruction(report()) == {"photos": 24, "registered": 24, "points": 5000}


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (report(registered=12), "12 of 24"),
        (report(photos=2, registered=2), "2 of 2"),
        (report(points=logic.MIN_POINTS - 1), f"{logic.MIN_POINTS - 1} points"),
    ],
)
def test_a_poor_reconstruction_is_refused_with_its_figures(bad, words):
    with pytest.raises(ReconstructionRejected, match=words):
        logic.judge_reconstruction(bad)


def test_a_missing_report_is_our_fault():
    for broken in (None, {}, {"input": {}}):
        with pytest.raises(LookupError):
            logic.judge_reconstruction(broken)


@pytest.mark.parametrize("name", logic.MODEL_FILES)
def test_a_model_is_complete_with_every_file(name):
    sizes = dict.fromkeys(logic.MODEL_FILES, 1)
    logic.check_model(sizes)
    for broken in ({**sizes, name: 0}, {key: size for key, size in sizes.items() if key != name}):
        with pytest.raises(ModelIncomplete, match=name):
            logic.check_model(broken)


def test_a_summary_takes_what_the_reports_have():
    full = {
        "sfm": {**report(), "seconds": 5.0},
        "3dgs": {"quality": {"psnr_heldout_db": 23.5}, "seconds": 9.0},
    }
    summary = logic.summarize(full)
    assert (summary["photos"], summary["psnrDb"]) == (24, 23.5)
    assert summary["seconds"] == {"sfm": 5.0, "3dgs": 9.0}
    assert summary["sogBytes"] is None


def test_a_browser_is_told_what_each_file_is():
    assert logic.content_type("index.html").startswith("text/html")
    assert logic.content_type("assets/viewer.JS").startswith("text/javascript")
    assert logic.content_type("model.sog") == "application/octet-stream"
