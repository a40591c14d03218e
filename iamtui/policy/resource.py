"""Resource and NotResource elements against the resource of a request, and which ARN carries a resource's policy.

IAM User Guide: Resource element.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from iamtui.policy.context import ConditionLeaf, RequestContext, Truth, all_of, any_of
from iamtui.policy.patterns import (
    Arn,
    Glob,
    Machine,
    Piece,
    Token,
    Unresolved,
    Variable,
    Wild,
    arn_tokens,
    lead_of,
    literal_text,
    parse_arn,
    parse_pieces,
    resolve,
    tokens_of,
    variable_names,
    with_variables_as_stars,
)
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, LanguageOptions, PolicyType
from iamtui.resource_policy_services import SERVICE_SPECS

NAMED_BY_STREAMS: Final = "CloudWatch Logs"
"""What decides on an entry that names a log group alone to keep callers out, in place of a variable."""
_OF_ITS_STREAMS: Final = ":log-stream:"
"""The end of the ARN by which calls on a log group are authorized (`catalog/arn_forms.py`)."""
_MAY_NAME_A_LOG_GROUP: Final = re.compile(r"arn:(?![^:*?]*:(?!logs:)[^:*?]*:)(?!.*:log-stream:).*[^*]", re.DOTALL)

_LONGEST_ELEMENT: Final = 262_144
"""Most characters of all entries with variables of one element, with the values put in."""


class ResourceKind(Enum):
    """Kind of a request's resource: one ARN, a set, or none."""

    __hash__ = object.__hash__  # that of Enum is a call, for each of hundreds of thousands of keys

    ONE = "one"
    """One ARN."""
    SET = "set"
    """`*` or an ARN with `*`: any resource of a set."""
    NONE = "none"
    """The action has no resource type: the real resource is `*`."""


class ResourceSet:
    """The resources that a question about `*` or a pattern is about.

    Args:
        patterns: a resource of the set matches one of them.
        forms: and one of these; () where the patterns say it all.
        never: and none of these.
    """

    __slots__ = ("_leads", "_tests", "forms", "never", "patterns")

    def __init__(
        self,
        patterns: tuple[tuple[Token, ...], ...],
        forms: tuple[tuple[Token, ...], ...] = (),
        never: tuple[Glob, ...] = (),
    ) -> None:
        self.patterns = patterns
        self.forms = forms
        self.never = never
        self._tests: tuple[tuple[Machine, bool], ...] = ()
        self._leads = tuple(map(lead_of, patterns))

    def shares(self, glob: Glob) -> bool:
        """True if a pattern matches some resource of the set, as far as the patterns go."""
        return any(map(glob.shares, self.beginning_as(glob.lead)))

    def beginning_as(self, begins: str) -> Iterator[tuple[Token, ...]]:
        """The patterns that do not begin otherwise than a text, as most do: that is seen at once."""
        for lead, tokens in zip(self._leads, self.patterns, strict=True):
            if lead.startswith(begins) or begins.startswith(lead):
                yield tokens

    def is_covered_by(self, glob: Glob) -> bool:
        begins = glob.lead
        if not all(lead.startswith(begins) for lead in self._leads):
            return False
        return all(glob.covers(tokens) for tokens in self.patterns)

    def has(self, text: str) -> bool:
        if not self._tests:
            every = ((self.patterns, True), (self.forms, True), ([glob.tokens for glob in self.never], False))
            self._tests = tuple((Machine(*patterns), must) for patterns, must in every if patterns)
        return all(
            bool(machine.read(text, machine.first, machine.run_by_some, machine.step_by_some) & machine.final) is must
            for machine, must in self._tests
        )


class RequestResource(NamedTuple):
    """The resource of a request.

    Args:
        text: ARN, pattern or "*".
        kind: what it stands for.
        every_bucket: for s3:ListAllMyBuckets, the ARN on which AWS's examples grant it besides `*`
            (`arn:aws:s3:::*`); else "".
        members: the resources of a SET, of types of which every call names one where there are such.
        whole: all resources of a SET where a call may name others besides; None: `members`.
        needs: where one call needs several resources of a SET at once, what each of them is one of, by its types.
    """

    text: str
    kind: ResourceKind
    every_bucket: str = ""
    members: ResourceSet = ResourceSet(())
    whole: ResourceSet | None = None
    needs: tuple[tuple[str, ResourceSet], ...] = ()

    def as_a_whole(self) -> RequestResource:
        """The same with all resources of a SET as members."""
        return self if self.whole is None else RequestResource(self.text, self.kind, self.every_bucket, self.whole)


class Patterns(NamedTuple):
    """The entries of a Resource or NotResource element as patterns.

    Args:
        certain: those that are known.
        possible: those with a variable whose value is not known, as a pattern for all that they may turn out to match.
    """

    certain: tuple[tuple[Token, ...], ...]
    possible: tuple[tuple[Token, ...], ...]


class Reach(Enum):
    """How an entry has to meet a SET of resources."""

    SHARES = "shares"
    COVERS = "covers"


class _EntryKind(Enum):
    PLAIN = "plain"
    NOTHING = "nothing"
    INVALID = "invalid"


_SHORT_ARN: Final[dict[PolicyType, tuple[_EntryKind, _EntryKind, _EntryKind]]] = {
    # without a star, with a star not at the end, with a star at the end
    PolicyType.IDENTITY: (_EntryKind.PLAIN, _EntryKind.PLAIN, _EntryKind.PLAIN),
    PolicyType.BOUNDARY: (_EntryKind.PLAIN, _EntryKind.PLAIN, _EntryKind.PLAIN),
    PolicyType.SESSION: (_EntryKind.PLAIN, _EntryKind.PLAIN, _EntryKind.PLAIN),
    PolicyType.RESOURCE: (_EntryKind.NOTHING, _EntryKind.PLAIN, _EntryKind.PLAIN),
    PolicyType.TRUST: (_EntryKind.NOTHING, _EntryKind.PLAIN, _EntryKind.PLAIN),
    PolicyType.VPC_ENDPOINT: (_EntryKind.NOTHING, _EntryKind.PLAIN, _EntryKind.PLAIN),
    PolicyType.SCP: (_EntryKind.INVALID, _EntryKind.INVALID, _EntryKind.PLAIN),
    PolicyType.RCP: (_EntryKind.INVALID, _EntryKind.INVALID, _EntryKind.INVALID),
}


@dataclass(slots=True)
class _EntryPattern:
    """One ARN pattern: its pieces, the text it must start with, and its glob once it was needed.

    Args:
        entry: the entry as it is written, of which a short ARN stands for a longer one too.
        doubtful: whether AWS leaves open that the entry matches what the pattern does.
    """

    entry: str
    pieces: tuple[Piece, ...]
    prefix: str
    has_variables: bool
    literal_colons: int
    trailing_star_crosses: bool
    doubtful: bool = False
    _glob: Glob | None = None

    def names(self, text: str) -> bool:
        """True if a pattern without variables matches an ARN that begins with its prefix."""
        return text == self.prefix if len(self.pieces) == 1 else self.glob.matches(text)

    @property
    def glob(self) -> Glob:
        """The matcher of a pattern without variables."""
        if self._glob is None:
            self._glob = self.glob_of(self.pieces)
        return self._glob

    def glob_of(self, pieces: Sequence[Piece]) -> Glob:
        """The matcher of the pattern with its variables replaced."""
        return Glob(self.tokens_of(pieces))

    def tokens_of(self, pieces: Sequence[Piece]) -> tuple[Token, ...]:
        return arn_tokens(tokens_of(pieces), trailing_star_crosses=self.trailing_star_crosses)


def _split_rest(text: str) -> tuple[str, str]:
    """Cut an entry behind its fifth colon; variables mean something only there."""
    parts = text.split(":", 5)
    return (text, "") if len(parts) < 6 else (":".join(parts[:5]) + ":", parts[5])


def _make_pattern(entry: str, text: str, *, variables: bool, options: LanguageOptions) -> _EntryPattern:
    if "*" not in text and "?" not in text and "${" not in text:
        return _EntryPattern(entry, (text,), text, False, text.count(":"), options.trailing_star_crosses_colons)
    head, rest = _split_rest(text) if variables and "${" in text else (text, "")
    pieces: list[Piece] = list(parse_pieces(head, variables=False))
    for piece in parse_pieces(rest, variables=variables):
        if isinstance(piece, str) and pieces and isinstance(pieces[-1], str):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    prefix = pieces[0] if pieces and isinstance(pieces[0], str) else ""
    return _EntryPattern(
        entry=entry,
        pieces=tuple(pieces),
        prefix=prefix,
        has_variables=any(isinstance(piece, Variable) for piece in pieces),
        literal_colons=sum([piece.count(":") for piece in pieces if isinstance(piece, str)]),
        trailing_star_crosses=options.trailing_star_crosses_colons,
    )


class ResourceMatcher:
    """The compiled entries of one Resource or NotResource element.

    Entries are sorted by what they cost: the star, whole texts, prefixes, general patterns, and patterns
    with variables, which are put together for each request. A log group that is named without its streams to keep
    callers out comes with the latter: AWS names the streams in a request, and is not clear about such an entry.
    """

    __slots__ = ("_exact", "_patterns", "_prefixes", "_star", "_templates", "_texts", "invalid", "variable_keys")

    def __init__(
        self,
        entries: tuple[str, ...],
        *,
        policy_type: PolicyType,
        variables: bool,
        options: LanguageOptions,
        keeps_out: bool = False,
    ) -> None:
        """Compile entries; `keeps_out`: those of a Deny, or of what an Allow leaves out."""
        self._texts = entries
        self._star = "*" in entries
        self.invalid = False
        exact: list[str] = []
        prefixes: list[str] = []
        patterns: list[_EntryPattern] = []
        templates: list[_EntryPattern] = []
        for entry in entries:
            if entry == "*" or not entry.startswith("arn:"):
                continue
            for text in self._readings(entry, policy_type, options):
                pattern = _make_pattern(entry, text, variables=variables, options=options)
                if pattern.has_variables:
                    templates.append(pattern)
                    continue
                patterns.append(pattern)
                whole = literal_text(pattern.pieces)
                if whole is not None:
                    exact.append(whole)
                elif len(pattern.pieces) == 2 and pattern.pieces[1] is Wild.STAR and pattern.literal_colons >= 5:
                    prefixes.append(pattern.prefix)
            if keeps_out and _MAY_NAME_A_LOG_GROUP.fullmatch(entry):
                streams = _make_pattern(entry, entry + _OF_ITS_STREAMS, variables=variables, options=options)
                templates.append(replace(streams, doubtful=True))
        self._exact = frozenset(exact)
        self._prefixes = tuple(prefixes)
        self._patterns = tuple(patterns)
        self._templates = tuple(templates)
        self.variable_keys = variable_names(piece for pattern in templates for piece in pattern.pieces)

    def _readings(self, entry: str, policy_type: PolicyType, options: LanguageOptions) -> tuple[str, ...]:
        """The texts that an entry is read as: itself, and for a short ARN its padded form, or nothing."""
        colons = entry.count(":")
        if colons >= 5:
            return (entry,)
        if not options.short_arns_match:
            return ()
        column = 0 if "*" not in entry else 2 if entry.endswith("*") else 1
        kind = _SHORT_ARN[policy_type][column]
        if kind is _EntryKind.PLAIN:
            return (entry, entry + ":*" * (5 - colons))
        if kind is _EntryKind.INVALID:
            self.invalid = True
        return ()

    @property
    def texts(self) -> tuple[str, ...]:
        return self._texts

    @property
    def has_star(self) -> bool:
        return self._star

    @property
    def is_open(self) -> bool:
        """True if variables, or what AWS leaves open, tell whether some entry matches."""
        return bool(self._templates)

    @property
    def fixed(self) -> tuple[_EntryPattern, ...]:
        """The entries without variables but the star."""
        return self._patterns

    @property
    def leads(self) -> tuple[str, ...]:
        """Beginnings of the ARNs that some entry may match."""
        return ("",) if self._star else tuple(pattern.prefix for pattern in (*self._patterns, *self._templates))

    def names(self, text: str) -> bool:
        """True if some entry without variables matches one ARN."""
        if self._star or text in self._exact or (self._prefixes and text.startswith(self._prefixes)):
            return True
        colons = -1
        for pattern in self._patterns:
            if text.startswith(pattern.prefix) and len(pattern.pieces) > 1:
                if colons < 0:
                    colons = text.count(":")
                if pattern.literal_colons <= colons and pattern.glob.matches(text):
                    return True
        return False

    def hits_one(self, text: str, context: RequestContext, options: LanguageOptions) -> Truth:
        """Truth of some entry matching one ARN; undetermined entries give leaves named after their variable."""
        if self.names(text):
            return True
        if not self._templates:
            return False
        return self._with_variables(context, options, text, lambda glob: glob.matches(text), whole=False)

    def hits_set(
        self, resource: RequestResource, reach: Reach, context: RequestContext, options: LanguageOptions
    ) -> Truth:
        """Truth of some entry sharing a resource with a SET, or covering all of it."""
        if self._star:
            return True
        members = resource.members
        meets = members.shares if reach is Reach.SHARES else members.is_covered_by
        if any(meets(pattern.glob) for pattern in self._patterns):
            return True
        if not self._templates:
            return False
        return self._with_variables(context, options, None, meets, whole=reach is Reach.COVERS)

    def hits_none_type(self, resource: RequestResource, options: LanguageOptions) -> bool:
        """True if some entry matches the resource `*` of an action without resource types."""
        bucket = resource.every_bucket
        return self._star or (bool(bucket) and options.list_buckets_on_bucket_arn and bucket in self._texts)

    def _with_variables(
        self,
        context: RequestContext,
        options: LanguageOptions,
        text: str | None,
        meets: Callable[[Glob], bool],
        *,
        whole: bool,
    ) -> Truth:
        undetermined: dict[str, dict[str, None]] = {}
        for pattern, resolved in self._resolved(context, options, text):
            if resolved is Unresolved.NO_VALUE:
                continue
            if resolved is None:
                undetermined.setdefault("", {})[pattern.entry] = None
            elif resolved is Unresolved.UNKNOWN:
                # An entry that cannot match whatever the value is stays out of the formula.
                if meets(pattern.glob_of(with_variables_as_stars(pattern.pieces))):
                    undetermined.setdefault(_first_unknown(pattern.pieces, context), {})[pattern.entry] = None
            elif not isinstance(resolved, Unresolved) and meets(pattern.glob_of(resolved)):
                if not pattern.doubtful:
                    return True
                undetermined.setdefault(NAMED_BY_STREAMS, {})[pattern.entry] = None
        return any_of(
            ConditionLeaf("Resource", key, tuple(entries), whole=whole) for key, entries in undetermined.items()
        )

    def _resolved(
        self, context: RequestContext, options: LanguageOptions, text: str | None = None
    ) -> Iterator[tuple[_EntryPattern, tuple[Piece, ...] | Unresolved | None]]:
        """The entries with variables, each with their values put in; None for all that are too long together.

        Args:
            text: the only ARN that they are tested against.
        """
        wildcards, longest = options.wildcards_in_substituted_values, None if text is None else len(text)
        length = 0
        for pattern in self._templates:
            if text is not None and not text.startswith(pattern.prefix):
                continue
            resolved = resolve(pattern.pieces, context, wildcards_in_values=wildcards, longest=longest)
            if not isinstance(resolved, Unresolved):
                length += sum(len(piece) for piece in resolved if isinstance(piece, str))
            if length > _LONGEST_ELEMENT:
                yield pattern, None
                return
            yield pattern, resolved

    @property
    def fixed_globs(self) -> Iterator[Glob]:
        """The entries without variables."""
        if self._star:
            yield Glob((Wild.STAR,))
        for pattern in self._patterns:
            yield pattern.glob

    def patterns(self, context: RequestContext, options: LanguageOptions) -> Patterns:
        """The entries as patterns, variables replaced."""
        certain = [glob.tokens for glob in self.fixed_globs]
        possible: list[tuple[Token, ...]] = []
        for pattern, resolved in self._resolved(context, options):
            if resolved is None:
                possible.append((Wild.STAR,))
            elif resolved is Unresolved.UNKNOWN:
                possible.append(pattern.tokens_of(with_variables_as_stars(pattern.pieces)))
            elif not isinstance(resolved, Unresolved):
                (possible if pattern.doubtful else certain).append(pattern.tokens_of(resolved))
        return Patterns(tuple(certain), tuple(possible))

    def entries_meeting(self, resource: RequestResource, context: RequestContext) -> tuple[str, ...]:
        """The entries that share a resource with a SET, for saying where "allowed on some" holds."""
        met = [pattern.entry for pattern in self._patterns if resource.members.shares(pattern.glob)]
        for pattern, resolved in self._resolved(context, DEFAULT_LANGUAGE_OPTIONS):
            if pattern.doubtful or not isinstance(resolved, tuple):
                continue
            if resource.members.shares(pattern.glob_of(resolved)):
                met.append(
                    "".join(
                        piece if isinstance(piece, str) else piece.value
                        for piece in resolved
                        if not isinstance(piece, Variable)
                    )
                )
        return tuple(dict.fromkeys(met))


def _first_unknown(pieces: Sequence[Piece], context: RequestContext) -> str:
    for piece in pieces:
        if isinstance(piece, Variable) and not isinstance(context.lookup(piece.key), tuple):
            return piece.name
    # All values are known, and longer than what is put into patterns.
    return ""


class ResourceElement:
    """The Resource or NotResource element of one statement, or the lack of both.

    Args:
        matcher: the compiled entries, or None when the statement has neither element.
        negated: whether it is NotResource.
        implied: what a statement without either element means: True "this resource", False "nothing".
    """

    __slots__ = ("implied", "matcher", "negated")

    def __init__(self, matcher: ResourceMatcher | None, *, negated: bool, implied: bool) -> None:
        self.matcher = matcher
        self.negated = negated
        self.implied = implied

    def applies(
        self,
        resource: RequestResource,
        context: RequestContext,
        options: LanguageOptions,
        *,
        reach: Reach,
    ) -> Truth:
        """Truth of the statement covering the request's resource.

        Args:
            reach: for a SET, what a Resource entry must do (NotResource entries must not do the opposite):
                SHARES for an Allow and COVERS for a Deny when asking about at least one resource.
        """
        matcher = self.matcher
        if matcher is None:
            return self.implied
        if not matcher.texts:
            return False
        if self.negated and matcher.invalid:
            return False
        if resource.kind is ResourceKind.ONE:
            hit: Truth = matcher.hits_one(resource.text, context, options)
        elif resource.kind is ResourceKind.NONE:
            hit = matcher.hits_none_type(resource, options)
        else:
            if self.negated:
                reach = Reach.COVERS if reach is Reach.SHARES else Reach.SHARES
            hit = matcher.hits_set(resource, reach, context, options)
        if not self.negated:
            return hit
        if isinstance(hit, bool):
            return not hit
        # De Morgan on one leaf per key: "NotResource KEY ENTRIES" holds when no entry matches.
        parts = hit.parts if hasattr(hit, "parts") else (hit,)
        return all_of(
            ConditionLeaf("NotResource", leaf.key, leaf.values, whole=leaf.whole)  # type: ignore[union-attr]
            for leaf in parts
        )


_Entries: TypeAlias = dict[str, dict[tuple[Piece, ...], tuple[_EntryPattern, list[int]]]]
"""By the beginning and the pieces of a pattern: the pattern, and the places of the elements that have it."""


class ResourceElements:
    """The elements of many statements against one resource at once: an entry that several have is tried once for all.

    Of entries with variables an element must have none, or be said to be `certain`.
    """

    __slots__ = ("_certain", "_covers", "_lengths", "_negated", "_shares")

    def __init__(self, elements: Iterable[tuple[ResourceElement, bool, bool]]) -> None:
        """Take each element, with True for one of an Allow, and True for one certain to cover every resource."""
        self._certain: list[int] = []
        negated: set[int] = set()
        self._shares: _Entries = {}
        self._covers: _Entries = {}
        for place, (element, allows, is_certain) in enumerate(elements):
            matcher = element.matcher
            if is_certain or matcher is None:
                if is_certain or element.implied:
                    self._certain.append(place)
            elif matcher.texts and not (element.negated and matcher.invalid):
                if matcher.has_star:
                    if not element.negated:
                        self._certain.append(place)
                    continue
                if element.negated:
                    negated.add(place)
                entries = self._shares if allows is not element.negated else self._covers
                for pattern in matcher.fixed:
                    alike = entries.setdefault(pattern.prefix, {})
                    alike.setdefault(pattern.pieces, (pattern, []))[1].append(place)
        self._negated = frozenset(negated)
        self._lengths = sorted({len(prefix) for entries in (self._shares, self._covers) for prefix in entries})

    def about(self, resource: RequestResource) -> list[int]:
        """Places of the elements that cover one resource, or at least one of a SET."""
        hit: set[int] = set()
        if resource.kind is ResourceKind.ONE:
            text = resource.text
            for length in self._lengths:
                for entries in (self._shares, self._covers):
                    for pattern, having in entries.get(text[:length], {}).values():
                        if pattern.names(text):
                            hit.update(having)
        else:
            members = resource.members
            for entries, meets in ((self._shares, members.shares), (self._covers, members.is_covered_by)):
                for alike in entries.values():
                    for pattern, having in alike.values():
                        if meets(pattern.glob):
                            hit.update(having)
        # Those of NotResource are about what none of their entries names.
        return sorted((hit ^ self._negated).union(self._certain))


# Which ARN carries the policy of a resource: the bucket of an object, the table of an index; and what is beside it.


def resource_policy_arn(text: str, parsed: Arn | None = None) -> str:
    """The ARN that carries the policy of a resource: the bucket of an object, the table of an index.

    Args:
        parsed: the parts of the text, where they are known.
    """
    arn = parsed or parse_arn(text)
    if arn is None:
        return text
    if arn.service == "s3" and not arn.account:
        return f"arn:{arn.partition}:s3:::{arn.resource.split('/', 1)[0]}"
    return str(arn._replace(resource=_carrier(arn) or arn.resource)) if arn.service in _CARRIERS else text


def may_have_policy(arn: Arn) -> bool:
    """True if a policy, its own or another resource's, can apply to a resource (IAM User Guide: AWS services)."""
    spec = SERVICE_SPECS.get(arn.service)
    return spec is not None and spec.has_policies and _carrier(arn) != ""


def _carrier(arn: Arn) -> str | None:
    """The last field of the ARN of what carries the policy; "" where nothing can, None where it does so itself."""
    for pattern, carrier in _CARRIERS.get(arn.service, ()):
        found = pattern.fullmatch(arn.resource)
        if found is not None:
            return found.expand(carrier)
    return None


class PolicyBesideAnother(NamedTuple):
    """A policy that AWS evaluates beside that of a resource: whose it is, what reads it, and the ARN that has it."""

    words: str
    permission: str
    arn: str


def policy_beside(carrier: str) -> PolicyBesideAnother | None:
    """The policy that is in force beside the one of this ARN, and is not read."""
    arn = parse_arn(carrier)
    beside = SERVICE_SPECS[arn.service].beside if arn is not None and arn.service in SERVICE_SPECS else None
    found = re.fullmatch(beside.pattern, arn.resource, re.DOTALL) if arn is not None and beside is not None else None
    if arn is None or beside is None or found is None:
        return None
    other = str(arn._replace(resource=found.expand(beside.carrier)))
    return PolicyBesideAnother(beside.words, beside.permission, other)


_CARRIERS: Final = {
    name: [(re.compile(one.pattern, re.DOTALL), one.carrier) for one in spec.carriers]
    for name, spec in SERVICE_SPECS.items()
    if spec.carriers
}
