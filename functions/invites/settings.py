"""Settings of the invites function, which is deployed once per user pool.

Each deployment may touch its own pool alone: a mistake in a request, or in the code, cannot reach the people
of the other one, and no request has to say which pool it means. What its role must allow (besides logs and
X-Ray):

| Action | Resource |
|---|---|
| cognito-idp:AdminAddUserToGroup, AdminCreateUser, AdminGetUser, AdminSetUserPassword | USER_POOL_ID |
| dynamodb:UpdateItem | LIMITS_TABLE |
| ses:SendEmail | the identity of MAIL_FROM, and MAIL_CONFIGURATION_SET |
"""

from typing import Literal

from functions.shared.settings import EnvSettings


class Settings(EnvSettings):
    """Environment of the invites function.

    Attributes:
        user_pool_id: The pool that people are invited to.
        invited_group: The group of the invited people.
        admin_group: The group whose members may invite.
        handle_required: Whether the pool wants a handle at the invitation.
        sign_in_url: The page that an invitation sends people to.
        limits_table: What was counted today.
        mail_from: Sender of invitations.
        mail_configuration_set: What they are sent with: it says who hears what became of them.
        allowed_origins: Origins whose pages may call.
    """

    user_pool_id: str
    invited_group: str
    admin_group: str
    handle_required: Literal["true", "false"]
    sign_in_url: str
    limits_table: str
    mail_from: str
    mail_configuration_set: str
    allowed_origins: str
