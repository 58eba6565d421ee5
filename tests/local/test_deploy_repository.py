"""The repository's own program, unmodified, deployed into the embedded cloud and removed again."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from local import people
from local.client import Addresses
from local.cloud import EmbeddedCloud
from local.deploy import Deployment, deploy, destroy, prerequisites
from tests.functions.terrain_kit import copernicus

pytestmark = pytest.mark.cloud

ROOT = Path(__file__).resolve().parents[2]
DELIVERY = "http://127.0.0.1:9"
NOTHING = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def deployment(cloud: EmbeddedCloud) -> Iterator[Deployment]:
    before = _inventory(cloud)
    config = {**prerequisites.make(cloud), "spaceport:deliveryUrl": DELIVERY, "spaceport:terrainUrl": NOTHING}
    deployment = deploy(cloud, config=config)
    yield deployment
    destroy(cloud, deployment)
    assert _inventory(cloud) == before


def _inventory(cloud: EmbeddedCloud) -> dict[str, set[str]]:
    """Names of what costs or keeps something, by service."""
    client = cloud.client
    return {
        "buckets": {one["Name"] for one in client("s3").list_buckets()["Buckets"]},
        "tables": set(client("dynamodb").list_tables()["TableNames"]),
        "functions": {one["FunctionName"] for one in client("lambda").list_functions()["Functions"]},
        "layers": {
            version["LayerVersionArn"]
            for layer in client("lambda").list_layers()["Layers"]
            for version in client("lambda").list_layer_versions(LayerName=layer["LayerName"])["LayerVersions"]
        },
        "roles": {one["RoleName"] for one in client("iam").list_roles()["Roles"]},
        "apis": {one["id"] for one in client("apigateway").get_rest_apis(limit=500)["items"]},
        "pools": {one["Id"] for one in client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]},
        "machines": {one["name"] for one in client("stepfunctions").list_state_machines()["stateMachines"]},
        "rules": {one["Name"] for one in client("events").list_rules()["Rules"]},
        "repositories": {
            one["repositoryName"] for one in client("ecr").describe_repositories()["repositories"]
        },
        "distributions": {
            one["Id"]
            for one in client("cloudfront").list_distributions()["DistributionList"].get("Items", [])
        },
        "log groups": {one["logGroupName"] for one in client("logs").describe_log_groups()["logGroups"]},
    }


def test_every_address_and_id_of_the_design_is_given(cloud: EmbeddedCloud, deployment: Deployment):
    outputs = deployment.outputs

    assert outputs["deliveryUrl"] == DELIVERY
    for bucket in ("uploadsBucket", "mlBucket"):
        cloud.client("s3").head_bucket(Bucket=outputs[bucket])
    for pool in ("V2", "V3"):
        cloud.client("cognito-idp").describe_user_pool_client(
            UserPoolId=outputs[f"userPool{pool}Id"], ClientId=outputs[f"userPool{pool}ClientId"]
        )
    machine = cloud.client("stepfunctions").describe_state_machine(stateMachineArn=outputs["stateMachineArn"])
    assert machine["status"] == "ACTIVE"


@pytest.mark.parametrize(
    ("output", "path"),
    [
        ("mlApiUrl", "/jobs"),
        ("projectsApiUrl", ""),
        ("fileUploadApiUrl", "/captures/x"),
        ("dronePathApiUrl", "/api/plans"),
    ],
)
def test_the_apis_answer_and_want_a_token(deployment: Deployment, output: str, path: str):
    answer = httpx.get(deployment.outputs[output] + path, timeout=30)

    assert answer.status_code == 401


def test_functions_start_with_their_layer_and_environment(deployment: Deployment):
    answer = httpx.get(f"{deployment.outputs['mlApiUrl']}/open/no-such-link", timeout=60)

    assert answer.status_code == 404, answer.text


@pytest.fixture(scope="module")
def pilot(cloud: EmbeddedCloud, deployment: Deployment) -> Iterator[httpx.Client]:
    """A signed-in person at the flight planner."""
    addresses = Addresses.from_outputs(deployment.outputs)
    person = people.sign_in_new(cloud.client("cognito-idp"), addresses, f"{uuid.uuid4().hex}@example.org")
    url, headers = deployment.outputs["dronePathApiUrl"], {"Authorization": f"Bearer {person.token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
        yield client


def test_a_flight_is_planned_over_kept_terrain_and_saved(
    cloud: EmbeddedCloud, deployment: Deployment, pilot: httpx.Client
):
    ground = copernicus(-34, 18, lambda latitudes, _: np.full(latitudes.shape, float(600)))
    cloud.client("s3").put_object(
        Bucket=deployment.outputs["mlBucket"], Key="terrain/copernicus/S34E018.tif", Body=ground
    )
    center = {"center": "33.9 S, 18.4 E"}
    height = pilot.post("/api/elevation", json=center)
    assert height.json()["elevation_meters"] == 600, height.text
    plan = pilot.post("/api/plan", json={**center, "save": True, "batteries": 2})
    assert plan.status_code == 200, plan.text
    assert plan.json()["takeoff"]["groundMeters"] == 600
    saved = pilot.get(f"/api/plans/{plan.json()['id']}").json()
    assert saved["plan"]["batteries"] == plan.json()["batteries"]
    file = pilot.post("/api/csv/battery/2", json={**center, **plan.json()["optimized_params"]})
    assert file.headers["content-type"].startswith("text/csv")
    assert len(file.text.splitlines()) == len(plan.json()["batteries"][1]["waypoints"]) + 1
    # Neither kept nor, on a machine without its source, to be had.
    away = pilot.post("/api/elevation", json={"center": "12.5, 12.5"})
    assert (away.status_code, away.json()["code"]) == (503, "TERRAIN_UNAVAILABLE")
