"""The program, deployed into an embedded cloud that is up for as long as a context is entered."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.cloud import EmbeddedCloud
from local.deploy import Deployment, deploy, prerequisites
from local.deploy.creators.apigateway import LOCAL_PATH
from local.edge import Edge

BUILD = Path(__file__).resolve().parent.parent / "build"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"


@dataclass(frozen=True)
class Deployed:
    """A running cloud with the program in it.

    Attributes:
        cloud: The embedded cloud.
        edge: What stands in for CloudFront's edge.
        deployment: The program's outputs and resources.
        seconds: How long it took from nothing to there.
    """

    cloud: EmbeddedCloud
    edge: Edge
    deployment: Deployment
    seconds: float


@contextmanager
def deployed(
    on_progress: Callable[[float, str], None] = lambda _fraction, _message: None,
    *,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[Deployed]:
    """Starts a cloud, deploys the program into it and takes both away at the end.

    Args:
        on_progress: Told the fraction that is done and what is being done.
        settings: Config of the stack that differs from Pulumi.local.yaml.
    """
    started = time.monotonic()
    BUILD.mkdir(exist_ok=True)
    run_dir = Path(tempfile.mkdtemp(prefix="cloud-", dir=BUILD))
    try:
        on_progress(0.0, "starting the embedded cloud")
        with EmbeddedCloud(run_dir) as cloud, Edge(cloud) as edge:
            config = {
                **prerequisites.make(cloud),
                "spaceport:deliveryUrl": edge.url,
                "spaceport:apiAddress": f"{cloud.endpoint}/{LOCAL_PATH}/{{id}}/{{stage}}",
                **(settings or {}),
            }
            deployment = deploy(cloud, config=config, on_progress=on_progress)
            distribution = next(one for one in deployment.resources if one.type == DISTRIBUTION)
            edge.serve(distribution.id)
            yield Deployed(cloud, edge, deployment, time.monotonic() - started)
    finally:
        shutil.rmtree(run_dir, ignore_errors=True)
