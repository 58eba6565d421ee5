"""The container's entry point: `python -m spaceport_sfm --max_image_size 1600`."""

import sys

from spaceport_sfm.job import main

if __name__ == "__main__":
    sys.exit(main())
