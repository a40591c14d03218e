"""Single resources that speak for all of a set.

Statements tell resources apart by their Resource and NotResource elements alone, and the rules of a service by a few
patterns, so that two resources that the same patterns match are answered the same. A set is settled by one resource for
each way in which its resources are matched. It need not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NamedTuple

from iamtui.engine.combined_layers import Evaluation, principal_rules
from iamtui.engine.decision import Layer
from iamtui.engine.layers import reached_as, reaches
from iamtui.engine.policy_sets import LayerStatement, PolicySet
from iamtui.engine.prepared_request import PreparedRequest
from iamtui.engine.service_rules import may_be_granted, telling_resources_apart
from iamtui.policy.context import Truth
from iamtui.policy.pattern_overlap import PatternTest, Texts, first_common, texts_apart
from iamtui.policy.patterns import STARS, Glob, Token, Wild, lead_of
from iamtui.policy.resource import Patterns, Reach, ResourceMatcher, ResourceSet
from iamtui.policy.statement import CompiledStatement

_MOST_LIKELY: Final = 8
_MOST_ENTRIES: Final = 32
"""How many entries of a statement a likely witness is looked for in."""
_MOST_OF_A_STATEMENT: Final = 3
_MOST_REMEMBERED: Final = 32_768
_MOST_WALKS: Final = 512


def may_differ(reading: Evaluation) -> bool:
    """True if resources of the set may have different answers, so that one of them has to be found.

    They are not where nothing but Allow statements of the caller's own policies speaks of some resources alone.
    """
    members = reading.prepared.resource.members
    return bool(members.forms or members.never or reading.in_any_account) or any(
        speaks_of_some_alone(layer, policies, reading.asked) for layer, _, policies in reading.sets()
    )


def speaks_of_some_alone(layer: Layer, policies: PolicySet, asked: PreparedRequest) -> bool:
    """True if policies make some resources of the set differ from others; see `may_differ`."""
    known = asked.of_set.limits
    found = known.get(policies)
    if found is None:
        if len(known) >= _MOST_REMEMBERED:
            known.clear()
        found = known[policies] = _speaks_of_some_alone(layer, policies, asked)
    return found


def _speaks_of_some_alone(layer: Layer, policies: PolicySet, asked: PreparedRequest) -> bool:
    known = asked.of_set.limits_of_each
    for carried in policies.carried:
        found = known.get((carried, layer))
        if found is None:
            if len(known) >= _MOST_REMEMBERED:
                known.clear()
            named, others = carried.about(asked.action)
            found = known[carried, layer] = any(
                _tells_members_apart(member, layer, asked)
                for member in (*named, *(() if carried.says_always else others))
            )
        if found:
            return True
    return False


def _tells_members_apart(member: LayerStatement, layer: Layer, asked: PreparedRequest) -> bool:
    compiled = member.compiled
    grants = layer is Layer.IDENTITY and compiled.allows
    return not compiled.any_resource and not (grants and names_resources(compiled, asked))


def names_resources(compiled: CompiledStatement, asked: PreparedRequest) -> bool:
    """True if a statement that grants some of the set is allowed on the resources it names, as far as AWS's rules go.

    Not where one call needs several resources of the set at once, of which it may name but one.
    """
    element = compiled.resource
    return (
        not asked.prepared.resource.needs
        and element.matcher is not None
        and not element.negated
        and not element.matcher.variable_keys
        and _names_any_not_refused(element.matcher, asked)
    )


def _names_any_not_refused(matcher: ResourceMatcher, asked: PreparedRequest) -> bool:
    """True if entries match a resource of the set that AWS does not refuse whatever policies say."""
    never = asked.prepared.resource.members.never
    if not never and not telling_resources_apart(asked.action):
        return True
    known = asked.of_set.named
    found = known.get(matcher)
    if found is None:
        if len(known) >= _MOST_REMEMBERED:
            known.clear()
        found = known[matcher] = _has_an_example(matcher, asked) or _shares_any_not_refused(matcher, asked)
    return found


def _has_an_example(matcher: ResourceMatcher, asked: PreparedRequest) -> bool:
    """True if an entry with a letter for each wildcard is a resource of the set that AWS does not refuse."""
    examples = (_example(entry, asked) for entry in matcher.texts[:_MOST_ENTRIES])
    return any(example and matcher.names(example) for example in examples)


def _example(entry: str, asked: PreparedRequest) -> str:
    """A resource of the set with a letter for each wildcard of an entry; "" where AWS refuses it, or it is none.

    A whole field of an ARN that is a wildcard is that of the set, as the account most often is.
    """
    known = asked.of_set.examples
    found = known.get(entry)
    if found is None:
        if len(known) >= _MOST_REMEMBERED:
            known.clear()
        members = asked.prepared.resource.members
        fields = entry.split(":", _ARN_FIELDS)
        spelled_out = lead_of(members.patterns[0]).split(":")[:-1] if members.patterns else []
        for place, word in enumerate(spelled_out[: len(fields) - 1]):
            if fields[place] == "*":
                fields[place] = word
        text = ":".join(fields).replace("*", "x").replace("?", "x")
        is_one = members.has(text) and may_be_granted(asked.action, text)
        found = known[entry] = text if is_one else ""
    return found


def _shares_any_not_refused(matcher: ResourceMatcher, asked: PreparedRequest) -> bool:
    made = _in_common(matcher.fixed_globs, asked, ArnDefaults(asked.action.service, ""))
    return (
        any(may_be_granted(asked.action, text) for text in made) if made else not asked.prepared.resource.members.never
    )


def likely(reading: Evaluation) -> Iterator[str]:
    """Resources of the set that are quickly made: mostly one of them is allowed if any is."""
    # As far as they are read: of thousands of statements, the first few are enough.
    made: set[str] = set()
    for text in _each_likely(reading):
        if text not in made:
            yield text
            made.add(text)
            if len(made) == _MOST_LIKELY:
                return


def _each_likely(reading: Evaluation) -> Iterator[str]:
    granting = (Layer.IDENTITY, Layer.RESOURCE)
    # Boundaries and the like name what they let through; the policies that grant come first.
    for first in (True, False):
        for layer, _, scanned in reading.scans:
            if (layer in granting) is first and layer is not Layer.RCP:
                for match in scanned.matches:
                    if match.statement.allows:
                        yield from _of_statement(match.statement, reading)
    yield from _of_the_whole(reading)


def _of_statement(compiled: CompiledStatement, reading: Evaluation) -> tuple[str, ...]:
    """Resources of the set that a statement is about."""
    matcher = compiled.resource.matcher
    if matcher is None or compiled.any_resource or compiled.resource.negated:
        return ()
    known = reading.asked.of_set.likely
    kept = known.get(matcher)
    if kept is None:
        entries: Iterable[Glob] = matcher.fixed_globs
        if matcher.variable_keys:
            entries = map(Glob, matcher.patterns(reading.context, reading.language).certain)
        kept = _in_common(entries, reading.asked, surroundings(reading))
        if not matcher.variable_keys:
            _keep(known, matcher, kept)
    return kept


def _in_common(entries: Iterable[Glob], asked: PreparedRequest, around: ArnDefaults) -> tuple[str, ...]:
    """Resources of the set that entries name."""
    members = asked.prepared.resource.members
    made = (
        _spelled_once(both, around)
        for entry in islice(entries, _MOST_ENTRIES)
        for tokens in members.beginning_as(entry.lead)
        # Most have nothing in common, which is seen much sooner than what they have.
        if entry.shares(tokens) and (both := _first_of_both(entry.tokens, tokens)) is not None
    )
    # What is named in other Regions may be denied for that.
    here: list[str] = []
    elsewhere: list[str] = []
    for text in islice(filter(members.has, made), _MOST_ENTRIES):
        (here if text.split(":", 4)[3] in ("", around.region) else elsewhere).append(text)
        if len(here) == _MOST_OF_A_STATEMENT:
            break
    return tuple((*here, *elsewhere)[:_MOST_OF_A_STATEMENT])


@lru_cache(maxsize=4096)
def _first_of_both(entry: tuple[Token, ...], tokens: tuple[Token, ...]) -> tuple[Token, ...] | None:
    return first_common(_with_full_folders(entry), tokens) or first_common(entry, tokens)


def _with_full_folders(entry: tuple[Token, ...]) -> tuple[Token, ...]:
    """The pattern without an empty name between two slashes, which IAM's paths and most names do not have."""
    full: list[Token] = []
    for place, token in enumerate(entry):
        if token in STARS and entry[place - 1 : place] == ("/",) and entry[place + 1 : place + 2] == ("/",):
            full.append(Wild.ONE)
        full.append(token)
    return tuple(full)


def _keep(
    known: dict[ResourceMatcher, tuple[str, ...]], matcher: ResourceMatcher, made: tuple[str, ...]
) -> tuple[str, ...]:
    if len(known) >= _MOST_REMEMBERED:
        known.clear()
    known[matcher] = made
    return made


def _of_the_whole(reading: Evaluation) -> Iterator[str]:
    """Resources of the set, one of each type, whatever statements are about."""
    memory = reading.asked.of_set
    if memory.of_each_type is None:
        around = surroundings(reading)
        members = reading.prepared.resource.members
        made = (_spelled_once(tokens, around) for tokens in members.forms or members.patterns)
        memory.of_each_type = tuple(islice(filter(members.has, made), _MOST_LIKELY))
    yield from memory.of_each_type


def any_of_set(reading: Evaluation) -> str:
    return next(_of_the_whole(reading), reading.prepared.resource.text)


def surroundings(reading: Evaluation) -> ArnDefaults:
    """Default fields of a made-up ARN."""
    region = reading.context.lookup("aws:requestedregion")
    return ArnDefaults(
        reading.asked.action.service, region[0] if isinstance(region, tuple) and len(region) == 1 else ""
    )


class _ResourceStatement(NamedTuple):
    """A statement that matches if the resource does: its place among the layers, and what it waits for besides."""

    place: int
    layer: Layer
    member: LayerStatement
    reached: tuple[Any, ...]
    holds: Truth
    patterns: Patterns | None

    @property
    def grants(self) -> bool:
        return self.layer in (Layer.IDENTITY, Layer.RESOURCE) and self.member.compiled.allows

    def denies_for_certain(self, *, spared: bool) -> bool:
        """True if the resource alone decides that the request is denied.

        Args:
            spared: whether RCPs leave the call alone on some resources.
        """
        certain = self.holds is True and True in self.reached
        return not self.member.compiled.allows and certain and not (spared and self.layer is Layer.RCP)


def told_apart(reading: Evaluation, *, denied_too: bool) -> Texts:
    """A witness for each way in which what is granted of the set is matched.

    Args:
        denied_too: whether those count that a Deny matches for certain, each Deny for itself.
    """
    statements = tuple(_statements(reading))
    known = reading.asked.of_set.walks
    ignored = (reading.resource_denies_ignored, reading.rcps_spare_some)
    key = (denied_too, reading.side.is_root, _unknown_grants(reading), ignored, statements)
    found = known.get(key)
    if found is None:
        if len(known) >= _MOST_WALKS:
            known.clear()
        tests = tuple(_tests(reading, statements, denied_too=denied_too))
        if reading.asked.of_a_need:
            # Where few statements have a say, it comes to the same for most callers.
            found = known.get(tests)
        if found is None:
            found = texts_apart(tests)
        known[key] = found
        if reading.asked.of_a_need:
            known[tests] = found
    assert isinstance(found, Texts)
    return found


def _statements(reading: Evaluation) -> Iterator[_ResourceStatement]:
    for place, (layer, _, policies) in enumerate(reading.sets()):
        rules = principal_rules(reading, of_resource=layer is Layer.RESOURCE)
        for member in policies.about(reading.asked.action):
            compiled = member.compiled
            reached: tuple[Any, ...] = (True,)
            if layer is Layer.RESOURCE:
                strengths = reached_as(compiled, reading.caller, rules)
                reached = (*strengths, *strengths.values())
            elif layer in (Layer.RCP, Layer.VPC_ENDPOINT):
                applies = reaches(compiled, reading.caller, layer, rules)
                reached = () if applies is False else (applies,)
            holds = compiled.holds(reading.context) if reached else False
            if holds is False:
                continue
            matcher = compiled.resource.matcher
            varies = matcher is not None and matcher.variable_keys
            patterns = matcher.patterns(reading.context, reading.language) if matcher is not None and varies else None
            yield _ResourceStatement(place, layer, member, reached, holds, patterns)


def _unknown_grants(reading: Evaluation) -> bool:
    """True if a policy that may grant is not known."""
    return any(scanned is not None and scanned.missing for scanned in (reading.identity, reading.resource))


def _tests(
    reading: Evaluation, statements: tuple[_ResourceStatement, ...], *, denied_too: bool
) -> Iterator[PatternTest]:
    """Tests that distinguish the resources of the set; equivalent statements are one test."""
    yield from _tests_of_set(reading, statements)
    grants_anything = _grants_anything(reading, statements)
    allowed: dict[tuple[Any, ...], list[tuple[Token, ...]]] = {}
    granting: set[tuple[Any, ...]] = set()
    denied: list[tuple[Token, ...]] = []
    for statement in statements:
        matcher = statement.member.compiled.resource.matcher
        if matcher is None or not _tells_apart(statement, reading):
            continue
        allows, negated = statement.member.compiled.allows, statement.member.compiled.resource.negated
        certain, possible = statement.patterns or matcher.patterns(reading.context, reading.language)
        counts = statement.grants and not grants_anything
        out = not denied_too and statement.denies_for_certain(spared=reading.rcps_spare_some)
        if negated:
            if out:
                yield PatternTest((*certain, *possible), negated=True, must=False)
            if not out or possible:
                yield PatternTest(certain, negated=True, one_of=counts)
        elif out:
            denied.extend(certain)
        elif allows:
            key = (statement.place, statement.reached, statement.holds)
            allowed.setdefault(key, []).extend(certain)
            if counts:
                granting.add(key)
        else:
            yield PatternTest(certain)
        for pattern in possible:
            yield PatternTest((pattern,), one_of=counts and not negated)
    for key, patterns in allowed.items():
        yield PatternTest(tuple(patterns), one_of=key in granting)
    yield PatternTest(tuple(denied), must=False)


def _grants_anything(reading: Evaluation, statements: tuple[_ResourceStatement, ...]) -> bool:
    """True if a resource of the set can be granted without a statement that names it."""
    about_all = any(_is_about_all(statement) for statement in statements if statement.grants)
    return reading.side.is_root or _unknown_grants(reading) or about_all


def _tests_of_set(reading: Evaluation, statements: tuple[_ResourceStatement, ...]) -> Iterator[PatternTest]:
    """Tests for the resources of the set, and for those that rules of AWS distinguish."""
    members = reading.prepared.resource.members
    yield PatternTest(members.patterns, must=True)
    if members.forms:
        yield PatternTest(members.forms, must=True)
    yield PatternTest(tuple(_never_named(members, statements)), must=False)
    for glob in telling_resources_apart(reading.asked.action):
        if members.shares(glob):
            yield PatternTest((glob.tokens,))
    own = reading.caller.account
    if reading.in_any_account and own:
        # The root user of the caller's own account is answered otherwise than those of member accounts.
        yield PatternTest(((*"arn:", Wild.FIELD_STAR, *":iam::", *own, ":", Wild.STAR),))
    region = surroundings(reading).region
    if region and any("aws:requestedregion" in statement.member.compiled.keys for statement in statements):
        yield PatternTest(((*"arn:", Wild.FIELD_STAR, ":", Wild.FIELD_STAR, ":", *region, ":", Wild.STAR),))


def _tells_apart(statement: _ResourceStatement, reading: Evaluation) -> bool:
    """True if the entries of a statement affect which resources of the set are allowed."""
    element = statement.member.compiled.resource
    if element.matcher is None or not element.matcher.texts or _is_about_all(statement):
        return False
    if element.negated and element.matcher.invalid:
        return False
    if reading.asked.of_a_need and not (element.negated or _shares_any(element.matcher, reading)):
        return False
    if statement.member.compiled.allows:
        return statement.layer is not Layer.RCP
    return not (statement.layer is Layer.RESOURCE and reading.resource_denies_ignored)


def _shares_any(matcher: ResourceMatcher, reading: Evaluation) -> bool:
    """True if entries may match a resource of the set; most match none of those of one type."""
    known = reading.asked.of_set.shared
    found = known.get(matcher)
    if found is None:
        resource = reading.prepared.resource
        found = matcher.hits_set(resource, Reach.SHARES, reading.context, reading.language) is not False
        if not matcher.variable_keys:
            if len(known) >= _MOST_REMEMBERED:
                known.clear()
            known[matcher] = found
    return found


def _never_named(members: ResourceSet, statements: tuple[_ResourceStatement, ...]) -> Iterator[tuple[Token, ...]]:
    """Patterns that never match a resource of the set, as far as the request's text or an entry spells them out.

    A witness has no other words than those; the rest would make a walk through thousands of entries twice as long.
    """
    if members.never:
        texts = ["".join(token if isinstance(token, str) else "*" for token in each) for each in members.patterns]
        for statement in statements:
            matcher = statement.member.compiled.resource.matcher
            texts.extend(matcher.texts if matcher is not None else ())
        text = "\n".join(texts)
        yield from (glob.tokens for glob in members.never if _longest_word(glob.tokens) in text)


@lru_cache(maxsize=4096)
def _longest_word(tokens: tuple[Token, ...]) -> str:
    return max("".join(token if isinstance(token, str) else "*" for token in tokens).split("*"), key=len)


def _is_about_all(statement: _ResourceStatement) -> bool:
    element = statement.member.compiled.resource
    return statement.member.compiled.any_resource or (element.matcher is None and element.implied)


_ARN_FIELDS: Final = 5
_FIRST_PRIVATE, _LAST_PRIVATE = "\ue000", "\uf8ff"
_S3: Final = ("arn:aws:s3:::", "arn:aws-cn:s3:::", "arn:aws-us-gov:s3:::")
_LETTERS: Final = "xabcdefghijklmnopqrstuvwyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.+=@,"
"""Characters of names, the likeliest first."""
_REGIONS: Final = {
    "aws": ("eu-west-1", "us-east-1", "us-west-2", "eu-central-1", "ap-southeast-2"),
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
    "aws-us-gov": ("us-gov-west-1", "us-gov-east-1"),
}
_ACCOUNT: Final = "123456789012"
_IN_BUCKET: Final = ("example", "example/x")
"""The name of a bucket has three characters or more."""
_MANAGED_POLICY: Final = "policy/ReadOnlyAccess"


class ArnDefaults(NamedTuple):
    """Default fields of a made-up ARN: service and Region, or ""."""

    service: str
    region: str


def spelled(tokens: Sequence[Token], around: ArnDefaults, letter: str = _LETTERS[0]) -> str:
    """An ARN that a pattern matches.

    Args:
        tokens: with all six fields of an ARN.
        letter: what stands for the wildcards of names.
    """
    fields = _fields(tokens)
    names: tuple[str, ...] = (_MANAGED_POLICY,) if fields[4] == list("aws") else ()
    if fields[2] == list("s3") and not (fields[3] or fields[4]):
        names = _IN_BUCKET
    likely: tuple[tuple[str, ...], ...] = (
        (),
        tuple(_REGIONS),
        (around.service,),
        (around.region, *_regions(fields[1])),
        (_ACCOUNT,),
        names,
    )
    made: list[str] = []
    for field, words in zip(fields, likely, strict=True):
        glob = Glob(field)
        known = next((word for word in words if word and glob.matches(word)), None)
        if known is None:
            known = _account(field) if len(made) == _ARN_FIELDS - 1 else _filled(field, letter)
        made.append(known)
    return ":".join(made)


_spelled_once: Final = lru_cache(maxsize=4096)(spelled)
"""Questions that differ in their context alone ask about the same sets."""


def _account(field: Sequence[Token]) -> str:
    """An account that a pattern matches: of as many digits as accounts have, if there is one."""
    missing = len(_ACCOUNT) - sum(token not in STARS for token in field)
    for place, token in enumerate(field):
        if token in STARS and missing >= 0:
            rest = [one for one in field[place + 1 :] if one not in STARS]
            return "".join(one if isinstance(one, str) else "1" for one in [*field[:place], *"1" * missing, *rest])
    return _filled(field, "1")


def spellings(text: str, around: ArnDefaults) -> Iterator[str]:
    """Spellings of a text with characters of names in place of its private-use characters."""
    exact: list[Token] = []
    wide: list[Token] = []
    for character in text:
        if not _FIRST_PRIVATE <= character <= _LAST_PRIVATE:
            exact.append(character)
            wide.append(character)
            continue
        exact.append(Wild.ONE)
        # What stands in one of the first fields may be longer, and the name of a bucket.
        if exact.count(":") < _ARN_FIELDS:
            wide += (Wild.FIELD_ONE, Wild.FIELD_STAR)
        else:
            wide += (Wild.ONE, Wild.NAME_STAR) if "/" not in exact and text.startswith(_S3) else (Wild.ONE,)
    for region in (around.region, *_regions(_fields(list(text))[1])):
        yield spelled(wide, around._replace(region=region))
    for letter in _LETTERS:
        for tokens in (wide, exact):
            yield spelled(tokens, around, letter)


def _regions(partition: Sequence[Token]) -> tuple[str, ...]:
    glob = Glob(partition)
    return next((regions for name, regions in _REGIONS.items() if glob.matches(name)), _REGIONS["aws"])


def _fields(tokens: Sequence[Token]) -> list[list[Token]]:
    fields: list[list[Token]] = [[]]
    for token in tokens:
        if token == ":" and len(fields) <= _ARN_FIELDS:
            fields.append([])
        else:
            fields[-1].append(token)
    while len(fields) <= _ARN_FIELDS:
        fields.append([])
    return fields


def _filled(tokens: Sequence[Token], letter: str) -> str:
    """The text with each run of wildcards as one letter, or as many as it has to be."""
    made: list[str] = []
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if isinstance(token, str):
            made.append(token)
            position += 1
            continue
        end = position
        while end < len(tokens) and isinstance(tokens[end], Wild):
            end += 1
        run = tokens[position:end]
        least = sum(one not in STARS for one in run)
        is_open = least < len(run)
        is_whole = (position == 0 or tokens[position - 1] in ("/", ":")) and end < len(tokens) and tokens[end] == "/"
        if is_whole and is_open and least <= len("example") and letter == _LETTERS[0]:
            made.append("example")
        else:
            made.append(letter * max(least, 1))
        position = end
    return "".join(made)
