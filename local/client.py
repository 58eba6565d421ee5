"""A signed-in person's way through the public APIs: upload a capture, start a job, watch it, open the model.

Knows the addresses that the program exports and nothing of how they are served: the same code works on AWS
and in the embedded cloud.
"""

import base64
import hashlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from pycognito.aws_srp import AWSSRP

ONE_PART_BYTES = 8 * 1024**2
"""A file up to this size is one part, so that its start can answer the part's address."""
LINKS_AT_ONCE = 100
UPLOADS_AT_ONCE = 4
ATTEMPTS = 5
RETRY_SECONDS = 1.0
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
    drone_path_api_url: str
    user_pool_id: str
    user_pool_client_id: str

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, Any]) -> "Addresses":
        """Reads the addresses from the outputs of a stack; people sign in to the V3 pool."""
        return cls(
            file_upload_api_url=outputs["fileUploadApiUrl"],
            projects_api_url=outputs["projectsApiUrl"],
            ml_api_url=outputs["mlApiUrl"],
            drone_path_api_url=outputs["dronePathApiUrl"],
            user_pool_id=outputs["userPoolV3Id"],
            user_pool_client_id=outputs["userPoolV3ClientId"],
        )


@dataclass(frozen=True)
class Tokens:
    """What a person gets at signing in.

    Attributes:
        identity: The ID token, which the APIs take for an hour.
        refresh: What gives another one.
    """

    identity: str
    refresh: str


def sign_in(cognito: Any, addresses: Addresses, *, email: str, password: str, new_password: str) -> Tokens:  # noqa: ANN401 - boto3 clients are made at run time
    """Signs an invited user in for the first time, over SRP.

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
    result: Json = srp.set_new_password_challenge(new_password)["AuthenticationResult"]
    return Tokens(identity=result["IdToken"], refresh=result["RefreshToken"])


def renew(cognito: Any, addresses: Addresses, refresh_token: str) -> str:  # noqa: ANN401 - boto3 clients are made at run time
    """Returns another ID token for somebody who has signed in."""
    answer = cognito.initiate_auth(
        ClientId=addresses.user_pool_client_id,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": refresh_token},
    )
    token: str = answer["AuthenticationResult"]["IdToken"]
    return token


@dataclass
class Spaceport:
    """The APIs, as one signed-in person sees them.

    Attributes:
        addresses: Where they are.
        token: The person's ID token.
        renew: Gives another one when that has run out; without it such a request is refused.
    """

    addresses: Addresses
    token: str
    renew: Callable[[], str] | None = None
    _http: httpx.Client = field(init=False)
    _s3: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self._http = httpx.Client(
            timeout=REQUEST_SECONDS, headers={"Authorization": f"Bearer {self.token}"}, trust_env=False
        )
        # Signed addresses, which take no token.
        self._s3 = httpx.Client(timeout=REQUEST_SECONDS, trust_env=False)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()
        self._s3.close()

    def _call(self, method: str, url: str, body: Json | None = None, *, key: str | None = None) -> Json:
        result: Json = self._answer(method, url, body, key=key).json()
        return result

    def _answer(
        self, method: str, url: str, body: Json | None = None, *, key: str | None = None
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else None
        answer = self._http.request(method, url, json=body, headers=headers)
        if answer.status_code == httpx.codes.UNAUTHORIZED and self.renew:
            self._http.headers["Authorization"] = f"Bearer {self.renew()}"
            answer = self._http.request(method, url, json=body, headers=headers)
        if answer.is_error:
            problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
            raise ApiError(
                answer.status_code,
                problem.get("code", ""),
                problem.get("error") or f"{method} {url} answered {answer.status_code}",
            )
        return answer

    def plan_flight(self, request: Json, *, project_id: str) -> Json:
        """Has a flight planned, saved and linked to a project; returns the plan with its id.

        Args:
            request: What is to be flown: the body of `POST /api/plan`.
            project_id: The project.
        """
        return self._call("POST", self._planner_url("plan"), {**request, "projectId": project_id})

    def flight_file(self, plan_id: str) -> str:
        """Returns a saved plan as the Litchi CSV that is flown."""
        return self._answer("GET", self._planner_url(f"plans/{plan_id}/csv")).text

    def flight_preview(self, request: Json) -> str:
        """Returns the page that shows a plan."""
        return self._answer("POST", self._planner_url("preview"), request).text

    def _planner_url(self, route: str) -> str:
        return f"{self.addresses.drone_path_api_url.rstrip('/')}/api/{route}"

    def create_project(self, title: str) -> Json:
        """Creates a project and returns it."""
        project: Json = self._call("POST", self.addresses.projects_api_url, {"title": title})["project"]
        return project

    def delete_project(self, project_id: str) -> None:
        """Has a project removed with everything that belongs to it, which takes moments more."""
        self._call("DELETE", f"{self.addresses.projects_api_url.rstrip('/')}/{project_id}")

    def upload_capture(
        self,
        files: Sequence[tuple[str, Path]],
        on_bytes: Callable[[int], None] = lambda _: None,
        *,
        project_id: str | None = None,
        at_once: int = UPLOADS_AT_ONCE,
    ) -> str:
        """Uploads files as one capture, several at once, each in parts.

        Args:
            files: Names, as they should be known in the capture, and paths.
            on_bytes: Told the size of each part that has arrived.
            project_id: The project that it is to belong to.
            at_once: How many files are on their way at a time.

        Returns:
            The capture's place, `s3://bucket/uploads/{sub}/{captureId}/`.
        """
        first = self._start_file(*files[0], {"projectId": project_id} if project_id else {})
        capture = first["captureId"]

        def whole(name: str, path: Path) -> None:
            self._send_file(self._start_file(name, path, {"captureId": capture}), path, on_bytes)

        with ThreadPoolExecutor(at_once) as pool:
            uploads = [pool.submit(self._send_file, first, files[0][1], on_bytes)]
            uploads += [pool.submit(whole, name, path) for name, path in files[1:]]
            try:
                for upload in as_completed(uploads):
                    upload.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return f"s3://{first['bucketName']}/{first['objectKey'].rsplit('/', 1)[0]}/"

    def _start_file(self, name: str, path: Path, belongs: Json) -> Json:
        size = path.stat().st_size
        request: Json = {"fileName": name, "size": size, "checksumAlgorithm": "SHA256", **belongs}
        if size <= ONE_PART_BYTES:
            request["checksums"] = [_sha256(path.read_bytes())]
        return self._call("POST", self._upload_url("start-multipart-upload"), request)

    def _send_file(self, upload: Json, path: Path, on_bytes: Callable[[int], None]) -> None:
        place = {key: upload[key] for key in ("uploadId", "bucketName", "objectKey")}
        try:
            sent = [self._send(path, upload["partSize"], link, on_bytes) for link in upload["parts"]]
        except httpx.HTTPError:
            time.sleep(RETRY_SECONDS)
        else:
            if len(sent) == upload["partCount"]:
                self._call("POST", self._upload_url("complete-multipart-upload"), place | {"parts": sent})
                return
        self.finish_file(place, path, on_bytes)

    def finish_file(self, place: Json, path: Path, on_bytes: Callable[[int], None] = lambda _: None) -> None:
        """Sends what is missing of a file whose upload was started, and puts it together.

        Args:
            place: What the start answered: `uploadId`, `bucketName`, `objectKey`.
            path: The file.
            on_bytes: Told the size of each part that has arrived.

        Raises:
            ApiError: The upload is gone.
            ConnectionError: It is lost for longer.
        """
        lost: httpx.HTTPError | None = None
        for _ in range(ATTEMPTS):
            if self._is_whole(place):
                return
            try:
                self._send_missing(place, path, on_bytes)
            except httpx.HTTPError as error:
                lost = error
                time.sleep(RETRY_SECONDS)
        message = f"{path.name} has not arrived in {ATTEMPTS} attempts"
        raise ConnectionError(message) from lost

    def _is_whole(self, place: Json) -> bool:
        try:
            self._call("POST", self._upload_url("complete-multipart-upload"), place)
        except ApiError as error:
            if error.code == "INCOMPLETE_UPLOAD":
                return False
            raise
        return True

    def _send_missing(self, place: Json, path: Path, on_bytes: Callable[[int], None]) -> None:
        known = self._call("POST", self._upload_url("list-parts"), place)
        part_size, missing = known["partSize"], known["missing"]
        for start in range(0, len(missing), LINKS_AT_ONCE):
            batch = missing[start : start + LINKS_AT_ONCE]
            wanted = {
                "partNumbers": batch,
                "checksums": [_sha256(_part(path, part_size, number)) for number in batch],
            }
            for link in self._call("POST", self._upload_url("get-presigned-urls"), place | wanted)["parts"]:
                self._send(path, part_size, link, on_bytes)

    def _send(self, path: Path, part_size: int, link: Json, on_bytes: Callable[[int], None]) -> Json:
        part = _part(path, part_size, link["partNumber"])
        stored = self._s3.put(link["url"], content=part, headers=link["headers"])
        stored.raise_for_status()
        on_bytes(len(part))
        return {
            "PartNumber": link["partNumber"],
            "ETag": stored.headers["ETag"],
            "ChecksumSHA256": link["headers"]["x-amz-checksum-sha256"],
        }

    def _upload_url(self, route: str) -> str:
        return f"{self.addresses.file_upload_api_url.rstrip('/')}/{route}"

    def check_capture(self, capture: str) -> Json:
        """Has a capture checked, and returns the verdict.

        Args:
            capture: The capture's place, from `upload_capture`.
        """
        base, capture_id = (
            self.addresses.file_upload_api_url.rstrip("/"),
            capture.rstrip("/").rpartition("/")[2],
        )
        check: Json = self._call("POST", f"{base}/captures/{capture_id}/check", {})["check"]
        while check["state"] == "running":
            time.sleep(POLL_SECONDS)
            check = self._call("GET", f"{base}/captures/{capture_id}")["check"]
        return check

    def start_job(self, capture: str, *, project_id: str, options: Mapping[str, Any]) -> str:
        """Starts a job and returns its id; every call is a request of its own.

        Args:
            capture: The capture's place, from `upload_capture`.
            project_id: The project it belongs to.
            options: The containers' options that differ from the preset.
        """
        request = {"s3Url": capture, "projectId": project_id, "hyperparameters": dict(options)}
        address = f"{self.addresses.ml_api_url.rstrip('/')}/start-job"
        job_id: str = self._call("POST", address, request, key=uuid.uuid4().hex)["jobId"]
        return job_id

    def estimate_job(self, capture: str, *, options: Mapping[str, Any]) -> Json:
        """Returns what a job would take and cost, without starting it.

        Args:
            capture: The capture's place, from `upload_capture`.
            options: The containers' options that differ from the preset.
        """
        request = {"s3Url": capture, "hyperparameters": dict(options)}
        return self._call("POST", f"{self.addresses.ml_api_url.rstrip('/')}/estimate", request)

    def start_from(self, job_id: str, *, step: str, options: Mapping[str, Any]) -> str:
        """Starts a job at a later step with what an earlier one has left, and returns its id."""
        request = {"sourceJobId": job_id, "pipelineStep": step, "hyperparameters": dict(options)}
        address = f"{self.addresses.ml_api_url.rstrip('/')}/start-job"
        started: str = self._call("POST", address, request, key=uuid.uuid4().hex)["jobId"]
        return started

    def stop_job(self, job_id: str) -> None:
        """Stops a job."""
        self._call("POST", f"{self.addresses.ml_api_url.rstrip('/')}/stop-job", {"jobId": job_id})

    def job(self, job_id: str) -> Json:
        """Returns a job as the API tells it."""
        answer = self._call("GET", f"{self.addresses.ml_api_url.rstrip('/')}/jobs/{job_id}")
        job: Json = answer.get("job", answer)
        return job

    def watch(self, job_id: str, *, every: float = POLL_SECONDS) -> Iterator[Json]:
        """Yields the job every so many seconds until it has ended; the last one says how."""
        while True:
            job = self.job(job_id)
            yield job
            if job["status"] not in RUNNING:
                return
            time.sleep(every)


def _part(path: Path, part_size: int, number: int) -> bytes:
    with path.open("rb") as file:
        file.seek((number - 1) * part_size)
        return file.read(part_size)


def _sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


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
