"""Whether a stack is what its program says, and the issue that tells of it."""

from enum import Enum

from release.comment import folded

_DIFFERS = "no changes were expected"
"""What `pulumi preview --expect-no-changes` says where there are some."""


class Found(Enum):
    """What a look at a stack has found."""

    SAME = "same"
    DRIFT = "drift"
    FAILED = "failed"


def judge(exit_code: int, printed: str) -> Found:
    """Tell a difference from a preview that has failed: Pulumi's exit codes do not.

    Args:
        exit_code: Of `pulumi preview --refresh --expect-no-changes`.
        printed: What it printed.
    """
    if exit_code == 0:
        return Found.SAME
    return Found.DRIFT if _DIFFERS in printed else Found.FAILED


def title(stack: str) -> str:
    """Title of a stack's issue, by which it is found again."""
    return f"The stack {stack} is not what its program says"


def body(stack: str, printed: str, run_url: str) -> str:
    """Write the issue.

    Args:
        stack: Name of the stack.
        printed: What the preview printed.
        run_url: Where its log is.
    """
    return (
        f"Somebody has changed the stack `{stack}` otherwise than by a deployment, or a deployment has not "
        "come to its end. Either put the change into the program, or deploy the branch again, which takes it "
        "back (docs/releasing.md, Drift). This issue closes itself once nothing differs.\n\n"
        f"Last look: {run_url}\n{folded(printed.strip(), 'What differs')}"
    )
