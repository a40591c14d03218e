"""Edits that delete what is not used: users, roles, policies, access keys, console passwords."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from iamtui.account.model import Account, Known, Missing, Role, User
from iamtui.drafts.aws_values import (
    ACCESS_KEY_ID,
    MFA_SERIAL,
    NAME,
    POLICY_ARN,
    VERSION_ID,
    entity_name,
    iam_kind_and_name,
    policy_name,
)
from iamtui.drafts.edits.base import (
    AccessKeyId,
    AccountAfterEdits,
    BaseEdit,
    OwnPolicyArn,
    RoleArn,
    TerraformBlocks,
    UserArn,
    call,
    folder,
    option,
)
from iamtui.drafts.ledger import Ledger, Misfit, not_there
from iamtui.policy.document import PolicyDocument
from iamtui.text import first_names, safe_text


class _Deletion(BaseEdit, frozen=True):
    """An edit that deletes a user or role, with the policies that it has."""

    cli_phase = 5

    @property
    def deletes(self) -> str:
        return self.subject[1]

    @property
    def detachment(self) -> str:
        return f"{entity_name(self.deletes)} is gone"

    def changes_nothing(self, current: AccountAfterEdits) -> bool:
        return current.account.by_arn(self.deletes) is None

    def delete(self, ledger: Ledger, entity: User | Role) -> None:
        """Take it out of the account.

        Raises:
            Misfit: an edit of the draft made it.
        """
        if ledger.base.by_arn(entity.arn) is None:
            who = safe_text(entity_name(entity.arn))
            raise Misfit(f"{who} is made by an edit of this draft", "Take that edit out instead.")
        for attached in entity.attached_policies:
            ledger.count(attached.arn, attachments=-1)
        if entity.boundary_arn is not None:
            ledger.count(entity.boundary_arn, boundaries=-1)
        ledger.remove(entity)

    def stripped(self, entity: User | Role) -> Iterator[list[str]]:
        """The calls without which AWS refuses to delete it: its policies go first."""
        kind, name = iam_kind_and_name(entity.arn)
        who = option(f"--{kind}-name", name)
        for attached in entity.attached_policies:
            policy = option("--policy-arn", POLICY_ARN.checked(attached.arn))
            yield call(("iam", f"detach-{kind}-policy", who, policy))
        for inline in entity.inline_policies:
            yield call(("iam", f"delete-{kind}-policy", who, option("--policy-name", NAME.checked(inline.name))))

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        kind, name = iam_kind_and_name(self.deletes)
        yield blocks.removal(f"Delete {kind} {name} and what it has", f"aws_iam_{kind}", (name,), name)


class DeleteRole(_Deletion, frozen=True):
    """Delete a role."""

    role_arn: RoleArn
    says = "delete {role}"
    commands = (("delete-role",),)
    subject_parts = ("role", "role_arn")

    def apply(self, ledger: Ledger) -> None:
        self.delete(ledger, ledger.role(self.role_arn))

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        role = before.by_arn(self.role_arn)
        assert isinstance(role, Role), "a role that is not there does not fit the account"
        name = option("--role-name", NAME.checked(role.name))
        yield from self.stripped(role)
        for profile in before.instance_profiles:
            if role.name in profile.roles:
                profile_name = option("--instance-profile-name", NAME.checked(profile.name))
                yield call(("iam", "remove-role-from-instance-profile", profile_name, name))
        yield call(("iam", "delete-role", name))


class DeleteUser(_Deletion, frozen=True):
    """Delete a user."""

    user_arn: UserArn
    says = "delete {user}"
    commands = (("delete-user",),)
    subject_parts = ("user", "user_arn")

    def apply(self, ledger: Ledger) -> None:
        advice = "Correct its ARN, or take the edit out if it has been made already."
        self.delete(ledger, ledger.user(self.user_arn, advice))

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        user = before.by_arn(self.user_arn)
        assert isinstance(user, User), "a user who is not there does not fit the account"
        user = before.with_report(user)
        name = option("--user-name", NAME.checked(user.name))
        yield from self.stripped(user)
        for group in user.groups:
            yield call(("iam", "remove-user-from-group", name, option("--group-name", NAME.checked(group))))
        for key in user.access_keys.value_or(()):
            yield _key_deletion(user.name, key.id)
        for device in user.mfa_devices.value_or(()):
            serial = option("--serial-number", MFA_SERIAL.checked(device.serial))
            yield call(("iam", "deactivate-mfa-device", name, serial))
        if user.login_profile.value_or(None) is not None:
            yield _password_deletion(user.name)
        facts = (user.access_keys, user.mfa_devices, user.login_profile)
        unknown = any(isinstance(fact, Missing) for fact in facts)
        remark = (
            f"AWS refuses while the user has {'access keys, MFA devices, a password, ' if unknown else ''}SSH keys, "
            "signing certificates or service-specific credentials: delete those first."
        )
        yield call(("iam", "delete-user", name), remarks=(remark,))


class DeleteAccessKey(BaseEdit, frozen=True):
    """Delete an access key of a user."""

    user_arn: UserArn
    access_key: AccessKeyId
    says = "delete the access key {access_key} of {user}"
    commands = (("delete-access-key",),)
    cli_phase = 4
    subject_parts = ("access key", "user_arn", "access_key")

    def apply(self, ledger: Ledger) -> None:
        user = ledger.user(self.user_arn, "Only users have access keys; correct the ARN.")
        keys = user.access_keys
        if isinstance(keys, Missing):
            ledger.find("unknown", f"Which access keys {entity_name(user.arn)} has is not known.")
            return
        left = tuple(key for key in keys.value if key.id != self.access_key)
        if len(left) == len(keys.value):
            raise Misfit(
                f"{safe_text(entity_name(user.arn))} has no access key {safe_text(self.access_key, limit=160)}",
                not_there("Its access keys", (key.id for key in keys.value)),
            )
        ledger.put(replace(user, access_keys=Known(left)))

    def changes_nothing(self, current: AccountAfterEdits) -> bool:
        user = current.account.by_arn(self.user_arn)
        keys = user.access_keys if isinstance(user, User) else Known(())
        return isinstance(keys, Known) and all(key.id != self.access_key for key in keys.value)

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        yield _key_deletion(iam_kind_and_name(self.user_arn)[1], self.access_key)

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        user, key = iam_kind_and_name(self.user_arn)[1], ACCESS_KEY_ID.checked(self.access_key)
        yield blocks.removal(f"Delete the access key {key} of user {user}", "aws_iam_access_key", (user, key), key)


class DeleteLoginProfile(BaseEdit, frozen=True):
    """Delete the console password of a user, which AWS calls the login profile."""

    user_arn: UserArn
    says = "delete the console password of {user}"
    commands = (("delete-login-profile",),)
    cli_phase = 4
    subject_parts = ("console password", "user_arn")

    def apply(self, ledger: Ledger) -> None:
        user = ledger.base.with_report(
            ledger.user(self.user_arn, "Only users have console passwords; correct the ARN.")
        )
        if isinstance(user.login_profile, Missing):
            ledger.find("unknown", f"Whether {entity_name(user.arn)} has a console password is not known.")
            return
        if user.login_profile.value is None:
            raise Misfit(
                f"{safe_text(entity_name(user.arn))} has no console password",
                "Take the edit out if it has been made already.",
            )
        ledger.put(replace(user, login_profile=Known(None)))

    def changes_nothing(self, current: AccountAfterEdits) -> bool:
        user = current.account.by_arn(self.user_arn)
        return not isinstance(user, User) or current.account.with_report(user).login_profile == Known(None)

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        yield _password_deletion(iam_kind_and_name(self.user_arn)[1])

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        user = NAME.checked(iam_kind_and_name(self.user_arn)[1])
        yield blocks.removal(f"Delete the console password of user {user}", "aws_iam_user_login_profile", (user,), user)


class DeletePolicy(BaseEdit, frozen=True):
    """Delete a customer managed policy that nobody has."""

    policy_arn: OwnPolicyArn
    says = "delete the policy {policy}"
    commands = (("delete-policy",),)
    # Behind what detaches it, and what deletes those who have it.
    cli_phase = 6
    subject_parts = ("managed", "policy_arn")

    @property
    def diff_path(self) -> str:
        return f"{folder(self.policy_arn)}.json"

    def taken_away(self, current: AccountAfterEdits) -> PolicyDocument | None:
        return current.managed(self.policy_arn)

    def apply(self, ledger: Ledger) -> None:
        policy = ledger.policy(self.policy_arn)
        name = safe_text(policy_name(self.policy_arn))
        if policy is None or policy.aws_managed:
            shown = safe_text(self.policy_arn, limit=512) or "an empty text"
            raise Misfit(
                f"expected the ARN of a customer managed policy of account {ledger.base.id}, and {shown} is none",
                "Correct its ARN, or take the edit out if it has been made already.",
            )
        if ledger.base.policy(policy.arn) is None:
            raise Misfit(f"{name} is made by an edit of this draft", "Take that edit out instead.")
        having = first_names((entity_name(holder.arn) for holder in ledger.having(policy.arn)), 4)
        if having:
            raise Misfit(f"AWS refuses to delete {name} while somebody has it: {having}", "Take it from them first.")
        counts = policy.attachment_count, policy.boundary_count
        if any(isinstance(count, Missing) for count in counts):
            ledger.find("unknown", f"Whether others have {name}, with whom AWS refuses to delete it, is not known.")
        elif counts != (Known(0), Known(0)):
            ledger.find("refused", f"AWS refuses to delete {name}: it is attached to others than are loaded here.")
        ledger.remove(policy)

    def changes_nothing(self, current: AccountAfterEdits) -> bool:
        return current.account.policy(self.policy_arn) is None

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        policy = before.policy(self.policy_arn)
        assert policy is not None, "a policy that is not there does not fit the account"
        arn = option("--policy-arn", POLICY_ARN.checked(policy.arn))
        for version in policy.versions:
            if not version.is_default:
                version_id = option("--version-id", VERSION_ID.checked(version.id))
                yield call(("iam", "delete-policy-version", arn, version_id))
        yield call(("iam", "delete-policy", arn))

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        arn = POLICY_ARN.checked(self.policy_arn)
        name = policy_name(arn)
        yield blocks.removal(f"Delete the policy {name}", "aws_iam_policy", (name,), arn)


def _password_deletion(user: str) -> list[str]:
    return call(("iam", "delete-login-profile", option("--user-name", NAME.checked(user))))


def _key_deletion(user: str, key: str) -> list[str]:
    names = option("--user-name", NAME.checked(user)), option("--access-key-id", ACCESS_KEY_ID.checked(key))
    return call(("iam", "delete-access-key", *names))
