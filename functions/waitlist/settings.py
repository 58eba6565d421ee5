"""Settings of the waitlist function, which is public.

What its role must allow (besides logs and X-Ray):

| Action | Resource |
|---|---|
| dynamodb:PutItem, UpdateItem | WAITLIST_TABLE |
| dynamodb:PutItem | FEEDBACK_TABLE |
| dynamodb:UpdateItem | LIMITS_TABLE |
| ses:SendEmail | the identity of MAIL_FROM, and MAIL_CONFIGURATION_SET |
"""

from functions.shared.settings import EnvSettings


class Settings(EnvSettings):
    """Environment of the waitlist function; without STAFF_EMAIL nobody of the staff gets a mail."""

    waitlist_table: str
    feedback_table: str
    limits_table: str
    mail_from: str
    mail_configuration_set: str
    staff_email: str | None = None
    allowed_origins: str
