"""IAM explained in place: what a user, group, role, policy, instance profile or provider is, and means in its account.

Facts of AWS: IAM User Guide (identities, temporary security credentials, permissions boundaries, methods to assume a
role, role chaining) and EC2 User Guide (retrieve security credentials from instance metadata).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple, TypeVar

from iamtui.account.identity_center import permission_set_name
from iamtui.account.model import (
    Account,
    Entity,
    Fact,
    Group,
    IdentityProvider,
    InstanceProfile,
    Known,
    ManagedPolicy,
    Missing,
    Role,
    User,
)
from iamtui.policy.patterns import is_account_id, parse_arn
from iamtui.text import counted, first_of_texts
from iamtui.workspace.source.inventory import behind_role, full_name, people_words

T = TypeVar("T")

_METADATA: Final = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"
_MOST_NAMED: Final = 4
_TRACKED: Final = "the last 400 days, or as long as IAM has tracked that in the Region"
"""IAM API Reference, RoleLastUsed: activity of the trailing 400 days; of less where a Region tracks it since later."""


class EntityExplanation(NamedTuple):
    """General explanation of an entity's kind, and of this one in its account; sentences, raw text."""

    title: str
    general: tuple[str, ...]
    here: tuple[str, ...]


def explained(account: Account, entity: Entity) -> EntityExplanation:
    """The explanation of an entity for somebody who does not know IAM well."""
    if isinstance(entity, User):
        user = account.with_report(entity)
        service_account = _is_service_account(user)
        title = "A service account" if service_account else "A user"
        return EntityExplanation(title, _USER, tuple(_of_user(account, user, service_account=service_account)))
    if isinstance(entity, Group):
        return EntityExplanation("A group", _GROUP, tuple(_of_group(account, entity)))
    if isinstance(entity, Role):
        return EntityExplanation("A role", _ROLE, tuple(_of_role(account, entity)))
    if isinstance(entity, ManagedPolicy):
        return EntityExplanation("A managed policy", _POLICY, tuple(_of_policy(account, entity)))
    if isinstance(entity, InstanceProfile):
        return EntityExplanation("An instance profile", _PROFILE, tuple(_of_profile(entity)))
    return EntityExplanation("An identity provider", _PROVIDER, tuple(_of_provider(account, entity)))


def explained_kind(account: Account, kind: str) -> EntityExplanation | None:
    """The explanation of all of a kind ("users", "customer policies"), and how many there are; None for no kind."""
    if kind not in _KINDS:
        return None
    title, general, here = _KINDS[kind]
    return EntityExplanation(title, general, tuple(here(account)))


_USER: Final = (
    (
        "A user is an identity with long-term credentials of its own: a password for the console, up to two access "
        "keys for programs. They work until somebody deactivates or deletes them."
    ),
    (
        "Policies attached to the user, and those of its groups, say what it may do. AWS recommends temporary "
        "credentials instead, for people by federation and for programs by roles."
    ),
)
_GROUP: Final = (
    (
        "A group hands its policies to the users in it. It is not a principal: it cannot sign in, no policy can name "
        "it as one, and roles cannot be in it."
    ),
)
_ROLE: Final = (
    (
        "A role is an identity without credentials of its own. Whoever its trust policy admits assumes it and gets "
        "temporary credentials: an access key ID, a secret key and a session token, which expire together."
    ),
    "The trust policy says who may assume the role; its permissions policies say what a session of it may do.",
    (
        "It is usually the better choice than a user with access keys: nothing has to be stored, handed over or "
        "rotated, and what leaks expires by itself."
    ),
)
_POLICY: Final = (
    (
        "A policy is a document of statements, each of which allows or denies actions on resources, perhaps on a "
        "condition. An explicit Deny always wins; what nothing allows is denied."
    ),
    "A managed policy has effect where it is attached, in its default version.",
)
_BOUNDARY: Final = "A permissions boundary is the most that identity policies can allow. It grants nothing by itself."
_PROFILE: Final = (
    (
        "An instance profile hands one role to EC2 instances. Programs on such an instance ask the instance metadata "
        "service, at an address that only the instance reaches, for temporary credentials of the role."
    ),
)
_PROVIDER: Final = (
    (
        "An identity provider vouches for people or programs from outside AWS: they sign in there, and exchange the "
        "proof (a token, or a SAML assertion) for temporary credentials of a role that trusts it. No AWS keys are "
        "kept."
    ),
)


_ACCOUNT: Final = (
    (
        "IAM decides who may do what in an AWS account. A principal (a user, a role, a service) asks for an action on "
        "a resource; policies allow or deny it."
    ),
    (
        "Identity policies say what a principal may do, resource policies who may use a resource, trust policies who "
        "may assume a role. Boundaries, SCPs and RCPs grant nothing: they cap what the others allow."
    ),
    (
        "Users have long-term credentials, which work until somebody deletes them; roles give temporary credentials, "
        "which expire by themselves."
    ),
)


def _of_account(account: Account) -> Iterator[str]:
    yield (
        f"It has {_counted(len(account.users), 'user')}, {_counted(len(account.groups), 'group')} and "
        f"{_counted(len(account.roles), 'role')}."
    )
    yield from _capped(account)


_ORGANIZATION: Final = (
    (
        "An organization holds accounts in a tree: a root, units (OUs) in it, accounts in those. SCPs cap what the "
        "principals of the accounts below them may do, RCPs what anybody may do to the resources there. Neither grants "
        "anything."
    ),
    (
        "Every level from the root to the account must let a request through, and a Deny at one of them is final. The "
        "management account and service-linked roles are exempt."
    ),
)


def _capped(account: Account) -> Iterator[str]:
    if isinstance(account.organization, Missing):
        yield _unknown("Whether SCPs and RCPs cap it", account.organization)
    elif account.organization.value is None:
        yield "It is in no organization, so no SCP or RCP caps it."
    elif account.organization.value.management_account == account.id:
        yield "It is the management account of its organization, so no SCP or RCP caps it."
    else:
        yield "It is in an organization, whose SCPs and RCPs cap it."


def _of_users(account: Account) -> Iterator[str]:
    users = [account.with_report(user) for user in account.users]
    services = sum(map(_is_service_account, users))
    unknown = sum(isinstance(user.access_keys, Missing) or isinstance(user.login_profile, Missing) for user in users)
    people = sum(user.login_profile.value_or(None) is not None for user in users)
    yield _sentence(
        f"{_counted(len(users), 'user')}: {people:,} with a console password, {services:,} service accounts."
    )
    if services:
        yield "A service account has access keys and no password: a role would give its program keys that expire."
    if unknown:
        yield f"Of {unknown:,} it is not known if they have a password or access keys (L asks for one, g f for all)."


def _of_groups(account: Account) -> Iterator[str]:
    empty = sum(not account.members(group.name) for group in account.groups)
    yield _sentence(f"{_counted(len(account.groups), 'group')}, {empty:,} of them without users.")


def _of_roles(account: Account) -> Iterator[str]:
    by_kind = [_trusted(role) for role in account.roles]
    named = (("Service", "services"), ("Federated", "identity providers"), ("AWS", "users, roles or accounts"))
    counts = ", ".join(f"{sum(bool(one[kind]) for one in by_kind):,} trust {words}" for kind, words in named)
    yield _sentence(f"{_counted(len(account.roles), 'role')}: {counts}.")
    profiles = {name for profile in account.instance_profiles for name in profile.roles}
    if profiles:
        yield _sentence(f"{_counted(len(profiles), 'role')} can be handed to EC2 instances.")


def _of_policies(account: Account) -> Iterator[str]:
    own = [policy for policy in account.policies if not policy.aws_managed]
    yield f"{len(own):,} of its own, and {len(account.policies) - len(own):,} that AWS wrote."
    bounds = {one.boundary_arn for one in account.principals if one.boundary_arn is not None}
    if bounds:
        yield f"{_BOUNDARY} {_counted(len(bounds), 'policy is one', 'policies are one')} here."


def _of_profiles(account: Account) -> Iterator[str]:
    empty = sum(not profile.roles for profile in account.instance_profiles)
    yield _sentence(f"{_counted(len(account.instance_profiles), 'instance profile')}, {empty:,} without a role.")


def _of_providers(account: Account) -> Iterator[str]:
    yield _known(
        account.providers, lambda found: _sentence(f"{_counted(len(found), 'provider')}."), "Which providers there are"
    )


def _of_user(account: Account, user: User, *, service_account: bool) -> Iterator[str]:
    yield _keys(user)
    yield _known(
        user.login_profile,
        lambda profile: "It has no console password." if profile is None else "It has a console password.",
        "Whether it has a console password",
    )
    yield _known(
        user.mfa_devices,
        lambda devices: "It has an MFA device." if devices else "It has no MFA device.",
        "Whether it has an MFA device",
    )
    if user.groups:
        yield f"It is in {_counted(len(user.groups), 'group')}: {first_of_texts(user.groups, _MOST_NAMED)}."
    if user.boundary_arn is not None:
        yield f"{_BOUNDARY} Its boundary is {account.short_name(user.boundary_arn)}."
    if service_account:
        yield (
            "It has access keys and no password, so a program works as it. A role would give that program credentials "
            f"that expire: `iamtui role-for {full_name(user)}` drafts one."
        )


def _is_service_account(user: User) -> bool:
    return bool(user.access_keys.value_or(())) and user.login_profile == Known(None)


def _keys(user: User) -> str:
    if isinstance(user.access_keys, Missing):
        return _unknown("Whether it has access keys", user.access_keys)
    keys = user.access_keys.value
    active = sum(key.status == "Active" for key in keys)
    return f"It has {_counted(len(keys), 'access key')}, {active} of them active." if keys else "It has no access keys."


def _of_group(account: Account, group: Group) -> Iterator[str]:
    members = account.members(group.name)
    named = f": {first_of_texts([user.name for user in members], _MOST_NAMED)}" if members else ""
    yield f"It has {_counted(len(members), 'user')}{named}."
    yield f"It hands them {_counted(len(group.attached_policies) + len(group.inline_policies), 'policy', 'policies')}."


def _of_role(account: Account, role: Role) -> Iterator[str]:
    if role.service_linked:
        yield "AWS owns it for one of its services, which alone can assume it; nobody else can edit it."
    elif role.sso_reserved:
        yield "IAM Identity Center made it for people who sign in there; only Identity Center can edit it."
        name = permission_set_name(role.name)
        if name:
            yield f"It represents the permission set {name}: change that and provision it again."
        behind = behind_role(account, role)
        if isinstance(behind, Missing):
            yield _unknown("Who can sign in to it", behind)
        elif behind is not None:
            yield f"Who can sign in to it: {people_words(behind.value)}."
    if role.trust.error is not None:
        yield "Who may assume it is not known: its trust policy cannot be read."
    else:
        yield from _of_trust(account, role)
    profiles = [profile.name for profile in account.instance_profiles if role.name in profile.roles]
    if profiles:
        named = first_of_texts(profiles, _MOST_NAMED)
        yield f"Instance profile {named} hands it to EC2 instances. {_metadata(role.name)}"
    elif "ec2.amazonaws.com" in _trusted(role)["Service"]:
        yield "EC2 may use it for instances, and no instance profile that is loaded has it."
    yield _known(
        role.max_session_seconds,
        lambda seconds: (
            f"A session that somebody assumes lasts up to {seconds / 3600:g} {'hour' if seconds == 3600 else 'hours'}."
        ),
        "How long a session may last",
    )
    yield _known(
        role.last_used,
        lambda used: f"It was last used on {used:%Y-%m-%d}." if used is not None else f"It was not used in {_TRACKED}.",
        "When it was last used",
    )
    if role.boundary_arn is not None:
        yield f"{_BOUNDARY} Its boundary is {account.short_name(role.boundary_arn)}."


def _of_trust(account: Account, role: Role) -> Iterator[str]:
    """Sentences about the principals of the trust policy, by how they come by credentials."""
    trusted = _trusted(role)
    if trusted["Service"]:
        named = first_of_texts(trusted["Service"], _MOST_NAMED)
        yield (f"Its trust policy names {named}: the service assumes it and hands the credentials to what runs there.")
    if trusted["Federated"]:
        named = first_of_texts([account.short_name(arn) for arn in trusted["Federated"]], _MOST_NAMED)
        yield (
            f"Its trust policy names {named}: who signs in there gets the credentials by federation, for a token or an "
            "assertion."
        )
    if trusted["AWS"]:
        named = first_of_texts([_trusted_name(account, text) for text in trusted["AWS"]], _MOST_NAMED)
        yield f"Its trust policy names {named}: the credentials come by sts:AssumeRole."
        if any(":role/" in arn for arn in trusted["AWS"]):
            yield "From a session of another role that is role chaining: the credentials last at most one hour."
    if any(trusted.values()):
        yield f"Who of them may, as AWS decides: `iamtui trust {full_name(role)}`."
    else:
        yield "Its trust policy allows nobody by name."


def _trusted_name(account: Account, text: str) -> str:
    """Name of a trusted principal; an account in words: its own policies then decide who may."""
    arn = parse_arn(text)
    number = arn.account if arn is not None and arn.resource == "root" else text
    if number == account.id:
        return "this account as a whole"
    return f"account {number}" if is_account_id(number) else account.short_name(text)


def _trusted(role: Role) -> dict[str, list[str]]:
    """Principals of a trust policy's Allow statements, by kind."""
    found: dict[str, dict[str, None]] = {"Service": {}, "Federated": {}, "AWS": {}}
    for statement in role.trust.policy.statements if role.trust.error is None else ():
        for entry in statement.principals or () if statement.effect == "Allow" else ():
            kind = "AWS" if entry.kind == "*" else entry.kind
            if kind in found:
                found[kind]["everybody (*)" if entry.value == "*" else entry.value] = None
    return {kind: list(names) for kind, names in found.items()}


def _metadata(role: str) -> str:
    return (
        f"A program on one asks {_METADATA}{role} and gets credentials that end after some 6 hours; new ones are there "
        f"at least 5 minutes before. `iamtui serve {role} --imds` does the same here."
    )


def _of_policy(account: Account, policy: ManagedPolicy) -> Iterator[str]:
    yield "AWS wrote it and may change it." if policy.aws_managed else "It is this account's own."
    holders = [*map(full_name, account.holders(policy.arn))]
    named = f": {first_of_texts(holders, _MOST_NAMED)}" if holders else ""
    yield f"It is attached to {_counted(len(holders), 'user, group or role', 'users, groups and roles')}{named}."
    bounded = [*map(full_name, account.bounded_by(policy.arn))]
    if bounded:
        yield f"It is the boundary of {first_of_texts(bounded, _MOST_NAMED)}. {_BOUNDARY}"
    if policy.document is None:
        yield "What it says is not known: its document is not loaded."


def _of_profile(profile: InstanceProfile) -> Iterator[str]:
    if not profile.roles:
        yield "It has no role, so instances with it get no credentials."
    for role in profile.roles:
        yield f"It hands out role/{role}. {_metadata(role)}"


def _of_provider(account: Account, provider: IdentityProvider) -> Iterator[str]:
    trusting = [full_name(role) for role in account.roles if provider.arn in _trusted(role)["Federated"]]
    named = f": {first_of_texts(trusting, _MOST_NAMED)}" if trusting else ""
    yield f"The trust policies of {_counted(len(trusting), 'role')} name it{named}."


def _known(fact: Fact[T], words: Callable[[T], str], what: str) -> str:
    return words(fact.value) if isinstance(fact, Known) else _unknown(what, fact)


def _unknown(what: str, missing: Missing) -> str:
    need = f" (needs {missing.permission})" if missing.permission else ""
    return f"{what} is not known: {missing.reason}{need}."


def _counted(count: int, one: str, several: str = "") -> str:
    return counted(count, one, several) if count else f"no {one}"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


_KINDS: Final[Mapping[str, tuple[str, tuple[str, ...], Callable[[Account], Iterator[str]]]]] = {
    "overview": ("An account", _ACCOUNT, _of_account),
    "users": ("Users", _USER, _of_users),
    "groups": ("Groups", _GROUP, _of_groups),
    "roles": ("Roles", _ROLE, _of_roles),
    "policies": ("Managed policies", _POLICY, _of_policies),
    "customer policies": ("Customer managed policies", _POLICY, _of_policies),
    "AWS policies": ("AWS managed policies", _POLICY, _of_policies),
    "instance profiles": ("Instance profiles", _PROFILE, _of_profiles),
    "identity providers": ("Identity providers", _PROVIDER, _of_providers),
    "organization": ("An organization", _ORGANIZATION, _capped),
}
"""By the kinds of branches of the tree."""
