"""Privilege-escalation paths by their public ids: what each needs, on what, and what it gains.

Ids and permissions: pathfinding.cloud (data under Apache-2.0; the page of a path is its id under /paths/), but for
create-user and create-role, which have no id there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class On(Enum):
    """What a permission of a path has to be allowed on."""

    SELF = auto()
    """The user or role itself."""
    OWN_GROUP = auto()
    OWN_POLICY = auto()
    """A customer managed policy that the principal holds."""
    STRONG_GROUP = auto()
    """A group whose policies allow everything."""
    NEW_USER = auto()
    NEW_ROLE = auto()
    USER = auto()
    ROLE = auto()
    ROLE_POLICY = auto()
    """A customer managed policy that the role holds."""
    ANY = auto()
    """At least one resource of the action."""


class Gain(Enum):
    """What a path ends with."""

    ANYTHING = auto()
    """The principal, or one that it can act as, may be given any permission."""
    TARGET = auto()
    """The rights of the user or role that it is about."""


@dataclass(frozen=True, slots=True)
class EscalationPath:
    """One way to more rights.

    Args:
        id: the public id.
        title: what is done, a phrase.
        steps: each permission with what it is needed on; all are needed, on the same target.
        service: the principal of the service that a role is passed to or lies with; its trust policy has to admit it.
        existing: what has to be there that account data does not show, a phrase; "" when nothing.
    """

    id: str
    title: str
    gain: Gain
    steps: tuple[tuple[str, On], ...]
    service: str = ""
    existing: str = ""

    @property
    def passes_role(self) -> bool:
        return ("iam:PassRole", On.ROLE) in self.steps


def _own(id_: str, title: str, *steps: tuple[str, On]) -> EscalationPath:
    return EscalationPath(id_, title, Gain.ANYTHING, steps)


def _take(id_: str, title: str, *steps: tuple[str, On]) -> EscalationPath:
    return EscalationPath(id_, title, Gain.TARGET, steps)


def _pass(id_: str, title: str, service: str, *actions: str, existing: str = "") -> EscalationPath:
    steps = (("iam:PassRole", On.ROLE), *((action, On.ANY) for action in actions))
    return EscalationPath(id_, title, Gain.TARGET, steps, f"{service}.amazonaws.com", existing)


def _use(id_: str, title: str, service: str, existing: str, *actions: str) -> EscalationPath:
    steps = tuple((action, On.ANY) for action in actions)
    return EscalationPath(id_, title, Gain.TARGET, steps, f"{service}.amazonaws.com", existing)


_SELF, _USER, _ROLE = On.SELF, On.USER, On.ROLE

ESCALATION_PATHS: Final = (
    _own("iam-001", "write a new version of a policy it holds", ("iam:CreatePolicyVersion", On.OWN_POLICY)),
    _own("iam-005", "put an inline policy on itself", ("iam:PutRolePolicy", _SELF)),
    _own("iam-007", "put an inline policy on itself", ("iam:PutUserPolicy", _SELF)),
    _own("iam-008", "attach a policy to itself", ("iam:AttachUserPolicy", _SELF)),
    _own("iam-009", "attach a policy to itself", ("iam:AttachRolePolicy", _SELF)),
    _own("iam-010", "attach a policy to its group", ("iam:AttachGroupPolicy", On.OWN_GROUP)),
    _own("iam-011", "put an inline policy on its group", ("iam:PutGroupPolicy", On.OWN_GROUP)),
    _own("iam-013", "join a group that may do everything", ("iam:AddUserToGroup", On.STRONG_GROUP)),
    _own(
        "create-user",
        "create a user with any policy and a key",
        ("iam:CreateUser", On.NEW_USER),
        ("iam:AttachUserPolicy", On.NEW_USER),
        ("iam:CreateAccessKey", On.NEW_USER),
    ),
    _own(
        "create-role",
        "create a role with any policy that trusts it",
        ("iam:CreateRole", On.NEW_ROLE),
        ("iam:AttachRolePolicy", On.NEW_ROLE),
    ),
    _own(
        "iam-014", "attach a policy to a role and assume it", ("iam:AttachRolePolicy", _ROLE), ("sts:AssumeRole", _ROLE)
    ),
    _own(
        "iam-015",
        "attach a policy to a user and take a key",
        ("iam:AttachUserPolicy", _USER),
        ("iam:CreateAccessKey", _USER),
    ),
    _own(
        "iam-016",
        "write a policy of a role and assume it",
        ("iam:CreatePolicyVersion", On.ROLE_POLICY),
        ("sts:AssumeRole", _ROLE),
    ),
    _own(
        "iam-017",
        "put an inline policy on a role and assume it",
        ("iam:PutRolePolicy", _ROLE),
        ("sts:AssumeRole", _ROLE),
    ),
    _own(
        "iam-018",
        "put an inline policy on a user and take a key",
        ("iam:PutUserPolicy", _USER),
        ("iam:CreateAccessKey", _USER),
    ),
    _own(
        "iam-019",
        "attach a policy to a role and open its trust",
        ("iam:AttachRolePolicy", _ROLE),
        ("iam:UpdateAssumeRolePolicy", _ROLE),
    ),
    _own(
        "iam-020",
        "write a policy of a role and open its trust",
        ("iam:CreatePolicyVersion", On.ROLE_POLICY),
        ("iam:UpdateAssumeRolePolicy", _ROLE),
    ),
    _own(
        "iam-021",
        "put an inline policy on a role and open its trust",
        ("iam:PutRolePolicy", _ROLE),
        ("iam:UpdateAssumeRolePolicy", _ROLE),
    ),
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
        "bedrock-agentcore:StartCodeInterpreterSession",
        "bedrock-agentcore:InvokeCodeInterpreter",
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
    _pass("codebuild-001", "build as the role", "codebuild", "codebuild:CreateProject", "codebuild:StartBuild"),
    _pass(
        "codebuild-004",
        "build a batch as the role",
        "codebuild",
        "codebuild:CreateProject",
        "codebuild:StartBuildBatch",
    ),
    _pass(
        "datapipeline-001",
        "run a pipeline as the role",
        "datapipeline",
        "datapipeline:CreatePipeline",
        "datapipeline:PutPipelineDefinition",
        "datapipeline:ActivatePipeline",
    ),
    _pass("ec2-001", "launch an instance with the role", "ec2", "ec2:RunInstances"),
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
        "ecs:RegisterTaskDefinition",
        "ecs:RunTask",
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
        "ecs:RegisterTaskDefinition",
        "ecs:RunTask",
        existing="a cluster",
    ),
    _pass(
        "ecs-005",
        "start a task as the role",
        "ecs-tasks",
        "ecs:RegisterTaskDefinition",
        "ecs:StartTask",
        existing="a container instance",
    ),
    _pass("glue-001", "create a Glue development endpoint with the role", "glue", "glue:CreateDevEndpoint"),
    _pass("glue-003", "run a Glue job as the role", "glue", "glue:CreateJob", "glue:StartJobRun"),
    _pass("glue-004", "have a trigger run a Glue job as the role", "glue", "glue:CreateJob", "glue:CreateTrigger"),
    _pass(
        "glue-005",
        "change a Glue job and run it as the role",
        "glue",
        "glue:UpdateJob",
        "glue:StartJobRun",
        existing="a Glue job",
    ),
    _pass(
        "glue-006",
        "change a Glue job and have a trigger run it",
        "glue",
        "glue:UpdateJob",
        "glue:CreateTrigger",
        existing="a Glue job",
    ),
    _pass("lambda-001", "run a function as the role", "lambda", "lambda:CreateFunction", "lambda:InvokeFunction"),
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
        "lambda:CreateFunction",
        "lambda:AddPermission",
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
    _use(
        "codebuild-002",
        "build with a buildspec of its own",
        "codebuild",
        "a project with the role",
        "codebuild:StartBuild",
    ),
    _use(
        "codebuild-003",
        "build a batch with a buildspec of its own",
        "codebuild",
        "a project with the role",
        "codebuild:StartBuildBatch",
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
    _use(
        "lambda-004",
        "change a function's code and call it",
        "lambda",
        "a function with the role",
        "lambda:UpdateFunctionCode",
        "lambda:InvokeFunction",
    ),
    _use(
        "lambda-005",
        "change a function's code and let others call it",
        "lambda",
        "a function with the role",
        "lambda:UpdateFunctionCode",
        "lambda:AddPermission",
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
    _use("ssm-001", "open a session on an instance", "ec2", "a managed instance with the role", "ssm:StartSession"),
    _use("ssm-002", "run a command on an instance", "ec2", "a managed instance with the role", "ssm:SendCommand"),
)
