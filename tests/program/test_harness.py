"""The mocks are as strict as the engine: what would fail there fails here."""

import pulumi
import pulumi_aws as aws
import pytest

from local.preview import run_program


def provider():
    return pulumi.ResourceOptions(provider=aws.Provider("aws", region="us-west-2"))


def test_a_second_resource_of_one_urn_is_refused():
    def program():
        opts = provider()
        aws.s3.Bucket("photos", opts=opts)
        aws.s3.Bucket("photos", opts=opts)

    with pytest.raises(AssertionError, match=r"duplicate URN .*photos"):
        run_program({}, stack="test", program=program)


def test_a_type_without_outputs_is_named():
    with pytest.raises(NotImplementedError, match="aws:xray/group:Group"):
        run_program(
            {},
            stack="test",
            program=lambda: aws.xray.Group("slow", group_name="s", filter_expression="", opts=provider()),
        )


def test_an_unanswered_question_is_named():
    def program():
        asked = aws.get_availability_zones_output(
            opts=pulumi.InvokeOutputOptions(provider=provider().provider)
        )
        pulumi.export("zones", asked.names)

    with pytest.raises(Exception, match="getAvailabilityZones"):
        run_program({}, stack="test", program=program)


def test_a_question_without_the_explicit_provider_is_refused():
    def program():
        pulumi.export("account", aws.get_caller_identity_output().account_id)

    with pytest.raises(Exception, match="explicit provider"):
        run_program({}, stack="test", program=program)


def test_an_output_in_a_text_is_an_error():
    def program():
        bucket = aws.s3.Bucket("photos", opts=provider())
        pulumi.export("url", f"s3://{bucket.bucket}")

    with pytest.raises(Exception, match=r"__str__ on an Output"):
        run_program({}, stack="test", program=program)


def test_names_are_new_in_every_run():
    runs = [
        run_program({}, stack="test", program=lambda: aws.s3.Bucket("photos", opts=provider()))
        for _ in range(2)
    ]
    names = {run.one("aws:s3/bucket:Bucket", "photos").outputs["arn"] for run in runs}
    assert len(names) == 2
