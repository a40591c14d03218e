"""Privilege-escalation paths by their public ids: what each needs, on what, and what it gains.

Ids and permissions: pathfinding.cloud (data under Apache-2.0; the page of a path is its id under /paths/), but for
those that are named by words, which have no id there. A path made of two has both ids.

A path goes into CHANGES (rights of oneself), NEW_PRINCIPALS, or USES (acting as another); an id for two together into
LISTED_TOGETHER.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import Final


class On(Enum):
    """Resource on which a permission of an escalation path must be allowed."""

    __hash__ = object.__hash__  # that of Enum is a call, for each of a million keys
    SELF = auto()
    """The user or role that is changed."""
    OWN_GROUP = auto()
    OWN_POLICY = auto()
    """A customer managed policy that the changed one holds."""
    OLDER_VERSION = auto()
    """One of which an older version allows everything."""
    BOUNDARY = auto()
    """The customer managed policy that is the boundary of the changed one."""
    OLDER_BOUNDARY = auto()
    """That policy, of which an older version allows everything."""
    STRONG_GROUP = auto()
    """A group whose policies allow everything."""
    OTHER_GROUP = auto()
    """A group that the changed one is not in."""
    GROUP_POLICY = auto()
    """A customer managed policy that such a group holds."""
    NEW_GROUP = auto()
    NEW_USER = auto()
    NEW_ROLE = auto()
    USER = auto()
    ROLE = auto()
    ROLE_POLICY = auto()
    """A customer managed policy that the role holds."""
    MADE = auto()
    """The resource that the path makes: one and the same for all its steps."""
    ANY = auto()
    """At least one resource of the action."""


class Gain(Enum):
    """Result of an escalation path."""

    __hash__ = object.__hash__  # that of Enum is a call, for each of a million keys
    ANYTHING = auto()
    """The principal, or one that it can act as, may be given any permission."""
    TARGET = auto()
    """The rights of the user or role that it is about."""
    FREEDOM = auto()
    """No permissions boundary holds back the user or role that it is about."""
    GROUP = auto()
    """The rights of a group besides."""


@dataclass(frozen=True, slots=True)
class EscalationPath:
    """One way to more rights.

    Args:
        id: the public id.
        title: what is done, a phrase.
        steps: each permission with what it is needed on; all are needed, on the same target.
        service: the principal of the service that a role is passed to or lies with; its trust policy has to admit it.
        existing: what has to be there that account data does not show, a phrase; "" when nothing.
        of_another: what is done where a path changes another user or role than the principal, a phrase; "" where
            it does not.
        makes: the end of the ARN of what it makes, with {} for the name; "" where its steps share nothing.
    """

    id: str
    title: str
    gain: Gain
    steps: tuple[tuple[str, On], ...]
    service: str = ""
    existing: str = ""
    of_another: str = ""
    makes: str = ""

    @property
    def passes_role(self) -> bool:
        return ("iam:PassRole", On.ROLE) in self.steps


def _own(id_: str, title: str, *steps: tuple[str, On], of_another: str = "") -> EscalationPath:
    return EscalationPath(id_, title, Gain.ANYTHING, steps, of_another=of_another)


def _free(id_: str, title: str, *steps: tuple[str, On]) -> EscalationPath:
    return EscalationPath(id_, title, Gain.FREEDOM, steps, of_another=title)


def _take(id_: str, title: str, *steps: tuple[str, On]) -> EscalationPath:
    return EscalationPath(id_, title, Gain.TARGET, steps)


def _pass(id_: str, title: str, service: str, *actions: str, existing: str = "", makes: str = "") -> EscalationPath:
    """A path that passes a role.

    Args:
        actions: with a `+` before that, those about what the path makes.
    """
    steps = (("iam:PassRole", On.ROLE), *((one.lstrip("+"), On.MADE if one[0] == "+" else On.ANY) for one in actions))
    return EscalationPath(id_, title, Gain.TARGET, steps, f"{service}.amazonaws.com", existing, makes=makes)


def _use(id_: str, title: str, service: str, existing: str, *actions: str) -> EscalationPath:
    steps = tuple((action, On.ANY) for action in actions)
    return EscalationPath(id_, title, Gain.TARGET, steps, f"{service}.amazonaws.com", existing)


_SELF, _USER, _ROLE = On.SELF, On.USER, On.ROLE
_WRITE_BOUNDARY: Final = ("iam:CreatePolicyVersion", On.BOUNDARY)
_PUT_ON_ITSELF: Final = "put an inline policy on itself"
_CODE: Final = "lambda:UpdateFunctionCode"
_ATTACH_TO_ITSELF: Final = "attach a policy to itself"
_PUT_ON_GROUP: Final = "put an inline policy on its group"

CHANGES: Final = (
    _own(
        "iam-001",
        "write a new version of a policy it holds",
        ("iam:CreatePolicyVersion", On.OWN_POLICY),
        of_another="write a policy that it holds",
    ),
    _own(
        "replace-version",
        "delete a version of a policy it holds and write a new one",
        ("iam:DeletePolicyVersion", On.OWN_POLICY),
        ("iam:CreatePolicyVersion", On.OWN_POLICY),
        of_another="delete a version of a policy that it holds and write a new one",
    ),
    _own("iam-005", _PUT_ON_ITSELF, ("iam:PutRolePolicy", _SELF), of_another="put an inline policy on the role"),
    _own("iam-007", _PUT_ON_ITSELF, ("iam:PutUserPolicy", _SELF), of_another="put an inline policy on the user"),
    _own("iam-008", _ATTACH_TO_ITSELF, ("iam:AttachUserPolicy", _SELF), of_another="attach a policy to the user"),
    _own("iam-009", _ATTACH_TO_ITSELF, ("iam:AttachRolePolicy", _SELF), of_another="attach a policy to the role"),
    _own(
        "iam-010",
        "attach a policy to its group",
        ("iam:AttachGroupPolicy", On.OWN_GROUP),
        of_another="attach a policy to a group of the user",
    ),
    _own(
        "iam-011", _PUT_ON_GROUP, ("iam:PutGroupPolicy", On.OWN_GROUP), of_another="put an inline policy on its group"
    ),
    _own(
        "iam-013",
        "join a group that may do everything",
        ("iam:AddUserToGroup", On.STRONG_GROUP),
        of_another="add the user to a group that may do everything",
    ),
    _own(
        "restore-version",
        "make an older version of a policy it holds the default, which allows everything",
        ("iam:SetDefaultPolicyVersion", On.OLDER_VERSION),
        of_another="make an older version of a policy that it holds the default, which allows everything",
    ),
    *(
        _own(
            f"iam-013+{id_}",
            f"join a group and {what} it",
            ("iam:AddUserToGroup", On.OTHER_GROUP),
            (f"iam:{call}GroupPolicy", On.OTHER_GROUP),
            of_another=f"add the user to a group and {what} that",
        )
        for id_, what, call in (
            ("iam-011", "put an inline policy on", "Put"),
            ("iam-010", "attach a policy to", "Attach"),
        )
    ),
    _own(
        "iam-013+iam-001",
        "join a group and write a policy that it holds",
        ("iam:AddUserToGroup", On.OTHER_GROUP),
        ("iam:CreatePolicyVersion", On.GROUP_POLICY),
        of_another="add the user to a group and write a policy that it holds",
    ),
    _own(
        "iam-013+replace-version",
        "join a group, delete a version of a policy that it holds and write a new one",
        ("iam:AddUserToGroup", On.OTHER_GROUP),
        ("iam:DeletePolicyVersion", On.GROUP_POLICY),
        ("iam:CreatePolicyVersion", On.GROUP_POLICY),
        of_another="add the user to a group, delete a version of a policy that it holds and write a new one",
    ),
    *(
        _own(
            id_,
            f"create a group{how} and join it",
            ("iam:CreateGroup", On.NEW_GROUP),
            (f"iam:{call}GroupPolicy", On.NEW_GROUP),
            ("iam:AddUserToGroup", On.NEW_GROUP),
            of_another=f"create a group{how} and add the user to it",
        )
        for id_, call, how in (
            ("create-group", "Put", " with any policy"),
            ("create-group-attach", "Attach", ", attach a policy to it"),
        )
    ),
    *(
        _free(id_, f"{what} its permissions boundary", (f"iam:{call}{kind}PermissionsBoundary", _SELF))
        for id_, what, call in (("delete-boundary", "delete", "Delete"), ("put-boundary", "replace", "Put"))
        for kind in ("User", "Role")
    ),
    _free("write-boundary", "write the policy that is its permissions boundary", _WRITE_BOUNDARY),
    _free(
        "replace-boundary-version",
        "delete a version of its permissions boundary and write a new one",
        ("iam:DeletePolicyVersion", On.BOUNDARY),
        _WRITE_BOUNDARY,
    ),
    _free(
        "restore-boundary",
        "make an older version of its permissions boundary the default, which allows everything",
        ("iam:SetDefaultPolicyVersion", On.OLDER_BOUNDARY),
    ),
)
"""How a user or role gets more rights by what is done with it."""

_GROUP_OF_STRENGTH: Final = ("iam:AddUserToGroup", On.STRONG_GROUP)

NEW_PRINCIPALS: Final = (
    *(
        _own(
            f"create-user{suffix}{also}",
            f"create a user {how} and a {what}",
            ("iam:CreateUser", On.NEW_USER),
            step,
            (credentials, On.NEW_USER),
        )
        for suffix, how, step in (
            ("", "with any policy", ("iam:AttachUserPolicy", On.NEW_USER)),
            ("-put", "with any inline policy", ("iam:PutUserPolicy", On.NEW_USER)),
            ("-join", "in a group that may do everything", _GROUP_OF_STRENGTH),
        )
        for also, what, credentials in (
            ("", "key", "iam:CreateAccessKey"),
            ("-password", "password", "iam:CreateLoginProfile"),
        )
    ),
    _own(
        "create-role",
        "create a role with any policy that trusts it",
        ("iam:CreateRole", On.NEW_ROLE),
        ("iam:AttachRolePolicy", On.NEW_ROLE),
    ),
    _own(
        "create-role-put",
        "create a role with any inline policy that trusts it",
        ("iam:CreateRole", On.NEW_ROLE),
        ("iam:PutRolePolicy", On.NEW_ROLE),
    ),
)
"""How one makes a user or role that may do everything, and acts as it."""

JOIN: Final = EscalationPath(
    "iam-013",
    "join a group",
    Gain.GROUP,
    (("iam:AddUserToGroup", On.OTHER_GROUP),),
    of_another="add the user to a group",
)

LISTED_TOGETHER: Final = {
    ("iam-009", "sts-001"): ("iam-014", "attach a policy to a role and assume it"),
    ("iam-008", "iam-002"): ("iam-015", "attach a policy to a user and take a key"),
    ("iam-001", "sts-001"): ("iam-016", "write a policy of a role and assume it"),
    ("iam-005", "sts-001"): ("iam-017", "put an inline policy on a role and assume it"),
    ("iam-007", "iam-002"): ("iam-018", "put an inline policy on a user and take a key"),
    ("iam-009", "iam-012"): ("iam-019", "attach a policy to a role and open its trust"),
    ("iam-001", "iam-012"): ("iam-020", "write a policy of a role and open its trust"),
    ("iam-005", "iam-012"): ("iam-021", "put an inline policy on a role and open its trust"),
}
"""The ids and titles of a change and a use that have one together."""

USES: Final = (
    _take("sts-001", "assume the role", ("sts:AssumeRole", _ROLE)),
    _take("iam-002", "create an access key of the user", ("iam:CreateAccessKey", _USER)),
    _take(
        "iam-003", "replace an access key of the user", ("iam:CreateAccessKey", _USER), ("iam:DeleteAccessKey", _USER)
    ),
    _take("iam-004", "give the user a console password", ("iam:CreateLoginProfile", _USER)),
    _take("iam-006", "change the user's console password", ("iam:UpdateLoginProfile", _USER)),
    _take("iam-012", "open the trust policy of the role", ("iam:UpdateAssumeRolePolicy", _ROLE)),
    _pass("apprunner-001", "run an App Runner service as the role", "tasks.apprunner", "apprunner:CreateService"),
    _pass(
        "bedrock-001",
        "run code in an AgentCore interpreter as the role",
        "bedrock-agentcore",
        "bedrock-agentcore:CreateCodeInterpreter",
        "+bedrock-agentcore:StartCodeInterpreterSession",
        "+bedrock-agentcore:InvokeCodeInterpreter",
        makes="code-interpreter-custom/{}",
    ),
    _pass("cloudformation-001", "create a stack as the role", "cloudformation", "cloudformation:CreateStack"),
    _pass(
        "cloudformation-003",
        "create a stack set as the role",
        "cloudformation",
        "cloudformation:CreateStackSet",
        "cloudformation:CreateStackInstances",
    ),
    _pass(
        "cloudformation-004",
        "update a stack set as the role",
        "cloudformation",
        "cloudformation:UpdateStackSet",
        existing="a stack set",
    ),
    _pass(
        "codebuild-001",
        "build as the role",
        "codebuild",
        "+codebuild:CreateProject",
        "+codebuild:StartBuild",
        makes="project/{}",
    ),
    _pass(
        "codebuild-004",
        "build a batch as the role",
        "codebuild",
        "+codebuild:CreateProject",
        "+codebuild:StartBuildBatch",
        makes="project/{}",
    ),
    _pass(
        "datapipeline-001",
        "run a pipeline as the role",
        "datapipeline",
        "datapipeline:CreatePipeline",
        "+datapipeline:PutPipelineDefinition",
        "+datapipeline:ActivatePipeline",
        makes="pipeline/{}",
    ),
    _pass("ec2-001", "launch an instance with the role", "ec2", "ec2:RunInstances"),
    _pass(
        "ec2-001-profile",
        "launch an instance with a new profile of the role",
        "ec2",
        "+iam:CreateInstanceProfile",
        "+iam:AddRoleToInstanceProfile",
        "ec2:RunInstances",
        makes="instance-profile/{}",
    ),
    _pass("ec2-003", "request a spot instance with the role", "ec2", "ec2:RequestSpotInstances"),
    _pass(
        "ecs-001",
        "run a service as the role on a new cluster",
        "ecs-tasks",
        "ecs:CreateCluster",
        "ecs:RegisterTaskDefinition",
        "ecs:CreateService",
    ),
    _pass(
        "ecs-002",
        "run a task as the role on a new cluster",
        "ecs-tasks",
        "ecs:CreateCluster",
        "+ecs:RegisterTaskDefinition",
        "+ecs:RunTask",
        makes="task-definition/{}:1",
    ),
    _pass(
        "ecs-003",
        "run a service as the role",
        "ecs-tasks",
        "ecs:RegisterTaskDefinition",
        "ecs:CreateService",
        existing="a cluster",
    ),
    _pass(
        "ecs-004",
        "run a task as the role",
        "ecs-tasks",
        "+ecs:RegisterTaskDefinition",
        "+ecs:RunTask",
        existing="a cluster",
        makes="task-definition/{}:1",
    ),
    _pass(
        "ecs-005",
        "start a task as the role",
        "ecs-tasks",
        "+ecs:RegisterTaskDefinition",
        "+ecs:StartTask",
        existing="a container instance",
        makes="task-definition/{}:1",
    ),
    _pass("glue-001", "create a Glue development endpoint with the role", "glue", "glue:CreateDevEndpoint"),
    _pass("glue-003", "run a Glue job as the role", "glue", "+glue:CreateJob", "+glue:StartJobRun", makes="job/{}"),
    _pass("glue-004", "have a trigger run a Glue job as the role", "glue", "glue:CreateJob", "glue:CreateTrigger"),
    _pass(
        "glue-005",
        "change a Glue job and run it as the role",
        "glue",
        "+glue:UpdateJob",
        "+glue:StartJobRun",
        existing="a Glue job",
        makes="job/{}",
    ),
    _pass(
        "glue-006",
        "change a Glue job and have a trigger run it",
        "glue",
        "glue:UpdateJob",
        "glue:CreateTrigger",
        existing="a Glue job",
    ),
    _pass(
        "lambda-001",
        "run a function as the role",
        "lambda",
        "+lambda:CreateFunction",
        "+lambda:InvokeFunction",
        makes="function:{}",
    ),
    _pass(
        "lambda-002",
        "have an event source run a function as the role",
        "lambda",
        "lambda:CreateFunction",
        "lambda:CreateEventSourceMapping",
    ),
    _pass(
        "lambda-006",
        "let others call a function that runs as the role",
        "lambda",
        "+lambda:CreateFunction",
        "+lambda:AddPermission",
        makes="function:{}",
    ),
    _pass(
        "lambda-006-put",
        "write the policy of a function that runs as the role, for others to call it",
        "lambda",
        "+lambda:CreateFunction",
        "+lambda:PutResourcePolicy",
        makes="function:{}",
    ),
    _pass(
        "lambda-role",
        "give a function the role and change its code",
        "lambda",
        "+lambda:UpdateFunctionConfiguration",
        "+lambda:UpdateFunctionCode",
        existing="a function that something calls",
        makes="function:{}",
    ),
    _pass("sagemaker-001", "open a notebook with the role", "sagemaker", "sagemaker:CreateNotebookInstance"),
    _pass("sagemaker-002", "run a training job as the role", "sagemaker", "sagemaker:CreateTrainingJob"),
    _pass("sagemaker-003", "run a processing job as the role", "sagemaker", "sagemaker:CreateProcessingJob"),
    _use(
        "apprunner-002",
        "change an App Runner service",
        "tasks.apprunner",
        "a service with the role",
        "apprunner:UpdateService",
    ),
    _use(
        "bedrock-002",
        "run code in an AgentCore interpreter",
        "bedrock-agentcore",
        "an interpreter with the role",
        "bedrock-agentcore:StartCodeInterpreterSession",
        "bedrock-agentcore:InvokeCodeInterpreter",
    ),
    _use(
        "cloudformation-002", "update a stack", "cloudformation", "a stack with the role", "cloudformation:UpdateStack"
    ),
    _use(
        "cloudformation-005",
        "change a stack through a change set",
        "cloudformation",
        "a stack with the role",
        "cloudformation:CreateChangeSet",
        "cloudformation:ExecuteChangeSet",
    ),
    *(
        _use(id_, f"{what} with a buildspec of its own", "codebuild", "a project with the role", f"codebuild:{call}")
        for id_, what, call in (
            ("codebuild-002", "build", "StartBuild"),
            ("codebuild-003", "build a batch", "StartBuildBatch"),
        )
    ),
    _use(
        "ec2-002",
        "change the user data of an instance",
        "ec2",
        "an instance with the role",
        "ec2:ModifyInstanceAttribute",
        "ec2:StopInstances",
        "ec2:StartInstances",
    ),
    _use(
        "ec2-004",
        "change a launch template",
        "ec2",
        "a launch template with the role",
        "ec2:CreateLaunchTemplateVersion",
        "ec2:ModifyLaunchTemplate",
    ),
    _use(
        "ec2instanceconnect-003",
        "log in to an instance",
        "ec2",
        "an instance with the role that can be reached",
        "ec2-instance-connect:SendSSHPublicKey",
        "ec2:DescribeInstances",
    ),
    _use(
        "glue-002", "change a Glue development endpoint", "glue", "an endpoint with the role", "glue:UpdateDevEndpoint"
    ),
    _use(
        "lambda-003",
        "change a function's code",
        "lambda",
        "a function with the role that something calls",
        "lambda:UpdateFunctionCode",
    ),
    *(
        _use(id_, f"change a function's code and {what}", "lambda", "a function with the role", _CODE, f"lambda:{call}")
        for id_, what, call in (
            ("lambda-004", "call it", "InvokeFunction"),
            ("lambda-005", "let others call it", "AddPermission"),
            ("lambda-005-put", "its policy, for others to call it", "PutResourcePolicy"),
        )
    ),
    _use(
        "sagemaker-004",
        "open a notebook",
        "sagemaker",
        "a notebook with the role",
        "sagemaker:CreatePresignedNotebookInstanceUrl",
    ),
    _use(
        "sagemaker-005",
        "have a notebook run code as it starts",
        "sagemaker",
        "a notebook with the role",
        "sagemaker:CreateNotebookInstanceLifecycleConfig",
        "sagemaker:StopNotebookInstance",
        "sagemaker:UpdateNotebookInstance",
        "sagemaker:StartNotebookInstance",
    ),
    _use(
        "lambda-layer",
        "add a layer to a function",
        "lambda",
        "a function with the role that something calls",
        "lambda:UpdateFunctionConfiguration",
        "lambda:GetLayerVersion",
    ),
    _use("ssm-001", "open a session on an instance", "ec2", "a managed instance with the role", "ssm:StartSession"),
    _use("ssm-002", "run a command on an instance", "ec2", "a managed instance with the role", "ssm:SendCommand"),
)
"""How one acts as a user or role that is there."""


@cache
def together(*paths: EscalationPath) -> EscalationPath:
    """One path made of others: a change and a use of what it changes among them."""
    *before, use = paths
    found = LISTED_TOGETHER.get((before[0].id, use.id)) if len(before) == 1 else None
    id_, title = found or (
        "+".join(path.id for path in paths),
        ", ".join((*(path.of_another or path.title for path in before), f"then {use.title}")),
    )
    another = On.USER if any(on is On.USER for _, on in use.steps) else On.ROLE
    ons = {On.SELF: another, On.OWN_POLICY: On.ROLE_POLICY}
    changing = (step for path in before for step in path.steps)
    steps = (*((action, ons.get(on, on)) for action, on in changing), *use.steps)
    return EscalationPath(id_, title, Gain.ANYTHING, steps, use.service, use.existing, makes=use.makes)


_BY_ID: Final = {path.id: path for path in (*CHANGES, *USES)}

ESCALATION_PATHS: Final = (
    *(path for path in CHANGES if path.gain is Gain.ANYTHING),
    *NEW_PRINCIPALS,
    *(together(_BY_ID[change], _BY_ID[use]) for change, use in LISTED_TOGETHER),
    *USES,
)

ESCALATING_ACTIONS: Final = tuple(
    dict.fromkeys(action for path in (*CHANGES, JOIN, *ESCALATION_PATHS) for action, _ in path.steps)
)
"""All actions that a step of a path may need."""
