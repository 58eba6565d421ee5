"""Buckets and tables: closed, encrypted, recoverable, and as the functions use them."""

import json
import re

import pytest
from pydantic.alias_generators import to_camel

from components.adopt import BUCKETS
from components.storage import EXPORTS, INTERMEDIATE
from functions.file_upload.logic import KEEP_UNFINISHED_DAYS, file_expires_at
from functions.file_upload.store import CaptureItem, FileItem
from functions.shared import tables as documented
from functions.shared.exports import KEPT_MS, archive_key
from local.preview import Run

BUCKET = "aws:s3/bucket:Bucket"
TABLE = "aws:dynamodb/table:Table"
STATEFUL = {
    BUCKET,
    TABLE,
    "aws:cognito/userPool:UserPool",
    "aws:cognito/userPoolClient:UserPoolClient",
    "aws:cognito/userGroup:UserGroup",
    "aws:apigateway/restApi:RestApi",
    "aws:ecr/repository:Repository",
}


def settings_of(run: Run, kind: str, bucket: str):
    (found,) = [one for one in run.of(f"aws:s3/{kind}") if one.inputs["bucket"] == bucket]
    return found.inputs


@pytest.fixture(params=BUCKETS)
def bucket(request, stack):
    return stack.one(BUCKET, request.param).outputs["bucket"]


def test_no_bucket_is_forgotten_here(stack):
    assert {one.name for one in stack.of(BUCKET)} == set(BUCKETS)


def test_a_bucket_is_private(stack, bucket):
    block = settings_of(stack, "bucketPublicAccessBlock:BucketPublicAccessBlock", bucket)
    switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert all(block[switch] is True for switch in switches)
    owner = settings_of(stack, "bucketOwnershipControls:BucketOwnershipControls", bucket)
    assert owner["rule"]["objectOwnership"] == "BucketOwnerEnforced"


def test_a_bucket_refuses_plain_http_to_everybody(stack, bucket):
    policy = json.loads(settings_of(stack, "bucketPolicy:BucketPolicy", bucket)["policy"])
    (denied,) = [one for one in policy["Statement"] if one["Effect"] == "Deny"]
    assert denied["Principal"] == "*"
    assert denied["Action"] == ["s3:*"]
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert set(denied["Resource"]) == {f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"}


def test_a_bucket_is_encrypted_and_versioned(stack, bucket):
    rules = settings_of(
        stack, "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", bucket
    )["rules"]
    assert rules[0]["applyServerSideEncryptionByDefault"]["sseAlgorithm"]
    versioning = settings_of(stack, "bucketVersioning:BucketVersioning", bucket)
    assert versioning["versioningConfiguration"]["status"] == "Enabled"


def lifecycle_of(run: Run, bucket: str):
    rules = settings_of(run, "bucketLifecycleConfiguration:BucketLifecycleConfiguration", bucket)["rules"]
    assert all(rule["status"] == "Enabled" for rule in rules)
    assert len({rule["id"] for rule in rules}) == len(rules)
    return rules


def test_a_file_that_is_never_completed_is_forgotten_with_its_parts(stack):
    everywhere = [
        rule
        for rule in lifecycle_of(stack, stack.one(BUCKET, "uploads-bucket").outputs["bucket"])
        if "abortIncompleteMultipartUpload" in rule
    ]
    kept = {rule["abortIncompleteMultipartUpload"]["daysAfterInitiation"] for rule in everywhere}
    assert kept == {KEEP_UNFINISHED_DAYS}
    now = 1_800_000_000
    assert file_expires_at(now) - now == KEEP_UNFINISHED_DAYS * 24 * 3600
    assert stack.one(TABLE, "uploads-table").inputs["ttl"]["attributeName"] == to_camel("expires_at")
    assert {"expires_at"} <= set(FileItem.model_fields) & set(CaptureItem.model_fields)


def test_a_bucket_drops_unfinished_uploads_and_old_versions(stack, bucket):
    everywhere = [rule for rule in lifecycle_of(stack, bucket) if rule["filter"] == {"prefix": ""}]
    unfinished = [rule.get("abortIncompleteMultipartUpload", {}) for rule in everywhere]
    assert any(rule.get("daysAfterInitiation", 0) > 0 for rule in unfinished)
    old = [rule.get("noncurrentVersionExpiration", {}) for rule in everywhere]
    assert any(rule.get("noncurrentDays", 0) > 0 for rule in old)


def test_nothing_that_is_current_expires_unless_it_is_marked_or_a_copy(stack, bucket):
    for rule in lifecycle_of(stack, bucket):
        if set(rule.get("expiration", {})) - {"expiredObjectDeleteMarker"}:
            copies = rule["filter"].get("prefix") == EXPORTS
            assert rule["filter"].get("tag") or copies, rule["id"]


def test_originals_are_tiered_and_intermediates_expire(stack):
    uploads, ml = (stack.one(BUCKET, name).outputs["bucket"] for name in ("uploads-bucket", "ml-bucket"))
    tiers = [rule for rule in lifecycle_of(stack, uploads) if rule.get("transitions")]
    assert [rule["filter"]["prefix"] for rule in tiers] == ["uploads/"]
    expiring = [rule for rule in lifecycle_of(stack, ml) if rule.get("expiration", {}).get("days")]
    (tag,) = [rule["filter"]["tag"] for rule in expiring if "tag" in rule["filter"]]
    assert (tag["key"], tag["value"]) == INTERMEDIATE


def test_an_archive_goes_when_its_owner_is_told(stack):
    rules = lifecycle_of(stack, stack.one(BUCKET, "ml-bucket").outputs["bucket"])
    key = archive_key("owner", "project", "export")
    (copies,) = [rule for rule in rules if key.startswith(rule["filter"].get("prefix") or "-")]
    assert copies["expiration"]["days"] * 24 * 3600 * 1000 == KEPT_MS
    assert copies["noncurrentVersionExpiration"]["noncurrentDays"] < copies["expiration"]["days"]


def test_pages_of_the_allowed_origins_alone_reach_a_bucket(prod, staging):
    for run, origins in ((prod, ["https://spaceport.example"]), (staging, None)):
        for name in ("uploads-bucket", "ml-bucket"):
            made = run.one(BUCKET, name).outputs["bucket"]
            (rule,) = settings_of(run, "bucketCorsConfiguration:BucketCorsConfiguration", made)["corsRules"]
            assert "*" not in rule["allowedOrigins"]
            assert "ETag" in rule["exposeHeaders"]
            if origins:
                assert rule["allowedOrigins"] == origins
            assert ("PUT" in rule["allowedMethods"]) == (name == "uploads-bucket")


def documented_tables():
    """The table of keys in functions/shared/tables.py, which the functions are written to."""
    rows = re.findall(
        r"^\| ([\w-]+) \| (\w+) S \| (.+?) \| (.+?) \| (.+?) \|$", documented.__doc__, re.MULTILINE
    )
    assert len(rows) == documented.__doc__.count("\n| ") - 1
    for name, partition, sort, indexes, ttl in rows:
        found = re.findall(r"([\w-]+): (\w+) S, (\w+) N", indexes)
        yield name, partition, sort.removesuffix(" S"), {(n, p, s) for n, p, s in found}, ttl


@pytest.mark.parametrize("table", list(documented_tables()), ids=lambda table: table[0])
def test_a_table_has_the_keys_that_the_functions_use(stack, table):
    name, partition, sort, indexes, ttl = table
    inputs = stack.one(TABLE, f"{name}-table").inputs
    assert inputs["hashKey"] == partition
    assert inputs.get("rangeKey", "-") == sort
    made = inputs.get("globalSecondaryIndexes", [])
    assert {(one["name"], one["hashKey"], one["rangeKey"]) for one in made} == indexes
    assert all(one["projectionType"] == "ALL" for one in made)
    assert inputs.get("ttl", {"enabled": True})["enabled"] is True
    assert inputs.get("ttl", {}).get("attributeName", "-") == ttl
    keys = {partition, *({sort} - {"-"}), *(key for _, *pair in indexes for key in pair)}
    assert {one["name"] for one in inputs["attributes"]} == keys
    assert {one["name"] for one in inputs["attributes"] if one["type"] == "N"} <= {"createdAt"}


def test_no_table_is_undocumented(stack):
    assert {one.name for one in stack.of(TABLE)} == {f"{name}-table" for name, *_ in documented_tables()}


def test_tables_are_recoverable_and_guarded(stack):
    for table in stack.of(TABLE):
        assert table.inputs["pointInTimeRecovery"]["enabled"] is True
        assert table.inputs["deletionProtectionEnabled"] is True
        assert table.inputs["billingMode"] == "PAY_PER_REQUEST"


def test_what_holds_data_or_a_published_id_is_protected(stack):
    stateful = [one for one in stack.registrations if one.type in STATEFUL]
    assert {one.type for one in stateful} == STATEFUL
    assert all(one.protect for one in stateful)
    files = {BUCKET, "aws:s3/bucketObjectv2:BucketObjectv2"}
    splits = [one for one in stack.registrations if one.type.startswith("aws:s3/") and one.type not in files]
    assert all(one.protect for one in splits)
    assert not any(one.inputs.get("forceDestroy") or one.inputs.get("forceDelete") for one in stateful)
    for pool in stack.of("aws:cognito/userPool:UserPool"):
        assert pool.inputs["deletionProtection"] == "ACTIVE"


def test_an_ephemeral_stack_can_be_taken_away(branch):
    assert not any(one.protect or one.import_id for one in branch.registrations)
    assert all(one.inputs["forceDestroy"] for one in branch.of(BUCKET))
    assert all(one.inputs["forceDelete"] for one in branch.of("aws:ecr/repository:Repository"))
    assert not any(one.inputs["deletionProtectionEnabled"] for one in branch.of(TABLE))
    assert not branch.of("aws:sesv2/emailIdentity:EmailIdentity")
    for pool in branch.of("aws:cognito/userPool:UserPool"):
        assert pool.inputs["deletionProtection"] == "INACTIVE"
