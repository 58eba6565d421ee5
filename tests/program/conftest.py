"""The program, run once per stack: with the real stack files and what bootstrap adds to them."""

import pytest

from local.preview import Run, run_program, stack_config, stand_in_public_key


@pytest.fixture(scope="session")
def bootstrap() -> dict[str, str]:
    """Config that bootstrap writes: the public half of a new key."""
    return {"spaceport:deliveryPublicKey": stand_in_public_key()}


@pytest.fixture(scope="session")
def prod(bootstrap: dict[str, str]) -> Run:
    return run_program(stack_config("prod", bootstrap), stack="prod")


@pytest.fixture(scope="session")
def staging(bootstrap: dict[str, str]) -> Run:
    return run_program(stack_config("staging", bootstrap), stack="staging")


@pytest.fixture(scope="session")
def branch(bootstrap: dict[str, str]) -> Run:
    """A branch's stack: staging's file, ephemeral."""
    return run_program(stack_config("staging", {**bootstrap, "spaceport:ephemeral": True}), stack="branch")


@pytest.fixture(params=["prod", "staging"])
def stack(request: pytest.FixtureRequest) -> Run:
    """Each of the lasting stacks."""
    run: Run = request.getfixturevalue(request.param)
    return run
