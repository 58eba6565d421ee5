"""A model, as those see it who have its link, and those who have not."""

from contextlib import closing
from http import HTTPStatus

import httpx

from local import client
from operations.smoke.checks import CheckFailedError

ZIP = b"PK\x03\x04"
"""What a model.sog begins with."""


def look_at_model(link: str | None, *, photos: int) -> str:
    """Opens a shared link as a browser would, and the model as a stranger; says what there is.

    Args:
        link: The link.
        photos: How many photos the capture has: each must be registered.

    Raises:
        CheckFailedError: Something of the model is missing or wrong, or a stranger sees it.
    """
    if not link:
        raise CheckFailedError("the job has a model and no link to it")
    with closing(client.open_model(link)) as browser:
        page = browser.get("index.html").raise_for_status()
        model = browser.get("model.sog").raise_for_status()
        report = browser.get("report.json").raise_for_status().json()
    if "<html" not in page.text.lower():
        raise CheckFailedError(f"{page.url} is no page")
    size, written = len(model.content), report["compressor"]["output"]["sog_bytes"]
    if not model.content.startswith(ZIP) or size != written:
        raise CheckFailedError(f"{model.url} is not the model of {written} bytes that was written")
    registered = report["sfm"]["output"]["registered"]
    if registered != photos:
        raise CheckFailedError(
            f"{registered} of {photos} photos are registered", "See the log of the step sfm."
        )
    stranger = httpx.get(model.url, timeout=client.REQUEST_SECONDS, trust_env=False)
    if stranger.status_code != HTTPStatus.FORBIDDEN:
        raise CheckFailedError(
            f"{model.url} answers a stranger without cookies {stranger.status_code}, not 403",
            "See the distribution's trusted key groups at once: models may be open to everybody.",
        )
    return f"{registered} of {photos} photos, {size / 1e3:.0f} kB, 403 without cookies"
