"""A provider of Terraform for tests, served as hashicorp/aws: makes and deletes resources by the calls of boto3 alone.

It runs in the environment of `make sdk-clients`, which has the packages that it imports and nothing of this project.
"""

from __future__ import annotations

import os
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from tf.iface import Provider, Resource
from tf.runner import run_provider
from tf.schema import Attribute, Schema
from tf.types import String

ACCOUNT = "123456789012"

# By type: the service, the call and the parameters that make one and delete one; the attributes; those that AWS gives.
TYPES: dict[
    str, tuple[str, tuple[str, dict[str, str]], tuple[str, dict[str, str]], tuple[str, ...], dict[str, str]]
] = {
    "iam_role": (
        "iam",
        ("create_role", {"RoleName": "name", "AssumeRolePolicyDocument": "assume_role_policy"}),
        ("delete_role", {"RoleName": "name"}),
        ("name", "assume_role_policy"),
        {"arn": f"arn:aws:iam::{ACCOUNT}:role/{{name}}"},
    ),
    "iam_policy": (
        "iam",
        ("create_policy", {"PolicyName": "name", "PolicyDocument": "policy"}),
        ("delete_policy", {"PolicyArn": "arn"}),
        ("name", "policy"),
        {"arn": f"arn:aws:iam::{ACCOUNT}:policy/{{name}}"},
    ),
    "iam_user": (
        "iam",
        ("create_user", {"UserName": "name"}),
        ("delete_user", {"UserName": "name"}),
        ("name",),
        {"arn": f"arn:aws:iam::{ACCOUNT}:user/{{name}}"},
    ),
    "iam_role_policy": (
        "iam",
        ("put_role_policy", {"RoleName": "role", "PolicyName": "name", "PolicyDocument": "policy"}),
        ("delete_role_policy", {"RoleName": "role", "PolicyName": "name"}),
        ("role", "name", "policy"),
        {},
    ),
    "iam_role_policy_attachment": (
        "iam",
        ("attach_role_policy", {"RoleName": "role", "PolicyArn": "policy_arn"}),
        ("detach_role_policy", {"RoleName": "role", "PolicyArn": "policy_arn"}),
        ("role", "policy_arn"),
        {},
    ),
    "iam_user_policy": (
        "iam",
        ("put_user_policy", {"UserName": "user", "PolicyName": "name", "PolicyDocument": "policy"}),
        ("delete_user_policy", {"UserName": "user", "PolicyName": "name"}),
        ("user", "name", "policy"),
        {},
    ),
    "sqs_queue": (
        "sqs",
        ("create_queue", {"QueueName": "name"}),
        ("delete_queue", {"QueueUrl": "url"}),
        ("name",),
        {
            "url": f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/{{name}}",
            "arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:{{name}}",
        },
    ),
    "sns_topic": (
        "sns",
        ("create_topic", {"Name": "name"}),
        ("delete_topic", {"TopicArn": "arn"}),
        ("name",),
        {"arn": f"arn:aws:sns:us-east-1:{ACCOUNT}:{{name}}"},
    ),
    "s3_bucket": (
        "s3",
        ("create_bucket", {"Bucket": "bucket"}),
        ("delete_bucket", {"Bucket": "bucket"}),
        ("bucket",),
        {"arn": "arn:aws:s3:::{bucket}"},
    ),
}


def resource(name: str) -> type[Resource]:
    service, (make, made_with), (remove, removed_with), given, computed = TYPES[name]

    def call(operation: str, parameters: dict[str, str], values: dict[str, Any]) -> None:
        client = boto3.client(service, region_name="us-east-1", endpoint_url=os.environ["TEST_ENDPOINT"])
        getattr(client, operation)(**{key: values[value] for key, value in parameters.items()})

    class Made(Resource):
        def __init__(self, provider: Provider) -> None:
            self.provider = provider

        @classmethod
        def get_name(cls) -> str:
            return name

        @classmethod
        def get_schema(cls) -> Schema:
            attributes = [Attribute(one, String(), required=True, requires_replace=True) for one in given]
            return Schema(
                attributes=[*attributes, *(Attribute(one, String(), computed=True) for one in (*computed, "id"))]
            )

        def create(self, ctx: Any, planned: dict[str, Any]) -> dict[str, Any] | None:
            values = {**planned, **{one: form.format(**planned) for one, form in computed.items()}}
            values["id"] = values.get("name") or values.get("bucket") or "id"
            try:
                call(make, made_with, values)
            except (ClientError, BotoCoreError) as error:
                ctx.diagnostics.add_error(f"{service}:{make}: {error}")
                return None
            return values

        def read(self, ctx: Any, current: dict[str, Any]) -> dict[str, Any]:
            return current

        def update(self, ctx: Any, current: dict[str, Any], planned: dict[str, Any]) -> dict[str, Any]:
            return planned

        def delete(self, ctx: Any, current: dict[str, Any]) -> None:
            try:
                call(remove, removed_with, current)
            except (ClientError, BotoCoreError) as error:
                ctx.diagnostics.add_error(f"{service}:{remove}: {error}")

    return Made


class Aws(Provider):
    def get_model_prefix(self) -> str:
        return "aws_"

    def get_provider_schema(self, diags: Any) -> Schema:
        return Schema(attributes=[Attribute("region", String(), optional=True)])

    def full_name(self) -> str:
        return "registry.terraform.io/hashicorp/aws"

    def validate_config(self, diags: Any, config: Any) -> None: ...

    def configure_provider(self, diags: Any, config: Any) -> None: ...

    def get_data_sources(self) -> list[Any]:
        return []

    def get_resources(self) -> list[type[Resource]]:
        return [resource(name) for name in TYPES]


if __name__ == "__main__":
    run_provider(Aws())
