"""The second evaluator: slow, plain, on the dicts of the scenario form, and independent of the engine it checks.

It follows AWS's published evaluation logic layer by layer, without parsing anything ahead, without an index and
without sharing code with `iamtui`. Strict mode reads a key that nobody gave as absent; discover mode gives a
formula over the unknown keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .callers import Caller, is_service_linked_role, read_caller
from .conditions import Line
from .context import Context, fixed_by_caller, values_of
from .logic import Truth, conjunction, disjunction, negation
from .matching import (
    Target,
    action_matches,
    as_list,
    pattern_tokens,
    request_tokens,
    resource_entry_matches,
    resource_truth,
)
from .patterns import shares
from .principals import names, strengths
from .public_access import is_public

DEFAULTS: dict[str, Any] = {
    "substitute_variables_in_bool": True,
    "anonymous_userid": True,
    "deny_federated_without_session_policy": True,
    "role_grant_limited_by_caps": True,
    "not_principal_root_required": False,
    "trailing_star_crosses_colons": True,
    "list_buckets_on_bucket_arn": True,
    "bare_star_in_arn_operator": True,
    "wildcards_in_substituted_values": False,
    "star_allow_includes_services": True,
    "trust_aws_star_admits_everyone": False,
    "legacy_role_self_trust": False,
    "block_public_access_is_explicit": True,
}

WILDCARD_ONLY = (
    "ec2:describeinstances",
    "iam:listaccountaliases",
    "iam:listusers",
    "kms:createkey",
    "kms:listaliases",
    "kms:listkeys",
    "s3:listallmybuckets",
    "sqs:listqueues",
    "sts:getcalleridentity",
    "sts:getsessiontoken",
)
"""The actions without a resource type that tests ask about; any other is taken to have one."""

IN_FIELDS = {"trailing_star_crosses_colons": False}
TRUST_ACTIONS = ("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity")
TRUST_SIDE_ACTIONS = ("sts:tagsession", "sts:setsourceidentity")
OWN_BUCKET_POLICY = ("s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy")
ALIAS_CHANGES = ("createalias", "updatealias", "deletealias")
FROZEN_MANAGED_POLICY = (
    "createpolicy",
    "createpolicyversion",
    "deletepolicy",
    "deletepolicyversion",
    "setdefaultpolicyversion",
    "tagpolicy",
    "untagpolicy",
)
# fmt: off
RCP_SERVICES = (
    "appstream", "dsql", "clouddirectory", "cloudfront", "cloudsearch", "logs", "networkmonitor",
    "cognito-identity", "cognito-idp", "comprehend", "comprehendmedical", "firehose", "dynamodb", "dax",
    "autoscaling", "ecr", "ecr-public", "gamelift", "inspector-scan", "kendra", "kinesisvideo", "memorydb", "aoss",
    "personalize", "polly", "s3", "swf", "sqs", "textract", "timestream-influxdb", "transcribe", "translate",
    "workspaces", "appconfig", "autoscaling-plans", "budgets", "servicediscovery", "cloudtrail-data",
    "codeartifact", "codebuild", "codecommit", "codepipeline", "compute-optimizer", "cost-optimization-hub",
    "events", "fms", "fis", "health", "rolesanywhere", "kms", "opensearch", "pricing", "pca-connector-ad",
    "resource-groups", "secretsmanager", "sts", "signin", "support", "transfer", "notifications", "wafv2", "xray",
)
# fmt: on


@dataclass
class Layer:
    """What the statements of one layer come to: who grants how strongly, and what denies."""

    present: bool = False
    allows: Truth = False
    denies: Truth = False
    grants: dict[str, Truth] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """The answer. `formula` is the tree of what has to hold when the decision is "depends"."""

    decision: str
    blocked_by: tuple[str, ...] = ()
    formula: Truth = None


def evaluate(scenario: dict[str, Any], *, session: str | None = None) -> Verdict:
    """Decide a scenario. `session` names the session of a caller that is given as a role ARN."""
    return _Evaluation(scenario, session).verdict()


class _Evaluation:
    def __init__(self, scenario: dict[str, Any], session: str | None) -> None:
        self.scenario = scenario
        self.session_name = session
        self.options = {**DEFAULTS, **(scenario.get("options") or {})}
        self.settings = scenario.get("settings") or {}
        self.discover = scenario.get("mode") == "discover"
        request = scenario["request"]
        self.caller: Caller = read_caller(request, session=session)
        fixed = fixed_by_caller(self.caller, anonymous_userid=self.options["anonymous_userid"])
        self.context = Context(request, fixed, discover=self.discover)
        self.action: str = request["action"].lower()
        wildcard_only = request.get("wildcard_only_action")
        if wildcard_only is None:
            wildcard_only = self.action in WILDCARD_ONLY
        self.target = Target(request["action"], "*" if wildcard_only else request["resource"], wildcard_only)
        self.owner = self._owner(request.get("resource_account"))
        self.same_account = self.owner == self.caller.account
        self.trust = self._is_trust_question()

    # Facts about the request.

    def _owner(self, given: str | None) -> str | None:
        if given:
            return self.caller.account if given == "aws" else given
        fields = self.target.resource.split(":", 5)
        if len(fields) == 6 and re.fullmatch(r"[0-9]{12}", fields[4]):
            return fields[4]
        return self.caller.account

    def _may_name(self, pattern: str) -> bool:
        """Whether the resource asked about is, or as a pattern may be, one of these."""
        if self.target.wildcard_only:
            return False
        return shares(pattern_tokens(pattern, None, IN_FIELDS), request_tokens(self.target.resource))

    def _is_trust_question(self) -> bool:
        if self.action in TRUST_ACTIONS:
            return True
        return self.action in TRUST_SIDE_ACTIONS and self._may_name("arn:*:iam::*:role/*")

    def _resource_must_grant(self) -> bool:
        key = self.action.startswith("kms:") and (self._may_name("arn:*:kms:*:*:key/*") or self.uses_alias())
        if not key and not self.trust:
            return False
        return not (self.target.is_pattern and self.scenario.get("resource_policy") is None)

    def uses_alias(self) -> bool:
        """Whether a key is used by its alias, rather than the alias changed."""
        service, name = self.action.split(":", 1)
        named = re.fullmatch(r"arn:[^:]*:kms:[^:]*:[^:]*:alias/.*", self.target.resource)
        return service == "kms" and name not in ALIAS_CHANGES and named is not None

    def _refused(self) -> bool:
        """Whether no customer policy can allow this."""
        service, name = self.action.split(":", 1)
        fields = self.target.resource.split(":", 5)
        if len(fields) < 6:
            return False
        _, _, kind, _, account, rest = fields
        if service == "iam" and kind == "iam":
            if account == "aws" and rest.startswith("policy/"):
                return name in FROZEN_MANAGED_POLICY
            reads = ("get", "list", "generate", "simulate")
            return rest.startswith("role/aws-reserved/") and not name.startswith(reads)
        return service == "kms" and kind == "kms" and rest.startswith("alias/aws/") and name in ALIAS_CHANGES

    # Statements and layers.

    def _policies(self, name: str) -> list[dict[str, Any]]:
        return self.scenario.get(name) or []

    def _has_boundary(self) -> bool:
        return (
            bool(self._policies("permissions_boundaries"))
            and self.caller.has_own_policies
            and not self.caller.service_linked
        )

    def _read(self, layer: str, policies: list[dict[str, Any]]) -> Layer:
        result = Layer(present=True)
        for policy in policies:
            version = policy["document"].get("Version")
            for number, statement in enumerate(as_list(policy["document"]["Statement"])):
                effect = statement["Effect"]
                source = {"layer": layer, "policy": policy["name"], "statement": number, "effect": effect}
                rest = self._rest(statement, layer, version, source)
                for strength, truth in self._who(statement, layer).items():
                    applies = conjunction([_with_source(truth, source), rest])
                    if effect == "Deny":
                        result.denies = disjunction([result.denies, applies])
                    else:
                        result.allows = disjunction([result.allows, applies])
                        result.grants[strength] = disjunction([result.grants.get(strength, False), applies])
        return result

    def _who(self, statement: dict[str, Any], layer: str) -> dict[str, Truth]:
        if layer not in ("resource", "rcp", "vpc_endpoint"):
            return {"OWN": True}
        if layer == "vpc_endpoint" and "Principal" not in statement and "NotPrincipal" not in statement:
            return {"WILDCARD": True}
        return strengths(
            statement,
            self.caller,
            trust=self.trust and layer == "resource",
            discover=self.discover,
            has_boundary=self._has_boundary(),
            options=self.options,
        )

    def _rest(self, statement: dict[str, Any], layer: str, version: str | None, source: dict[str, Any]) -> Truth:
        """Action, resource and conditions."""
        if not action_matches(statement, self.action):
            return False
        truths = [
            resource_truth(
                statement,
                self.target,
                layer,
                version=version,
                context=self.context,
                options=self.options,
                source=source,
            )
        ]
        for operator, block in (statement.get("Condition") or {}).items():
            line = Line(operator, version=version, context=self.context, options=self.options)
            for key, values in block.items():
                truth = line.truth(key, values)
                leaf = {"op": operator, "key": key, "values": values_of(values), "holds": True, "source": source}
                truths.append(leaf if truth is None else truth)
        return conjunction(truths)

    def _own_layer(self, name: str, layer: str) -> Layer:
        policies = self._policies(name)
        if not policies or not self.caller.has_own_policies:
            return Layer()
        return self._read(layer, policies)

    def _read_layers(self) -> None:
        caller = self.caller
        self.identity = self._own_layer("identity_policies", "identity")
        self.session = self._own_layer("session_policies", "session")
        self.boundary = self._own_layer("permissions_boundaries", "boundary") if self._has_boundary() else Layer()
        document = None if self.action.startswith("iam:") else self.scenario.get("resource_policy")
        self.resource = Layer() if document is None else self._read("resource", [named_document(document)])
        if self.options["legacy_role_self_trust"] and self.trust and self._asks_for_itself():
            self.resource.present = self.resource.allows = self.resource.grants["ACCOUNT"] = True
        owner_root = caller.kind == "root" and self.same_account
        if owner_root and self.action in OWN_BUCKET_POLICY:
            self.resource.denies = False
        endpoint = self._policies("vpc_endpoint_policies")
        self.endpoint = self._read("vpc_endpoint", endpoint) if endpoint else Layer()
        capped = caller.has_own_policies or caller.kind == "root"
        exempt = caller.service_linked or self.settings.get("principal_in_management_account")
        levels = (self.scenario.get("scps") or []) if capped and not exempt else []
        self.scps = [self._read("scp", level) for level in levels]
        self.rcps = [self._read("rcp", level) for level in self._rcp_levels()]

    def _asks_for_itself(self) -> bool:
        return names(("AWS", self.target.resource), self.caller, discover=False) == ("ROLE", True)

    def _rcp_levels(self) -> list[list[dict[str, Any]]]:
        service_prefix = self.action.split(":", 1)[0]
        linked = self.caller.kind == "service" and self.trust and self._resource_is_service_linked_role()
        out = (
            self.settings.get("resource_in_management_account")
            or self.target.wildcard_only
            or service_prefix not in RCP_SERVICES
            or self.action == "kms:retiregrant"
            or self.caller.service_linked
            or linked
        )
        return [] if out else self.scenario.get("rcps") or []

    def _resource_is_service_linked_role(self) -> bool:
        return self.target.resource.count(":") >= 5 and is_service_linked_role(self.target.resource)

    # The decision.

    def verdict(self) -> Verdict:
        """The answer; about a pattern, that of the entries that grant some of it, each asked about alone."""
        found = self._verdict()
        if self.target.is_pattern and found.decision in ("allowed", "depends"):
            return self._by_parts(found.formula) or found
        return found

    def _by_parts(self, coarse: Truth) -> Verdict | None:
        parts, beyond = self._granted_parts()
        verdicts = []
        ways = [beyond]
        for part, truth in sorted(parts.items()):
            verdicts.append(_Evaluation(self._about(part), self.session_name)._verdict())
            ways.append(conjunction([truth, verdicts[-1].formula]))
        formula = conjunction([coarse, disjunction(ways)])
        if not verdicts or disjunction(ways) is True:
            return None
        if formula is not False:
            return Verdict("depends", formula=formula)
        return next((one for one in verdicts if one.decision == "implicitDeny"), verdicts[0])

    def _about(self, resource: str) -> dict[str, Any]:
        request = {**self.scenario["request"], "resource": resource}
        if self.owner is not None:
            request["resource_account"] = self.owner
        return {**self.scenario, "request": request}

    def _granted_parts(self) -> tuple[dict[str, Truth], Truth]:
        """The entries that grant, as resources to ask about, with what they wait for, and what others wait for."""
        no_policy = self.scenario.get("resource_policy") is None
        key_or_role = self.trust or (self.action.startswith("kms:") and self._may_name("arn:*:kms:*:*:key/*"))
        if self.caller.kind == "root" or (key_or_role and no_policy):
            return {}, True
        sides = [("identity", self._policies("identity_policies"))] if self.caller.has_own_policies else []
        if not no_policy and not self.action.startswith("iam:"):
            sides.append(("resource", [named_document(self.scenario["resource_policy"])]))
        parts: dict[str, Truth] = {}
        beyond: Truth = False
        for layer, policies in sides:
            for policy in policies:
                version = policy["document"].get("Version")
                for number, statement in enumerate(as_list(policy["document"]["Statement"])):
                    source = {"layer": layer, "policy": policy["name"], "statement": number, "effect": "Allow"}
                    who = disjunction(_with_source(truth, source) for truth in self._who(statement, layer).values())
                    truth = conjunction([who, self._rest(statement, layer, version, source)])
                    if statement["Effect"] == "Deny" or truth is False:
                        continue
                    for part in self._parts_of(statement, layer, version):
                        if part is not None:
                            parts[part] = disjunction([parts.get(part, False), truth])
                        else:
                            beyond = disjunction([beyond, truth])
        return parts, beyond

    def _parts_of(self, statement: dict[str, Any], layer: str, version: str | None) -> list[str | None]:
        """The entries that share something, as resources to ask about; None for what cannot be asked about."""

        def meets(entry: str, whole: bool) -> Any:
            return resource_entry_matches(
                entry, self.target, layer, whole=whole, version=version, context=self.context, options=self.options
            )

        entries = as_list(statement.get("Resource", "*"))
        if "Resource" not in statement or any("${" in one or meets(one, True) is not False for one in entries):
            return [None]
        return [self._part(entry) for entry in entries if meets(entry, False) is not False]

    def _part(self, entry: str) -> str | None:
        head = "".join(entry.split(":", 5)[:5])
        part = entry.replace("?", "*")
        if entry.count(":") < 5 or "*" in head or "?" in head or part == self.target.resource:
            return None
        return part

    def _verdict(self) -> Verdict:
        """Put the layers together."""
        long_term = self.caller.kind in ("user", "root") and self.caller.credentials != "temporary"
        if self.action == "sts:getcalleridentity" and self.caller.kind != "anonymous":
            return Verdict("allowed", formula=True)
        if self.action == "sts:getsessiontoken" and long_term:
            return Verdict("allowed", formula=True)
        self._read_layers()
        denied = disjunction(
            layer.denies
            for layer in (
                self.identity,
                self.resource,
                self.boundary,
                self.session,
                self.endpoint,
                *self.scps,
                *self.rcps,
            )
        )
        caps = conjunction([*(level.allows for level in self.scps), not self.endpoint.present or self.endpoint.allows])
        refused = self._refused()
        granted = self._granted(self.identity.allows, self.resource.grants, with_boundary=True)
        gate_closed = self._gate_closed()
        formula = conjunction([negation(denied), caps, not refused, granted, not gate_closed])
        if formula is True:
            return Verdict("allowed", formula=True)
        if formula is not False:
            return Verdict("depends", formula=formula)
        gate_rejects = (
            gate_closed
            and self.options["block_public_access_is_explicit"]
            and conjunction([caps, not refused, granted]) is True
        )
        decision = "explicitDeny" if denied is True or gate_rejects else "implicitDeny"
        return Verdict(decision, self._blocked_by(refused=refused, gate_closed=gate_closed), False)

    def _boundary_ok(self) -> Truth:
        return self.boundary.allows if self.boundary.present else True

    def _session_ok(self) -> Truth:
        if self.session.present:
            return self.session.allows
        return not (self.caller.kind == "federated" and self.options["deny_federated_without_session_policy"])

    def _granted(self, identity: Truth, grants: dict[str, Truth], *, with_boundary: bool) -> Truth:
        any_grant = disjunction(grants.values())
        if not self.caller.has_own_policies and self.caller.kind != "root":
            return any_grant
        caps = conjunction([self._boundary_ok() if with_boundary else True, self._session_ok()])
        own = conjunction([identity, caps])
        if not self.same_account:
            return any_grant if self.caller.kind == "root" else conjunction([any_grant, own])
        must = self._resource_must_grant()
        if self.caller.kind == "root":
            return disjunction([any_grant, not must])
        role = grants.get("ROLE", False)
        return disjunction(
            [
                grants.get("SESSION", False),
                grants.get("USER", False),
                grants.get("WILDCARD", False),
                conjunction([role, caps if self.options["role_grant_limited_by_caps"] else self._session_ok()]),
                conjunction([grants.get("ISSUER", False), caps]),
                conjunction([own, disjunction([any_grant, not must])]),
            ]
        )

    def _gate_closed(self) -> bool:
        """Whether RestrictPublicBuckets rejects this caller, were the request granted."""
        document = self.scenario.get("resource_policy")
        if not (self.settings.get("s3") or {}).get("restrict_public_buckets") or document is None:
            return False
        on_bucket = self.target.resource == "*" or re.fullmatch(r"arn:[^:]*:s3:::.*", self.target.resource, re.DOTALL)
        if not self.action.startswith("s3:") or not on_bucket or self.caller.kind == "service":
            return False
        if self.caller.account is not None and self.same_account:
            return False
        return is_public(named_document(document)["document"])

    def _blocked_by(self, *, refused: bool, gate_closed: bool) -> tuple[str, ...]:
        """Given that something grants this: what stands in the way? Settled facts only."""
        out_identity = self.identity.denies is True
        out_resource = self.resource.denies is True
        identity = False if out_identity else self.identity.allows
        grants = {} if out_resource else self.resource.grants
        granted = self._granted(identity, grants, with_boundary=False) is True
        if refused or not granted or self.session.denies is True:
            return ()
        found = []
        if out_identity:
            found.append("identity")
        if out_resource:
            found.append("resource")
        if any(level.denies is True or level.allows is False for level in self.scps):
            found.append("scp")
        if self.endpoint.present and (self.endpoint.denies is True or self.endpoint.allows is False):
            found.append("vpc_endpoint")
        if any(level.denies is True for level in self.rcps):
            found.append("rcp")
        if self.boundary.denies is True or self._granted(identity, grants, with_boundary=True) is False:
            found.append("boundary")
        if gate_closed:
            found.append("block_public_access")
        return tuple(sorted(found))


def named_document(given: dict[str, Any]) -> dict[str, Any]:
    """A resource policy under a name, whether it was given as a document or as name and document."""
    return given if "document" in given else {"name": "resource policy", "document": given}


def _with_source(truth: Truth, source: dict[str, Any]) -> Truth:
    """Put the source on session leaves."""
    if truth is True or truth is False:
        return truth
    if "and" in truth:
        return conjunction(_with_source(part, source) for part in truth["and"])
    if "or" in truth:
        return disjunction(_with_source(part, source) for part in truth["or"])
    return {**truth, "source": source}
