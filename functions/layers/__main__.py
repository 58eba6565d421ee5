"""Builds the base layer: `python -m functions.layers --runtime python3.13 --architecture arm64`."""

import argparse
import sys

from functions.layers.build import PLATFORMS, LayerError, build_layer, lock


def main() -> int:
    """Build, or lock the requirements again."""
    parser = argparse.ArgumentParser(prog="python -m functions.layers", description=__doc__)
    parser.add_argument("--runtime", default="python3.13", help="Lambda runtime (default: %(default)s)")
    parser.add_argument("--architecture", default="arm64", choices=sorted(PLATFORMS))
    parser.add_argument("--lock", action="store_true", help="lock the requirements again instead")
    arguments = parser.parse_args()
    try:
        if arguments.lock:
            lock()
            return 0
        layer = build_layer(arguments.runtime, arguments.architecture)
    except LayerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    state = "built" if layer.rebuilt else "up to date"
    sys.stdout.write(f"{layer.path}: {layer.size / 1e6:.2f} MB, {state}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
