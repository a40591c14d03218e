"""ARNs: cut at the first five colons, compared as text."""

from __future__ import annotations

from typing import NamedTuple


class Arn(NamedTuple):
    """`arn:partition:service:region:account:resource`; the resource may hold colons and slashes."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"

    @property
    def resource_type(self) -> str:
        """The part of the resource before its first slash or colon ("role" of role/path/name)."""
        return self.resource.replace(":", "/").split("/", 1)[0]

    @property
    def name(self) -> str:
        """The part of the resource behind its last slash ("name" of role/path/name)."""
        return self.resource.rsplit("/", 1)[-1]

    @property
    def path(self) -> str:
        """The IAM path with both slashes ("/path/" of role/path/name, "/" of role/name)."""
        parts = self.resource.split("/")
        return "/" + "/".join(parts[1:-1]) + "/" if len(parts) > 2 else "/"

    def filled(self, template: str, **more: str) -> str:
        """A template of `resource_policy_services` with the parts of this ARN filled in."""
        return template.format(
            arn=self,
            resource=self.resource,
            name=self.resource.partition("/")[2] or self.resource,
            region=self.region,
            account=self.account,
            dns_suffix="amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com",
            **more,
        )


def parse_arn(text: str) -> Arn | None:
    """Return the Arn, or None when the text does not have the six fields of one."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        return None
    # What the constructor calls in the end: an ARN is cut for every question.
    return tuple.__new__(Arn, parts[1:])


def is_account_id(text: str) -> bool:
    return len(text) == 12 and text.isascii() and text.isdigit()


def resource_policy_arn(text: str, parsed: Arn | None = None) -> str:
    """The ARN that carries the policy of a resource: the bucket of an object, the table of an index.

    Versions and aliases of a Lambda function, and streams of a table, have policies of their own.

    Args:
        parsed: the parts of the text, where they are known.
    """
    arn = parsed or parse_arn(text)
    if arn is None:
        return text
    if arn.service == "s3" and not arn.account:
        return f"arn:{arn.partition}:s3:::{arn.resource.split('/', 1)[0]}"
    if arn.service == "lambda" and arn.resource.startswith("function:"):
        return text.removesuffix(":$LATEST")
    if arn.service == "dynamodb" and "/index/" in arn.resource:
        return text[: text.index("/index/")]
    return text
