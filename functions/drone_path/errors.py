"""What the planner refuses, in words that a pilot can act on."""


class PlanError(ValueError):
    """No plan can be made of the request.

    Attributes:
        field: The request's field that is to be changed.
        sentence: The rule that is broken and the nearest value that works.
    """

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field = field
        self.sentence = sentence


class TerrainError(RuntimeError):
    """The ground's height cannot be had; no plan is made on a guess."""


class NoTerrainError(TerrainError):
    """The source has no height there: open sea, a hole, or past its edge."""
