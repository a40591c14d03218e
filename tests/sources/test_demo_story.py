"""What the demo's policies mean, read out of them by a person: who may do what, and which statement says so."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from iamtui.account.model import Known
from iamtui.engine.decision import Decision, Layer, Outcome, ResourceScope
from iamtui.lint.check_document import DocumentKind, findings
from iamtui.lint.subject import Level
from iamtui.policy.context import ConditionLeaf, leaves
from iamtui.policy.document import PolicyDocument
from iamtui.questions.question import Question
from iamtui.sources.demo import DEMO_REGION, load_demo_account
from iamtui.workspace.ask.questions import ask
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace

WORKSPACE = Workspace(load_demo_account(), SourceInfo(SourceKind.DEMO, "DEMO", region=DEMO_REGION))

LAKE = "arn:aws:s3:::puffin-data-lake"
ROLE = "arn:aws:iam::111122223333:role/"
POLICY = "arn:aws:iam::111122223333:policy/"
KEYS = {
    known.document.policy.id: arn
    for arn, known in WORKSPACE.account.resource_policies.items()
    if ":kms:" in arn and known.document
}
PAYMENTS_KEY = KEYS["payments-key"]
LAKE_KEY = next(
    arn
    for arn, known in WORKSPACE.account.resource_policies.items()
    if ":kms:" in arn and known.document and "777788889999" in known.document.source_text
)
PAYMENTS_SECRET = next(arn for arn in WORKSPACE.account.resource_policies if ":secretsmanager:" in arn)
NOTEBOOK = "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/try"
MFA = {"aws:MultiFactorAuthPresent": ("true",)}
OFFICE = {"aws:SourceIp": ("203.0.113.9",)}

ALLOWED, DEPENDS = Outcome.ALLOWED, Outcome.DEPENDS
NO_ALLOW, DENIED = Outcome.IMPLICIT_DENY, Outcome.EXPLICIT_DENY


@dataclass(frozen=True)
class Answer:
    """One question and its answer.

    `layer` and `sid`: for ALLOWED the statement that grants, for DENIED the one that denies; for NO_ALLOW the layer
    that is silent. `key`: for DEPENDS the condition key that it hangs on.
    """

    who: str
    action: str
    resource: str
    outcome: Outcome
    layer: Layer | None = None
    sid: str = ""
    key: str = ""
    context: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        extra = "+".join(self.context)
        return f"{self.who} {self.action} {self.resource.rpartition(':')[2]} {extra} {self.outcome}"


ANSWERS = (
    # deploy-prod reads one corner of the data lake, and nothing else of it.
    Answer("deploy-prod", "s3:GetObject", f"{LAKE}/smoke-tests/latest.json", ALLOWED, Layer.IDENTITY, "ReadSmokeTests"),
    Answer("deploy-prod", "s3:GetObject", f"{LAKE}/raw/2026/11/23.parquet", NO_ALLOW, Layer.IDENTITY),
    Answer(
        "deploy-prod",
        "s3:DeleteObject",
        f"{LAKE}/smoke-tests/latest.json",
        DENIED,
        Layer.RESOURCE,
        "NobodyDeletesButTheLakeTeam",
    ),
    Answer("deploy-prod", "kms:Decrypt", LAKE_KEY, DEPENDS, key="kms:ViaService"),
    Answer(
        "deploy-prod",
        "kms:Decrypt",
        LAKE_KEY,
        ALLOWED,
        Layer.IDENTITY,
        "DecryptThroughS3",
        context={"kms:ViaService": ("s3.eu-west-1.amazonaws.com",)},
    ),
    # The roles the caller may, and may not, switch to.
    Answer("maya.okafor", "sts:AssumeRole", f"{ROLE}ops-readonly", ALLOWED, Layer.IDENTITY, "SwitchToPlatformRoles"),
    Answer("maya.okafor", "sts:AssumeRole", f"{ROLE}deploy-prod", DEPENDS, key="aws:MultiFactorAuthPresent"),
    Answer(
        "maya.okafor", "sts:AssumeRole", f"{ROLE}deploy-prod", ALLOWED, Layer.RESOURCE, "EngineersWithMfa", context=MFA
    ),
    Answer("maya.okafor", "sts:AssumeRole", f"{ROLE}external/skylark-cost-reader", DEPENDS, key="sts:ExternalId"),
    Answer(
        "maya.okafor",
        "sts:AssumeRole",
        f"{ROLE}external/skylark-cost-reader",
        ALLOWED,
        Layer.RESOURCE,
        "SkylarkAndTheEngineerWhoSetItUp",
        context={"sts:ExternalId": ("puffin-parcel-4471",)},
    ),
    Answer(
        "maya.okafor",
        "sts:AssumeRole",
        f"{ROLE}external/skylark-cost-reader",
        NO_ALLOW,
        Layer.RESOURCE,
        context={"sts:ExternalId": ("puffin-parcel-0000",)},
    ),
    Answer("maya.okafor", "sts:AssumeRole", f"{ROLE}payments/payments-oncall", NO_ALLOW, Layer.RESOURCE),
    Answer("maya.okafor", "sts:AssumeRole", f"{ROLE}data/data-engineer", NO_ALLOW, Layer.IDENTITY),
    Answer(
        "maya.okafor", "sts:AssumeRole", f"{ROLE}admin/break-glass-admin", DENIED, Layer.IDENTITY, "NeverBreakGlass"
    ),
    # A trust policy that names the user needs nothing from the user's own policies.
    Answer(
        "ines.duarte",
        "sts:AssumeRole",
        f"{ROLE}payments/payments-oncall",
        ALLOWED,
        Layer.RESOURCE,
        "PaymentsTeamWithMfa",
        context=MFA,
    ),
    # Administrators meet key policies, resource policies and SCPs.
    Answer("astrid.nilsen", "kms:Decrypt", PAYMENTS_KEY, NO_ALLOW, Layer.RESOURCE),
    Answer("payments-oncall", "kms:Decrypt", PAYMENTS_KEY, ALLOWED, Layer.RESOURCE, "Use"),
    Answer(
        "astrid.nilsen",
        "secretsmanager:GetSecretValue",
        PAYMENTS_SECRET,
        DENIED,
        Layer.RESOURCE,
        "OnlyThePaymentsRoles",
    ),
    Answer(
        "payments-oncall",
        "secretsmanager:GetSecretValue",
        PAYMENTS_SECRET,
        ALLOWED,
        Layer.IDENTITY,
        "ReadPaymentSecret",
    ),
    Answer("root", "s3:ListAllMyBuckets", "*", DENIED, Layer.SCP, "NoRootUser"),
    # The account's SCP allows a list of services; SageMaker is not on it.
    Answer(
        "data-engineer",
        "sagemaker:CreateNotebookInstance",
        NOTEBOOK,
        NO_ALLOW,
        Layer.SCP,
    ),
    # Boundaries.
    Answer("developer-sandbox", "sqs:CreateQueue", "arn:aws:sqs:eu-west-1:111122223333:try", NO_ALLOW, Layer.BOUNDARY),
    Answer(
        "developer-sandbox",
        "sqs:CreateQueue",
        "arn:aws:sqs:eu-north-1:111122223333:try",
        ALLOWED,
        Layer.BOUNDARY,
        "AnythingInSecondRegion",
    ),
    Answer(
        "aoife.brennan",
        "lambda:CreateFunction",
        "arn:aws:lambda:eu-west-1:111122223333:function:try",
        NO_ALLOW,
        Layer.BOUNDARY,
    ),
    Answer(
        "svc-lake-loader", "s3:PutObject", f"{LAKE}/raw/today.json", ALLOWED, Layer.BOUNDARY, "EverythingButIdentity"
    ),
    # Three ways up that nobody meant to open.
    Answer(
        "clara.moreau",
        "iam:CreatePolicyVersion",
        f"{POLICY}engineering/release-tools",
        ALLOWED,
        Layer.IDENTITY,
        "MaintainPolicies",
    ),
    Answer(
        "lucy.whitfield",
        "iam:PassRole",
        f"{ROLE}nightly-maintenance",
        ALLOWED,
        Layer.IDENTITY,
        "PassFunctionRole",
        context={"iam:PassedToService": ("lambda.amazonaws.com",)},
    ),
    Answer(
        "lucy.whitfield",
        "lambda:CreateFunction",
        "arn:aws:lambda:eu-west-1:111122223333:function:ladder",
        ALLOWED,
        Layer.IDENTITY,
        "DevelopFunctions",
    ),
    Answer(
        "jonas.berg",
        "iam:UpdateAssumeRolePolicy",
        f"{ROLE}nightly-maintenance",
        ALLOWED,
        Layer.IDENTITY,
        "RepairTrustPolicies",
    ),
    Answer("jonas.berg", "iam:UpdateAssumeRolePolicy", f"{ROLE}admin/break-glass-admin", NO_ALLOW, Layer.IDENTITY),
    # Delegation done right, and attributes.
    Answer("tomasz.zielinski", "iam:CreateRole", f"{ROLE}apps/new-service", DEPENDS, key="iam:PermissionsBoundary"),
    Answer(
        "samir.haddad",
        "ec2:StopInstances",
        "arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0",
        ALLOWED,
        Layer.IDENTITY,
        "OperateOwnTeam",
        context={"aws:ResourceTag/team": ("tracking",)},
    ),
    Answer(
        "samir.haddad",
        "ec2:StopInstances",
        "arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0",
        NO_ALLOW,
        Layer.IDENTITY,
        context={"aws:ResourceTag/team": ("routing",)},
    ),
    # Guardrails for people: MFA, and the office.
    Answer(
        "helen.sorensen",
        "s3:GetObject",
        "arn:aws:s3:::puffin-customer-invoices/archive/2024/0001.pdf",
        DEPENDS,
        key="aws:MultiFactorAuthPresent",
        context=OFFICE,
    ),
    Answer(
        "helen.sorensen",
        "s3:GetObject",
        "arn:aws:s3:::puffin-customer-invoices/archive/2024/0001.pdf",
        ALLOWED,
        Layer.IDENTITY,
        "ReadInvoices",
        context=OFFICE | MFA,
    ),
    Answer(
        "helen.sorensen",
        "s3:GetObject",
        "arn:aws:s3:::puffin-customer-invoices/archive/2024/0001.pdf",
        DENIED,
        Layer.IDENTITY,
        "DenyOutsideOffice",
        context={"aws:SourceIp": ("192.0.2.1",)} | MFA,
    ),
    Answer("ops-readonly", "s3:GetObject", f"{LAKE}/curated/eta.parquet", DENIED, Layer.IDENTITY, "NoData"),
    Answer(
        "terraform-apply",
        "iam:CreatePolicyVersion",
        f"{POLICY}boundaries/workload-boundary",
        DENIED,
        Layer.IDENTITY,
        "NotTheGuardrails",
    ),
    # The world: a bucket policy lets it in, an RCP does not.
    Answer(
        "anonymous",
        "s3:GetObject",
        "arn:aws:s3:::puffin-tracking-site/index.html",
        DENIED,
        Layer.RCP,
        "OnlyOurOrganizationAndPartners",
        context={"aws:PrincipalOrgID": ()},
    ),
)


def answer(question: Answer) -> Decision:
    principal = resolve_principal(WORKSPACE, question.who)
    return ask(WORKSPACE, principal, Question(question.action, question.resource, question.context))


@pytest.mark.parametrize("expected", ANSWERS, ids=str)
def test_the_policies_mean_what_the_story_says(expected):
    decision = answer(expected)
    assert decision.outcome is expected.outcome
    if expected.outcome is ALLOWED:
        granting = [ref.sid for ref in decision.matched if ref.effect == "Allow" and ref.layer is expected.layer]
        assert expected.sid in granting
    elif expected.outcome is DENIED:
        denying = [s.sid for reason in decision.reasons if reason.layer is expected.layer for s in reason.statements]
        assert expected.sid in denying
    elif expected.outcome is NO_ALLOW:
        assert expected.layer in [reason.layer for reason in decision.reasons if reason.kind == "implicit"]
    else:
        assert decision.depends_on is not None
        keys = [leaf.key for leaf in leaves(decision.depends_on) if isinstance(leaf, ConditionLeaf)]
        assert keys == [expected.key]


def test_deploy_prod_reads_only_some_of_the_lake():
    decision = answer(Answer("deploy-prod", "s3:GetObject", f"{LAKE}/*", ALLOWED))
    assert decision.outcome is ALLOWED
    assert decision.resource_scope is ResourceScope.SOME
    assert decision.allowed_resources == (f"{LAKE}/smoke-tests/*",)


def test_an_unreadable_bucket_policy_leaves_the_answer_incomplete():
    decision = answer(Answer("astrid.nilsen", "s3:GetObject", "arn:aws:s3:::puffin-hr-exports/2026.csv", ALLOWED))
    assert decision.outcome is ALLOWED
    assert not decision.complete
    assert Layer.RESOURCE in decision.not_evaluated


def test_the_public_access_block_shuts_the_world_out_of_the_public_bucket():
    decision = answer(Answer("anonymous", "s3:GetObject", "arn:aws:s3:::puffin-tracking-site/index.html", DENIED))
    assert decision.outcome is DENIED
    assert Layer.BLOCK_PUBLIC_ACCESS in decision.blocked_by


def test_the_account_level_is_the_one_without_sagemaker():
    decision = answer(
        Answer(
            "data-engineer",
            "sagemaker:CreateNotebookInstance",
            NOTEBOOK,
            NO_ALLOW,
        )
    )
    assert [(r.level, r.level_name) for r in decision.reasons if r.layer is Layer.SCP] == [(3, "puffin-prod")]


def documents() -> list[tuple[str, PolicyDocument, DocumentKind]]:
    """The documents that the company wrote, and what each is."""
    account = WORKSPACE.account
    found = [(role.arn, role.trust, DocumentKind.TRUST) for role in account.roles]
    for holder in (*account.users, *account.groups, *account.roles):
        found += [(holder.arn, inline.document, DocumentKind.IDENTITY) for inline in holder.inline_policies]
    for policy in account.policies:
        if not policy.aws_managed:
            kind = DocumentKind.BOUNDARY if account.bounded_by(policy.arn) else DocumentKind.IDENTITY
            found += [(policy.arn, version.document, kind) for version in policy.versions]
    for arn, known in account.resource_policies.items():
        if known.document is not None:
            found.append((arn, known.document, DocumentKind.RESOURCE))
    assert isinstance(account.organization, Known)
    assert account.organization.value is not None
    for level in account.organization.value.path:
        for fact, kind in ((level.scps, DocumentKind.SCP), (level.rcps, DocumentKind.RCP)):
            assert isinstance(fact, Known)
            found += [(policy.name, policy.document, kind) for policy in fact.value]
    return found


def test_aws_would_accept_every_document():
    refused = [
        (name, finding.message)
        for name, document, kind in documents()
        for finding in findings(document, kind, account=WORKSPACE.account.id)
        if finding.level is Level.ERROR
    ]
    assert refused == []


def test_some_documents_have_the_faults_that_people_make():
    codes = {
        finding.code
        for _, document, kind in documents()
        for finding in findings(document, kind, account="111122223333")
    }
    assert {"pass-role-on-star", "public", "third-party-without-external-id", "allow-not-resource"} <= codes
