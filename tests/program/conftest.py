"""The program, run once per stack: with the real stack files and what bootstrap adds to them."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.program.pulumi_mocks import Run, run_program, stack_config


@pytest.fixture(scope="session")
def bootstrap() -> dict[str, str]:
    """Config that bootstrap writes: the public half of a new key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return {"spaceport:deliveryPublicKey": key.public_bytes(serialization.Encoding.PEM, form).decode()}


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
