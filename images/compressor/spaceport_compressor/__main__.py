"""`python -m spaceport_compressor --option value ...`."""

import sys

from spaceport_job.run import run_processing

from spaceport_compressor.job import OUTPUT, STAGES, compress
from spaceport_compressor.options import CompressorOptions


def main() -> int:
    """Runs the compressor step and returns its exit code."""
    return run_processing("compressor", CompressorOptions, STAGES, compress, output=OUTPUT)


if __name__ == "__main__":
    sys.exit(main())
