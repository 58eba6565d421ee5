"""Settings of the webhooks function, which works off a queue.

What its role must allow (besides logs and X-Ray):

| Action | Resource |
|---|---|
| sqs:ReceiveMessage, DeleteMessage, GetQueueAttributes, ChangeMessageVisibility | WEBHOOK_QUEUE_URL |
| dynamodb:GetItem, UpdateItem | SETTINGS_TABLE |

It gets one message at a time, so that a slow receiver holds up nobody else's events, and answers which
messages failed (`ReportBatchItemFailures`). The queue gives a message up when it has come as often as
`delivery.py` tries it.
"""

from functions.shared.settings import EnvSettings


class Settings(EnvSettings):
    """Environment of the webhooks function."""

    settings_table: str
    webhook_queue_url: str
