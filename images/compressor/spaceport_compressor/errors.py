"""Errors of this step. They are never the capture's fault: its photos were used up two steps before."""


class ModelFolderError(Exception):
    """What the training step left is missing, damaged or empty."""


class ViewerFilesError(Exception):
    """The built viewer page is not where it should be."""
