"""Runs of the program, and small runs that are made up."""

import json

import pytest

from local.preview import Registration, Run, run_program, stack_config, stand_in_public_key
from local.preview.monitor import steady_suffix
from local.preview.symbols import symbolic


@pytest.fixture(scope="session")
def staging() -> Run:
    config = stack_config("staging", {"spaceport:deliveryPublicKey": stand_in_public_key()})
    return symbolic(run_program(config, stack="staging", suffix=steady_suffix))


def registered(type_, name, **inputs):
    return Registration(
        urn=f"urn:pulumi:staging::spaceport::{type_}::{name}",
        type=type_,
        name=name,
        parent="",
        custom=True,
        id=name,
        inputs=inputs,
        outputs={},
        secret_inputs=frozenset(),
        protect=False,
        import_id="",
        retain_on_delete=False,
        delete_before_replace=False,
        ignore_changes=(),
        replace_on_changes=(),
        provider="",
        dependencies=frozenset(),
        aliases=(),
        secret_outputs=(),
    )


def statement(actions, resources, *, effect="Allow", **more):
    return {"Effect": effect, "Action": actions, "Resource": resources, **more}


def role_policy(*statements, role="worker-role", name="worker-policy"):
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return registered("aws:iam/rolePolicy:RolePolicy", name, role=f"${{{role}.name}}", policy=policy)


def run_of(*registrations):
    return Run(list(registrations))
