"""One question, read once for every user and role of a compiled account.

What is undetermined needs no formula here: it is never negated within a layer, so it stays so, whatever it is made of.
Where a Deny and an Allow are both undetermined and have the same condition, the one may exclude the other, and only the
evaluator can tell; it is asked as well wherever else this reading cannot be sure.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Final, NamedTuple

from iamtui.engine.decision import Layer, Outcome
from iamtui.engine.index.index_contexts import Contexts
from iamtui.engine.index.principal_index import PrincipalIndex, standing_in
from iamtui.engine.layers import ALONE, WITHIN_CAPS, reached_as, reaches
from iamtui.engine.policy_holders import NOBODY, Bits, HeldStatement, Holdings, Varying, both, either, places
from iamtui.engine.prepared_request import PreparedAction, PreparedRequest, tells_resources_apart
from iamtui.engine.representatives import names_resources
from iamtui.engine.request import MissingPolicy, NamedPolicy, NotEvaluated, PolicyInForce, PolicyLevel, PolicyWithUnread
from iamtui.engine.service_rules import gift_rule, uses_session_token
from iamtui.policy.conditions import CompiledCondition
from iamtui.policy.context import KeyValue, KeyValues, RequestContext, Truth
from iamtui.policy.resource import ResourceKind
from iamtui.policy.statement import CompiledStatement, PrincipalRules
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType

_MOST_TRUTHS: Final = 16
_FEW: Final = 8
"""Most principals evaluated one by one instead of by value of the keys that distinguish them."""

_RULES: Final = PrincipalRules()
_TRUST_RULES: Final = PrincipalRules(trust=True)
"""How principals are read with the default options, in the policy of a resource and in that of a role."""


class Surrounded(NamedTuple):
    """Question about everybody, with the policies in force besides everybody's own.

    Args:
        given: the condition keys that were given, in any letter case.
        derived, absent: those that follow from account and environment, strongest first; those known to be absent.
        discover: whether all other keys are unknown.
        resource: the policy of the resource.
        scps, rcps: those that bind the callers and protect the resource.
        session: the session policies and the scope-downs.
        members: the policies of known resources of the set asked about.
        known_one_by_one: to whom those may be known by name.
        not_for_all: whether layers are switched off or nothing is taken for granted, which is not read for everybody.
        of_a_set: whether it is about one resource of a set that was asked about.
        with_policies: whether policies of resources are known that may be in the set asked about.
        within_account: whether the callers' account owns the resource.
    """

    prepared: PreparedAction
    given: Mapping[str, tuple[str, ...]]
    derived: tuple[KeyValues, ...]
    absent: tuple[str, ...]
    discover: bool
    resource: PolicyInForce | NotEvaluated | None
    scps: tuple[PolicyLevel, ...] | NotEvaluated
    rcps: tuple[PolicyLevel, ...] | NotEvaluated
    session: tuple[PolicyInForce, ...] = ()
    members: tuple[PolicyInForce, ...] = ()
    known_one_by_one: int = 0
    not_for_all: bool = False
    of_a_set: bool = False
    with_policies: bool = False
    within_account: bool = True


class Outcomes(NamedTuple):
    """Who gets which decision; `left` are those of whom only the evaluator can tell.

    Args:
        complete: for whom every layer that could cap the answer is evaluated.
        not_evaluated: the layers that are not, where they are the same for everybody; None: they are not known.
        capped: of those who are implicitly denied, whose SCPs do not allow it, so that nothing else could; None: it
            is not known of whom another such layer does not let it through.
    """

    allowed: int
    explicit_deny: int
    implicit_deny: int
    depends: int
    left: int
    complete: int
    not_evaluated: tuple[Layer, ...] | None = None
    capped: int | None = None

    def of(self, place: int) -> Outcome | None:
        """The decision for the principal of a place, or None."""
        bit = 1 << place
        if self.implicit_deny & bit:
            return Outcome.IMPLICIT_DENY
        if self.explicit_deny & bit:
            return Outcome.EXPLICIT_DENY
        if self.allowed & bit:
            return Outcome.ALLOWED
        return Outcome.DEPENDS if self.depends & bit else None


def is_read_here(asked: Surrounded) -> bool:
    """True if only policies that an index holds decide a question, so that it can be read for everybody."""
    prepared = asked.prepared
    if not prepared.plain or asked.session or asked.not_for_all:
        return False
    if asked.within_account or asked.members:
        return asked.within_account
    if gift_rule(prepared.action) is not None:
        return False
    is_loaded = asked.resource is not None and not isinstance(asked.resource, NotEvaluated)
    return prepared.resource.kind is not ResourceKind.SET and not (prepared.on_plain_bucket and is_loaded)


def exclusive(allows: Mapping[object, int], denies: Mapping[object, int]) -> int:
    """For whom an undetermined Deny waits for the same as an undetermined Allow: one may exclude the other."""
    found = 0
    for waited_for, bits in denies.items():
        found |= bits & allows.get(waited_for, 0)
    return found


class _Side(NamedTuple):
    """Principals for whom an Allow of a layer matches, and those for whom a Deny does."""

    allow: Bits = NOBODY
    deny: Bits = NOBODY


class _Kept(NamedTuple):
    """Effects of a layer, and its undetermined statements with their principals."""

    side: _Side
    open_statements: tuple[tuple[CompiledStatement, int], ...]


_REGION: Final = "aws:requestedregion"


class IndexReading:
    """One question read over an index.

    Args:
        prepared: action and resource of the question.
        contexts: its condition keys.
        granted: whom, as it was last read, their own policies may grant some of it.
        settled: whom some layer denies it for certain, or no SCP allows it.
        unclear: of whom it is not even known whether they are settled.
    """

    def __init__(self, index: PrincipalIndex, asked: Surrounded) -> None:
        """Take a question that `is_read_here`."""
        self.index = index
        self.asked = asked
        self.prepared = asked.prepared
        self.contexts = Contexts(index, asked.given, asked.derived, asked.absent, discover=asked.discover)
        self._unclear = 0
        self._unsettled = 0
        self.granted = self.settled = self.unclear = 0
        self._open: list[tuple[CompiledStatement, int]] = []
        self._said: dict[frozenset[str], int] = {}

    def outcomes(self, who: int, about: PreparedRequest | None = None) -> Outcomes:
        """The outcomes for some principals; `about` is the evaluator's prepared request, if that takes part too."""
        asked, index, prepared = self.asked, self.index, self.prepared
        self._unclear = self._unsettled = 0
        self._open = []
        who &= ~index.left
        if prepared.action.service in ("iam", "sts"):
            self._leave_session_tokens(who)
        own = self._layer(index.identity, who)
        deny = own.deny
        bounded = who & index.bounded
        bound = self._layer(index.boundary, bounded)
        boundary = Bits(bound.allow.yes | (who & ~bounded), bound.allow.maybe)
        grant = both(own.allow, boundary)
        deny = either(deny, bound.deny)
        grant, denied = self._with_resource(grant, boundary, who)
        deny = either(deny, denied)
        cap = Bits(who)
        scps = index.levels(PolicyType.SCP, asked.scps)
        for level in scps.levels:
            said = self._layer(level, who)
            cap, deny = both(cap, said.allow), either(deny, said.deny)
        if prepared.facts.under_rcps and prepared.resource.kind is not ResourceKind.NONE:
            rcps = index.levels(PolicyType.RCP, asked.rcps)
            for level in rcps.levels:
                deny = either(deny, self._layer(level, who, with_principals=True).deny)
        self.granted = own.allow.yes | own.allow.maybe
        self.settled = deny.yes | (who & ~(cap.yes | cap.maybe))
        self.unclear = self._unclear
        explicit = deny.yes
        possible = both(grant, cap)
        implicit = who & ~explicit & ~(possible.yes | possible.maybe)
        rest = who & ~explicit & ~implicit
        left = self._unclear | (rest & self._unsettled)
        allowed = rest & possible.yes & ~deny.maybe
        if prepared.resource.kind is ResourceKind.SET and rest & ~left:
            differing, shown = self._of_set(rest & ~left, about or PreparedRequest(prepared, DEFAULT_LANGUAGE_OPTIONS))
            left |= (rest & differing) | (allowed & shown)
        waiting = rest & ~possible.yes & deny.maybe
        if waiting:
            left |= waiting & exclusive(self.waited_for(allows=True), self.waited_for(allows=False))
        return Outcomes(
            allowed & ~left,
            explicit & ~left,
            implicit & ~left,
            rest & ~allowed & ~left,
            left & who,
            index.everyone if self.complete else 0,
            self.not_evaluated(),
            who & ~(cap.yes | cap.maybe) if self._only_scps_cap else None,
        )

    def follows_from(self) -> Hashable | None:
        """Key of questions with equal outcomes, about resources without a policy.

        None where a policy of the resource, or of resources of a set, has a say.
        """
        index, prepared = self.index, self.prepared
        facts, action, resource = prepared.facts, prepared.action, prepared.resource
        if facts.takes_resource_policy or facts.under_rcps or resource.kind is not ResourceKind.ONE:
            return None
        layers = (index.identity, index.boundary, *index.levels(PolicyType.SCP, self.asked.scps).levels)
        about = tuple(layer.about_resource(action, resource) for layer in layers)
        keys = frozenset(("aws:multifactorauthpresent",)).union(*(one.keys for one in about))
        text = resource.text if any(one.fixed is not one for one in about) else ""
        said = tuple(map(self.contexts.said_of, sorted(keys)))
        return action.full, self.asked.discover, text, about, said

    @property
    def caps_complete(self) -> bool:
        """True if all SCPs and RCPs are loaded."""
        asked, prepared = self.asked, self.prepared
        is_complete = self.index.levels(PolicyType.SCP, asked.scps).complete
        if prepared.facts.under_rcps and prepared.resource.kind is not ResourceKind.NONE:
            is_complete = is_complete and self.index.levels(PolicyType.RCP, asked.rcps).complete
        return is_complete

    @property
    def complete(self) -> bool:
        """True if every layer that could cap the answer is evaluated."""
        takes = self.prepared.facts.takes_resource_policy
        return self.caps_complete and not (takes and isinstance(self.asked.resource, NotEvaluated | PolicyWithUnread))

    @property
    def _only_scps_cap(self) -> bool:
        """True if no rule of a service and no public access block can cap the answer besides SCPs."""
        asked, prepared = self.asked, self.prepared
        is_one = prepared.resource.kind is not ResourceKind.SET
        return is_one and asked.within_account and prepared.action.service not in ("iam", "sts")

    def not_evaluated(self, *, of_a_grant: bool = False) -> tuple[Layer, ...] | None:
        """The layers of which nothing is loaded, where each of the others is loaded as a whole.

        Args:
            of_a_grant: of an answer that is no denial, which of a set too follows from the set as a whole, unless
                policies of resources in it are known.
        """
        asked, prepared = self.asked, self.prepared
        if prepared.resource.kind is ResourceKind.SET and (not of_a_grant or asked.with_policies or asked.members):
            return None
        found: list[Layer] = []
        if isinstance(asked.resource, PolicyWithUnread):
            return None
        if prepared.facts.takes_resource_policy and isinstance(asked.resource, NotEvaluated):
            if not asked.within_account or prepared.trust or prepared.key:
                return None
            found.append(Layer.RESOURCE)
        layers: list[tuple[Layer, tuple[PolicyLevel, ...] | NotEvaluated]] = [(Layer.SCP, asked.scps)]
        if prepared.facts.under_rcps and prepared.resource.kind is not ResourceKind.NONE:
            layers.append((Layer.RCP, asked.rcps))
        for layer, levels in layers:
            if isinstance(levels, NotEvaluated):
                found.append(layer)
            elif any(level.not_loaded is not None for level in levels):
                return None
        return tuple(found)

    def _leave_session_tokens(self, who: int) -> None:
        """Leave whom IAM and STS may refuse for their credentials: that makes no denial another one."""
        index, contexts = self.index, self.contexts
        by_mfa = contexts.column("aws:multifactorauthpresent")[0].values()
        for bits in (bits & having & who for bits in index.kinds.values() for having in by_mfa):
            place = bits.bit_length() - 1
            if bits and uses_session_token(index.principals[place].principal, contexts.of_place(place)):
                self._unsettled |= bits

    def _with_resource(self, grant: Bits, boundary: Bits, who: int) -> tuple[Bits, Bits]:
        """For whom the request is granted with what the resource's policy says, and whom that denies.

        Args:
            grant: whom their own policies and their boundary grant it.
            boundary: whom their boundary lets through.
        """
        asked, prepared = self.asked, self.prepared
        takes = prepared.facts.takes_resource_policy
        is_set = prepared.resource.kind is ResourceKind.SET
        must_admit = prepared.key or prepared.trust
        given = asked.resource
        if not takes or given is None or isinstance(given, NotEvaluated):
            is_unknown = takes and given is not None
            if asked.within_account:
                # Of a set of keys or roles, whose policies are not known, each is taken to let the caller in.
                if not must_admit or is_set or asked.of_a_set:
                    return grant, NOBODY
                return (Bits(0, who) if is_unknown else NOBODY), NOBODY
            return (Bits(0, grant.yes | grant.maybe) if is_unknown else NOBODY), NOBODY
        is_open = isinstance(given, PolicyWithUnread) and not asked.within_account
        if is_open or isinstance(given, MissingPolicy) or given.document.error is not None:
            self._unclear |= who
            return grant, NOBODY
        return self._let_in(given, grant, boundary, who, must_admit=must_admit)

    def _let_in(
        self, policy: NamedPolicy, grant: Bits, boundary: Bits, who: int, *, must_admit: bool
    ) -> tuple[Bits, Bits]:
        prepared = self.prepared
        holdings = self.index.of_resource(policy, PolicyType.TRUST if prepared.trust else PolicyType.RESOURCE)
        rules = _TRUST_RULES if prepared.trust else _RULES
        at_all = by_itself = within_boundary = deny = NOBODY
        about = holdings.about_resource(prepared.action, prepared.resource)
        for statement, varies in (*about.denies, *about.allows):
            compiled = statement.compiled
            truth = self._statement(compiled, who, varies=varies)
            if not (truth.yes or truth.maybe):
                continue
            if truth.maybe:
                self._open.append((compiled, truth.maybe))
            for place, bits in self._groups_named(compiled, who):
                caller = self.index.caller(place)
                for strength, reached in reached_as(compiled, caller, rules).items():
                    here = Bits(truth.yes & bits, truth.maybe & bits)
                    if reached is False or here == NOBODY:
                        continue
                    if reached is not True:
                        self._unclear |= here.yes | here.maybe
                        continue
                    if not compiled.allows:
                        deny = either(deny, here)
                        continue
                    at_all = either(at_all, here)
                    if strength in ALONE:
                        by_itself = either(by_itself, here)
                    elif strength in WITHIN_CAPS:
                        within_boundary = either(within_boundary, here)
        if not self.asked.within_account:
            return both(grant, at_all), deny
        alone = either(by_itself, both(within_boundary, boundary))
        return either(alone, both(grant, at_all) if must_admit else grant), deny

    def _groups_named(self, compiled: CompiledStatement, who: int) -> Iterable[tuple[int, int]]:
        """Groups of some principals whom the principals of a statement treat alike, each with one of its places."""
        statement = compiled.statement
        for bits in self.index.told_apart((*(statement.principals or ()), *(statement.not_principals or ()))):
            here = bits & who
            if here:
                yield (here & -here).bit_length() - 1, here

    def _layer(self, holdings: Holdings, who: int, *, with_principals: bool = False) -> _Side:
        """Effects of the policies of one layer, or level, on some principals.

        Args:
            with_principals: whether their statements name principals.
        """
        if not who:
            return _Side()
        if holdings.incomplete & who:
            self._unclear |= holdings.incomplete & who
        about = holdings.about_resource(self.prepared.action, self.prepared.resource)
        if with_principals:
            return _Side(NOBODY, self._some(about.denies, who, with_principals=True))
        # The same statements say the same of other resources, as far as they read nothing else of the question.
        fixed = about.fixed
        said = (fixed, who, self.asked.discover, tuple(map(self.contexts.said_of, sorted(fixed.keys))))
        found: _Kept | None = self.index.said.get(said)
        if found is None:
            before, self._open = self._open, []
            side = _Side(self._some(fixed.allows, who), self._some(fixed.denies, who))
            found = _Kept(side, tuple(self._open))
            self._open = before
            self.index.keep_said(said, found)
        self._open += found.open_statements
        if fixed is about:
            return found.side
        (denies, allows), (allow, deny) = about.others, found.side
        deny = either(deny, self._some(denies, who & ~deny.yes))
        return _Side(either(allow, self._some(allows, who & ~allow.yes)), deny)

    def _some(self, statements: Varying, who: int, *, with_principals: bool = False) -> Bits:
        yes = maybe = 0
        for statement, varies in statements:
            here = statement.held.holders & who & ~yes
            if not here:
                continue
            compiled = statement.compiled
            if with_principals and not compiled.reaches_everyone:
                here = self._reached(compiled, here)
                if not here:
                    continue
            if not varies and not compiled.conditions:
                yes |= here
                continue
            if varies:
                truth = self._statement(compiled, here, varies=True)
            else:
                # Spelled out for what is kept already: each question comes by thousands of statements.
                said = self._said.get(compiled.keys, -1)
                truth = statement.truths.get(said) or self._kept(statement)
            waiting = truth.maybe & here
            if waiting:
                self._open.append((compiled, waiting))
                maybe |= waiting
            yes |= truth.yes & here
        return Bits(yes, maybe & ~yes)

    def _reached(self, compiled: CompiledStatement, who: int) -> int:
        found = 0
        for place, bits in self._groups_named(compiled, who):
            caller = self.index.caller(place)
            reached = reaches(compiled, caller, Layer.RCP, _RULES)
            if reached is not False:
                found |= bits
            if reached is not True and reached is not False:
                self._unclear |= bits
        return found

    def waited_for(self, *, allows: bool) -> dict[object, int]:
        """By condition, or key of a variable, in undetermined Allows or Denies, for whom they are so."""
        found: dict[object, int] = {}
        for compiled, maybe in self._open:
            if compiled.allows is allows:
                matcher = compiled.resource.matcher
                variables = matcher.variable_keys if matcher is not None else ()
                for read in (*(condition.line for condition in compiled.conditions), *variables):
                    found[read] = found.get(read, 0) | maybe
        return found

    def _kept(self, statement: HeldStatement) -> Bits:
        """Of which of its holders a statement holds that is about the resource.

        It is the same for other questions that say the same of the keys.
        """
        compiled = statement.compiled
        said = self._said.get(compiled.keys)
        if said is None:
            said_of_keys = map(self.contexts.said_of, sorted(compiled.keys))
            said = self._said[compiled.keys] = self.index.number_of((self.asked.discover, *said_of_keys))
        found = statement.truths.get(said)
        if found is None:
            if len(statement.truths) >= _MOST_TRUTHS:
                statement.truths.clear()
            found = statement.truths[said] = self._statement(compiled, statement.held.holders, varies=False)
        return found

    def _statement(self, compiled: CompiledStatement, who: int, *, varies: bool) -> Bits:
        """For whom a statement about the action matches, its principals aside.

        Args:
            varies: whether it depends on variables whether it is about the resource; else it is.
        """
        found = self._about(compiled, who) if varies else Bits(who)
        for condition in compiled.conditions:
            left = found.yes | found.maybe
            if not left:
                break
            found = both(found, self.holds(condition, left))
        return found

    def _about(self, compiled: CompiledStatement, who: int) -> Bits:
        matcher = compiled.resource.matcher
        assert matcher is not None
        resource, contexts = self.prepared.resource, self.contexts

        def test(context: RequestContext) -> Truth:
            return compiled.matches_resource(resource, context, DEFAULT_LANGUAGE_OPTIONS, everywhere=False)

        keys = contexts.varying(matcher.variable_keys)
        if not keys:
            return _as_bits(test(contexts.anyone), who)
        if resource.kind is ResourceKind.SET:
            # Each value would make a pattern of its own, and the evaluator is asked about such sets anyway. An Allow
            # that may match decides nothing by itself where another layer denies.
            if compiled.allows:
                self._unsettled |= who
            else:
                self._unclear |= who
            return Bits(0, who)
        if who.bit_count() <= _FEW:
            return self._one_by_one(test, who)
        groups = self._in_text(keys[0], who) if len(keys) == 1 else contexts.groups(keys, who)
        return self._group_by_group(test, groups)

    def _in_text(self, key: str, who: int) -> Iterable[tuple[Mapping[str, KeyValue], int]]:
        """Some principals by their value of a key, in one group for all values that do not occur in the resource's ARN.

        A variable stands for its value letter by letter, so an entry with such a value matches none.
        """
        text = self.prepared.resource.text
        column, is_lasting = self.contexts.column(key)
        if is_lasting:
            inside, example = self.index.standing_in(key, text, discover=self.asked.discover)
        else:
            inside, example = standing_in(column, text)
        groups: list[tuple[Mapping[str, KeyValue], int]] = []
        for value, bits in inside:
            if bits & who:
                groups.append(({key: value}, bits & who))
                who &= ~bits
        if example is not None and who:
            groups.append(({key: example}, who))
        return groups

    def holds(self, condition: CompiledCondition, who: int) -> Bits:
        """For whom a condition holds, of some principals."""
        contexts = self.contexts
        every = (condition.key, *condition.variable_keys)
        keys = contexts.varying(every)
        if not keys:
            return _as_bits(condition.test(contexts.anyone), who)
        if who.bit_count() <= _FEW:
            return self._one_by_one(condition.test, who)
        if not all(contexts.column(key)[1] for key in keys):
            return self._group_by_group(condition.test, contexts.groups(keys, who))
        others = tuple(next(iter(contexts.column(key)[0])) for key in every if key and key not in keys)
        everyone = self.index.everyone
        found = self.index.condition(
            (condition, self.asked.discover, others),
            lambda: self._group_by_group(condition.test, contexts.groups(keys, everyone)),
        )
        return Bits(found.yes & who, found.maybe & who)

    def _one_by_one(self, test: Callable[[RequestContext], Truth], who: int) -> Bits:
        yes = maybe = 0
        for place in places(who):
            truth = test(self.contexts.of_place(place))
            if truth is True:
                yes |= 1 << place
            elif truth is not False:
                maybe |= 1 << place
        return Bits(yes, maybe)

    def _group_by_group(
        self, test: Callable[[RequestContext], Truth], groups: Iterable[tuple[Mapping[str, KeyValue], int]]
    ) -> Bits:
        yes = maybe = 0
        context = self.contexts.in_group()
        for values, bits in groups:
            context.values = values
            truth = test(context)
            if truth is True:
                yes |= bits
            elif truth is not False:
                maybe |= bits
        return Bits(yes, maybe)

    def _of_set(self, who: int, about: PreparedRequest) -> tuple[int, int]:
        """For whom resources of the set may be answered differently, and for whom one has to be shown.

        As `witnesses.may_differ` and `witnesses.reads_the_resource` have it of a reading.
        """
        asked, index, prepared = self.asked, self.index, self.prepared
        everyone = index.everyone
        differing = everyone if prepared.resource.members.forms else 0
        shown = everyone if asked.with_policies else 0
        layers: list[tuple[Layer, Holdings]] = [(Layer.IDENTITY, index.identity), (Layer.BOUNDARY, index.boundary)]
        layers += [(Layer.SCP, level) for level in index.levels(PolicyType.SCP, asked.scps).levels]
        if prepared.facts.under_rcps:
            layers += [(Layer.RCP, level) for level in index.levels(PolicyType.RCP, asked.rcps).levels]
        given = asked.resource
        if prepared.facts.takes_resource_policy and isinstance(given, NamedPolicy) and given.document.error is None:
            policy_type = PolicyType.TRUST if prepared.trust else PolicyType.RESOURCE
            layers.append((Layer.RESOURCE, index.of_resource(given, policy_type)))
        for layer, holdings in layers:
            for statement in holdings.about(prepared.action):
                holders = statement.held.holders & who
                if not holders:
                    continue
                compiled = statement.compiled
                if any(map(tells_resources_apart, compiled.keys)):
                    shown |= holders
                if _REGION in compiled.keys and self.contexts.said_of(_REGION) == (None, None):
                    # The example that the evaluator looks for says in which Region it is.
                    differing |= holders
                grants = layer is Layer.IDENTITY and compiled.allows
                if not compiled.any_resource and not (grants and names_resources(compiled, about)):
                    differing |= holders
        return differing, shown


def _as_bits(truth: Truth, who: int) -> Bits:
    if truth is True:
        return Bits(who)
    return NOBODY if truth is False else Bits(0, who)
