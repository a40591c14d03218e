"""IAM explained in place: what a thing is, and what it means in its account."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iamtui.account.model import AccessKey, Account, Entity, IdentityProvider, InstanceProfile, Known
from iamtui.tui.main.inventory import Kind
from iamtui.workspace.source.explained import EntityExplanation, explained, explained_kind
from tests.support.sample_account import BOUNDARY, iam, sample_account, trust

ACCOUNT = sample_account()


def of(entity: Entity | None, account: Account = ACCOUNT) -> tuple[EntityExplanation, str]:
    assert entity is not None
    found = explained(account, entity)
    return found, " ".join(found.here)


@pytest.mark.parametrize("entity", list(ACCOUNT.entities()), ids=lambda entity: entity.name)
def test_everything_has_a_short_explanation_in_whole_sentences(entity: Entity) -> None:
    found, _ = of(entity)
    assert found.title
    assert 1 <= len(found.general) <= 5
    assert found.here
    assert all(sentence.endswith((".", "`.")) for sentence in (*found.general, *found.here))


@pytest.mark.parametrize("kind", Kind)
def test_every_branch_of_the_tree_is_explained_with_what_the_account_has_of_it(kind: Kind) -> None:
    found = explained_kind(ACCOUNT, kind)
    assert found is not None
    assert found.title
    assert 1 <= len(found.general) <= 5
    assert found.here
    assert all(sentence.endswith((".", "`.", ").")) for sentence in (*found.general, *found.here))
    assert all(sentence[0].isupper() or sentence[0].isdigit() for sentence in found.here)
    empty = explained_kind(Account(id="123456789012"), kind)
    assert empty is not None
    assert empty.here


def test_users_and_roles_are_counted_by_what_they_are() -> None:
    users = explained_kind(ACCOUNT, "users")
    roles = explained_kind(ACCOUNT, "roles")
    assert users is not None
    assert roles is not None
    assert f"{len(ACCOUNT.users)} users: " in users.here[0]
    assert f"{len(ACCOUNT.roles)} roles: " in roles.here[0]
    trusting = sum("amazonaws.com" in role.trust.text for role in ACCOUNT.roles)
    assert f"{trusting} trust services" in roles.here[0]


def test_a_role_of_instances_tells_how_they_come_by_its_credentials() -> None:
    role = ACCOUNT.role("web-server")
    assert role is not None
    _, without = of(role, replace(ACCOUNT, instance_profiles=()))
    assert "Its trust policy names ec2.amazonaws.com" in without
    assert "no instance profile that is loaded has it" in without
    profile = InstanceProfile("web", "/", iam("instance-profile/web"), "AIPAWEB", None, roles=("web-server",))
    account = replace(ACCOUNT, instance_profiles=(profile,))
    for entity in (role, profile):
        _, here = of(entity, account)
        assert "http://169.254.169.254/latest/meta-data/iam/security-credentials/web-server" in here
        assert "end after some 6 hours" in here
        assert "`iamtui serve web-server --imds`" in here


def test_a_role_names_whom_it_trusts_and_how_long_it_lasts() -> None:
    _, here = of(ACCOUNT.role("deploy-prod"))
    assert "user/alice, user/automation/ci-deploy: the credentials come by sts:AssumeRole" in here
    assert "lasts up to 2 hours" in here
    assert "role chaining" not in here
    _, federated = of(ACCOUNT.role("github-actions"))
    assert "by federation" in federated
    role = ACCOUNT.role("web-server")
    assert role is not None
    chained = replace(role, trust=trust({"AWS": [iam("role/deploy-prod"), iam("root"), "555566667777"]}))
    _, here = of(chained)
    assert "role/deploy-prod, this account as a whole, account 555566667777" in here
    assert "role chaining: the credentials last at most one hour" in here
    assert "How long a session may last is not known: not loaded." in here, "unknown is said as unknown"


def test_a_service_account_is_told_from_a_person_and_shown_the_better_way() -> None:
    carol = ACCOUNT.user("carol")
    assert carol is not None
    keys: Known[tuple[AccessKey, ...]] = Known((AccessKey("AKIACAROL00000000001", "Active", None),))
    found, here = of(replace(carol, access_keys=keys, login_profile=Known(None)))
    assert found.title == "A service account"
    assert "`iamtui role-for user/carol` drafts one" in here
    found, here = of(ACCOUNT.user("alice"))
    assert found.title == "A user"
    assert "2 access keys, 1 of them active" in here
    assert "role-for" not in here
    _, here = of(ACCOUNT.user("ci-deploy"))
    assert "Whether it has access keys is not known: access denied (needs iam:ListAccessKeys)." in here


def test_a_policy_says_where_it_has_effect_and_a_boundary_what_it_is() -> None:
    _, here = of(BOUNDARY)
    assert "It is the boundary of user/bob, role/lambda-thumbnails." in here
    assert "grants nothing by itself" in here
    _, here = of(ACCOUNT.user("bob"))
    assert "Its boundary is policy/developer-boundary." in here


def test_a_provider_says_which_roles_trust_it() -> None:
    arn = iam("oidc-provider/token.actions.githubusercontent.com")
    _, here = of(IdentityProvider(arn, "OIDC", "token.actions.githubusercontent.com"))
    assert here == "The trust policies of 1 role name it: role/github-actions."
