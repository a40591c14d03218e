"""The words that the story is told in: statements, trust policies, and the records of people and roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tools.demo.company import EKS_OIDC, GITHUB, SAML_PROVIDER, SSO_PROVIDER, iam, root

Document: TypeAlias = dict[str, Any]
Texts: TypeAlias = str | Sequence[str]
Conditions: TypeAlias = Mapping[str, Mapping[str, Texts]]


def _words(value: Texts) -> str | list[str]:
    """One word stays a text, several become a list; a text of several words is cut at its spaces."""
    words = value.split() if isinstance(value, str) else list(value)
    return words[0] if len(words) == 1 else words


def _conditions(when: Conditions | None) -> Document:
    if when is None:
        return {}
    return {
        "Condition": {op: {k: v if isinstance(v, str) else list(v) for k, v in b.items()} for op, b in when.items()}
    }


def _statement(
    effect: str,
    sid: str,
    actions: Texts = "",
    resources: Texts = "*",
    *,
    not_actions: Texts = "",
    not_resources: Texts = "",
    when: Conditions | None = None,
) -> Document:
    statement: Document = {"Sid": sid, "Effect": effect} if sid else {"Effect": effect}
    statement |= {"NotAction": _words(not_actions)} if not_actions else {"Action": _words(actions)}
    statement |= {"NotResource": _words(not_resources)} if not_resources else {"Resource": _words(resources)}
    return statement | _conditions(when)


def allow(
    sid: str,
    actions: Texts = "",
    resources: Texts = "*",
    *,
    not_actions: Texts = "",
    not_resources: Texts = "",
    when: Conditions | None = None,
) -> Document:
    """An Allow statement of an identity policy, SCP or boundary."""
    return _statement("Allow", sid, actions, resources, not_actions=not_actions, not_resources=not_resources, when=when)


def deny(
    sid: str,
    actions: Texts = "",
    resources: Texts = "*",
    *,
    not_actions: Texts = "",
    not_resources: Texts = "",
    when: Conditions | None = None,
) -> Document:
    """A Deny statement of an identity policy, SCP or boundary."""
    return _statement("Deny", sid, actions, resources, not_actions=not_actions, not_resources=not_resources, when=when)


def for_principal(principal: str | Mapping[str, Texts], statement: Document) -> Document:
    """The same statement with a Principal, for a resource policy or an RCP."""
    who: Any = principal if isinstance(principal, str) else {kind: _words(names) for kind, names in principal.items()}
    result: Document = {}
    for key, value in statement.items():
        result[key] = value
        if key == "Effect":
            result["Principal"] = who
    return result


def document(*statements: Document, policy_id: str = "") -> Document:
    """A policy document."""
    head: Document = {"Version": "2012-10-17"}
    if policy_id:
        head["Id"] = policy_id
    return head | {"Statement": list(statements)}


def trust(
    principal: Mapping[str, Texts], actions: Texts = "sts:AssumeRole", *, sid: str = "", when: Conditions | None = None
) -> Document:
    """One Allow statement of a trust policy."""
    statement: Document = {"Sid": sid} if sid else {}
    statement |= {"Effect": "Allow", "Principal": {kind: _words(names) for kind, names in principal.items()}}
    return statement | {"Action": _words(actions)} | _conditions(when)


def by_service(*names: str, when: Conditions | None = None) -> Document:
    """A trust policy for AWS services: by_service("lambda")."""
    return document(trust({"Service": [f"{name}.amazonaws.com" for name in names]}, when=when))


def by_account(account: str, *, sid: str = "", when: Conditions | None = None) -> Document:
    """A trust policy for whoever an account lets: by_account(STAGING)."""
    return document(trust({"AWS": root(account)}, sid=sid, when=when))


def by_github(subject: Texts) -> Document:
    """A trust policy for GitHub Actions, limited by the token's subject."""
    statement = trust(
        {"Federated": iam(f"oidc-provider/{GITHUB}")},
        "sts:AssumeRoleWithWebIdentity",
        when={"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}, "StringLike": {f"{GITHUB}:sub": subject}},
    )
    return document(statement)


def by_service_account(namespace: str, name: str) -> Document:
    """A trust policy for one Kubernetes service account (IAM roles for service accounts)."""
    statement = trust(
        {"Federated": iam(f"oidc-provider/{EKS_OIDC}")},
        "sts:AssumeRoleWithWebIdentity",
        when={
            "StringEquals": {
                f"{EKS_OIDC}:aud": "sts.amazonaws.com",
                f"{EKS_OIDC}:sub": f"system:serviceaccount:{namespace}:{name}",
            }
        },
    )
    return document(statement)


def by_saml(provider: str = SAML_PROVIDER) -> Document:
    """A trust policy for people who sign in through a SAML provider."""
    statement = trust(
        {"Federated": iam(f"saml-provider/{provider}")},
        "sts:AssumeRoleWithSAML sts:TagSession",
        when={"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
    )
    return document(statement)


def by_identity_center() -> Document:
    """The trust policy that IAM Identity Center gives its roles."""
    return by_saml(SSO_PROVIDER)


@dataclass(frozen=True, slots=True)
class Key:
    """An access key: when made, when and for what last used (None: never)."""

    created: str
    last_used: str | None = None
    service: str = "N/A"
    region: str = "N/A"
    active: bool = True


@dataclass(frozen=True, slots=True)
class Person:
    """A user. `password` and `mfa` are the days they were set up; None: there is none."""

    name: str
    path: str
    created: str
    groups: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    password: str | None = None
    password_last_used: str | None = None
    password_reset_required: bool = False
    mfa: str | None = None
    keys: tuple[Key, ...] = ()
    attached: tuple[str, ...] = ()
    inline: Mapping[str, Document] = field(default_factory=dict)
    boundary: str | None = None


@dataclass(frozen=True, slots=True)
class Team:
    """A group."""

    name: str
    path: str
    created: str
    attached: tuple[str, ...] = ()
    inline: Mapping[str, Document] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoleStory:
    """A role. `last_used` None: never. `instance_profile`: whether EC2 can carry it."""

    name: str
    created: str
    trust: Document
    description: str
    path: str = "/"
    attached: tuple[str, ...] = ()
    inline: Mapping[str, Document] = field(default_factory=dict)
    boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    max_hours: int = 1
    last_used: str | None = None
    region: str = "eu-west-1"
    instance_profile: bool = False


@dataclass(frozen=True, slots=True)
class PolicyStory:
    """A customer managed policy; the last version is the default unless `default` says which (from 1)."""

    name: str
    path: str
    created: str
    description: str
    versions: tuple[tuple[str, Document], ...]
    default: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def managed(
    path_and_name: str, created: str, description: str, *statements: Document, tags: Mapping[str, str] | None = None
) -> PolicyStory:
    """A customer managed policy that has one version."""
    folder, _, name = path_and_name.rpartition("/")
    path = f"/{folder}/" if folder else "/"
    return PolicyStory(name, path, created, description, ((created, document(*statements)),), tags=tags or {})
