"""Documents as a whole, the elements that their type of policy has, and resource control policies."""

from __future__ import annotations

from typing import Final

from tests.lint.finding_cases.documents import OBJECT, A, Case, allow, document, trust

ELEMENTS: Final[list[Case]] = [
    ("clean", document(allow()), "identity", []),
    ("single statement", {"Version": "2012-10-17", "Statement": allow()}, "identity", []),
    # documents
    ("bad version", document(allow(), version="2012-10-18"), "identity", ["error:unknown-version"]),
    ("no version", document(allow(), version=None), "identity", ["suggestion:old-version"]),
    (
        "variable without version",
        document(allow(Resource="arn:aws:s3:::b/${aws:username}/*"), version="2008-10-17"),
        "identity",
        ["warning:variables-need-version"],
    ),
    ("id in identity", document(allow(), Id="x"), "identity", ["error:id-not-allowed"]),
    ("id in resource", document(allow(Principal={"AWS": A}), Id="x"), "resource", []),
    ("unknown top element", document(allow(), Statment=[]), "identity", ["error:unknown-element"]),
    ("no statements", document(), "identity", ["error:no-statements"]),
    ("same sid", document(allow(Sid="a"), allow(Sid="a", Action="s3:PutObject")), "identity", ["error:duplicate-sid"]),
    (
        "same sid on a resource",
        document(allow(Sid="a", Principal={"AWS": A}), allow(Sid="a", Principal={"AWS": A}, Action="s3:PutObject")),
        "resource",
        ["warning:duplicate-sid"],
    ),
    ("sid with blank", document(allow(Sid="a b")), "identity", ["error:sid-characters"]),
    ("sid with blank on a resource", document(allow(Sid="a b", Principal={"AWS": A})), "resource", []),
    (
        "character outside",
        document(allow(Resource="arn:aws:s3:::b/\u4e2d")),
        "identity",
        ["error:character-not-allowed"],
    ),
    # elements by type
    ("unknown element", document(allow(Resources="*")), "identity", ["error:unknown-element"]),
    ("principal in identity", document(allow(Principal="*")), "identity", ["error:principal-not-allowed"]),
    ("principal in scp", document(allow(Principal="*")), "scp", ["error:principal-not-allowed"]),
    ("principal in boundary", document(allow(NotPrincipal={"AWS": A})), "boundary", ["error:principal-not-allowed"]),
    ("principal missing", document(allow()), "resource", ["error:missing-principal"]),
    ("principal missing at endpoint", document(allow()), "vpc_endpoint", ["error:missing-principal"]),
    ("no resource", document(allow(Resource=None)), "identity", ["error:missing-resource"]),
    ("no resource on a resource", document(allow(Resource=None, Principal={"AWS": A})), "resource", []),
    ("resource in trust", document(trust(Resource="*")), "trust", ["error:resource-in-trust-policy"]),
    ("empty action", document(allow(Action=[])), "identity", ["error:empty-element"]),
    ("empty resource", document(allow(Resource=[])), "identity", ["error:empty-element"]),
    ("empty principal", document(allow(Principal={"AWS": []})), "resource", ["error:empty-principal"]),
    ("allow not action", document(allow(Action=None, NotAction="iam:*")), "identity", ["warning:allow-not-action"]),
    (
        "allow not resource",
        document(allow(Resource=None, NotResource=OBJECT)),
        "identity",
        ["warning:allow-not-resource"],
    ),
    ("deny not action", document(allow(Effect="Deny", Action=None, NotAction="iam:*", Resource="*")), "identity", []),
    ("scp full language", document(allow(Action=None, NotAction="iam:*", Resource="*")), "scp", []),
    (
        "deny not principal",
        document(allow(Effect="Deny", NotPrincipal={"AWS": f"arn:aws:iam::{A}:root"})),
        "resource",
        ["warning:not-principal"],
    ),
    ("allow not principal", document(allow(NotPrincipal={"AWS": A})), "resource", ["error:allow-not-principal"]),
    (
        "trust not principal",
        document(trust(Principal=None, NotPrincipal={"AWS": A})),
        "trust",
        ["error:not-principal-not-allowed"],
    ),
    # resource control policies
    ("rcp", document(allow(Effect="Deny", Principal="*", Action="s3:*", Resource="*")), "rcp", []),
    ("rcp of AWS", document({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}), "rcp", []),
    ("rcp allow", document(allow(Principal="*")), "rcp", ["error:rcp-allow"]),
    ("rcp star", document(allow(Effect="Deny", Principal="*", Action="*", Resource="*")), "rcp", ["error:rcp-action"]),
    (
        "rcp not action",
        document(allow(Effect="Deny", Principal="*", Action=None, NotAction="s3:*", Resource="*")),
        "rcp",
        ["error:rcp-not-action"],
    ),
    (
        "rcp principal",
        document(allow(Effect="Deny", Principal={"AWS": A}, Resource="*")),
        "rcp",
        ["error:rcp-principal"],
    ),
    (
        "rcp service",
        document(allow(Effect="Deny", Principal="*", Action="ec2:RunInstances", Resource="*")),
        "rcp",
        ["warning:rcp-service"],
    ),
    (
        "rcp version",
        document(allow(Effect="Deny", Principal="*", Action="s3:*", Resource="*"), version=None),
        "rcp",
        ["warning:rcp-version"],
    ),
]
