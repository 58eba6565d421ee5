"""Says what a job will take and cost, before it starts."""

from dataclasses import dataclass

from functions.ml_jobs.account import tell_estimate
from functions.ml_jobs.answers import Forecast
from functions.ml_jobs.captures import Captures
from functions.ml_jobs.estimate import estimate
from functions.ml_jobs.experience import experience_of
from functions.ml_jobs.logic import Capture
from functions.ml_jobs.machines import Machines
from functions.ml_jobs.models import EstimateJob
from functions.ml_jobs.options import chosen_options
from functions.ml_jobs.photos import photos_in
from functions.ml_jobs.step_times import TYPICAL_MEGAPIXELS, Options, Photos
from functions.shared.capture_checks import CheckStore
from functions.shared.claims import Caller
from functions.shared.clock import now_ms
from functions.shared.jobs import JobRow, JobStore
from functions.shared.prices import Prices
from functions.shared.s3_objects import list_objects
from functions.shared.spending import Estimate

JOBS_TO_LEARN_FROM = 50
"""How many of a person's latest jobs are looked through for those that tell what the next one takes."""


@dataclass(frozen=True)
class Forecasts:
    """Estimates jobs by the model and by how the caller's latest jobs went.

    Attributes:
        store: The jobs table.
        captures: Where photos are.
        checks: What checks found in captures.
        prices: What machines cost.
        machines: What the steps run on.
    """

    store: JobStore
    captures: Captures
    checks: CheckStore
    prices: Prices
    machines: Machines

    def answer(self, caller: Caller, request: EstimateJob) -> Forecast:
        """Say what a job would take and cost if it were started now.

        Raises:
            ApiError: 400 for an address or option that cannot be, 404 for a capture that is not there or not
                the caller's.
        """
        options = chosen_options(request.preset, request.hyperparameters)
        if request.s3_url is not None:
            photos = self.photos_of(caller, self.captures.find(caller, request.s3_url), request.megapixels)
        else:
            photos = Photos(request.photos or 0, request.megapixels or TYPICAL_MEGAPIXELS)
        estimated = self.of(caller, photos, options, preset=request.preset, start_at=request.pipeline_step)
        return tell_estimate(estimated, counted=photos.counted)

    def photos_of(self, caller: Caller, capture: Capture, megapixels: float | None = None) -> Photos:
        """Count the photos of a capture of the caller."""
        check = self.checks.last(capture.capture_id, caller.sub)
        return photos_in(list_objects(self.captures.bucket, capture.prefix), megapixels, check)

    def of(self, caller: Caller, photos: Photos, options: Options, *, preset: str, start_at: str) -> Estimate:
        """Estimate a job of the caller."""
        rows = self.store.page(caller.sub, JOBS_TO_LEARN_FROM, None).items
        return estimate(
            photos,
            options,
            machines=self.machines,
            prices=self.prices,
            now=now_ms(),
            start_at=start_at,
            experience=experience_of((JobRow.model_validate(row) for row in rows), preset),
        )
