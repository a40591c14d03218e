"""The second evaluator: slow, plain, on the dicts of the scenario form, and independent of the engine it checks.

It follows AWS's published evaluation logic layer by layer, without parsing anything ahead, without an index and
without sharing code with `iamtui`. Strict mode reads a key that nobody gave as absent; discover mode gives a
formula over the unknown keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
    entry_patterns,
    pattern_tokens,
    resource_truth,
    whatever_it_becomes,
)
from .patterns import Token, Unknown, shares
from .principals import names, strengths
from .public_access import is_public
from .sets import arn_services, one_of_each_kind, ways_to_be_in

DEFAULTS: dict[str, Any] = {
    "substitute_variables_in_bool": True,
    "anonymous_userid": True,
    "deny_federated_without_session_policy": True,
    "role_grant_limited_by_caps": True,
    "one_session_policy_is_enough": True,
    "not_principal_root_required": False,
    "not_principal_allow_grants": True,
    "for_all_negated_holds_when_absent": True,
    "short_arns_match": True,
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
    """Decide a scenario. `session` names the session of a caller that is given as a role ARN.

    Raises:
        TooMany: it asks about a set that has too many kinds of resources to try them all.
    """
    return _Evaluation(scenario, session).verdict()


def at_its_most_favourable(scenario: dict[str, Any], *, session: str | None = None) -> str:
    """The decision on a set when each statement may be about another resource of it; never less than the real one."""
    return _Evaluation(scenario, session).decided().decision


class _Evaluation:
    def __init__(self, scenario: dict[str, Any], session: str | None, single: str | None = None) -> None:
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
        self.compared = self.target if single is None else Target(request["action"], single, False, single=True)
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
        return shares(pattern_tokens(pattern, None, IN_FIELDS), self.target.tokens)

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
                self.compared,
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
        if self.session.present and not self.options["one_session_policy_is_enough"]:
            alone = [self._read("session", [policy]) for policy in self._policies("session_policies")]
            self.session.allows = conjunction(one.allows for one in alone)
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
        """The answer; about a set: whether some resource in it is allowed."""
        found = self.decided()
        if not self.target.is_pattern or found.decision not in ("allowed", "depends") or self._is_free():
            return found
        granted = []
        formulas = []
        certain = False
        entries = list(self._entries())
        services = ("",) if self.action in WILDCARD_ONLY else arn_services(self.action)
        ways = ways_to_be_in(self.target.tokens, self.caller.arn or self.caller.name, services)
        for text in (text for needed in ways for text in one_of_each_kind(needed, entries)):
            single = _Evaluation(self.scenario, self.session_name, text)
            verdict = single.decided()
            formulas.append(verdict.formula)
            grants = single.something_grants()
            if grants is not False:
                granted.append(verdict)
            certain = certain or grants is True
        formula = disjunction(formulas)
        if formula is True:
            return Verdict("allowed", formula=True)
        if formula is not False:
            return Verdict("depends", formula=formula)
        explicit = found.decision == "allowed" and certain and all(one.decision == "explicitDeny" for one in granted)
        blocking = {layer for one in granted for layer in one.blocked_by}
        return Verdict("explicitDeny" if explicit else "implicitDeny", tuple(sorted(blocking)), False)

    def something_grants(self) -> Truth:
        """Whether a statement that grants is about the resource, once the layers were read; root needs none."""
        return self.caller.kind == "root" or disjunction([self.identity.allows, self.resource.allows])

    def _entries(self) -> Iterator[list[Token]]:
        """The patterns of all statements about the action, each once; of an unknown variable anything may come."""
        seen: list[list[Token]] = []
        for policy in all_policies(self.scenario):
            version = policy["document"].get("Version")
            for statement in as_list(policy["document"]["Statement"]):
                if not action_matches(statement, self.action):
                    continue
                for entry in as_list(statement.get("Resource", statement.get("NotResource", []))):
                    if not entry.startswith("arn:"):
                        continue
                    read = entry_patterns(entry, version=version, context=self.context, options=self.options)
                    if isinstance(read, Unknown):
                        read = [whatever_it_becomes(entry, self.options)]
                    for pattern in read:
                        if pattern not in seen:
                            seen.append(pattern)
                            yield pattern

    def decided(self) -> Verdict:
        """Put the layers together."""
        if self._is_free():
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

    def _is_free(self) -> bool:
        if self.action == "sts:getsessiontoken":
            return self.caller.kind in ("user", "root") and self.caller.credentials != "temporary"
        return self.action == "sts:getcalleridentity" and self.caller.kind != "anonymous"

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


def all_policies(scenario: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every policy of a scenario."""
    for name in ("identity_policies", "permissions_boundaries", "session_policies", "vpc_endpoint_policies"):
        yield from scenario.get(name) or []
    for name in ("scps", "rcps"):
        for level in scenario.get(name) or []:
            yield from level
    if scenario.get("resource_policy") is not None:
        yield named_document(scenario["resource_policy"])


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
