"""The routes of the REST APIs: pure data. CORS preflights are added to every path by `api.py`."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Route:
    """One route.

    Attributes:
        method: HTTP method.
        path: Path below the stage, parameters in braces.
        function: The function that answers, underscores for the dashes of its name.
        public: Whether it is open to callers without a token.
        requests_per_second: Its own limit, where it is lower than the stage's.
    """

    method: str
    path: str
    function: str
    public: bool = False
    requests_per_second: int | None = None


FORM_REQUESTS_PER_SECOND = 5
"""Of forms that anybody may send."""

FILE_UPLOAD = (
    Route("POST", "/start-multipart-upload", "file_upload"),
    Route("POST", "/get-presigned-url", "file_upload"),
    Route("POST", "/get-presigned-urls", "file_upload"),
    Route("POST", "/list-parts", "file_upload"),
    Route("POST", "/complete-multipart-upload", "file_upload"),
    Route("POST", "/abort-multipart-upload", "file_upload"),
    Route("GET", "/captures", "file_upload"),
    Route("GET", "/captures/{captureId}", "file_upload"),
    Route("DELETE", "/captures/{captureId}", "file_upload"),
    Route("POST", "/captures/{captureId}/check", "file_upload"),
)
PROJECTS = (
    Route("GET", "/projects", "projects"),
    Route("POST", "/projects", "projects"),
    Route("GET", "/projects/{id}", "projects"),
    Route("PUT", "/projects/{id}", "projects"),
    Route("PATCH", "/projects/{id}", "projects"),
    Route("DELETE", "/projects/{id}", "projects"),
    Route("POST", "/projects/{id}/export", "projects"),
    Route("GET", "/projects/{id}/export", "projects"),
)
DRONE_PATH = (
    Route("POST", "/api/optimize-spiral", "drone_path"),
    Route("POST", "/api/elevation", "drone_path"),
    Route("POST", "/api/csv", "drone_path"),
    Route("POST", "/api/csv/battery/{id}", "drone_path"),
    Route("POST", "/api/kmz", "drone_path"),
    Route("POST", "/api/plan", "drone_path"),
    Route("POST", "/api/preview", "drone_path"),
    Route("GET", "/api/plans", "drone_path"),
    Route("GET", "/api/plans/{planId}", "drone_path"),
    Route("GET", "/api/plans/{planId}/csv", "drone_path"),
    Route("GET", "/api/plans/{planId}/csv/battery/{batteryId}", "drone_path"),
    Route("GET", "/api/plans/{planId}/kmz", "drone_path"),
)
ML = (
    Route("POST", "/start-job", "ml_jobs"),
    Route("POST", "/estimate", "ml_jobs"),
    Route("POST", "/stop-job", "ml_jobs"),
    Route("GET", "/jobs", "ml_jobs"),
    Route("GET", "/jobs/{jobId}", "ml_jobs"),
    Route("DELETE", "/jobs/{jobId}", "ml_jobs"),
    Route("POST", "/jobs/{jobId}/retry", "ml_jobs"),
    Route("GET", "/jobs/{jobId}/logs", "ml_jobs"),
    Route("GET", "/jobs/{jobId}/artifacts", "ml_jobs"),
    Route("GET", "/jobs/{jobId}/links", "ml_jobs"),
    Route("POST", "/jobs/{jobId}/links", "ml_jobs"),
    Route("DELETE", "/jobs/{jobId}/links/{linkId}", "ml_jobs"),
    Route("GET", "/api/ml-pipeline/status/{jobId}", "ml_jobs"),
    Route("GET", "/settings", "user_settings"),
    Route("PUT", "/settings", "user_settings"),
    Route("POST", "/settings/webhook/test", "user_settings"),
    Route("GET", "/openapi/{api}", "api_docs"),
    # Whoever has the link may open it: the token in it is the proof.
    Route("GET", "/open/{token}", "delivery", public=True),
)
INVITE_V2 = (Route("POST", "/invite", "invites_v2"),)
INVITE_V3 = (Route("POST", "/invite", "invites_v3"),)
WAITLIST = (
    Route("POST", "/waitlist", "waitlist", public=True, requests_per_second=FORM_REQUESTS_PER_SECOND),
    Route("POST", "/feedback", "waitlist", public=True, requests_per_second=FORM_REQUESTS_PER_SECOND),
)


def with_preflights(routes: Sequence[Route]) -> tuple[Route, ...]:
    """Add an OPTIONS route to every path, answered by the function of the path's first route.

    Browsers send preflights without a token, so they are public.
    """
    function_of_path: dict[str, str] = {}
    for route in routes:
        function_of_path.setdefault(route.path, route.function)
    preflights = [
        Route("OPTIONS", path, function, public=True) for path, function in function_of_path.items()
    ]
    return (*routes, *preflights)


def path_prefixes(routes: Sequence[Route]) -> list[str]:
    """List every path and what it lies below, the root left out, parents first."""
    prefixes: dict[str, None] = {}
    for route in routes:
        parts = route.path.strip("/").split("/")
        for length in range(1, len(parts) + 1):
            prefixes["/" + "/".join(parts[:length])] = None
    return list(prefixes)


def digest(routes: Sequence[Route]) -> str:
    """Digest of a route table: it changes whenever a route does."""
    return hashlib.sha256(json.dumps([asdict(route) for route in routes]).encode()).hexdigest()
