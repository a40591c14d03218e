"""A small account, and decisions as the engine makes them, for tests of panels and dialogs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from iamtui.account.model import (
    Account,
    AttachedPolicy,
    Group,
    InlinePolicy,
    Known,
    ManagedPolicy,
    PolicyVersion,
    ResourcePolicy,
    Role,
    User,
)
from iamtui.engine.decision import (
    Decision,
    Layer,
    LayerReport,
    LayerState,
    Outcome,
    Reason,
    ResourceScope,
    StatementRef,
)
from iamtui.engine.request import Principal, PrincipalKind, Request
from iamtui.policy.context import And, ConditionLeaf, Source
from iamtui.policy.document import PolicyDocument
from iamtui.questions.answers import Answer, Cell, worst_first
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace

ACCOUNT = "123456789012"
CREATED = datetime(2025, 3, 1, tzinfo=UTC)

READ_LAKE = PolicyDocument.of(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ReadLake",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:ListBucket"],
                "Resource": ["arn:aws:s3:::data-lake", "arn:aws:s3:::data-lake/*"],
            },
            {"Sid": "NoDelete", "Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"},
        ],
    }
)
TRUST = PolicyDocument.of(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def small_account() -> Account:
    """Two users, a group, a role and a managed policy of one account, with one bucket policy."""
    policy_arn = f"arn:aws:iam::{ACCOUNT}:policy/data-lake-read"
    return Account(
        id=ACCOUNT,
        alias=Known("prod"),
        caller_arn=Known(f"arn:aws:iam::{ACCOUNT}:user/alice"),
        users=(
            User("alice", "/", f"arn:aws:iam::{ACCOUNT}:user/alice", "AIDAALICE", CREATED, groups=("developers",)),
            User("bob", "/", f"arn:aws:iam::{ACCOUNT}:user/bob", "AIDABOB", CREATED),
        ),
        groups=(Group("developers", "/", f"arn:aws:iam::{ACCOUNT}:group/developers", "AGPADEV", CREATED),),
        roles=(
            Role(
                "deploy-prod",
                "/",
                f"arn:aws:iam::{ACCOUNT}:role/deploy-prod",
                "AROADEPLOY",
                CREATED,
                TRUST,
                inline_policies=(InlinePolicy("inline", READ_LAKE),),
                attached_policies=(AttachedPolicy("data-lake-read", policy_arn),),
                max_session_seconds=Known(7200),
            ),
        ),
        policies=(
            ManagedPolicy(
                "data-lake-read",
                "/",
                policy_arn,
                "ANPALAKE",
                CREATED,
                versions=(PolicyVersion("v1", READ_LAKE, is_default=True),),
            ),
        ),
        resource_policies={"arn:aws:s3:::data-lake": ResourcePolicy("none")},
    )


def small_workspace() -> Workspace:
    """The small account as a snapshot."""
    return Workspace(small_account(), SourceInfo(SourceKind.SNAPSHOT, "small.json", region="eu-west-1"))


def role_principal(name: str = "deploy-prod") -> Principal:
    """A role of the small account as a caller."""
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    return Principal(PrincipalKind.ROLE, arn, ACCOUNT, role_arn=arn, credentials="temporary")


def user_principal(name: str = "alice") -> Principal:
    """A user of the small account as a caller."""
    return Principal(PrincipalKind.USER, f"arn:aws:iam::{ACCOUNT}:user/{name}", ACCOUNT, credentials="long_term")


def statement(layer: Layer = Layer.IDENTITY, effect: str = "Allow", sid: str | None = "ReadLake") -> StatementRef:
    """A statement of data-lake-read."""
    lines = (4, 15) if effect == "Allow" else (16, 21)
    arn = f"arn:aws:iam::{ACCOUNT}:policy/data-lake-read"
    return StatementRef(layer, effect, arn, sid, 0 if effect == "Allow" else 1, lines)


def layers(**states: tuple[LayerState, str]) -> tuple[LayerReport, ...]:
    """All layers in order; those not named do not apply."""
    return tuple(
        LayerReport(layer, *states.get(layer.value, (LayerState.NOT_APPLICABLE, "there is none"))) for layer in Layer
    )


def request(
    principal: Principal | None = None, action: str = "s3:GetObject", resource: str = "arn:aws:s3:::data-lake/x"
) -> Request:
    """A request of the small account."""
    return Request(principal or role_principal(), action, resource)


_SCP_MISSING = (LayerState.NOT_EVALUATED, "the organization was not loaded (organizations:ListPolicies)")
_IDENTITY_ALLOWS = (LayerState.ALLOWS, "ReadLake in data-lake-read allows s3:GetObject")


def allowed(**changes: object) -> Decision:
    """Allowed by the identity policy, SCPs not loaded."""
    values: dict[str, object] = {
        "request": request(),
        "outcome": Outcome.ALLOWED,
        "layers": layers(identity=_IDENTITY_ALLOWS, scp=_SCP_MISSING),
        "matched": (statement(),),
        "complete": False,
        "assumptions": ("aws:SecureTransport = true",),
    }
    return Decision(**(values | changes))  # type: ignore[arg-type]


def allowed_fully() -> Decision:
    """Allowed, every layer evaluated."""
    scp = (LayerState.ALLOWS, "FullAWSAccess allows it at every level")
    return allowed(layers=layers(identity=_IDENTITY_ALLOWS, scp=scp), complete=True)


def allowed_on_some() -> Decision:
    """Allowed for a part of the pattern that was asked about."""
    return allowed(resource_scope=ResourceScope.SOME, allowed_resources=("arn:aws:s3:::data-lake/*",), complete=False)


def denied() -> Decision:
    """Denied by an explicit Deny."""
    ref = statement(effect="Deny", sid="NoDelete")
    return Decision(
        request(action="s3:DeleteObject"),
        Outcome.EXPLICIT_DENY,
        layers(identity=(LayerState.DENIES, "NoDelete in data-lake-read denies s3:Delete*"), scp=_SCP_MISSING),
        blocked_by=(Layer.IDENTITY,),
        reasons=(Reason(Layer.IDENTITY, "explicit", statements=(ref,)),),
        matched=(ref,),
        complete=False,
    )


def not_allowed() -> Decision:
    """Denied because nothing allows it."""
    return Decision(
        request(action="iam:CreateUser", resource="*"),
        Outcome.IMPLICIT_DENY,
        layers(identity=(LayerState.SILENT, "none of 2 policies allows iam:CreateUser"), scp=_SCP_MISSING),
        blocked_by=(Layer.IDENTITY,),
        reasons=(Reason(Layer.IDENTITY, "implicit"),),
        complete=False,
    )


def depends() -> Decision:
    """Allowed with MFA, from a network."""
    source = Source("identity", "data-lake-read", 0, "Allow")
    return Decision(
        request(),
        Outcome.DEPENDS,
        layers(identity=(LayerState.ALLOWS, "ReadLake allows it, if its conditions hold"), scp=_SCP_MISSING),
        matched=(statement(),),
        depends_on=And(
            (
                ConditionLeaf("Bool", "aws:MultiFactorAuthPresent", ("true",), source=source),
                ConditionLeaf("IpAddress", "aws:SourceIp", ("203.0.113.0/24",), source=source),
            )
        ),
        missing_context=("aws:MultiFactorAuthPresent", "aws:SourceIp"),
        complete=False,
    )


ACTIONS = (
    "iam:CreateUser",
    "iam:PassRole",
    "s3:DeleteObject",
    "s3:GetBucketPolicy",
    "s3:GetObject",
    "s3:GetObjectAcl",
    "s3:ListBucket",
    "s3:PutObject",
    "sts:AssumeRole",
)


class FewActions:
    """A catalogue of a handful of actions."""

    def search(self, text: str, limit: int) -> list[str]:
        """Actions that hold the text."""
        return [action for action in ACTIONS if text.lower() in action.lower()][:limit]

    def described(self, action: str) -> tuple[str, str]:
        """Reading or writing, by the operation's first word."""
        word = action.partition(":")[2]
        level = "Read" if word.startswith("Get") else "List" if word.startswith("List") else "Write"
        return level, f"{word} of {action.partition(':')[0]}"

    def known(self, action: str) -> bool:
        """Whether it is one of them, or a pattern."""
        return action in ACTIONS or "*" in action

    def arn_forms(self, action: str) -> list[str] | None:
        """S3 has one form, creating a user works on no resource, of others nothing is known."""
        if action == "iam:CreateUser":
            return []
        return ["arn:${Partition}:s3:::${BucketName}/${ObjectName}"] if action.startswith("s3:") else None

    def condition_keys(self, action: str) -> list[str]:
        """Two keys of S3."""
        return ["s3:prefix", "s3:ExistingObjectTag/<key>"] if action.startswith("s3:") else []


Answers = Mapping[str, Callable[[], Decision]]

BY_ACTION: Answers = {
    "s3:GetObject": allowed,
    "s3:GetObjectAcl": depends,
    "s3:DeleteObject": denied,
    "iam:CreateUser": not_allowed,
    "s3:ListBucket": allowed_on_some,
}


def canned_matrix(
    _workspace: Workspace,
    principal: Principal,
    question_matrix: QuestionMatrix,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    now: datetime | None = None,
) -> Answer | None:
    """Answer every pair by its action alone, in the place of the engine."""
    assert now is None or now.tzinfo is not None
    if cancelled():
        return None
    return answer_of(
        principal, question_matrix, [canned_answer(_workspace, principal, one) for one in question_matrix.questions()]
    )


def answer_of(principal: Principal, question_matrix: QuestionMatrix, decisions: Sequence[Decision]) -> Answer:
    """An answer with these decisions, in the order of the matrix's questions."""
    cells = tuple(
        Cell(question, "", decision, (), decision)
        for question, decision in zip(question_matrix.questions(), decisions, strict=True)
    )
    return Answer(question_matrix, principal, cells, worst_first(cells)[0])


def canned_answer(_workspace: Workspace, _principal: Principal, question: Question) -> Decision:
    """Answer by the action alone, in the place of the engine."""
    return BY_ACTION.get(question.action, not_allowed)()
