"""What every component has in common."""

from typing import ClassVar

import pulumi


def stack_name(name: str) -> str:
    """Give a physical name, or its beginning, as `pulumi:autonaming` does: for what Pulumi does not name.

    The roles that deploy a stack may touch only what is named so.
    """
    return f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}"


class Component(pulumi.ComponentResource):
    """A component of the platform.

    A subclass states its type token as `spaceport:<module>:<Class>`: the token is part of every child's URN,
    so it must not follow when a class or a file is renamed. Children are named after the component and get
    `self._child()`.

    Attributes:
        TYPE: The type token.
    """

    TYPE: ClassVar[str]

    def __init__(self, name: str, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)
        self._name = name

    def _child(self, *, depends_on: list[pulumi.Resource] | None = None) -> pulumi.ResourceOptions:
        """Options of a child: its parent and nothing of the component's own options.

        Merging the caller's options would hand the component's aliases, import id and ignored changes on to
        every child; the provider reaches children through their parent.
        """
        return pulumi.ResourceOptions(parent=self, depends_on=depends_on)
