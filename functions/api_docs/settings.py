"""Settings of the function that gives the APIs' documents.

Its role must allow nothing besides logs and X-Ray: the documents are in its archive.
"""

from pydantic import Json

from functions.shared.settings import EnvSettings


class Settings(EnvSettings):
    """Environment of the function.

    Attributes:
        api_addresses: Where the routes of each API are, by the API's name; JSON in the environment.
        allowed_origins: Origins whose pages may call.
    """

    api_addresses: Json[dict[str, str]]
    allowed_origins: str
