"""Where the ground is: what a source of terrain answers, and the sources."""
