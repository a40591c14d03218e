"""What is wrong with the inputs of sts:AssumeRole, told apart by input, so that a form can say it where it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Final

from iamtui.secret import Secret
from iamtui.workspace.assume import assuming
from iamtui.workspace.assume.assuming import AssumeExtras, AssumeInput, AssumePlan, MfaWay


class InputName(StrEnum):
    """The inputs of sts:AssumeRole, as a person calls them."""

    ROLE = "role"
    SESSION_NAME = "session name"
    DURATION = "duration"
    EXTERNAL_ID = "external ID"
    MFA_DEVICE = "MFA device"
    MFA_CODE = "MFA code"
    POLICY = "session policy"
    POLICY_ARNS = "managed session policies"
    TAGS = "session tags"
    TRANSITIVE_TAGS = "transitive tags"
    SOURCE_IDENTITY = "source identity"


_SOME_ROLE: Final = "arn:aws:iam::000000000000:role/some-role"
_SOME_DEVICE: Final = "000000000"
_SHORTEST: Final = 900


def problems_by_input(plan: AssumePlan, entered: AssumeInput) -> Mapping[InputName, tuple[str, ...]]:
    """One sentence for everything that STS would refuse, under the input to be changed; empty when all is well.

    Every input is checked beside others that are certainly good, with `assuming.check_input`, so that a form cannot
    judge otherwise than the call does.
    """
    good = AssumeInput(entered.role_arn, "iamtui", _SHORTEST)
    if assuming.check_input(plan, good):
        good = replace(good, role_arn=_SOME_ROLE)
    given, none = entered.extras, AssumeExtras()
    has_mfa = entered.mfa_way is not MfaWay.REUSED and bool(entered.mfa_serial or entered.mfa_code)
    transitive = replace(none, tags=given.tags, transitive_tag_keys=given.transitive_tag_keys)
    checks = {
        InputName.ROLE: replace(good, role_arn=entered.role_arn),
        InputName.SESSION_NAME: replace(good, session_name=entered.session_name),
        InputName.DURATION: replace(good, duration_seconds=entered.duration_seconds),
        InputName.EXTERNAL_ID: replace(good, external_id=entered.external_id),
        InputName.MFA_DEVICE: replace(
            good, mfa_serial=entered.mfa_serial if has_mfa else "", mfa_code=Secret("000000") if has_mfa else None
        ),
        InputName.MFA_CODE: replace(good, mfa_serial=_SOME_DEVICE if has_mfa else "", mfa_code=entered.mfa_code),
        InputName.POLICY: replace(good, extras=replace(none, policy=given.policy, policy_arns=given.policy_arns)),
        InputName.POLICY_ARNS: replace(good, extras=replace(none, policy_arns=given.policy_arns)),
        InputName.TAGS: replace(good, extras=replace(none, tags=given.tags)),
        InputName.TRANSITIVE_TAGS: replace(good, extras=transitive),
        InputName.SOURCE_IDENTITY: replace(good, extras=replace(none, source_identity=given.source_identity)),
    }
    found = {name: assuming.check_input(plan, check) for name, check in checks.items()}
    # Those are checked together with what they belong to, whose own problems are said there.
    for name, other in ((InputName.TRANSITIVE_TAGS, InputName.TAGS), (InputName.POLICY, InputName.POLICY_ARNS)):
        found[name] = tuple(sentence for sentence in found[name] if sentence not in found[other])
    return {name: problems for name, problems in found.items() if problems}
