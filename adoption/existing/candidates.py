"""What of the replaced system is there to be adopted, by the names that it gave."""

from collections.abc import Mapping

from adoption.existing.readers import READERS, MissingError
from local.aws import Clients

OLD_NAMES: Mapping[str, tuple[str, str]] = {
    "uploads-bucket": ("aws:s3/bucket:Bucket", "spaceport-uploads-{suffix}"),
    "ml-bucket": ("aws:s3/bucket:Bucket", "spaceport-ml-processing-{suffix}"),
    "waitlist-table": ("aws:dynamodb/table:Table", "Spaceport-Waitlist-{suffix}"),
    "projects-table": ("aws:dynamodb/table:Table", "Spaceport-Projects-{suffix}"),
    "flight-paths-table": ("aws:dynamodb/table:Table", "Spaceport-DroneFlightPaths-{suffix}"),
}
OLD_POOLS: Mapping[str, str] = {"user-pool-v2": "Spaceport-Users-v2", "user-pool-v3": "Spaceport-Users-v3"}
_MOST_POOLS = 60


def candidates(clients: Clients, suffix: str) -> dict[str, str]:
    """Finds what is there: ids by our names. Only reads.

    Args:
        clients: Gives the boto3 client of a service.
        suffix: What the replaced system's names end with, such as `prod`.
    """
    found = {}
    for name, (token, pattern) in OLD_NAMES.items():
        for id_ in (pattern.format(suffix=suffix), pattern.removesuffix("-{suffix}")):
            try:
                READERS[token](clients, id_)
            except MissingError:
                continue
            found[name] = id_
            break
    pools = clients("cognito-idp").get_paginator("list_user_pools").paginate(MaxResults=_MOST_POOLS)
    ids = {pool["Name"]: pool["Id"] for page in pools for pool in page["UserPools"]}
    for name, old in OLD_POOLS.items():
        if old in ids:
            found[name] = ids[old]
    return found
