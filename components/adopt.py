"""How resources that hold people's data are kept, and how existing ones are taken over."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

BUCKETS = ("artifacts-bucket", "uploads-bucket", "ml-bucket")
TABLES = (
    "uploads-table",
    "projects-table",
    "flight-paths-table",
    "jobs-table",
    "links-table",
    "waitlist-table",
    "feedback-table",
    "settings-table",
)
USER_POOLS = ("user-pool-v2", "user-pool-v3")
USER_POOL_CLIENTS = ("user-pool-v2-client", "user-pool-v3-client")
USER_GROUPS = ("user-pool-v2-group", "user-pool-v3-group", "user-pool-v2-admins", "user-pool-v3-admins")
APIS = (
    "file-upload-api",
    "projects-api",
    "drone-path-api",
    "ml-api",
    "invite-v2-api",
    "invite-v3-api",
    "waitlist-api",
)
REPOSITORIES = ("sfm-repository", "3dgs-repository", "compressor-repository")
ADOPTABLE = frozenset(
    (*BUCKETS, *TABLES, *USER_POOLS, *USER_POOL_CLIENTS, *USER_GROUPS, *APIS, *REPOSITORIES)
)
"""Our names of what may exist before the first deployment; a resource's logical name is the same."""


@dataclass(frozen=True)
class Adoption:
    """An existing resource that is to become ours.

    Attributes:
        id: What the provider imports it by: the name of a bucket, table or repository, the id of a pool or
            API, `poolId/clientId` of a client, `poolId/name` of a group.
        ignore_changes: Inputs that may differ from ours, so that the import succeeds; to be shrunk in later
            updates.
        absent: A bucket's settings that it does not have yet (`policy`, `cors`, `lifecycle`, ...): these are
            created.
    """

    id: str
    ignore_changes: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Retention:
    """How one stack keeps its stateful resources.

    Attributes:
        ephemeral: Whether everything may go with the stack.
        adoptions: Existing resources by our name.
    """

    ephemeral: bool
    adoptions: Mapping[str, Adoption] = field(default_factory=dict)

    def stateful(self, name: str, *, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of a resource whose loss would lose data or a published id.

        An adopted one is imported, and neither a replacement nor the end of the stack deletes it.

        Args:
            name: One of `ADOPTABLE`.
            parent: The component that it belongs to.
        """
        return self._options(self.adoptions.get(name), parent)

    def bucket_setting(self, bucket: str, setting: str, *, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of a bucket's split setting, which is adopted and kept with its bucket.

        Otherwise creating it would overwrite what the existing bucket has, and removing it would leave the
        bucket open.

        Args:
            bucket: Our name of the bucket.
            setting: The setting's name, such as `cors`.
            parent: The component that it belongs to.
        """
        adoption = self.adoptions.get(bucket)
        if adoption is None:
            return self._options(None, parent)
        if setting in adoption.absent:
            return pulumi.ResourceOptions(parent=parent, protect=True, retain_on_delete=True)
        return self._options(Adoption(adoption.id), parent)

    def _options(self, adoption: Adoption | None, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        if adoption is None:
            return pulumi.ResourceOptions(parent=parent, protect=not self.ephemeral)
        return pulumi.ResourceOptions(
            parent=parent,
            import_=adoption.id,
            protect=True,
            retain_on_delete=True,
            ignore_changes=list(adoption.ignore_changes),
        )
