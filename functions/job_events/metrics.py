"""Figures of the pipeline's stages, as CloudWatch metrics (embedded metric format in the function's log)."""

from dataclasses import dataclass

from aws_lambda_powertools.metrics import MetricUnit, single_metric

NAMESPACE = "Spaceport"


@dataclass(frozen=True)
class StageMetrics:
    """Puts metrics under the dimensions `service` and `stage`.

    Attributes:
        service: Project and stack: the stacks of an account share the namespace.
    """

    service: str

    def ended(self, stage: str, *, seconds: float | None, failed: bool) -> None:
        """Put how a SageMaker job ended.

        Args:
            stage: Its step.
            seconds: How long it had its machine; None where it never got one.
            failed: Whether it failed.
        """
        self._put("StageFailures", MetricUnit.Count, int(failed), stage)
        if seconds is not None:
            self._put("StageSeconds", MetricUnit.Seconds, seconds, stage)

    def running(self, stage: str, seconds: float) -> None:
        """Put for how long a SageMaker job has had its machine."""
        self._put("StageRunningSeconds", MetricUnit.Seconds, seconds, stage)

    def _put(self, name: str, unit: MetricUnit, value: float, stage: str) -> None:
        with single_metric(
            name=name,
            unit=unit,
            value=value,
            namespace=NAMESPACE,
            default_dimensions={"service": self.service, "stage": stage},
        ):
            """Leaving the context writes it."""
