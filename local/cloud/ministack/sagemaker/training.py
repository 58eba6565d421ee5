"""Training jobs: channels in, `model.tar.gz` and `output.tar.gz` out, checkpoints in between."""

from typing import Any

from local.cloud.ministack.sagemaker.errors import JobError
from local.cloud.ministack.sagemaker.runner import Exit, Launch, Work
from local.cloud.ministack.sagemaker.transfer import Mirror, download, upload_archive

HOST = "algo-1"
CHECKPOINTS = "/opt/ml/checkpoints"
DEFAULT_SECONDS = 24 * 3600

Json = dict[str, Any]


class Training(Work):
    """What a training job does with its folder."""

    def launch(self) -> Launch:
        """Returns how the container is started: with the argument `train`, unless others are given."""
        request = self.job.request
        algorithm = request["AlgorithmSpecification"]
        if "TrainingImage" not in algorithm:
            msg = "ClientError: The embedded cloud runs only training images (TrainingImage)."
            raise JobError(msg)
        entrypoint = algorithm.get("ContainerEntrypoint", [])
        arguments = algorithm.get("ContainerArguments", [] if entrypoint else ["train"])
        seconds = request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DEFAULT_SECONDS)
        return Launch(algorithm["TrainingImage"], entrypoint, arguments, float(seconds))

    def download(self) -> None:
        """Writes the configuration, restores checkpoints and brings the channels."""
        self._write_config()
        if checkpoints := self.job.request.get("CheckpointConfig"):
            self._restore(checkpoints)
        for channel in self.job.request.get("InputDataConfig", []):
            source = channel["DataSource"].get("S3DataSource")
            mode = channel.get("InputMode", self.job.request["AlgorithmSpecification"]["TrainingInputMode"])
            if source is None or source["S3DataType"] != "S3Prefix" or mode != "File":
                msg = f"ClientError: Channel {channel['ChannelName']}: only S3Prefix in File mode runs here."
                raise JobError(msg)
            folder = self.container.path(f"/opt/ml/input/data/{channel['ChannelName']}")
            download(self.clients.s3, source["S3Uri"], folder, self.role)

    def _write_config(self) -> None:
        request = self.job.request
        resources = request["ResourceConfig"]
        self.container.write_config("hyperparameters.json", request.get("HyperParameters", {}))
        self.container.write_config(
            "resourceconfig.json",
            {
                "current_host": HOST,
                "current_instance_type": resources.get("InstanceType"),
                "current_group_name": "homogeneousCluster",
                "hosts": [HOST],
                "instance_groups": [
                    {
                        "instance_group_name": "homogeneousCluster",
                        "instance_type": resources.get("InstanceType"),
                        "hosts": [HOST],
                    }
                ],
                "network_interface_name": "eth0",
            },
        )
        channels = {
            channel["ChannelName"]: {
                "TrainingInputMode": "File",
                "S3DistributionType": channel["DataSource"]
                .get("S3DataSource", {})
                .get("S3DataDistributionType", "FullyReplicated"),
                "RecordWrapperType": channel.get("RecordWrapperType", "None"),
            }
            for channel in request.get("InputDataConfig", [])
        }
        self.container.write_config("inputdataconfig.json", channels)

    def _restore(self, checkpoints: Json) -> None:
        folder = self.container.path(checkpoints.get("LocalPath", CHECKPOINTS))
        uri = f"{checkpoints['S3Uri'].rstrip('/')}/"
        try:
            download(self.clients.s3, uri, folder, self.role)
        except JobError as error:
            # A first run has no checkpoints.
            if "No S3 objects found" not in str(error):
                raise

    def mirrors(self) -> list[Mirror]:
        """Returns the checkpoint folder, the only one that SageMaker copies while the container runs."""
        checkpoints = self.job.request.get("CheckpointConfig")
        if checkpoints is None:
            return []
        folder = self.container.path(checkpoints.get("LocalPath", CHECKPOINTS))
        return [Mirror(self.clients.s3, folder, checkpoints["S3Uri"], restored=True)]

    def upload(self, ended: Exit) -> None:
        """Takes the model away, unless the container failed, and the other output in any case."""
        output = self.job.request["OutputDataConfig"]["S3OutputPath"].rstrip("/")
        output = f"{output}/{self.job.name}/output"
        model = self.container.base / "model"
        has_model = any(model.iterdir())
        if (ended.status == 0 and not ended.stopped) or (ended.stopped and has_model):
            upload_archive(self.clients.s3, model, f"{output}/model.tar.gz")
            self.job.model_artifacts = f"{output}/model.tar.gz"
        data = self.container.base / "output" / "data"
        if any(data.iterdir()):
            upload_archive(self.clients.s3, data, f"{output}/output.tar.gz")

    def note(self, ended: Exit) -> None:
        """Keeps nothing: a training container speaks through its failure file only."""

    def failure(self, ended: Exit) -> str:
        """Returns what the container wrote into `output/failure`, and its exit status."""
        return f"AlgorithmError: {self.container.message('failure')}, exit code: {ended.status}"
