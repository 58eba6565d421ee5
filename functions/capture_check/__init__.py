"""The capture check: what is in a capture, and whether a model can come of it, before machines cost money."""
