"""What people see: a line per item, and what to do next."""

from collections.abc import Iterable

from rich.console import Console

from bootstrap.installation import PROJECT, Installation, Repository
from bootstrap.quotas import Quota

AS_IT_SHOULD_BE = "as it should be"


def show_item(console: Console, title: str, done: list[str]) -> None:
    """Shows what has become of an item."""
    console.print(f"{title}: {', '.join(done) or AS_IT_SHOULD_BE}")


def show_count(console: Console, count: int, *, plan: bool) -> None:
    """Shows how much was done, or would be."""
    if count == 0:
        console.print("Nothing to do.")
    elif plan:
        console.print(f"{count} changes would be made. Nothing has been changed.")
    else:
        console.print(f"{count} changes made.")


def show_next(
    console: Console, installation: Installation, repository: Repository, stack: str, public_key: str
) -> None:
    """Shows how to go on: the stack, its settings, and what GitHub has to know.

    Args:
        console: Where.
        installation: Which one.
        repository: Whose workflows act.
        stack: Name of the stack.
        public_key: Public half of the signing key (PEM).
    """
    console.print("\nThe stack:\n", style="bold")
    for line in commands(installation, stack):
        console.print(f"    {line}")
    console.print(f"\nPulumi.{stack}.yaml, below `config:`:\n", style="bold")
    console.print("\n".join(f"    {line}" for line in settings(installation, public_key)))
    console.print("\nGitHub:\n", style="bold")
    for line in variables(installation, repository):
        console.print(f"    {line}")


def commands(installation: Installation, stack: str) -> list[str]:
    """Commands that make the stack."""
    return [
        f"pulumi login '{state_url(installation)}'",
        f"pulumi stack init {stack} --secrets-provider '{secrets_provider(installation)}'",
    ]


def state_url(installation: Installation) -> str:
    """Where Pulumi finds the state."""
    return f"s3://{installation.state_bucket}?region={installation.region}&awssdk=v2"


def secrets_provider(installation: Installation) -> str:
    """What encrypts the stacks' secrets, as Pulumi names it."""
    return f"awskms://{installation.key_alias}?region={installation.region}"


def settings(installation: Installation, public_key: str) -> list[str]:
    """Lines of the stack's file."""
    return [
        f"aws:region: {installation.region}",
        f"{PROJECT}:permissionsBoundary: {installation.boundary}",
        f"{PROJECT}:deliveryPrivateKeySecret: {installation.signing_secret}",
        f"{PROJECT}:deliveryPublicKey: |",
        *(f"  {line}" for line in public_key.strip().splitlines()),
    ]


def variables(installation: Installation, repository: Repository) -> list[str]:
    """Commands that set GitHub's variables: the preview's for the repository, the others where the job is."""
    of = f" --repo {repository.name}"
    where = of + (f" --env '{repository.environment}'" if repository.environment else "")
    # Jobs of pull requests name no Environment, and there may be several installations.
    ours = installation.qualifier.upper()
    return [
        f"gh variable set AWS_DEPLOY_ROLE{where} --body {installation.role(installation.deploy_role)}",
        f"gh variable set PULUMI_BACKEND_URL{where} --body '{state_url(installation)}'",
        f"gh variable set PULUMI_SECRETS_PROVIDER{where} --body '{secrets_provider(installation)}'",
        f"gh variable set AWS_PREVIEW_ROLE_{ours}{of} --body {installation.role(installation.preview_role)}",
        f"gh variable set PULUMI_BACKEND_URL_{ours}{of} --body '{state_url(installation)}'",
    ]


def show_quotas(console: Console, quotas: Iterable[Quota]) -> None:
    """Shows what the account has of each quota."""
    for quota in quotas:
        console.print(f"quota {quota}")
