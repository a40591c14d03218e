"""Random rows for the tables of matching: denser than whole scenarios, in the form of the conformance tables."""

from __future__ import annotations

from random import Random

from .drawing import Json
from .generator import Maker
from .vocabulary import KEYS, MULTIVALUED, QUESTIONS

PINNING_KEYS: dict[str, list[str]] = {
    "aws:SourceArn": ["arn:aws:sns:us-east-1:111111111111:t", "arn:aws:sns:*:*:t"],
    "aws:SourceVpc": ["vpc-1", "vpc-*", "vpc-?", "${aws:username}"],
    "aws:SourceVpce": ["vpce-1", "vpce-*"],
    "aws:SourceOwner": ["111111111111", "*"],
    "aws:SourceAccount": ["111111111111", "1*"],
    "AWS:sourceaccount": ["111111111111", "1*"],
    "s3:DataAccessPointAccount": ["111111111111", "1?"],
    "s3:x-amz-server-side-encryption-aws-kms-key-id": ["k", "k*"],
    "aws:PrincipalOrgID": ["o-1", "o-*"],
    "aws:PrincipalAccount": ["111111111111", "*"],
    "aws:SourceOrgID": ["o-1", "*"],
    "aws:SourceVpcArn": ["arn:aws:ec2:us-east-1:111111111111:vpc/vpc-1", "arn:aws:ec2:*:111111111111:vpc/*"],
    "aws:VpceAccount": ["111111111111", "*"],
    "aws:VpceOrgID": ["o-1", "o-?"],
    "aws:PrincipalArn": [
        "arn:aws:iam::111111111111:role/*",
        "arn:aws:iam::*:role/app",
        "arn:aws:iam::1111111?1111:role/app",
        "arn:*:*:*:111111111111:*",
        "arn:aws:iam::111111111111",
        "*",
    ],
    "s3:DataAccessPointArn": ["arn:aws:s3:*:111111111111:accesspoint/*", "arn:aws:s3:us-east-1:*:accesspoint/x"],
    "aws:PrincipalOrgPaths": ["o-1/r-1/ou-1/", "o-1/r-1/*", "o-*/r-1/", "*", "o-1/?/*"],
    "aws:VpceOrgPaths": ["o-1/r-1/*", "o-1/*/x"],
    "aws:userid": ["AIDAEXAMPLE", "AROAEXAMPLE:*", "AROAEXAMPLE:s*", "*"],
    "aws:SourceIp": ["203.0.113.0/24", "10.0.0.0/8", "10.0.0.0/7", "2001:db8::/32", "2001:db8::/31", "0.0.0.0/0"],
    "aws:PrincipalIsAWSService": ["true", "false"],
    "aws:PrincipalServiceName": ["cloudtrail.amazonaws.com", "*"],
    "aws:PrincipalServiceNamesList": ["cloudtrail.amazonaws.com", "*.amazonaws.com"],
    "aws:PrincipalTag/t": ["red"],
    "aws:PrincipalType": ["User"],
    "aws:username": ["alice"],
    "aws:SecureTransport": ["true"],
    "aws:VpcSourceIp": ["10.0.0.0/24"],
}
PINNING_OPERATORS = [
    "StringEquals",
    "StringLike",
    "StringEqualsIgnoreCase",
    "ArnLike",
    "ArnEquals",
    "IpAddress",
    "Bool",
    "StringNotEquals",
    "ArnNotLike",
    "NotIpAddress",
    "StringEqualsIfExists",
    "ForAnyValue:StringLike",
    "ForAnyValue:ArnEquals",
    "ForAllValues:StringEquals",
    "Null",
]


def resource_row(random: Random) -> Json:
    """A row of the resources table, without its answer."""
    maker = Maker(random)
    asked = [resource for _, resources in QUESTIONS for resource in resources]
    maker.resource = maker.pick([resource for resource in asked if not resource.startswith("arn:aws-cn:")])
    effect = maker.pick(["Allow", "Deny"])
    layer = maker.pick(["identity", "resource", *(["scp", "rcp"] if effect == "Deny" else [])])
    if maker.chance(70):
        maker.resource = maker.pick([maker.resource, maker.starred(maker.resource)])
    entry = maker.resource
    if maker.chance(15):
        entry = maker.pick(asked)
    for _ in range(maker.pick([0, 1, 1, 2, 2, 3])):
        entry = maker.mutated(entry)
    element = maker.pick(["Resource", "Resource", "NotResource"])
    return {"entry": entry, "element": element, "effect": effect, "layer": layer, "resource": maker.resource}


def action_row(random: Random) -> Json:
    """A row of the actions table, without its answer."""
    maker = Maker(random)
    maker.action = maker.pick(["s3:GetObject", "iam:PassRole", "ec2:RunInstances", "s3:GetObjectVersion"])
    return {"entry": maker.action_entry(), "action": maker.action}


def condition_row(random: Random) -> Json:
    """A row of the conditions table, without its answer."""
    maker = Maker(random)
    condition = maker.condition()
    used = {key.lower() for block in condition.values() for key in block}
    context = {key: maker.context_value(key) for key in KEYS if maker.chance(80 if key.lower() in used else 30)}
    for key in MULTIVALUED:
        if key in context and maker.chance(20):
            context[key] = []
    row: Json = {"condition": condition, "context": context}
    if maker.chance(10):
        row["version"] = "2008-10-17"
    return row


def public_row(random: Random) -> Json:
    """A row of the public policies table, without its answer."""
    maker = Maker(random)
    statements: list[Json] = []
    for _ in range(maker.pick([1, 1, 2])):
        statement: Json = {
            "Effect": "Allow" if maker.chance(90) else "Deny",
            maker.pick(["Principal", "Principal", "Principal", "NotPrincipal"]): maker.pick(
                ["*", {"AWS": "*"}, {"AWS": ["111111111111", "*"]}, {"AWS": "111111111111"}]
            ),
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::b1/*",
        }
        if maker.chance(85):
            key = maker.pick(list(PINNING_KEYS))
            operator = maker.pick(PINNING_OPERATORS)
            values = [maker.pick(PINNING_KEYS[key]) for _ in range(maker.pick([1, 1, 2]))]
            statement["Condition"] = {operator: {key: maker.maybe_list(values)}}
            if maker.chance(20):
                other = maker.pick(list(PINNING_KEYS))
                statement["Condition"].setdefault(maker.pick(PINNING_OPERATORS), {})[other] = PINNING_KEYS[other]
        statements.append(statement)
    return {"policy": {"Version": "2012-10-17", "Statement": statements}}
