"""What the smoke test after a deployment needs besides deploying: `operations/smoke/__init__.py` says why."""

from bootstrap.rights import Only, Right, write

_QUEUE = "arn:aws:sqs:{region}:{account}:"

SMOKE: tuple[Right, ...] = (
    write(
        "cognito-idp:AdminCreateUser",
        "cognito-idp:AdminDeleteUser",
        on="arn:aws:cognito-idp:{region}:{account}:userpool/{pool}",
        only=Only.OURS,
    ),
    write(
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:ReceiveMessage",
        on=(f"{_QUEUE}{{prefix}}-mail-events-*", f"{_QUEUE}{{prefix}}-*-mail-events-*"),
    ),
    write("dynamodb:GetItem", on="arn:aws:dynamodb:{region}:{account}:table/{projects}"),
)
"""The listing of buckets is among what deploying takes."""
