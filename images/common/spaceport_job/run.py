"""Runs a job by the contract: options in, progress while it runs, a whole result or a reason at the end."""

import logging
import platform
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from spaceport_job.failure import exit_code, failure_text, write_failure
from spaceport_job.options import JobOptions, describe_options, load_options
from spaceport_job.paths import JobPaths
from spaceport_job.progress import ProgressWriter
from spaceport_job.records import MergedReport, Report, Step, utc_now, write_json
from spaceport_job.termination import Terminated, Termination

Options = TypeVar("Options", bound=JobOptions)
REPORT_NAME = "report.json"
PROGRESS_NAME = "progress.json"
logger = logging.getLogger(__name__)


@dataclass
class JobContext(Generic[Options]):
    """What a job works with.

    Attributes:
        paths: The job's folders.
        options: The options, checked.
        progress: Where to tell how far the job is.
        termination: Whether the job was asked to leave.
        report: The report to fill in; options, seed, seconds and stages are the runner's.
        result: The folder to write the result into. It is a temporary one: the runner moves what is in it to
            its final place when the job succeeds, and removes it otherwise.
        upstream: Reports of the steps before; where there are any, `report.json` becomes the merged one.
    """

    paths: JobPaths
    options: Options
    progress: ProgressWriter
    termination: Termination
    report: Report
    result: Path
    upstream: dict[Step, Report] = field(default_factory=dict)


Job = Callable[[JobContext[Options]], None]


def run_processing(
    step: Step,
    options_cls: type[Options],
    stages: Mapping[str, float],
    job: Job[Options],
    *,
    output: str | None = None,
    argv: Sequence[str] | None = None,
    paths: JobPaths | None = None,
) -> int:
    """Runs a processing job: options from the command line, progress to an output of its own.

    Args:
        step: The step's name.
        options_cls: The class of its options.
        stages: Stage names with their expected share of the time.
        job: The work; it writes its result into `context.result`.
        output: Name of the processing output that receives the result; the step's name if left out.
        argv: Arguments without the program's name; the process's own if left out.
        paths: The job's folders; from the environment if left out.

    Returns:
        The exit code: 0 success, 1 the input's fault, 2 ours, 143 after SIGTERM.
    """
    paths = paths or JobPaths.from_env()
    arguments = list(sys.argv[1:] if argv is None else argv)
    return _run(
        step,
        options_cls,
        stages,
        job,
        paths=paths,
        load=lambda: load_options(options_cls, argv=arguments),
        arguments=arguments,
        progress_path=paths.processing_output("progress") / PROGRESS_NAME,
        result=paths.processing_output(output or step),
        failure=paths.message,
    )


def run_training(
    step: Step,
    options_cls: type[Options],
    stages: Mapping[str, float],
    job: Job[Options],
    *,
    argv: Sequence[str] | None = None,
    paths: JobPaths | None = None,
) -> int:
    """Runs a training job: options from hyperparameters.json, progress beside the checkpoints.

    SageMaker starts the container with the argument `train`, which is accepted; other arguments are options
    that win over the file. Arguments and exit codes are otherwise those of `run_processing`; the result goes
    to the model folder.
    """
    paths = paths or JobPaths.from_env()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["train"]:
        arguments.pop(0)
    return _run(
        step,
        options_cls,
        stages,
        job,
        paths=paths,
        load=lambda: load_options(options_cls, argv=arguments, hyperparameters=paths.hyperparameters),
        arguments=arguments,
        progress_path=paths.checkpoints / PROGRESS_NAME,
        result=paths.model,
        failure=paths.failure,
    )


def _run(
    step: Step,
    options_cls: type[Options],
    stages: Mapping[str, float],
    job: Job[Options],
    *,
    paths: JobPaths,
    load: Callable[[], Options],
    arguments: Sequence[str],
    progress_path: Path,
    result: Path,
    failure: Path,
) -> int:
    if "--help" in arguments:
        sys.stdout.write(f"Options of the {step} step:\n{describe_options(options_cls)}\n")
        return 0
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    started = time.monotonic()
    started_at = utc_now()
    partial = result.parent / f".{result.name}.partial"
    progress = ProgressWriter(progress_path, step, stages)
    with Termination() as termination:
        try:
            failure.unlink(missing_ok=True)
            shutil.rmtree(partial, ignore_errors=True)
            options = load()
            partial.mkdir(parents=True)
            report = Report(
                step=step,
                started_at=started_at,
                options=options.model_dump(mode="json"),
                versions={"python": platform.python_version()},
                seed=getattr(options, "seed", None),
            )
            context = JobContext(paths, options, progress, termination, report, partial)
            job(context)
            termination.check()
            report.stages = {name: round(seconds, 3) for name, seconds in progress.seconds.items()}
            report.seconds = round(time.monotonic() - started, 3)
            _publish(context, result)
            progress.finish()
        except (Terminated, KeyboardInterrupt):
            _leave_nothing(partial)
            _tell(progress, "Stopped")
            logger.info("asked to leave: leaving")
            return termination.exit_code
        except Exception as error:  # noqa: BLE001 - every failure must be told by the contract
            _leave_nothing(partial)
            text = failure_text(error, doing=progress.current_stage)
            write_failure(failure, text)
            if exit_code(error) != 1:
                traceback.print_exc(file=sys.stderr)
            sys.stderr.write(text + "\n")
            _tell(progress, text.splitlines()[0])
            return exit_code(error)
    return 0


def _publish(context: JobContext[Options], result: Path) -> None:
    """Moves the finished files in place; report.json goes last, so that where it is, the result is whole."""
    result.mkdir(parents=True, exist_ok=True)
    (result / REPORT_NAME).unlink(missing_ok=True)
    targets = [(entry, result / entry.name) for entry in sorted(context.result.iterdir())]
    report = context.report
    try:
        for entry, target in targets:
            _remove(target)
            shutil.move(entry, target)
        if context.upstream:
            write_json(result / REPORT_NAME, MergedReport({**context.upstream, report.step: report}))
        else:
            write_json(result / REPORT_NAME, report)
    except BaseException:
        for _, target in targets:
            _remove(target)
        raise
    context.result.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _leave_nothing(partial: Path) -> None:
    shutil.rmtree(partial, ignore_errors=True)


def _tell(progress: ProgressWriter, message: str) -> None:
    """The last progress line of a job that failed; a disk that is full must not hide the reason."""
    try:
        progress.abandon(message)
    except OSError:
        logger.exception("the last progress could not be written")
