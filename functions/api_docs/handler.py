"""Lambda handler of the APIs' documents."""

from typing import Any

from functions.api_docs.logic import document
from functions.api_docs.settings import Settings
from functions.shared.api import PathId, SignedIn, api_handler, new_router
from functions.shared.errors import not_found
from functions.shared.settings import load_settings

router = new_router()


@router.get("/openapi/<api>")
def show_document(api: PathId, _caller: SignedIn) -> dict[str, Any]:
    """Give the OpenAPI document of an API, such as `ml-api`."""
    address = load_settings(Settings).api_addresses.get(api)
    if address is None:
        raise not_found("api")
    return document(api, address)


handler = api_handler(router, Settings)
