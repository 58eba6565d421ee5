"""Settings of the projects function.

What its role must allow (besides logs and X-Ray):

| Action | Resource |
|---|---|
| dynamodb:GetItem, PutItem, UpdateItem, DeleteItem, Query | PROJECTS_TABLE |
"""

from functions.shared.settings import EnvSettings


class Settings(EnvSettings):
    """Environment of the projects function."""

    projects_table: str
    allowed_origins: str
