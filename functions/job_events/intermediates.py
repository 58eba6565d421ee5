"""What a job leaves behind besides its model: marked, for the bucket's lifecycle to end it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from functions.shared.aws import s3
from functions.shared.job_names import model_prefix
from functions.shared.s3_objects import list_objects

AT_ONCE = 16


@dataclass(frozen=True)
class Intermediates:
    """Marks the results of a job's steps.

    A job's folder cannot be told from its model's by a prefix of the bucket, so the rule goes by a tag.

    Attributes:
        bucket: The ml bucket.
        tag: The mark, `key=value`, as the lifecycle rule knows it.
    """

    bucket: str
    tag: str

    def mark(self, job_id: str) -> int:
        """Mark everything in a job's folder but its model; marking twice changes nothing.

        Returns:
            How many objects were marked.
        """
        model = model_prefix(job_id)
        folder = f"jobs/{job_id}/"
        keys = [
            listed.key
            for listed in list_objects(self.bucket, folder)
            if "/" in listed.key.removeprefix(folder) and not listed.key.startswith(model)
        ]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._mark, keys))
        return len(keys)

    def _mark(self, key: str) -> None:
        name, _, value = self.tag.partition("=")
        s3().put_object_tagging(
            Bucket=self.bucket, Key=key, Tagging={"TagSet": [{"Key": name, "Value": value}]}
        )
