"""Every escalation path once as it works, and blocked in each way that a scanner of names would miss."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import count, takewhile
from typing import Any

import pytest

from iamtui.account.model import (
    AccessKey,
    Account,
    AttachedPolicy,
    Group,
    InlinePolicy,
    InstanceProfile,
    Known,
    LoginProfile,
    ManagedPolicy,
    PolicyVersion,
    Role,
    User,
)
from iamtui.catalog.escalation_paths import ESCALATION_PATHS, NEW_PRINCIPALS, EscalationPath, Gain, On
from iamtui.workspace.review.escalation_rights import Rights
from iamtui.workspace.review.escalation_round import EscalationRound
from iamtui.workspace.review.escalation_states import AccountStates, State
from iamtui.workspace.review.escalation_steps import Entity, Escalation, Move
from iamtui.workspace.review.escalations import find_escalations
from tests.support.sample_account import (
    ADMIN_ARN,
    ADMINISTRATOR,
    ID,
    allow,
    deny,
    document,
    iam,
    sample_workspace,
    trust,
)

BY_ID = {path.id: path for path in ESCALATION_PATHS}
ADMIN = (AttachedPolicy("AdministratorAccess", ADMIN_ARN),)
NOBODY = {"Service": "config.amazonaws.com"}
BOSS = User("boss", "/", iam("user/boss"), "AIDABOSS", None, attached_policies=ADMIN)
KEYS = tuple(AccessKey(f"AKIA{n}", "Active", None) for n in range(2))


def plain_policy(name: str) -> ManagedPolicy:
    version = PolicyVersion("v1", document(allow("s3:ListAllMyBuckets")), is_default=True)
    return ManagedPolicy(name, "/", iam(f"policy/{name}"), f"ANPA{name}", None, (version,))


OLDER = PolicyVersion("v0", document(allow("s3:ListAllMyBuckets")), is_default=False)


def replace_default(policy: ManagedPolicy) -> PolicyVersion:
    return PolicyVersion("v2", policy.versions[0].document, is_default=True)


def resource_of(path: EscalationPath, on: On, *, is_role: bool) -> str:
    own = iam("role/me") if is_role else iam("user/me")
    takes = path.gain is Gain.TARGET
    return {
        On.SELF: own,
        On.OWN_GROUP: iam("group/mine"),
        On.STRONG_GROUP: iam("group/strong"),
        On.OTHER_GROUP: iam("group/other"),
        On.GROUP_POLICY: iam("policy/grouped"),
        On.OLDER_VERSION: iam("policy/old"),
        On.NEW_GROUP: iam("group/*"),
        On.MADE: "*",
        On.OWN_POLICY: iam("policy/mine"),
        On.ROLE_POLICY: iam("policy/theirs"),
        On.USER: iam("user/boss") if takes else iam("user/plain"),
        On.ROLE: iam("role/boss") if takes else iam("role/plain"),
        On.NEW_USER: iam("user/*"),
        On.NEW_ROLE: iam("role/*"),
        On.ANY: "*",
    }[on]


def made_for(path: EscalationPath, **changes: Any) -> Account:
    """An account in which a principal may do what a path needs, and nothing else works.

    Args:
        changes: boundary (statements), denied (an action), elsewhere (whether it may all that on other resources
            only), service (that the roles trust instead), condition (of the statements that allow).
    """
    is_role = path.id in ("iam-005", "iam-009")
    me = iam("role/me") if is_role else iam("user/me")
    statements = [
        allow(
            action,
            "arn:aws:iam::999999999999:*" if changes.get("elsewhere") else resource_of(path, on, is_role=is_role),
            **({"Condition": changes["condition"]} if "condition" in changes else {}),
        )
        for action, on in path.steps
    ]
    policies = [InlinePolicy("own", document(*statements))]
    if "denied" in changes:
        policies.append(InlinePolicy("other", document(deny(changes["denied"]))))
    mine, theirs, boundary = plain_policy("mine"), plain_policy("theirs"), plain_policy("boundary")
    if "boundary" in changes:
        limit = PolicyVersion("v1", document(*changes["boundary"]), is_default=True)
        boundary = replace(boundary, versions=(limit,))
    own = (AttachedPolicy("mine", mine.arn),) if any(on is On.OWN_POLICY for _, on in path.steps) else ()
    limits = {"boundary_arn": boundary.arn if "boundary" in changes else None}
    older = PolicyVersion("v1", document(allow("*")), is_default=False)
    old = replace(plain_policy("old"), versions=(older, replace_default(plain_policy("old"))))
    grouped = plain_policy("grouped")
    if "replace-version" in path.id:
        mine, grouped = (replace(one, versions=(*one.versions, *[OLDER] * 4)) for one in (mine, grouped))
    if any(on is On.OLDER_VERSION for _, on in path.steps):
        own = (AttachedPolicy("old", old.arn),)
    service = changes.get("service", path.service)
    boss_trust = {"Service": service} if service else NOBODY
    if path.id == "sts-001":
        boss_trust = {"AWS": me} if not changes.get("closed") else NOBODY
    facts: dict[str, Any] = {"access_keys": Known(()), "login_profile": Known(None), "mfa_devices": Known(())}
    if path.id == "iam-003":
        facts["access_keys"] = Known(KEYS)
    elif path.id == "iam-006":
        facts["login_profile"] = Known(LoginProfile(None))
    users = [
        User("boss", "/", iam("user/boss"), "AIDABOSS", None, attached_policies=ADMIN, **facts),
        User("plain", "/", iam("user/plain"), "AIDAPLAIN", None, **facts | {"access_keys": Known(())}),
    ]
    theirs_attached = (AttachedPolicy("theirs", theirs.arn),)
    plain_trust = trust({"AWS": me} if any(step == ("sts:AssumeRole", On.ROLE) for step in path.steps) else NOBODY)
    roles = [
        Role("boss", "/", iam("role/boss"), "AROABOSS", None, trust(boss_trust), attached_policies=ADMIN),
        Role("plain", "/", iam("role/plain"), "AROAPLAIN", None, plain_trust, attached_policies=theirs_attached),
    ]
    if is_role:
        roles.append(Role("me", "/", me, "AROAME", None, trust(NOBODY), tuple(policies), own, **limits))
    else:
        users.append(User("me", "/", me, "AIDAME", None, ("mine",), tuple(policies), own, **limits))
    groups = (
        Group("mine", "/", iam("group/mine"), "AGPAMINE", None),
        Group("strong", "/", iam("group/strong"), "AGPASTRONG", None, (), ADMIN),
        Group("other", "/", iam("group/other"), "AGPAOTHER", None, (), (AttachedPolicy("grouped", grouped.arn),)),
    )
    return Account(
        ID,
        organization=Known(None),
        users=tuple(users),
        groups=groups,
        roles=tuple(roles),
        policies=(ADMINISTRATOR, mine, theirs, boundary, old, grouped),
        instance_profiles=(InstanceProfile("boss", "/", iam("instance-profile/boss"), "AIPA", None, ("boss",)),),
    )


class EveryMove(EscalationRound):
    """A search that notes each move that ends with an administrator, and finds no one by it."""

    moves: list[Move]

    def _found(self, state: State, entity: Entity, moves: tuple[Move, ...]) -> None:
        if state is State.AS_IS and len(moves) == 1:
            self.moves.append(moves[0])


def moves_of(account: Account) -> list[Move]:
    states = AccountStates(sample_workspace().with_account(account))
    bosses = {entity.arn: () for entity in account.principals if entity.name == "boss"}
    search = EveryMove(states, bosses, certain=False, cancelled=lambda: False)
    search.moves = []
    search.run()
    return [move for move in search.moves if move.principal.endswith("/me")]


def found_for(account: Account) -> Escalation | None:
    report = find_escalations(sample_workspace().with_account(account))
    assert {entity.name for entity in report.administrators} == {"boss"}
    return next((one for one in report.escalations if one.principal.name == "me"), None)


@pytest.mark.parametrize("id_", BY_ID)
def test_the_path_is_found_where_it_works(id_: str) -> None:
    path = BY_ID[id_]
    account = made_for(path)
    assert id_ in {move.path.id for move in moves_of(account)}
    found = found_for(account)
    assert found is not None
    assert found.certain is not bool(path.existing)


def blocked(path: EscalationPath) -> dict[str, dict[str, Any]]:
    """Accounts in which the path does not work, by what is in the way."""
    ways: dict[str, dict[str, Any]] = {
        "an explicit Deny in another policy": {"denied": path.steps[-1][0]},
        "a boundary without the action": {"boundary": (allow("s3:*"),)},
        "a condition": {"condition": {"ArnEquals": {"aws:PrincipalArn": iam("role/other")}}},
    }
    if path.id == "sts-001":
        # A boundary does not limit what a trust policy gives to a user by name (IAM User Guide: evaluation logic).
        del ways["a boundary without the action"]
    if any(on is not On.ANY for _, on in path.steps):
        ways["another resource"] = {"elsewhere": True}
    if path.service:
        ways["a role that trusts another service"] = {"service": "config.amazonaws.com"}
    if path.passes_role:
        ways["another service to pass to"] = {"condition": {"StringEquals": {"iam:PassedToService": "x.amazonaws.com"}}}
    return ways


@pytest.mark.slow
@pytest.mark.parametrize(("id_", "way"), [(path.id, way) for path in ESCALATION_PATHS for way in blocked(path)])
def test_the_path_is_not_found_where_something_is_in_the_way(id_: str, way: str) -> None:
    path = BY_ID[id_]
    changes = blocked(path)[way]
    if path.id == "sts-001" and "denied" not in changes:
        # A trust policy that names the caller is enough in the same account.
        changes = {**changes, "closed": True}
    assert id_ not in {move.path.id for move in moves_of(made_for(path, **changes))}


@pytest.mark.parametrize("id_", ["iam-007", "iam-008", "iam-001", "iam-010"])
def test_a_boundary_holds_new_permissions_back_unless_it_can_be_deleted(id_: str) -> None:
    path = BY_ID[id_]
    actions = [action for action, _ in path.steps]
    # Not its own boundary, which it could write.
    within = iam("policy/mine") if id_ == "iam-001" else "*"
    assert found_for(made_for(path, boundary=(allow(actions, within),))) is None
    assert found_for(made_for(path, boundary=(allow("*"),))) is not None


@pytest.mark.parametrize(
    ("within", "also", "certain"),
    [
        (allow("s3:*"), (), None),
        (allow("s3:*"), ("iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary"), True),
        (allow("*"), (), True),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, (), None),
        (allow("iam:*"), (), True),
    ],
    ids=["holds-back", "can-be-deleted", "everything", "without-iam", "leads-on"],
)
@pytest.mark.parametrize("id_", ["iam-014", "iam-015", "iam-016", "iam-017", "iam-018"])
def test_the_boundary_of_another_holds_back_what_it_is_given(
    id_: str, within: dict[str, Any], also: tuple[str, ...], certain: bool | None
) -> None:
    account = made_for(BY_ID[id_])
    limit = ManagedPolicy(
        "limit", "/", iam("policy/limit"), "ANPALIMIT", None, (PolicyVersion("v1", document(within), is_default=True),)
    )
    freeing = InlinePolicy("freeing", document(allow(list(also) or "s3:ListAllMyBuckets")))
    users, roles = (
        tuple(
            replace(one, inline_policies=(*one.inline_policies, freeing))
            if one.name == "me"
            else replace(one, boundary_arn=limit.arn)
            if one.name == "plain"
            else one
            for one in each
        )
        for each in (account.users, account.roles)
    )
    found = found_for(replace(account, users=users, roles=roles, policies=(*account.policies, limit)))
    assert (None if found is None else found.certain) is certain
    steps = [step.action for move in found.moves for step in move.steps] if found is not None else []
    if also:
        assert any("PermissionsBoundary" in action for action in steps), "deleting it is a step"


@pytest.mark.parametrize(
    ("condition", "denies", "also", "is_found"),
    [
        ({"StringEquals": {"iam:PermissionsBoundary": iam("policy/mine")}}, False, (), False),
        ({"StringNotEquals": {"iam:PermissionsBoundary": iam("policy/mine")}}, True, (), False),
        ({"Null": {"iam:PermissionsBoundary": "true"}}, True, (), True),
        ({"StringEquals": {"iam:PermissionsBoundary": ADMIN_ARN}}, False, (), True),
        ({"StringEquals": {"iam:PermissionsBoundary": iam("policy/not-loaded")}}, False, (), True),
        (
            {"StringEquals": {"iam:PermissionsBoundary": iam("policy/mine")}},
            False,
            ("iam:DeleteRolePermissionsBoundary",),
            True,
        ),
    ],
)
def test_a_boundary_that_a_new_role_must_have_holds_it_back(
    condition: dict[str, Any], denies: bool, also: tuple[str, ...], is_found: bool
) -> None:
    """Delegated administration (IAM User Guide): roles may be made, but only within a boundary."""
    account = made_for(BY_ID["create-role"])
    actions = ["iam:CreateRole", "iam:AttachRolePolicy"]
    under = [deny(actions, Condition=condition)] if denies else []
    own = document(
        allow(actions, "*", **({} if denies else {"Condition": condition})),
        allow(list(also) or "s3:ListAllMyBuckets"),
        *under,
    )
    users = tuple(
        replace(one, inline_policies=(InlinePolicy("own", own),)) if one.name == "me" else one for one in account.users
    )
    assert (found_for(replace(account, users=users)) is not None) is is_found


def test_steps_are_followed_through_others_to_an_administrator() -> None:
    account = made_for(BY_ID["sts-001"])
    middle = Role(
        "middle",
        "/",
        iam("role/middle"),
        "AROAM",
        None,
        trust({"AWS": iam("user/me")}),
        (InlinePolicy("own", document(allow("iam:CreateAccessKey", iam("user/boss")))),),
    )
    closed = replace(account.roles[0], trust=trust(NOBODY))
    found = found_for(replace(account, roles=(closed, account.roles[1], middle)))
    assert found is not None
    assert [(move.path.id, move.becomes) for move in found.moves] == [
        ("sts-001", iam("role/middle")),
        ("iam-002", iam("user/boss")),
    ]


def test_what_a_condition_leaves_open_is_possible_and_not_certain() -> None:
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    found = found_for(made_for(BY_ID["iam-007"], condition=mfa))
    assert found is not None
    assert not found.certain
    assert "aws:MultiFactorAuthPresent is true" in found.moves[0].steps[0].condition


ANOTHER_CALL = {
    "in another region": ("lambda-001", {"StringEquals": {"aws:RequestedRegion": "us-west-2"}}),
    "later": ("iam-007", {"DateGreaterThan": {"aws:CurrentTime": "2999-01-01T00:00:00Z"}}),
    "through a service": ("iam-007", {"Bool": {"aws:ViaAWSService": "true"}}),
    "without TLS": ("iam-007", {"Bool": {"aws:SecureTransport": "false"}}),
}


@pytest.mark.parametrize("way", ANOTHER_CALL)
def test_what_only_another_call_than_one_of_now_may_do_is_possible(way: str) -> None:
    id_, condition = ANOTHER_CALL[way]
    found = found_for(made_for(BY_ID[id_], condition=condition))
    assert found is not None
    assert not found.certain
    (key,) = (key for test in condition.values() for key in test)
    assert key in {word for move in found.moves for step in move.steps for word in step.condition.split()}


def test_what_a_deny_of_this_region_leaves_of_others_is_possible() -> None:
    account = made_for(BY_ID["lambda-001"])
    elsewhere = {"StringNotEquals": {"aws:RequestedRegion": "us-west-2"}}
    away = InlinePolicy("away", document(deny("lambda:*", Condition=elsewhere)))
    users = tuple(
        replace(user, inline_policies=(*user.inline_policies, away)) if user.name == "me" else user
        for user in account.users
    )
    found = found_for(replace(account, users=users))
    assert found is not None
    assert not found.certain


def test_the_statement_that_closes_most_paths_comes_first() -> None:
    account = made_for(BY_ID["iam-007"])
    own = allow("iam:PutUserPolicy", iam("user/${aws:username}"), Sid="Own")
    version = PolicyVersion("v1", document(own), is_default=True)
    shared = ManagedPolicy("shared", "/", iam("policy/shared"), "ANPASHARED", None, (version,))
    held = (AttachedPolicy("shared", shared.arn),)
    users = (
        account.users[0],
        *(User(name, "/", iam(f"user/{name}"), f"AIDA{name}", None, attached_policies=held) for name in "abc"),
    )
    report = find_escalations(
        sample_workspace().with_account(replace(account, users=users, policies=(*account.policies, shared)))
    )
    assert len(report.escalations) == 3
    assert report.closing[0] == (f"{shared.arn} / Own", 3)


def test_inline_policies_of_one_name_are_not_one_statement() -> None:
    account = made_for(BY_ID["iam-007"])
    own = InlinePolicy("same", document(allow("iam:PutUserPolicy", iam("user/${aws:username}"))))
    users = tuple(User(name, "/", iam(f"user/{name}"), f"AIDA{name}", None, inline_policies=(own,)) for name in "abc")
    report = find_escalations(sample_workspace().with_account(replace(account, users=users)))
    assert len(report.escalations) == 3
    assert report.closing == tuple((f"same of user/{name} / statement 1", 1) for name in "abc")


def hiding(path: EscalationPath, *denies: dict[str, Any]) -> Account:
    """An account in which a path works, but for what the same principal is denied besides."""
    account = made_for(path)
    more = InlinePolicy("denies", document(*denies))

    def denied(user: User) -> User:
        return replace(user, inline_policies=(*user.inline_policies, more)) if user.name == "me" else user

    return replace(account, users=tuple(map(denied, account.users)))


@pytest.mark.parametrize("names", [["new-administrator"], ["new-*", "*administrator"]])
def test_a_deny_on_a_few_new_names_hides_no_path(names: list[str]) -> None:
    path = next(path for path in NEW_PRINCIPALS if any(on is On.NEW_USER for _, on in path.steps))
    denied = deny("iam:*", [f"arn:aws:iam::*:user/{name}" for name in names])
    assert found_for(hiding(path, denied)) is not None
    assert found_for(hiding(path, deny("iam:*", "arn:aws:iam::*:user/*"))) is None


def test_a_new_user_may_have_to_be_of_a_pattern_of_names() -> None:
    path = next(path for path in NEW_PRINCIPALS if any(on is On.NEW_USER for _, on in path.steps))
    spares = {"Effect": "Deny", "Action": "iam:*", "NotResource": iam("user/dev-*")}
    assert found_for(hiding(path, spares)) is not None


def test_a_deny_on_one_strong_policy_hides_no_path() -> None:
    path = BY_ID["iam-008"]
    strong = "arn:aws:iam::aws:policy/AdministratorAccess"

    def condition(operator: str, *arns: str) -> dict[str, Any]:
        return deny("iam:AttachUserPolicy", "*", Condition={operator: {"iam:PolicyARN": list(arns)}})

    assert found_for(hiding(path, condition("ArnEquals", strong))) is not None
    assert found_for(hiding(path, condition("ArnNotEquals", "arn:aws:iam::aws:policy/ReadOnlyAccess"))) is None


@pytest.mark.slow
def test_the_work_grows_with_the_number_of_principals() -> None:
    def work(count: int) -> int:
        may = InlinePolicy("own", document(allow(["iam:PutUserPolicy", "iam:CreateAccessKey"])))
        users = tuple(
            User(f"u{n}", "/", iam(f"user/u{n}"), f"AIDAU{n}", None, inline_policies=(may,)) for n in range(count)
        )
        workspace = sample_workspace().with_account(Account(ID, users=users))
        calls = 0

        def counted(frame: object, event: str, argument: object) -> None:
            nonlocal calls
            calls += event == "call"

        before = sys.getprofile()
        sys.setprofile(counted)
        try:
            report = find_escalations(workspace)
        finally:
            sys.setprofile(before)
        assert len(report.escalations) == count
        return calls

    work(10)
    assert work(400) < 3 * work(200)


def test_a_cancelled_search_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    may = InlinePolicy("own", document(allow(["iam:CreateAccessKey", "iam:PutUserPolicy", "iam:AddUserToGroup"])))
    users = tuple(
        User(f"u{n}", "/", iam(f"user/u{n}"), f"AIDAU{n}", None, inline_policies=(may,), boundary_arn=ADMIN_ARN)
        for n in range(150)
    )
    workspace = sample_workspace().with_account(Account(ID, users=(*users, BOSS), policies=(ADMINISTRATOR,)))
    narrowed, steps = Rights.narrowed, 0

    def counted(*given: Any, **named: Any) -> int:
        nonlocal steps
        steps += 1
        return narrowed(*given, **named)

    def steps_after(looks: int) -> int:
        """How much is still asked of the index when the search is cancelled at a look."""
        left = looks

        def cancelled() -> bool:
            nonlocal left, steps
            left -= 1
            steps = 0 if left == 0 else steps
            return left <= 0

        workspace.account.memo.clear()
        find_escalations(workspace, cancelled)
        return steps if left <= 0 else -1

    monkeypatch.setattr(Rights, "narrowed", counted)
    after = list(takewhile(lambda one: one >= 0, (steps_after(2**power) for power in count())))
    assert len(after) > 8
    assert max(after) < len(users)
