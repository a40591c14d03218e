"""Names, and ARNs made of them, that accounts and questions share, so that questions meet the policies."""

from __future__ import annotations

import re
from functools import cache
from random import Random
from typing import Final

from iamtui.catalog.actions import catalogue

ACCOUNT: Final = "111122223333"
OTHER_ACCOUNTS: Final = ("222233334444", "444455556666", "555566667777", "777788889999")
ORGANIZATION: Final = "o-bench12345"
REGIONS: Final = ("eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "ap-southeast-2")
TEAMS: Final = (
    "atlas",
    "billing",
    "checkout",
    "data",
    "delivery",
    "fraud",
    "growth",
    "identity",
    "infra",
    "insights",
    "ledger",
    "mobile",
    "network",
    "ops",
    "payments",
    "platform",
    "pricing",
    "risk",
    "search",
    "security",
    "shipping",
    "storefront",
    "support",
    "warehouse",
)
ENVIRONMENTS: Final = ("dev", "test", "stage", "prod")
APPS: Final = (
    "api",
    "archive",
    "audit",
    "batch",
    "cache",
    "catalog",
    "events",
    "export",
    "feed",
    "gateway",
    "images",
    "import",
    "index",
    "jobs",
    "logs",
    "mailer",
    "metrics",
    "orders",
    "portal",
    "queue",
    "reports",
    "runner",
    "scheduler",
    "session",
    "store",
    "stream",
    "sync",
    "tokens",
    "uploads",
    "worker",
)
COMMON_SERVICES: Final = (
    "s3",
    "s3",
    "s3",
    "ec2",
    "ec2",
    "iam",
    "iam",
    "kms",
    "lambda",
    "dynamodb",
    "sqs",
    "sns",
    "logs",
    "cloudwatch",
    "ssm",
    "secretsmanager",
    "rds",
    "glue",
    "ecr",
    "ecs",
    "events",
    "athena",
    "cloudformation",
    "sts",
)
"""Services that people ask about, the commonest several times."""

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")


def name(random: Random) -> str:
    """The name of one thing: "payments-export-prod"."""
    return f"{random.choice(TEAMS)}-{random.choice(APPS)}-{random.choice(ENVIRONMENTS)}"


def name_pattern(random: Random) -> str:
    """A pattern of names as people write them: exact, a prefix, or with several wildcards."""
    shape = random.random()
    if shape < 0.15:
        return name(random)
    if shape < 0.45:
        return f"{random.choice(TEAMS)}-*"
    if shape < 0.6:
        return f"{random.choice(TEAMS)}-{random.choice(APPS)}-*"
    if shape < 0.8:
        return f"*-{random.choice(ENVIRONMENTS)}*"
    return f"*{random.choice(APPS)}*{random.choice(ENVIRONMENTS)}*" if shape < 0.92 else "*"


@cache
def arn_forms(service: str) -> tuple[str, ...]:
    """The ARN forms of a service's resource types, as the Service Authorization Reference gives them."""
    return tuple(dict.fromkeys(kind.arn for kind in catalogue().resource_types(service)))


@cache
def action_arn_forms(action: str) -> tuple[str, ...]:
    """The ARN forms of one action; empty when it has no resource type or is not known."""
    info = catalogue().action(action)
    return info.arn_forms if info else ()


def one_arn(random: Random, form: str) -> str:
    """The ARN of a single resource of this form."""
    return _filled(random, form, pattern=False)


def arn_pattern(random: Random, form: str) -> str:
    """A pattern of ARNs of this form, as it stands in a Resource element."""
    return _filled(random, form, pattern=True)


def _filled(random: Random, form: str, *, pattern: bool) -> str:
    def fill(found: re.Match[str]) -> str:
        match found[1]:
            case "Partition":
                return "aws"
            case "Region":
                return "*" if pattern and random.random() < 0.5 else random.choice(REGIONS)
            case "Account":
                return "*" if pattern and random.random() < 0.15 else ACCOUNT
            case _:
                return name_pattern(random) if pattern else name(random)

    return _VARIABLE.sub(fill, form)
