"""The container's entry point: `python -m spaceport_3dgs train`."""

import sys

from spaceport_3dgs.job import main

if __name__ == "__main__":
    sys.exit(main())
