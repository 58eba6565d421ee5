"""Tries a deployed stack as a person uses it: from the invitation to the model and the mail about it.

What the caller's AWS credentials must allow, on the stack's own resources alone:

| Action | Resource | For |
|---|---|---|
| cognito-idp:AdminCreateUser, AdminDeleteUser | the V3 user pool | the test person comes and goes |
| sqs:ReceiveMessage, DeleteMessage, ChangeMessageVisibility | the queue `mailEventsQueueUrl` | its mail |
| dynamodb:GetItem | the table of `projectsTable` | whether anything was left |
| s3:ListBucket | `uploadsBucket` below uploads/, `mlBucket` below jobs/ and exports/ | the same |

Signing in, and all that the test person does, needs no rights: it goes through the public APIs.
"""
