"""Builds the layers: `python -m functions.layers --runtime python3.13 --architecture arm64`."""

import argparse
import sys

from functions.layers.build import PLATFORMS, LayerError, build_layers


def main() -> int:
    """Build them. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m functions.layers", description=__doc__)
    parser.add_argument("--runtime", default="python3.13", help="Lambda runtime (default: %(default)s)")
    parser.add_argument("--architecture", default="arm64", choices=sorted(PLATFORMS))
    arguments = parser.parse_args()
    try:
        layers = build_layers(arguments.runtime, arguments.architecture)
    except LayerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for layer in layers:
        state = "built" if layer.rebuilt else "up to date"
        sys.stdout.write(f"{layer.path}: {layer.size / 1e6:.2f} MB, {state}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
