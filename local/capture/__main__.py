"""python -m local.capture OUT [--seed N ...]: makes a sample capture in a folder."""

import argparse
import sys
import time
from pathlib import Path

from local.capture.cache import make_capture
from local.capture.flight import make_plan
from local.capture.settings import CaptureSettings


def _arguments() -> argparse.Namespace:
    default = CaptureSettings()
    parser = argparse.ArgumentParser(prog="python -m local.capture", description="Makes a sample capture.")
    parser.add_argument("out", type=Path, help="a folder that is not there yet, or is empty")
    parser.add_argument("--seed", type=int, default=default.seed, help="another seed, another place")
    parser.add_argument("--width", type=int, default=default.width, help="of a photo, pixels")
    parser.add_argument("--height", type=int, default=default.height, help="of a photo, pixels")
    parser.add_argument("--photos", type=int, default=default.photos, help="of the planned flight, to keep")
    return parser.parse_args()


def main() -> int:
    """Makes the capture and shows a line of progress. Returns the exit code."""
    given = _arguments()
    out: Path = given.out
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        print(f"{out} is there already and is not an empty folder: name another one.", file=sys.stderr)
        return 1
    try:
        settings = CaptureSettings(
            seed=given.seed,
            width=given.width,
            height=given.height,
            photos=given.photos,
        )
    except ValueError as error:
        print(f"No such capture can be made: {error}.", file=sys.stderr)
        return 1
    started = time.monotonic()

    def show(fraction: float, words: str) -> None:
        print(f"\r\033[K{fraction:4.0%}  {words}", end="", flush=True)

    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        sample = make_capture(out, settings, make_plan(settings), show)
    except ValueError as error:
        print(f"No such capture can be made: {error}.", file=sys.stderr)
        return 1
    seconds = time.monotonic() - started
    count = len(list(sample.photos.iterdir()))
    print(f"\r\033[K{count} photos in {sample.photos}, the truth in {sample.truth} ({seconds:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
