"""Refusals: exceptions whose class the state machine sees as the error and whose message is for people."""


class ReconstructionRejected(Exception):  # noqa: N818 -- the name is the error that Step Functions shows
    """Too few photos or points for a model; the message says why and what to do."""


class ModelIncomplete(Exception):  # noqa: N818 -- as above
    """The model's folder lacks files."""
