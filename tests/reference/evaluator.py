"""The second evaluator: slow, plain, on the dicts of the scenario form, and independent of the engine it checks.

It follows AWS's published evaluation logic layer by layer, without parsing anything ahead, without an index and
without sharing code with `iamtui`. Strict mode reads a key that nobody gave as absent; discover mode gives a
formula over the unknown keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from .callers import Caller, read_caller
from .catalogue import has_no_resource_type
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
from .service_rules import ALIAS_CHANGES, partition_of, policy_is_about_else, refused
from .sets import ANY_ACCOUNT, Belongings, Names, belongings_of

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

TOLD_APART_BY_RULES = (
    "arn:*:iam::*:role/aws-reserved/*",
    "arn:*:iam::*:role/aws-service-role/*",
    "arn:*:iam::*:role/aws-service-role/?*/?*",
    "arn:*:iam::*:role/AWSServiceRoleFor*",
    "arn:*:iam::*:role/*/AWSServiceRoleFor*",
    "arn:*:kms:*:*:alias/aws/*",
)
"""What rules about single resources speak of."""

IN_FIELDS = {"trailing_star_crosses_colons": False}
TRUST_ACTIONS = ("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity")
TRUST_SIDE_ACTIONS = ("sts:tagsession", "sts:setsourceidentity")
OWN_BUCKET_POLICY = ("s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy")
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
    """The answer. `formula` is the tree of what has to hold when the decision is "depends".

    `witness` is a resource of the set that was asked about which is allowed, and `also` another name for the denial of
    a set of which nothing is granted.
    """

    decision: str
    blocked_by: tuple[str, ...] = ()
    formula: Truth = None
    witness: str | None = None
    also: str | None = None
    of_set: bool = False


def evaluate(scenario: dict[str, Any], *, session: str | None = None, names: Names = Names.ANY) -> Verdict:
    """Decide a scenario. `session` names the session of a caller that is given as a role ARN.

    `names`: what names of resources may hold.

    Raises:
        TooMany: it asks about a set that has too many kinds of resources to try them all.
    """
    return _Evaluation(scenario, session, names=names).verdict()


def at_its_most_favourable(scenario: dict[str, Any], *, session: str | None = None) -> str:
    """The decision on a set when each statement may be about another resource of it; never less than the real one."""
    return _Evaluation(scenario, session).decided().decision


class _Evaluation:
    """One request; `member` is a resource of the set that it asks about, for which the question is asked alone."""

    def __init__(
        self,
        scenario: dict[str, Any],
        session: str | None,
        member: str | None = None,
        *,
        by_alias: str | None = None,
        names: Names = Names.ANY,
    ) -> None:
        self.names = names
        self.scenario = scenario
        self.session_name = session
        self.options = {**DEFAULTS, **(scenario.get("options") or {})}
        self.settings = scenario.get("settings") or {}
        self.discover = scenario.get("mode") == "discover"
        request = scenario["request"]
        self.caller: Caller = read_caller(request, session=session)
        if self.caller.credentials is None and scenario.get("scope_down_policies"):
            self.caller = replace(self.caller, credentials="temporary")
        fixed = fixed_by_caller(self.caller, anonymous_userid=self.options["anonymous_userid"])
        self.context = Context(request, fixed, discover=self.discover, alias=by_alias)
        self.action: str = request["action"].lower()
        wildcard_only = request.get("wildcard_only_action")
        if wildcard_only is None:
            wildcard_only = has_no_resource_type(self.action)
        self.policy_assumed = member is not None and scenario.get("resource_policy") is None
        if member is None:
            self.target = Target(request["action"], "*" if wildcard_only else request["resource"], wildcard_only)
        else:
            self.target = Target(request["action"], member, wildcard_only=False, single=True)
        self.of_some_account = member is not None and self._asks_about_any_account()
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

    def _asks_about_any_account(self) -> bool:
        """Whether the root users of a set may be those of any member account: neither text nor request names it."""
        request = self.scenario["request"]
        named = re.match(r"arn:[^:]*:[^:]*:[^:]*:[0-9]{12}:", request["resource"])
        return self.action == "sts:assumeroot" and not named and request.get("resource_account") in (None, "aws")

    def _may_name(self, pattern: str) -> bool:
        """Whether the resource asked about is, or as a pattern may be, one of these."""
        if self.target.wildcard_only:
            return False
        return shares(pattern_tokens(pattern, None, IN_FIELDS), self.target.tokens)

    def _is_trust_question(self) -> bool:
        if self.action in TRUST_ACTIONS:
            return True
        return self.action in TRUST_SIDE_ACTIONS and self._may_name("arn:*:iam::*:role/*")

    def needs_policy(self) -> bool:
        """Whether the policy of the resource has to let the caller in, besides the caller's own."""
        key = self.action.startswith("kms:") and self._may_name("arn:*:kms:*:*:key/*")
        return self.action != "sts:assumeroot" and (key or self.trust)

    def _resource_must_grant(self) -> bool:
        if not self.needs_policy():
            return False
        return not (self.policy_assumed or (self.target.is_pattern and self.scenario.get("resource_policy") is None))

    def uses_alias(self) -> bool:
        """Whether a key is used by its alias, rather than the alias changed."""
        service, name = self.action.split(":", 1)
        named = re.fullmatch(r"arn:[^:]*:kms:[^:]*:[^:]*:alias/.*", self.target.resource)
        return service == "kms" and name not in ALIAS_CHANGES and named is not None and not self.target.is_pattern

    def _refused(self) -> Truth:
        """Whether no customer policy can allow this."""
        return refused(
            self.target, self.caller, self.owner, self.context, self.settings, of_some_account=self.of_some_account
        )

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
            allows = statement["Effect"] == "Allow"
            line = Line(operator, version=version, context=self.context, options=self.options, allows=allows)
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
        if self._is_let_by_password_policy():
            self.identity.present = self.identity.allows = True
        self.session = self._own_layer("session_policies", "session")
        if self.session.present and not self.options["one_session_policy_is_enough"]:
            alone = [self._read("session", [policy]) for policy in self._policies("session_policies")]
            self.session.allows = conjunction(one.allows for one in alone)
        self.boundary = self._own_layer("permissions_boundaries", "boundary") if self._has_boundary() else Layer()
        without_one = self.action == "sts:assumeroot" or policy_is_about_else(self.action, self.caller)
        document = None if without_one else self.scenario.get("resource_policy")
        self.resource = Layer() if document is None else self._read("resource", [named_document(document)])
        if self.options["legacy_role_self_trust"] and self.trust and self._asks_for_itself():
            self.resource.present = self.resource.allows = self.resource.grants["ACCOUNT"] = True
        owner_root = caller.kind == "root" and self.same_account
        if owner_root and self.action in OWN_BUCKET_POLICY:
            self.resource.denies = False
        self.scope_downs = [self._read("scope_down", [policy]) for policy in self._policies("scope_down_policies")]
        endpoint = self._policies("vpc_endpoint_policies")
        self.endpoint = self._read("vpc_endpoint", endpoint) if endpoint else Layer()
        capped = caller.has_own_policies or caller.kind == "root"
        exempt = caller.service_linked or self.settings.get("principal_in_management_account")
        levels = (self.scenario.get("scps") or []) if capped and not exempt else []
        self.scps = [self._read("scp", level) for level in levels]
        self.rcps = [self._read("rcp", level) for level in self._rcp_levels()]

    def _is_let_by_password_policy(self) -> bool:
        """Whether every user of the account may do this to itself."""
        if self.caller.kind != "user" or not self.settings.get("users_may_change_password"):
            return False
        own = self.target.resource == "*" or self._may_name(self.caller.arn)
        return self.action == "iam:getaccountpasswordpolicy" or (self.action == "iam:changepassword" and own)

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
        return re.fullmatch("arn:[^:]*:iam:[^:]*:[^:]*:role/aws-service-role/[^:]*", self.target.resource) is not None

    # The decision.

    def verdict(self) -> Verdict:
        """The answer; about a set: whether some resource in it is allowed."""
        if self.is_free():
            return self.decided()
        if self.uses_alias():
            return self._about_some_key()
        return self._about_a_set() if self.target.is_pattern else self.decided()

    def _about_a_set(self) -> Verdict:
        belongings = self.belongings()
        members = list(self.members())
        whole = self._about_members(members)
        needs = [[text for text in members if any(form.has(text) for form in forms)] for forms in belongings.needs]
        needs = [texts for texts in needs if texts]
        if len(needs) < 2 or whole.formula is False:
            return whole
        each = [self._about_members(texts) for texts in needs]
        formula = conjunction([one.formula for one in each])
        if formula is True:
            return whole if self._in_one_region(needs) else Verdict("depends", formula=False)
        if formula is not False or not belongings.needs_are_known:
            return Verdict("depends", formula=formula)
        denied = [one for one in each if one.formula is False]
        return next((one for one in denied if one.decision == "explicitDeny"), denied[0])

    def _in_one_region(self, needs: list[list[str]]) -> bool:
        """Whether one of each need is allowed in the same Region; what has no Region goes with any."""
        regions = {text.split(":")[3] for texts in needs for text in texts} - {""} or {"x"}

        def is_allowed(text: str) -> bool:
            return _Evaluation(self.scenario, self.session_name, text).decided().formula is True

        def moved(text: str, region: str) -> str:
            fields = text.split(":", 5)
            return ":".join([*fields[:3], fields[3] and region, *fields[4:]])

        asked = self.belongings()
        return any(
            all(
                any(asked.has(one) and is_allowed(one) for one in {moved(text, region) for text in texts})
                for texts in needs
            )
            for region in sorted(regions)
        )

    def _about_members(self, texts: list[str]) -> Verdict:
        """Whether one of some resources is allowed."""
        granted = []
        formulas = []
        certain = fully = False
        refused = True
        witness = None
        every: list[Verdict] = []
        for text in texts:
            single = _Evaluation(self.scenario, self.session_name, text)
            verdict = single.decided()
            every.append(verdict)
            formulas.append(verdict.formula)
            if verdict.formula is True:
                witness = witness or text
            grants = single.something_grants()
            if grants is not False:
                granted.append(verdict)
            certain = certain or grants is True
            fully = fully or single.grants_fully()
            refused = refused and single._refused() is True
        formula = disjunction(formulas)
        if formula is True:
            return Verdict("allowed", formula=True, witness=witness)
        if formula is not False:
            return Verdict("depends", formula=formula)
        explicit = all(one.decision == "explicitDeny" for one in (granted if certain else every))
        blocking = {layer for one in granted for layer in one.blocked_by}
        return Verdict(
            "explicitDeny" if explicit and every else "implicitDeny",
            tuple(sorted(blocking)),
            False,
            # Whether a Deny comes before what the service refuses of every resource is told by no rule.
            also=("implicitDeny" if every else "explicitDeny") if explicit and (refused or not fully) else None,
            of_set=True,
        )

    def _about_some_key(self) -> Verdict:
        """An alias names a key that is not known: some key of its account and Region.

        Which it is matters where only some are allowed, and what its policy says where that is not given.
        """
        _, in_arn, _, region, account, name = self.target.resource.split(":", 5)
        keys = pattern_tokens(f"arn:{in_arn}:kms:{region}:{account}:key/*", None, IN_FIELDS)
        owners = [self.owner] if self.owner is not None else [account]
        belongings = belongings_of(
            self.action, tuple(keys), partition_of(self.caller), tuple(owners), names=Names.PLAIN
        )
        keys_of_each_kind = [
            _Evaluation(self.scenario, self.session_name, text, by_alias=name)
            for text in belongings.kinds(list(self._entries()))
        ]
        every = [key.decided() for key in keys_of_each_kind]
        decisions = {one.decision for one in every}
        if decisions == {"allowed"} and self.scenario.get("resource_policy") is not None:
            return Verdict("allowed", formula=True)
        if decisions & {"allowed", "depends"}:
            return Verdict("depends")
        blocking = tuple(sorted({layer for one in every for layer in one.blocked_by}))
        # As for a set: the kind of denial is that of the keys that something grants.
        granted = [one for key, one in zip(keys_of_each_kind, every, strict=True) if key.something_grants() is True]
        explicit = {one.decision for one in granted or every} == {"explicitDeny"}
        also = None if every else "explicitDeny"
        return Verdict("explicitDeny" if explicit else "implicitDeny", blocking, False, also=also, of_set=True)

    def belongings(self) -> Belongings:
        """What the resources of the set have in common."""
        named = self.target.resource.split(":")[4:5]
        given = self.scenario["request"].get("resource_account")
        if given and self.owner is not None:
            accounts = [self.owner]
        elif named and re.fullmatch(r"[0-9]{12}", named[0]):
            accounts = named
        elif self.caller.account is not None and not self._asks_about_any_account():
            accounts = [self.caller.account]
        else:
            starred = "".join(named)
            filled = [starred.replace("*", digit * (13 - len(starred)), 1) for digit in "12"]
            told = sorted(set(re.findall(r"[0-9]{12}", f"{filled} {self.scenario}")))
            accounts = [*told, "123456789012", ANY_ACCOUNT]
        known = tuple(account for account in accounts if account is not None)
        asked = tuple(self.target.tokens)
        return belongings_of(self.action, asked, partition_of(self.caller), known, names=self.names)

    def members(self) -> Iterator[str]:
        """One resource of each kind of the set."""
        belongings = self.belongings()
        entries = [*self._entries(), *(pattern_tokens(text, None, IN_FIELDS) for text in TOLD_APART_BY_RULES)]
        return belongings.kinds(entries)

    def something_grants(self) -> Truth:
        """Whether a statement that grants is about the resource, once the layers were read; root needs none."""
        return self.caller.kind == "root" or disjunction([self.identity.allows, self.resource.allows])

    def grants_fully(self) -> bool:
        """Whether it would be allowed if no Deny matched: where a cap is silent anyway, no Deny has to decide."""
        return conjunction([self._caps(), self._granted(self.identity.allows, self.resource.grants)]) is True

    def _caps(self) -> Truth:
        levels = [level.allows for level in (*self.scps, *self.scope_downs)]
        return conjunction([*levels, not self.endpoint.present or self.endpoint.allows])

    def _entries(self) -> Iterator[list[Token]]:
        """The patterns of all statements about the action, each once; of an unknown variable anything may come."""
        seen: list[list[Token]] = []
        if self._is_let_by_password_policy():
            seen.append(list(pattern_tokens(self.caller.arn, None, IN_FIELDS)))
            yield seen[0]
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
        if self.is_free():
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
                *self.scope_downs,
                *self.scps,
                *self.rcps,
            )
        )
        caps = self._caps()
        refused = self._refused()
        granted = self._granted(self.identity.allows, self.resource.grants, with_boundary=True)
        gate_closed = self.is_gate_closed()
        formula = conjunction([negation(denied), caps, negation(refused), granted, not gate_closed])
        if formula is True:
            return Verdict("allowed", formula=True)
        if formula is not False:
            return Verdict("depends", formula=formula)
        gate_rejects = (
            gate_closed
            and self.options["block_public_access_is_explicit"]
            and conjunction([caps, negation(refused), granted]) is True
        )
        decision = "explicitDeny" if denied is True or gate_rejects else "implicitDeny"
        return Verdict(decision, self._blocked_by(refused=refused is True, gate_closed=gate_closed), False)

    def is_free(self) -> bool:
        if self.action == "sts:getsessiontoken":
            return self.caller.kind in ("user", "root") and self.caller.credentials != "temporary"
        return self.action == "sts:getcalleridentity" and self.caller.kind not in ("anonymous", "provider")

    def _boundary_ok(self) -> Truth:
        return self.boundary.allows if self.boundary.present else True

    def _session_ok(self) -> Truth:
        if self.session.present:
            return self.session.allows
        return not (self.caller.kind == "federated" and self.options["deny_federated_without_session_policy"])

    def _granted(self, identity: Truth, grants: dict[str, Truth], *, with_boundary: bool = True) -> Truth:
        any_grant = disjunction(grants.values())
        if not self.caller.has_own_policies and self.caller.kind != "root":
            return any_grant
        caps = conjunction([self._boundary_ok() if with_boundary else True, self._session_ok()])
        own = conjunction([identity, caps])
        if self.action == "sts:assumeroot":
            return own
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

    def is_gate_closed(self) -> bool:
        """Whether RestrictPublicBuckets rejects this caller, were the request granted."""
        document = self.scenario.get("resource_policy")
        if not (self.settings.get("s3") or {}).get("restrict_public_buckets") or document is None:
            return False
        # The rule names `*` itself, whatever else than buckets that is, and an action without resources is asked on it.
        whole = self.scenario["request"]["resource"]
        on_bucket = "*" in (whole, self.target.resource) or re.fullmatch(
            r"arn:[^:]*:s3:::.*", self.target.resource, re.DOTALL
        )
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
        for name, levels in (("scp", self.scps), ("scope_down", self.scope_downs)):
            if any(level.denies is True or level.allows is False for level in levels):
                found.append(name)
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
    for name in ("identity_policies", "permissions_boundaries", "session_policies", "scope_down_policies"):
        yield from scenario.get(name) or []
    yield from scenario.get("vpc_endpoint_policies") or []
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
