"""Things of people to be removed and exported: captures, jobs, links, flight plans, and all their files."""

import json
import uuid
import zlib
from dataclasses import dataclass, field
from typing import Any

from functions.projects.logic import new_project
from functions.projects.models import CreateProject
from functions.shared.claims import Caller
from functions.shared.jobs import JobRow, JobStore, Status
from functions.shared.stores import Table

UPLOADS, ML = "test-uploads", "test-ml"
PHOTOS = {"a.jpg": b"\xff\xd8 one", "b-2.jpg": b"\xff\xd8 two" * 1000}
MODEL = {"model.sog": b"splats" * 500, "index.html": b"<html>", "viewer/a.js": b"js"}


@dataclass
class Things:
    """Makes things of one person, and finds what there is of them.

    Attributes:
        s3: A client.
        owner: The person.
        projects: Ids of projects that were made; as with captures, jobs, tokens and plans.
        open_uploads: Key and id of uploads that nobody completed.
    """

    s3: Any
    owner: str
    projects: list[str] = field(default_factory=list)
    captures: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    plans: list[str] = field(default_factory=list)
    open_uploads: list[tuple[str, str]] = field(default_factory=list)

    def project(self, project_id: str) -> None:
        """Make a project with a capture, an unfinished upload, a job with a model and a link, and a plan."""
        self.projects.append(project_id)
        caller = Caller(self.owner, "", frozenset())
        request = CreateProject(project_id=project_id, title="Barn")
        Table("projects").put_new(new_project(caller, request, 5), key="projectId")
        capture = self.capture(project_id)
        self.job(capture, project_id)
        self.plan(project_id)

    def capture(self, project_id: str | None = None, photos: dict[str, bytes] = PHOTOS) -> str:
        capture_id = str(uuid.uuid4())
        self.captures.append(capture_id)
        prefix = f"uploads/{self.owner}/{capture_id}/"
        table = Table("uploads")
        table.put_new(
            {
                "captureId": capture_id,
                "itemId": "capture",
                "owner": self.owner,
                "projectId": project_id,
                "createdAt": 1000 + len(self.captures),
                "fileCount": len(photos) + 1,
                "totalBytes": 0,
                "countedAt": 0,
            },
            key="captureId",
        )
        begun = self.s3.create_multipart_upload(
            Bucket=UPLOADS, Key=f"{prefix}late.jpg", ChecksumAlgorithm="CRC32"
        )["UploadId"]
        self.s3.upload_part(
            Bucket=UPLOADS, Key=f"{prefix}late.jpg", UploadId=begun, PartNumber=1, Body=b"part"
        )
        self.open_uploads.append((f"{prefix}late.jpg", begun))
        for name, data in photos.items():
            self.s3.put_object(Bucket=UPLOADS, Key=prefix + name, Body=data)
        for name in (*photos, "late.jpg"):
            open_one = name == "late.jpg"
            table.put_new(
                {
                    "captureId": capture_id,
                    "itemId": f"file#{name}",
                    "owner": self.owner,
                    "fileName": name,
                    "originalName": name,
                    "objectKey": prefix + name,
                    "state": "uploading" if open_one else "uploaded",
                    "uploadId": begun if open_one else "done",
                    "startedAt": 1,
                },
                key="captureId",
            )
        return capture_id

    def job(
        self,
        capture_id: str,
        project_id: str | None = None,
        status: Status = "SUCCEEDED",
        source: str | None = None,
    ) -> str:
        job_id, tokens = str(uuid.uuid4()), [uuid.uuid4().hex, uuid.uuid4().hex]
        self.jobs.append(job_id)
        self.tokens += tokens
        JobStore(Table("jobs")).add(
            JobRow(
                job_id=job_id,
                owner=self.owner,
                created_at=2000 + len(self.jobs),
                capture_uri=f"s3://{UPLOADS}/uploads/{self.owner}/{capture_id}/",
                capture_id=capture_id,
                project_id=project_id,
                preset="draft",
                status=status,
                link_token=tokens[0],
                published_at=7,
                source_job_id=source,
            )
        )
        for token in tokens:
            row = {"token": token, "jobId": job_id, "owner": self.owner, "createdAt": 1}
            Table("links").put_new(row, key="token")
        for name, data in MODEL.items():
            self.s3.put_object(Bucket=ML, Key=f"jobs/{job_id}/model/{name}", Body=data)
        self.s3.put_object(Bucket=ML, Key=f"jobs/{job_id}/request.json", Body=b"{}")
        self.s3.put_object(Bucket=ML, Key=f"jobs/{job_id}/sfm/report.json", Body=b"{}")
        return job_id

    def plan(self, project_id: str | None = None) -> str:
        plan_id = str(uuid.uuid4())
        self.plans.append(plan_id)
        document = zlib.compress(json.dumps({"batteries": [plan_id]}).encode())
        row = {"id": plan_id, "owner": self.owner, "projectId": project_id, "createdAt": 3, "title": "Low"}
        Table("flight-paths").put_new({**row, "document": document}, key="id")
        return plan_id

    def left(self) -> set[str]:
        """Name what there is of all that was made: rows, objects, unfinished uploads."""
        found = {f"upload {key}" for key, upload in self.open_uploads if self._is_open(key, upload)}
        for table, key, ids in (
            ("jobs", "jobId", self.jobs),
            ("links", "token", self.tokens),
            ("flight-paths", "id", self.plans),
        ):
            found |= {f"{table} {one}" for one in ids if Table(table).get({key: one})}
        for capture in self.captures:
            rows = Table("uploads").query("#captureId = :id", {"id": capture}).items
            found |= {f"uploads {capture} {row['itemId']}" for row in rows}
        places = [(UPLOADS, f"uploads/{self.owner}/{capture}/") for capture in self.captures]
        places += [(ML, f"jobs/{job}/") for job in self.jobs]
        places += [(ML, f"exports/{self.owner}/{project}/") for project in self.projects]
        for bucket, prefix in places:
            listed = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
            found |= {f"object {one['Key']}" for one in listed}
        keys = [{"userSub": self.owner, "projectId": project} for project in self.projects]
        return found | {f"projects {key['projectId']}" for key in keys if Table("projects").get(key)}

    def _is_open(self, key: str, upload: str) -> bool:
        try:
            return bool(self.s3.list_parts(Bucket=UPLOADS, Key=key, UploadId=upload)["UploadId"])
        except self.s3.exceptions.NoSuchUpload:
            return False
