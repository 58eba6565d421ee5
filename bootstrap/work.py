"""What is done to an account: look, make and mend, remove."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bootstrap.account import Account
from bootstrap.boundary import boundary
from bootstrap.gateway_logs import GatewayLogs
from bootstrap.iam_items import Policy, Provider
from bootstrap.installation import BootstrapError, Installation, Repository
from bootstrap.items import Item, Kept, Leaving
from bootstrap.roles import installed, leaving_roles, role_items
from bootstrap.secrets_key import SecretsKey
from bootstrap.signing_key import SigningKey
from bootstrap.state import StateBucket

MAX_ROUNDS = 4
"""So often at most an item is looked at and mended: a bucket's settings come once it is there."""
Tell = Callable[[str, list[str]], None]
"""Told an item's title and what has become of it; nothing where it was as it should be."""


@dataclass(frozen=True)
class Work:
    """An installation and the account that it is in.

    Attributes:
        account: The account.
        installation: The installation.
    """

    account: Account
    installation: Installation

    @property
    def key(self) -> SecretsKey:
        """The key of its secrets."""
        return SecretsKey(self.account.clients("kms"), self.installation)

    @property
    def bucket(self) -> StateBucket:
        """The bucket of its state."""
        return StateBucket(self.account.clients("s3"), self.installation, self.account.caller)

    @property
    def signing_key(self) -> SigningKey:
        """The delivery's key."""
        secrets = self.account.clients("secretsmanager")
        return SigningKey(secrets, self.installation.signing_secret, self.installation.tags)

    def up(self, repository: Repository, tell: Tell, *, plan: bool = False, take_over: bool = False) -> int:
        """Make what is missing and mend what differs.

        Args:
            repository: Whose workflows may act.
            tell: Told of every item, in the order in which they are made.
            plan: Whether only to tell what would be done.
            take_over: Whether it may be another repository's so far.

        Returns:
            How many changes there were, or would be.

        Raises:
            BootstrapError: The qualifier is taken, or an item is still not as it should be.
        """
        self._refuse_taken(repository, take_over=take_over)
        return sum(mend(item, tell, plan=plan) for item in self._items(repository))

    def destroy(self, tell: Tell, *, plan: bool = False) -> int:
        """Remove everything, the last one first; what others use and what bootstrap has not made stays.

        Raises:
            BootstrapError: There are stacks in the state bucket.
        """
        stacks = self.bucket.stacks()
        if stacks:
            raise BootstrapError(
                f"the state bucket has the stacks {', '.join(stacks)}: `pulumi destroy` and "
                "`pulumi stack rm` each of them first; without their state nobody knows what they are made of"
            )
        count = 0
        for item in self._leaving():
            removal = item.removal()
            if removal is None:
                continue
            if removal.do is not None:
                count += 1
                if not plan:
                    removal.do()
            tell(item.title, [removal.done])
        return count

    def _refuse_taken(self, repository: Repository, *, take_over: bool) -> None:
        qualifier = self.installation.qualifier
        there = installed(self.account.clients("iam")).get(qualifier)
        if there is None:
            return
        if there.region != self.installation.region:
            raise BootstrapError(
                f"the qualifier {qualifier} is installed in {there.region}: roles are the whole account's, "
                "so choose another one for another region"
            )
        if there.repository != repository.name and not take_over:
            raise BootstrapError(
                f"the qualifier {qualifier} is of {there.repository}: choose another one, or "
                "give it to this repository with --take-over"
            )

    def _items(self, repository: Repository) -> Iterator[Kept]:
        iam = self.account.clients("iam")
        yield from self._alone()
        # The roles' policies name the key, which is there by now.
        yield from role_items(iam, self.installation, repository, self.key.arn)
        yield self.bucket

    def _leaving(self) -> Iterator[Leaving]:
        iam = self.account.clients("iam")
        yield self.bucket
        yield from leaving_roles(iam, self.installation)
        yield from reversed(list(self._alone()))

    def _alone(self) -> Iterator[Item]:
        """What is not about the repository, shared things first."""
        iam, ours = self.account.clients("iam"), self.installation
        others = {name: one for name, one in installed(iam).items() if name != ours.qualifier}
        yield Provider(iam, ours, list(others))
        regions = [(name, one.region) for name, one in others.items()]
        yield GatewayLogs(self.account.clients("apigateway"), iam, ours, regions)
        yield self.key
        yield self.signing_key
        yield Policy(iam, ours, f"{ours.own}-boundary", boundary(ours), "permissions boundary")


def mend(item: Kept, tell: Tell = lambda _title, _done: None, *, plan: bool = False) -> int:
    """Make an item, or mend it.

    Args:
        item: The item.
        tell: Told what has become of it.
        plan: Whether only to tell what would be done.

    Returns:
        How many changes there were, or would be.

    Raises:
        BootstrapError: It is still not as it should be.
    """
    changes = item.changes()
    done = [change.done for change in changes]
    for _ in range(MAX_ROUNDS):
        if plan or not changes:
            tell(item.title, done)
            return len(done)
        for change in changes:
            change.do()
        changes = item.changes()
        done += [change.done for change in changes]
    raise BootstrapError(f"{item.title} is still not as it should be: {done[-1]} did not help")
