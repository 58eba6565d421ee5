"""Settings of the function of people's settings.

What its role must allow (besides logs and X-Ray):

| Action | Resource |
|---|---|
| dynamodb:GetItem, UpdateItem | SETTINGS_TABLE |
| dynamodb:UpdateItem | LIMITS_TABLE |
| sqs:SendMessage | WEBHOOK_QUEUE_URL |
"""

from functions.shared.user_settings import QuotaSettings


class Settings(QuotaSettings):
    """Environment of the function of people's settings."""

    settings_table: str
    limits_table: str
    webhook_queue_url: str
    allowed_origins: str
