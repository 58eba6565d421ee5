"""Deploys the repository's Pulumi program, unmodified, into the embedded cloud.

The program runs in a child process whose resource monitor is ours: each registration is answered by making
the resource with boto3. Nothing here is known to the program.
"""

from local.deploy.config import ConfigError
from local.deploy.deployer import deploy, destroy
from local.deploy.model import Cloud, DeployError, Deployment, Failure, ResourceState

__all__ = [
    "Cloud",
    "ConfigError",
    "DeployError",
    "Deployment",
    "Failure",
    "ResourceState",
    "deploy",
    "destroy",
]
