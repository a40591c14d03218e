"""The conformance tables: cases with an id, a reason and an expected answer, as JSON in `data/`.

Tables of whole decisions hold scenarios in the form of `iamtui simulate`. The tables of matching and conditions
hold only what varies; the functions here turn a row into a scenario whose decision answers it, so that every table
is asked through one door.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]

DATA = Path(__file__).parent / "data"
DECISION_TABLES = (
    "identity_policies",
    "boundaries_and_resource_policies",
    "session_policies",
    "cross_account",
    "organizations",
    "role_trust",
    "keys_root_services_endpoints",
    "what_blocked",
    "unknown_context",
    "combined_rules",
    "resource_sets",
    "service_rules",
    "between_accounts",
)
MATCHING_TABLES = ("resources", "actions", "conditions", "condition_corners", "public_policies")

ACCOUNT = "111111111111"
USER = f"arn:aws:iam::{ACCOUNT}:user/alice"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/s1"
OUTSIDER = "arn:aws:iam::222222222222:user/xavier"


@dataclass(frozen=True, slots=True)
class Question:
    """A scenario, and the decisions that mean yes and no."""

    scenario: Json
    yes: str
    no: str

    def answer(self, decision: str) -> bool:
        """Yes or no; any other decision means that the scenario went wrong."""
        if decision not in (self.yes, self.no):
            raise AssertionError(f"{decision} is neither {self.yes} nor {self.no}: {json.dumps(self.scenario)}")
        return decision == self.yes


def cases(table: str) -> list[Json]:
    """The cases of one table."""
    content = json.loads((DATA / f"{table}.json").read_text(encoding="utf-8"))
    found: list[Json] = content["cases"]
    return found


def document(*statements: Json, version: str = "2012-10-17") -> Json:
    """A policy document."""
    return {"Version": version, "Statement": list(statements)}


def named(name: str, *statements: Json) -> list[Json]:
    """A list of one named policy."""
    return [{"name": name, "document": document(*statements)}]


ALLOW_ALL: Json = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def resource_question(row: Json) -> Question:
    """Whether a statement with this one Resource or NotResource element takes in the resource.

    The action is one of S3 whatever the resource is, so that no rule about keys, roles or reserved names joins in.
    """
    request = {
        "principal": USER,
        "action": "s3:Probe",
        "resource": row["resource"],
        "resource_account": ACCOUNT,
        "wildcard_only_action": row.get("wildcard_only_action", False),
    }
    layer, effect = row["layer"], row["effect"]
    statement: Json = {"Effect": effect, "Action": "*", row["element"]: row["entry"]}
    scenario: Json = {"request": request}
    if layer == "identity":
        others = [ALLOW_ALL] if effect == "Deny" else []
        scenario["identity_policies"] = named("identity", *others, statement)
    elif layer == "resource":
        scenario["resource_policy"] = document({**statement, "Principal": {"AWS": USER}})
        if effect == "Deny":
            scenario["identity_policies"] = named("identity", ALLOW_ALL)
    else:
        scenario["identity_policies"] = named("identity", ALLOW_ALL)
        if layer == "scp":
            scenario["scps"] = [named("scp", *([ALLOW_ALL] if effect == "Deny" else []), statement)]
        else:
            scenario["rcps"] = [named("rcp", {**statement, "Principal": "*"})]
    if effect == "Deny":
        return Question(scenario, yes="explicitDeny", no="allowed")
    return Question(scenario, yes="allowed", no="implicitDeny")


def action_question(row: Json) -> Question:
    """Whether an Action entry names the action."""
    request = {"principal": USER, "action": row["action"], "resource": "*", "wildcard_only_action": True}
    policies = named("identity", {"Effect": "Allow", "Action": row["entry"], "Resource": "*"})
    return Question({"request": request, "identity_policies": policies}, yes="allowed", no="implicitDeny")


def condition_question(row: Json) -> Question:
    """Whether a condition block holds; asked for a role session, which has no user name of its own."""
    request = {
        "principal": SESSION,
        "action": "s3:GetObject",
        "resource": "arn:aws:s3:::b1/k",
        "context": row["context"],
    }
    statement = {**ALLOW_ALL, "Condition": row["condition"]}
    policy = {"name": "identity", "document": document(statement, version=row.get("version", "2012-10-17"))}
    return Question({"request": request, "identity_policies": [policy]}, yes="allowed", no="implicitDeny")


def public_question(row: Json) -> Question:
    """Whether a bucket policy is public: a named foreign user is rejected exactly then."""
    grant = {"Effect": "Allow", "Principal": {"AWS": OUTSIDER}, "Action": "s3:*", "Resource": "*"}
    scenario = {
        "request": {
            "principal": OUTSIDER,
            "action": "s3:GetObject",
            "resource": "arn:aws:s3:::b1/k",
            "resource_account": ACCOUNT,
        },
        "identity_policies": named("identity", ALLOW_ALL),
        "resource_policy": {**row["policy"], "Statement": [*row["policy"]["Statement"], grant]},
        "settings": {"s3": {"restrict_public_buckets": True}},
    }
    return Question(scenario, yes="explicitDeny", no="allowed")


def without_sources(tree: Any) -> Any:
    """A depends_on tree without sources, its branches in a fixed order, for comparison."""
    if tree is None or isinstance(tree, bool):
        return tree
    for word in ("and", "or"):
        if word in tree:
            parts = [without_sources(part) for part in tree[word]]
            return {word: sorted(parts, key=lambda part: json.dumps(part, sort_keys=True))}
    return {key: value for key, value in tree.items() if key != "source"}
