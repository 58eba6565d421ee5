"""Processing jobs: inputs and outputs anywhere below `/opt/ml/processing`."""

from typing import Any

from local.cloud.ministack.sagemaker.errors import JobError
from local.cloud.ministack.sagemaker.runner import Exit, Launch, Work
from local.cloud.ministack.sagemaker.transfer import Mirror, download

DEFAULT_SECONDS = 24 * 3600

Json = dict[str, Any]


class Processing(Work):
    """What a processing job does with its folder."""

    def launch(self) -> Launch:
        """Returns how the container is started."""
        application = self.job.request["AppSpecification"]
        seconds = self.job.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DEFAULT_SECONDS)
        return Launch(
            application["ImageUri"],
            application.get("ContainerEntrypoint", []),
            application.get("ContainerArguments", []),
            float(seconds),
        )

    def download(self) -> None:
        """Writes the configuration, brings the inputs and makes the outputs' folders."""
        request = self.job.request
        self.container.write_config(
            "processingjobconfig.json",
            {
                "ProcessingJobArn": self.job.arn,
                **{name: value for name, value in request.items() if name != "Tags"},
            },
        )
        resources = request["ProcessingResources"]["ClusterConfig"]
        self.container.write_config(
            "resourceconfig.json",
            {
                "current_host": "algo-1",
                "current_instance_type": resources.get("InstanceType"),
                "hosts": ["algo-1"],
            },
        )
        for item in request.get("ProcessingInputs", []):
            source = item.get("S3Input")
            if (
                source is None
                or source["S3DataType"] != "S3Prefix"
                or source.get("S3InputMode", "File") != "File"
            ):
                msg = f"ClientError: Input {item['InputName']}: only S3Prefix in File mode runs here."
                raise JobError(msg)
            download(self.clients.s3, source["S3Uri"], self.container.path(source["LocalPath"]), self.role)
        for output in self._outputs():
            self.container.path(output["LocalPath"])

    def _outputs(self) -> list[Json]:
        outputs = self.job.request.get("ProcessingOutputConfig", {}).get("Outputs", [])
        return [output["S3Output"] for output in outputs if "S3Output" in output]

    def mirrors(self) -> list[Mirror]:
        """Returns the outputs that are copied continuously."""
        return [self._mirror(output) for output in self._outputs() if output["S3UploadMode"] == "Continuous"]

    def _mirror(self, output: Json) -> Mirror:
        return Mirror(self.clients.s3, self.container.path(output["LocalPath"]), output["S3Uri"])

    def upload(self, ended: Exit) -> None:
        """Takes the other outputs away, after the job has completed."""
        if ended.status != 0 or ended.stopped:
            return
        for output in self._outputs():
            if output["S3UploadMode"] == "EndOfJob":
                self._mirror(output).sweep(last=True)

    def note(self, ended: Exit) -> None:  # noqa: ARG002 - whatever the end was
        """Keeps what the container wrote into `output/message`."""
        self.job.exit_message = self.container.message("message") or None

    def failure(self, ended: Exit) -> str:
        """Returns the exit status: a processing container's own words are in ExitMessage alone."""
        return f"AlgorithmError: See job logs for more information, exit code: {ended.status}"
