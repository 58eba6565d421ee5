"""A signed-in person's way through the public APIs: upload a capture, start a job, watch it, open the model.

Knows the addresses that the program exports and nothing of how they are served: the same code works on AWS
and in the embedded cloud.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from pycognito.aws_srp import AWSSRP

PART_BYTES = 16 * 1024**2
UPLOADS_AT_ONCE = 4
REQUEST_SECONDS = 60.0
POLL_SECONDS = 0.5
RUNNING = frozenset({"PENDING", "QUEUED", "RUNNING", "STOPPING"})

Json = dict[str, Any]


class ApiError(Exception):
    """An API refused a request.

    Attributes:
        status: The HTTP status.
        code: The stable code of the error body.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Addresses:
    """Where the deployed program answers: the stack's outputs of the same names."""

    file_upload_api_url: str
    projects_api_url: str
    ml_api_url: str
    user_pool_id: str
    user_pool_client_id: str

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, Any]) -> "Addresses":
        """Reads the addresses from the outputs of a stack; people sign in to the V3 pool."""
        return cls(
            file_upload_api_url=outputs["fileUploadApiUrl"],
            projects_api_url=outputs["projectsApiUrl"],
            ml_api_url=outputs["mlApiUrl"],
            user_pool_id=outputs["userPoolV3Id"],
            user_pool_client_id=outputs["userPoolV3ClientId"],
        )


def sign_in(cognito: Any, addresses: Addresses, *, email: str, password: str, new_password: str) -> str:  # noqa: ANN401 - boto3 clients are made at run time
    """Signs an invited user in for the first time, over SRP, and returns the ID token.

    Args:
        cognito: A boto3 `cognito-idp` client; it needs no credentials.
        addresses: Where the user pool is.
        email: The address that the person was invited under.
        password: The temporary password of the invitation.
        new_password: The password that takes its place.
    """
    srp = AWSSRP(
        username=email,
        password=password,
        pool_id=addresses.user_pool_id,
        client_id=addresses.user_pool_client_id,
        client=cognito,
    )
    tokens: Json = srp.set_new_password_challenge(new_password)
    token: str = tokens["AuthenticationResult"]["IdToken"]
    return token


@dataclass
class Spaceport:
    """The APIs, as one signed-in person sees them.

    Attributes:
        addresses: Where they are.
        token: The person's ID token.
    """

    addresses: Addresses
    token: str
    _http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self._http = httpx.Client(
            timeout=REQUEST_SECONDS, headers={"Authorization": f"Bearer {self.token}"}, trust_env=False
        )

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _call(self, method: str, url: str, body: Json | None = None) -> Json:
        answer = self._http.request(method, url, json=body)
        if answer.is_error:
            problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
            raise ApiError(
                answer.status_code,
                problem.get("code", ""),
                problem.get("error") or f"{method} {url} answered {answer.status_code}",
            )
        result: Json = answer.json()
        return result

    def create_project(self, title: str) -> Json:
        """Creates a project and returns it."""
        project: Json = self._call("POST", self.addresses.projects_api_url, {"title": title})["project"]
        return project

    def upload_capture(
        self, files: Sequence[tuple[str, Path]], on_bytes: Callable[[int], None] = lambda _: None
    ) -> str:
        """Uploads files as one capture, several at once, each in parts.

        Args:
            files: Names, as they should be known in the capture, and paths.
            on_bytes: Told the size of each part that has arrived.

        Returns:
            The capture's place, `s3://bucket/uploads/{sub}/{captureId}/`.
        """
        first, rest = files[0], files[1:]
        capture = self._upload_file(*first, capture_id=None, on_bytes=on_bytes)
        with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
            uploads = [
                pool.submit(self._upload_file, name, path, capture_id=capture["captureId"], on_bytes=on_bytes)
                for name, path in rest
            ]
            try:
                for upload in as_completed(uploads):
                    upload.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return f"s3://{capture['bucketName']}/{capture['objectKey'].rsplit('/', 1)[0]}/"

    def _upload_file(
        self, name: str, path: Path, *, capture_id: str | None, on_bytes: Callable[[int], None]
    ) -> Json:
        base = self.addresses.file_upload_api_url.rstrip("/")
        request: Json = {"fileName": name, "size": path.stat().st_size}
        if capture_id:
            request["captureId"] = capture_id
        upload = self._call("POST", f"{base}/start-multipart-upload", request)
        place = {key: upload[key] for key in ("uploadId", "bucketName", "objectKey")}
        parts = []
        for number, part in enumerate(_parts(path), start=1):
            link = self._call("POST", f"{base}/get-presigned-url", {**place, "partNumber": number})
            stored = httpx.put(link["url"], content=part, timeout=REQUEST_SECONDS, trust_env=False)
            stored.raise_for_status()
            parts.append({"ETag": stored.headers["ETag"], "PartNumber": number})
            on_bytes(len(part))
        self._call("POST", f"{base}/complete-multipart-upload", {**place, "parts": parts})
        return upload

    def start_job(self, capture: str, *, project_id: str, options: Mapping[str, Any]) -> str:
        """Starts a job and returns its id.

        Args:
            capture: The capture's place, from `upload_capture`.
            project_id: The project it belongs to.
            options: The containers' options that differ from the preset.
        """
        request = {"s3Url": capture, "projectId": project_id, "hyperparameters": dict(options)}
        job_id: str = self._call("POST", f"{self.addresses.ml_api_url.rstrip('/')}/start-job", request)[
            "jobId"
        ]
        return job_id

    def estimate_job(self, capture: str, *, options: Mapping[str, Any]) -> Json:
        """Returns what a job would take and cost, without starting it.

        Args:
            capture: The capture's place, from `upload_capture`.
            options: The containers' options that differ from the preset.
        """
        request = {"s3Url": capture, "hyperparameters": dict(options)}
        return self._call("POST", f"{self.addresses.ml_api_url.rstrip('/')}/estimate", request)

    def stop_job(self, job_id: str) -> None:
        """Stops a job."""
        self._call("POST", f"{self.addresses.ml_api_url.rstrip('/')}/stop-job", {"jobId": job_id})

    def job(self, job_id: str) -> Json:
        """Returns a job as the API tells it."""
        answer = self._call("GET", f"{self.addresses.ml_api_url.rstrip('/')}/jobs/{job_id}")
        job: Json = answer.get("job", answer)
        return job

    def watch(self, job_id: str) -> Iterator[Json]:
        """Yields the job again and again until it has ended; the last one says how."""
        while True:
            job = self.job(job_id)
            yield job
            if job["status"] not in RUNNING:
                return
            time.sleep(POLL_SECONDS)


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(PART_BYTES):
            yield part


def open_model(link: str) -> httpx.Client:
    """Opens a shared link as a browser would.

    Returns:
        A client that holds the link's cookies, with the model's folder as its base address.

    Raises:
        ApiError: The link does not open.
    """
    browser = httpx.Client(follow_redirects=True, timeout=REQUEST_SECONDS, trust_env=False)
    page = browser.get(link)
    if page.is_error:
        raise ApiError(page.status_code, "", f"The link {link} answered {page.status_code}.")
    browser.base_url = page.url.join(".")
    return browser
