"""Keys and indexes of the DynamoDB tables, as the functions use them.

| Table | Partition key | Sort key | Indexes (all attributes projected) | TTL |
|---|---|---|---|---|
| uploads | captureId S | itemId S | owner-index: owner S, createdAt N; project-index: projectId S, createdAt N | expiresAt |
| projects | userSub S | projectId S | - | - |
| jobs | jobId S | - | owner-index: owner S, createdAt N; project-index: projectId S, createdAt N | - |
| links | token S | - | job-index: jobId S, createdAt N | expiresAt |
| flight-paths | id S | - | owner-index: owner S, createdAt N; project-index: projectId S, createdAt N | - |
| waitlist | email S | - | - | - |
| feedback | feedbackId S | - | - | - |
| limits | limitId S | - | - | expiresAt |
| settings | userSub S | - | - | - |
| idempotency | id S | - | - | expiration |

`createdAt` is in epoch milliseconds in the uploads, jobs, links and flight-paths tables, where it orders an
index, and in epoch seconds in the projects table, whose rows existing clients read. A row of the waitlist is
a person's sign-up and nothing else: the table may be one that existed before, and people read it as it is.

A row with `deletingAt` (of a project, capture or job) is being removed: `functions/shared/housekeeping.py`. A
project's `export` is its latest export: `functions/shared/exports.py`.

A person may choose a project's id, so two people can have projects of one id: whoever reads a project index
must look at each item's owner.
"""

OWNER_INDEX = "owner-index"
PROJECT_INDEX = "project-index"
JOB_INDEX = "job-index"
