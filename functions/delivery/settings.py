"""Settings of the delivery function, which is public.

What its role must allow (besides logs and X-Ray):

| Action | Resource |
|---|---|
| dynamodb:GetItem | LINKS_TABLE, JOBS_TABLE |
| secretsmanager:GetSecretValue | DELIVERY_PRIVATE_KEY_SECRET |
"""

from functions.shared.settings import EnvSettings


class Settings(EnvSettings):
    """Environment of the delivery function."""

    links_table: str
    jobs_table: str
    delivery_url: str
    delivery_key_pair_id: str
    delivery_private_key_secret: str
