"""Accounts of any size, deterministic by seed: the same seed, size and installed AWS data give the same bytes.

Policies are drawn from AWS's own managed policies, so that action names, patterns and statement lengths are those
that accounts have. What people do with them is modelled: groups with shared policies, scoped ARNs, conditions on
45 % of the statements, boundaries on 30 % of the principals, versions, an organization with SCPs and RCPs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any, Final

from benchmarks import documents
from benchmarks.documents import Json
from benchmarks.vocabulary import (
    ACCOUNT,
    COMMON_SERVICES,
    ENVIRONMENTS,
    ORGANIZATION,
    OTHER_ACCOUNTS,
    REGIONS,
    TEAMS,
    action_arn_forms,
    name,
    one_arn,
)
from iamtui.account.authorization_details import load_account
from iamtui.account.model import Account
from iamtui.catalog.actions import catalogue
from iamtui.questions.evaluator import Question
from iamtui.sources.managed_policies import managed_policy

SEED: Final = 20_261_124
BOUNDED: Final = 0.3
"""The share of principals with a permissions boundary."""

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_AWS_POLICIES_IN_USE: Final = 160


@dataclass(frozen=True, slots=True)
class Size:
    """How many entities an account has; policies are customer managed ones."""

    users: int
    roles: int
    groups: int
    policies: int

    @property
    def principals(self) -> int:
        """Users and roles."""
        return self.users + self.roles


TINY: Final = Size(12, 6, 3, 10)
THOUSAND: Final = Size(800, 200, 60, 300)
QUOTA: Final = Size(5_000, 1_000, 300, 1_500)
"""AWS's default quotas (IAM User Guide: IAM and AWS STS quotas): 6,000 principals."""


def account(size: Size, seed: int = SEED) -> Account:
    """The account of this size and seed, as read from its snapshot; a new object each time."""
    return load_account(snapshot_bytes(size, seed))


def snapshot_bytes(size: Size, seed: int = SEED) -> bytes:
    """The account as a file: as `aws iam get-account-authorization-details` prints it, with iamtui's additions."""
    return _snapshot_bytes(size, seed)


@lru_cache(maxsize=2)
def _snapshot_bytes(size: Size, seed: int) -> bytes:
    return json.dumps(_Drawing(size, seed).snapshot(), indent=4).encode()


def questions(account: Account, count: int, seed: int) -> list[Question]:
    """Questions that someone may ask about an account: common services more often, resources of their naming.

    One in seven is about `*`, one in ten about a resource whose policy is known.
    """
    random = Random(seed)
    by_service = {service: catalogue().actions_of(service) for service in dict.fromkeys(COMMON_SERVICES)}
    every = tuple(service.prefix for service in catalogue().services() if catalogue().actions_of(service.prefix))
    with_policy = tuple(arn for arn in account.resource_policies if arn.startswith("arn:aws:s3:"))
    asked: list[Question] = []
    while len(asked) < count:
        if with_policy and random.random() < 0.1:
            object_arn = f"{random.choice(with_policy)}/{random.choice(TEAMS)}/data.json"
            asked.append(Question(random.choice(("s3:GetObject", "s3:PutObject", "s3:DeleteObject")), object_arn))
            continue
        service = random.choice(COMMON_SERVICES) if random.random() < 0.7 else random.choice(every)
        action = random.choice(by_service.get(service) or catalogue().actions_of(service))
        forms = action_arn_forms(action)
        resource = "*" if not forms or random.random() < 0.15 else one_arn(random, random.choice(forms))
        asked.append(Question(action, resource))
    return asked


class _Drawing:
    """One account being drawn."""

    def __init__(self, size: Size, seed: int) -> None:
        self._size = size
        self._random = Random(seed)
        specific = documents.specific_policies()
        self._aws = self._random.sample(specific, min(_AWS_POLICIES_IN_USE, len(specific), 4 + size.policies))
        self._boundaries: list[str] = []
        self._customer: list[str] = []
        self._attached: dict[str, int] = {}
        self._bounding: dict[str, int] = {}

    def snapshot(self) -> Json:
        """The whole file."""
        policies = self._policies()
        groups = [self._group(index) for index in range(self._size.groups)]
        users = [self._user(index, groups) for index in range(self._size.users)]
        roles = [self._role(index) for index in range(self._size.roles)]
        for policy in (*policies, *self._aws_policies()):
            policy["AttachmentCount"] = self._attached.get(policy["Arn"], 0)
            policy["PermissionsBoundaryUsageCount"] = self._bounding.get(policy["Arn"], 0)
        return {
            "UserDetailList": users,
            "GroupDetailList": groups,
            "RoleDetailList": roles,
            "Policies": [*policies, *self._aws_policies()],
            "iamtui": {
                "version": 1,
                "account_id": ACCOUNT,
                "alias": "benchmark",
                "partition": "aws",
                "caller": users[0]["Arn"] if users else f"arn:aws:iam::{ACCOUNT}:root",
                "taken_at": "2026-11-24T09:00:00Z",
            },
            "organization": self._organization(),
            "resource_policies": self._resource_policies(),
            "public_access_block": {},
        }

    # Policies.

    def _policies(self) -> list[Json]:
        boundaries = max(2, self._size.policies // 100)
        policies: list[Json] = []
        for index in range(self._size.policies):
            if index < boundaries:
                policy = self._policy(f"boundary-{index}", "/boundaries/", [documents.boundary_document(self._random)])
                self._boundaries.append(policy["Arn"])
            else:
                versions = self._random.choices((1, 2, 3, 4, 5), (66, 16, 8, 4, 6))[0]
                drawn = [documents.customer_document(self._random, 4) for _ in range(versions)]
                policy = self._policy(f"{name(self._random)}-{index}", f"/{self._team()}/", drawn)
                self._customer.append(policy["Arn"])
            policies.append(policy)
        return policies

    def _policy(self, policy_name: str, path: str, drawn: Sequence[Json]) -> Json:
        """A managed policy with versions, the newest first and in force."""
        created = self._date()
        return {
            "PolicyName": policy_name,
            "PolicyId": self._id("ANPA"),
            "Arn": f"arn:aws:iam::{ACCOUNT}:policy{path}{policy_name}",
            "Path": path,
            "DefaultVersionId": f"v{len(drawn)}",
            "IsAttachable": True,
            "CreateDate": created,
            "UpdateDate": created,
            "PolicyVersionList": [
                {
                    "Document": text,
                    "VersionId": f"v{len(drawn) - index}",
                    "IsDefaultVersion": index == 0,
                    "CreateDate": created,
                }
                for index, text in enumerate(drawn)
            ],
        }

    def _aws_policies(self) -> list[Json]:
        """The AWS managed policies that are attached, as AWS lists them."""
        listed: list[Json] = []
        for arn in sorted(arn for arn in self._attached if ":iam::aws:" in arn):
            policy = managed_policy(arn)
            version = policy.default_version if policy else None
            if policy is None or version is None:
                continue
            listed.append(
                {
                    "PolicyName": policy.name,
                    "PolicyId": f"ANPAAWS{abs(hash_of(arn)):014}"[:21],
                    "Arn": arn,
                    "Path": policy.path,
                    "DefaultVersionId": version.id,
                    "IsAttachable": True,
                    "CreateDate": "2016-12-01T12:00:00+00:00",
                    "UpdateDate": "2026-05-01T12:00:00+00:00",
                    "AttachmentCount": self._attached[arn],
                    "PermissionsBoundaryUsageCount": 0,
                    "PolicyVersionList": [
                        {
                            "Document": version.document.value,
                            "VersionId": version.id,
                            "IsDefaultVersion": True,
                            "CreateDate": "2026-05-01T12:00:00+00:00",
                        }
                    ],
                }
            )
        return listed

    def _attach(self, count: int, *, broad: float, administrator: float = 0.0) -> list[Json]:
        """Attachments of some policies.

        Args:
            count: how many.
            broad: the chance that one of AWS's broad policies is among them.
            administrator: the chance of AdministratorAccess.
        """
        random = self._random
        arns: dict[str, None] = {}
        if random.random() < administrator:
            arns[documents.ADMINISTRATOR] = None
        if random.random() < broad:
            arns[random.choice(documents.BROAD)] = None
        while len(arns) < count:
            pool = self._aws if random.random() < 0.25 or not self._customer else self._customer
            # Some policies are attached everywhere, most hardly anywhere.
            arns[pool[int(len(pool) * random.random() ** 2)]] = None
            count -= random.random() < 0.02
        for arn in arns:
            self._attached[arn] = self._attached.get(arn, 0) + 1
        return [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]

    # Principals.

    def _group(self, index: int) -> Json:
        group = f"{self._team()}-{self._random.choice(('admins', 'developers', 'readers', 'operators'))}-{index}"
        return {
            "Path": "/",
            "GroupName": group,
            "GroupId": self._id("AGPA"),
            "Arn": f"arn:aws:iam::{ACCOUNT}:group/{group}",
            "CreateDate": self._date(),
            "GroupPolicyList": self._inline(0.2, 3),
            "AttachedManagedPolicies": self._attach(self._random.randint(2, 5), broad=0.12, administrator=0.004),
        }

    def _user(self, index: int, groups: Sequence[Json]) -> Json:
        user, team = f"user-{index:05}", self._team()
        chosen = self._random.sample(range(len(groups)), min(self._random.randint(2, 5), len(groups)))
        return {
            "Path": f"/{team}/",
            "UserName": user,
            "UserId": self._id("AIDA"),
            "Arn": f"arn:aws:iam::{ACCOUNT}:user/{team}/{user}",
            "CreateDate": self._date(),
            "UserPolicyList": self._inline(0.18, 2),
            "GroupList": [groups[chosen_index]["GroupName"] for chosen_index in chosen],
            "AttachedManagedPolicies": self._attach(self._random.randint(1, 6), broad=0.08),
            "Tags": self._tags(team),
        } | self._boundary()

    def _role(self, index: int) -> Json:
        role, team = f"{name(self._random)}-{index}", self._team()
        attached = self._attach(self._random.randint(1, 8), broad=0.15, administrator=0.01)
        if self._random.random() < 0.02:
            arn = self._random.choice(documents.BROAD_FOR_SERVICES)
            attached.append({"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn})
            self._attached[arn] = self._attached.get(arn, 0) + 1
        return {
            "Path": f"/{team}/",
            "RoleName": role,
            "RoleId": self._id("AROA"),
            "Arn": f"arn:aws:iam::{ACCOUNT}:role/{team}/{role}",
            "CreateDate": self._date(),
            "AssumeRolePolicyDocument": documents.trust_document(self._random),
            "InstanceProfileList": [],
            "RolePolicyList": self._inline(0.5, 4),
            "AttachedManagedPolicies": attached,
            "Tags": self._tags(team),
            "RoleLastUsed": {"LastUsedDate": self._date(), "Region": self._random.choice(REGIONS)},
        } | self._boundary()

    def _inline(self, chance: float, statements: int) -> list[Json]:
        found: list[Json] = []
        while self._random.random() < chance and len(found) < 3:
            drawn = documents.customer_document(self._random, statements)
            found.append({"PolicyName": f"inline-{len(found)}", "PolicyDocument": drawn})
            chance /= 2
        return found

    def _boundary(self) -> Json:
        if not self._boundaries or self._random.random() >= BOUNDED:
            return {}
        arn = self._random.choice(self._boundaries)
        self._bounding[arn] = self._bounding.get(arn, 0) + 1
        return {"PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}}

    def _tags(self, team: str) -> list[Json]:
        random = self._random
        tags = [{"Key": "team", "Value": team}, {"Key": "environment", "Value": random.choice(ENVIRONMENTS)}]
        if random.random() < 0.6:
            tags.append({"Key": "cost-center", "Value": f"{random.randint(1000, 9999)}"})
        return tags

    # Around the account.

    def _organization(self) -> Json:
        scps, rcps = documents.scp_documents(), documents.rcp_documents()
        levels = (
            ("r-b3nc", "Root", "ROOT", scps[:2], rcps[:1]),
            ("ou-b3nc-workload", "Workloads", "ORGANIZATIONAL_UNIT", scps[3:], ()),
            ("ou-b3nc-prod1234", "Production", "ORGANIZATIONAL_UNIT", scps[2:3], rcps[1:]),
            (ACCOUNT, "benchmark", "ACCOUNT", (), ()),
        )
        return {
            "id": ORGANIZATION,
            "management_account": OTHER_ACCOUNTS[2],
            "path": [
                {
                    "id": level_id,
                    "name": level_name,
                    "type": kind,
                    "scps": [_full_access("service", "FullAWSAccess"), *(_fence("service", *found) for found in own)],
                    "rcps": [
                        _full_access("resource", "RCPFullAWSAccess"),
                        *(_fence("resource", *found) for found in own_rcps),
                    ],
                }
                for level_id, level_name, kind, own, own_rcps in levels
            ],
        }

    def _resource_policies(self) -> dict[str, Json]:
        random = self._random
        found: dict[str, Json] = {}
        for index in range(max(4, self._size.policies // 10)):
            service = ("s3", "s3", "kms", "sqs", "sns", "secretsmanager")[index % 6]
            own, region = name(random), random.choice(REGIONS)
            arn = {
                "s3": f"arn:aws:s3:::{own}",
                "kms": f"arn:aws:kms:{region}:{ACCOUNT}:key/{random.getrandbits(128):032x}",
                "sqs": f"arn:aws:sqs:{region}:{ACCOUNT}:{own}",
                "sns": f"arn:aws:sns:{region}:{ACCOUNT}:{own}",
                "secretsmanager": f"arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:{own}-AbCdEf",
            }[service]
            if service == "s3" and random.random() < 0.2:
                found[arn] = {"state": "none"}
            else:
                drawn = documents.resource_policy_document(random, arn, service)
                found[arn] = {"state": "present", "document": drawn}
        return found

    # Small things.

    def _team(self) -> str:
        return self._random.choice(TEAMS)

    def _id(self, prefix: str) -> str:
        return prefix + "".join(self._random.choices(_LETTERS, k=17))

    def _date(self) -> str:
        random = self._random
        return (
            f"20{random.randint(18, 25)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"
            f"T{random.randint(0, 23):02}:{random.randint(0, 59):02}:{random.randint(0, 59):02}+00:00"
        )


def hash_of(text: str) -> int:
    """A number that depends on the text alone; Python's own hash changes from process to process."""
    value = 0
    for character in text:
        value = (value * 31 + ord(character)) % 10**14
    return value


def _full_access(kind: str, policy_name: str) -> Json:
    allow: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    if kind == "resource":
        allow["Principal"] = "*"
    arn = f"arn:aws:organizations::aws:policy/{kind}_control_policy/p-{policy_name}"
    return {"arn": arn, "name": policy_name, "document": documents.document([allow])}


def _fence(kind: str, policy_name: str, text: Json) -> Json:
    owner = f"{OTHER_ACCOUNTS[2]}:policy/{ORGANIZATION}"
    arn = f"arn:aws:organizations::{owner}/{kind}_control_policy/p-{hash_of(policy_name):014}"
    return {"arn": arn, "name": policy_name, "document": text}
