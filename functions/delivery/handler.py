"""Lambda handler of shared links: the one address that is open to everybody."""

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.params import Path
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.delivery import pages
from functions.delivery.logic import cookie_seconds, is_token, link_state, model_folder, signed_cookies
from functions.delivery.settings import Settings
from functions.delivery.signing import signer
from functions.shared.answers import as_pages
from functions.shared.api import new_router
from functions.shared.clock import now_seconds
from functions.shared.errors import busy
from functions.shared.links import LinkStore
from functions.shared.observability import logger, tracer
from functions.shared.outages import is_outage
from functions.shared.settings import load_settings
from functions.shared.stores import Table

router = new_router()
Token = Annotated[str, Path(description="The secret part of the link.")]
_HEADERS: dict[str, str | list[str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


@cache
def _api() -> APIGatewayRestResolver:
    app = APIGatewayRestResolver()
    app.include_router(router)
    app.not_found(_unknown_address)
    app.exception_handler(Exception)(_broken)
    return app


@router.get(
    "/open/<token>",
    responses=as_pages(
        {
            HTTPStatus.FOUND: "To the model, with cookies that open it.",
            HTTPStatus.NOT_FOUND: "There is no such link.",
            HTTPStatus.GONE: "The link has been revoked or has expired, or its model is gone.",
            HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong on our side.",
            HTTPStatus.SERVICE_UNAVAILABLE: "We are busy.",
        }
    ),
)
def open_link(token: Token) -> Response[str]:
    """Send the browser to the model with cookies that open it, or say why not."""
    settings = load_settings(Settings)
    link = LinkStore(Table(settings.links_table)).get(token) if is_token(token) else None
    job = Table(settings.jobs_table).get({"jobId": link.job_id}) if link else None
    now = now_seconds()
    state = link_state(link, job, now)
    if link is None or state == "unknown":
        return _page(HTTPStatus.NOT_FOUND, pages.UNKNOWN)
    if state == "gone":
        return _page(HTTPStatus.GONE, pages.GONE)
    job_id = link.job_id
    cookies = signed_cookies(
        settings.delivery_url,
        job_id,
        settings.delivery_key_pair_id,
        signer(settings.delivery_private_key_secret),
        now=now,
        seconds=cookie_seconds(link, now),
    )
    logger.info("link opened", extra={"job_id": job_id})
    location = model_folder(settings.delivery_url, job_id) + "index.html"
    return Response(
        status_code=int(HTTPStatus.FOUND),
        content_type="text/html; charset=utf-8",
        body="",
        headers={**_HEADERS, "Location": location, "Set-Cookie": cookies},
    )


def _unknown_address(_error: NotFoundError) -> Response[str]:
    return _page(HTTPStatus.NOT_FOUND, pages.UNKNOWN)


def _broken(error: Exception) -> Response[str]:
    if is_outage(error):
        logger.warning("a service is busy", extra={"error": type(error).__name__})
        return _page(HTTPStatus.SERVICE_UNAVAILABLE, pages.BROKEN, busy().headers)
    logger.exception("unexpected error")
    return _page(HTTPStatus.INTERNAL_SERVER_ERROR, pages.BROKEN)


def _page(status: HTTPStatus, html: str, headers: Mapping[str, str] | None = None) -> Response[str]:
    return Response(
        status_code=int(status),
        content_type="text/html; charset=utf-8",
        body=html,
        headers={**_HEADERS, **(headers or {})},
    )


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Open one link."""
    return _api().resolve(event, context)
