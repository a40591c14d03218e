"""Words of a redaction: their substitutes, and where patterns cut them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from random import Random
from typing import Final, NamedTuple, TypeAlias

from iamtui.problem import Problem
from iamtui.text import safe_text

_LETTERS_AND_DIGITS: Final = "[0-9A-Za-z\x80-\U0010ffff]+"
"""A word: whatever is not ASCII is a part of one, as vowel signs and accents are that stand behind their letter."""
_PIECE: Final = re.compile(rf"\$\{{[^}}]*\}}|{_LETTERS_AND_DIGITS}|[*?]+")
_WORD: Final = re.compile(_LETTERS_AND_DIGITS)
_VARIABLE: Final = re.compile(r"\$\{([^,}]*)(.*)\}", re.DOTALL)
_ID: Final = re.compile(r"(A(?:AGA|BIA|CCA|GPA|IDA|IPA|KIA|NPA|NVA|PKA|ROA|SCA|SIA))[A-Z0-9]{12,}")
"""An id that AWS made, which keeps the four letters that say what it is of; a name may be all in capitals, too."""
_ACCOUNT: Final = re.compile(r"[0-9]{12}")

_FIXED: Final = frozenset(
    (
        "arn", "aws", "cn", "gov", "us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx", "iso", "isob", "isoe",
        "isof", "north", "south", "east", "west", "central", "northeast", "southeast", "northwest", "southwest",
        "iam", "sts", "amazonaws", "com", "signin", "amazon", "https", "role", "user", "group", "policy",
        "root", "instance",
        "profile", "server", "certificate", "mfa", "sms", "saml", "provider", "oidc", "federated", "assumed",
        "service", "linked", "reserved", "sso", "awsreservedsso", "o", "r", "ou", "p", "repo", "ref", "refs",
        "heads", "id",
    )
)  # fmt: skip
"""AWS's own words that may stand in names too."""

AWS_VALUED: Final = frozenset(
    (
        "requestedregion", "region", "calledvia", "calledviafirst", "calledvialast", "viaservice",
        "passedtoservice", "awsservicename", "principaltype", "principalservicename", "principalservicenameslist",
        "x-amz-acl", "x-amz-server-side-encryption", "x-amz-storage-class", "x-amz-content-sha256",
        "signatureversion", "authtype", "tlsversion", "instancetype", "securetransport",
        "multifactorauthpresent", "viaawsservice", "protocol", "acl", "objectownership",
    )
)  # fmt: skip
"""Names of condition keys in lower case whose values are AWS's own words."""

_NOT_RENAMED_VARIABLES: Final = (AWS_VALUED - {"requestedregion", "region"}) | {
    *("currenttime", "epochtime", "tokenissuetime", "multifactorauthage", "sourceip", "vpcsourceip"),
    *("principalisawsservice", "signatureage", "max-keys"),
}
"""What a request says in words that are not renamed. The words of Regions stay in every text."""

_REGION: Final = "us|eu|ap|sa|ca|me|af|il|mx|cn|gov|iso[bef]?|(north|south)?(east|west)|north|south|central"
_VALUE_OF_AWS: Final = re.compile(
    rf"(?:[-*?]|(?<![a-z0-9])(?:{_REGION}|\d)(?![a-z0-9]))+"
    r"|(?:[a-z0-9*?-]+\.){1,5}amazonaws\.com(?:\.cn)?[*?]*"
    r"|account|user|role|assumedrole|federateduser|anonymous|root|service"
    r"|private|public-read(?:-write)?|authenticated-read|aws-exec-read|log-delivery-write|public-\*"
    r"|bucket-owner-(?:read|full-control)|bucketowner(?:preferred|enforced)|objectwriter"
    r"|aes256|aws:(?:kms(?::dsse)?|\*)|aws:fsx"
    r"|standard(?:_ia)?|onezone_ia|intelligent_tiering|glacier(?:_ir)?|deep_archive|reduced_redundancy|outposts|snow"
    r"|unsigned-payload|streaming-[a-z0-9-]+|aws(?:4-hmac-sha256)?|aws_iam|none|rest-(?:header|query-string)|post"
    r"|1\.[0-3]|true|false|https?|tcp|tls|udp|lambda|sqs|sms|email(?:-json)?|application|firehose"
    r"|(?:[a-z]{0,3}[*?]|[a-z]{1,4}\d{1,2}[a-z*?-]{0,5})(?:\.(?:nano|micro|small|medium|large|metal|\d{0,2}\*?xlarge|\*))?",
    re.IGNORECASE,
)


def is_word_of_aws(value: str) -> bool:
    """Whether a value, perhaps a pattern, can only be AWS's own: a Region, a service, an ACL, a type of instance."""
    return not value.strip("*?") or _VALUE_OF_AWS.fullmatch(value) is not None


_HOST: Final = re.compile(
    r"(?<![\w.-])(?:(?:[a-z0-9-]+\.)?([a-z0-9-]+)\.amazonaws\.com|oidc\.eks\.[a-z0-9-]+\.amazonaws\.com"
    r"|token\.actions\.githubusercontent\.com|accounts\.google\.com|graph\.facebook\.com|www\.amazon\.com"
    r"|app\.terraform\.io|gitlab\.com)"
)
"""Names of AWS's services, and providers that everybody uses."""

_SERVICE_LINKED: Final = re.compile(r"awsservicerolefor(?:amazon|aws)?(\w*)")

_CLAIMS: Final = frozenset(("aud", "sub", "amr", "azp", "oaud", "email", "id", "app_id", "user_id"))
_HOSTS_BESIDE_SERVICES: Final = frozenset(
    (
        "access-analyzer", "access-grants", "agent", "agentless", "ami", "apidestinations", "apigateway",
        "application-autoscaling", "application-insights", "application-status-checks", "assets",
        "aws-artifact-account-sync", "backup", "bcm", "capacitymanager", "cassandra-streams", "channels",
        "cloudtrail", "codebuild", "codecatalyst-runner", "cognito-identity-us-gov", "config", "config-conforms",
        "config-multiaccountsetup", "context", "continuousexport", "contract", "contributorinsights",
        "cost-optimization-hub", "credentials", "custom", "data-source", "datapipeline", "delivery", "directquery",
        "dmsintegration", "dynamodb", "ec2-images", "ec2fastlaunch", "ec2fleet", "ec2scheduled", "ec2sqlha",
        "ecs-application-autoscaling", "ecs-compute", "ecs-tasks", "edgelambda", "eks-connector", "eks-fargate-pods",
        "eks-nodegroup", "elasticbeanstalk", "elasticmapreduce", "email", "enhanced-monitoring", "es",
        "event-processor", "events", "firehose", "fms", "guardduty", "imagebuilder", "inspector2", "integrations",
        "job", "justintimeaccess", "kinesisanalytics", "kinesisreplication", "lambda", "lexv2", "license-management",
        "logger", "logging", "logs", "lustre", "macie", "maintenance", "malware-protection",
        "malware-protection-plan", "managedservices", "managedupdates", "marketplace", "member", "member-account",
        "metrics", "migrationhub", "monitoring", "mq", "network", "network-connectors", "observability", "oidc",
        "opensearchservice", "ops", "opsworks", "organizations", "orgsdatasync", "partnercentral-selling",
        "permission", "pipes", "pods", "private-marketplace", "rds", "rds-preview", "remediation", "replication",
        "replicator", "reporting", "resale-authorization", "resource-snapshot-job", "restore-testing",
        "runtime-identity", "runtime-instances", "s3", "s3-outposts", "scaler", "scheduler", "schema-conversion",
        "scraper", "securityhubv2", "servicecatalog-appregistry", "signin", "smsintegration", "spot", "spotfleet",
        "ssm", "ssm-incidents", "sso", "stacksets", "states", "sts", "sync", "tasks", "telemetry-enablement",
        "telemetry-pipelines", "thirdparty", "transitgateway", "triage", "vmie", "vpc-flow-logs",
    )
)  # fmt: skip
"""First parts of the hosts of services and service principals that are not the prefixes of services."""

Knows: TypeAlias = Callable[[str], bool]
"""Whether AWS has a service, an action, a pattern of actions or a condition key of that name."""


def is_service_host(text: str, knows: Knows) -> bool:
    """Whether a text is the name of a service of AWS, such as ecs-tasks.amazonaws.com."""
    found = re.fullmatch(r"((?:[a-z0-9-]+\.){1,5})amazonaws\.com(?:\.cn)?", text, re.IGNORECASE)
    if found is None:
        return False
    return all(
        is_region(part) or part in _HOSTS_BESIDE_SERVICES or knows(part) for part in found[1].lower().split(".")[:-1]
    )


def is_region(text: str) -> bool:
    return re.fullmatch(rf"(?:{_REGION})(?:-(?:{_REGION}))+-\d", text) is not None


def parts_of_key(key: str, knows: Knows) -> list[tuple[str, bool]]:
    """A condition key in parts, with whether each is to be renamed: a tag, the host of a provider, what AWS lacks."""
    service, colon, name = key.partition(":")
    if "." in service:
        provider, colon, name = key.rpartition(":")
        return [(provider, True), (colon, False), (name, name.lower() not in _CLAIMS)]
    if not knows(key.strip()):
        return [(service + colon, not colon or not (service.lower() == "aws" or knows(service.lower()))), (name, True)]
    if "/" in key:
        head, slash, tag = key.partition("/")
        return [(head + slash, False), (tag, True)]
    kept = ":".join(key.split(":", 2)[:2])
    return [(kept, False), (key[len(kept) :], True)]


_MARKS: Final = "kqxz"
_LETTERS: Final = "abdefgilmnoprstu"
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz"
_LENGTH: Final = 6
_SHORT: Final = 3
_MOST_QUESTION_MARKS: Final = 3
_TRIES: Final = 20
_MOST_DRAWN: Final = 2_000


_MOST_IN_WORD: Final = 1_000
_MOST_DIGITS: Final = 3
_MOST_CUTS: Final = 100_000
_MOST_STEPS: Final = 5_000_000


_Ahead: TypeAlias = tuple[str, str]
"""The kind of a text, and the character that stands before one of its words."""


class TextPlace(NamedTuple):
    """Where a text stands.

    Args:
        where: its path in the snapshot.
        pattern: whether stars in it are wildcards.
        kind: "tag" or "account" for the value of a tag or the id of an account, which are compared with their like
            only; "any" for what may stand for any field of an ARN; "person" for a name that no policy is about.
        whole: what it is a part of.
    """

    where: str
    pattern: bool = False
    kind: str = ""
    whole: str = ""


class RedactedWords:
    """The words of a snapshot, noted first and replaced after that.

    A substitute begins with a letter that stands nowhere else in it, so that no substitute is found across two others.
    """

    def __init__(self, aws_words: Iterable[str], random: Random, knows: Knows) -> None:
        self._knows = knows
        self._random = random
        self._kept = set(_FIXED)
        self._fields = {word.lower() for word in aws_words}
        """Words of AWS's own between the names of an ARN."""
        self._hosts: set[str] = set()
        self._words: dict[str, None] = {}
        """All words in lower case, in their order."""
        self._ids: dict[str, set[_Ahead]] = {}
        """By id: the kinds and characters that stand before it."""
        self._fragments: dict[str, set[str]] = {}
        """By fragment in lower case, where it can be found in a word: "start", "end" or "inside"."""
        self._places: dict[str, tuple[str, str, set[_Ahead]]] = {}
        """By fragment: the text and the place where it stands first, and what stands before it likewise."""
        self._alone: set[str] = set()
        self._loose: set[str] = set()
        """Words of patterns that can stand for any field of an ARN."""
        self._meets: dict[str, set[int]] = {}
        """By fragment, the numbers of the words in which it is found."""
        self._plain: dict[str, set[str]] = {}
        """The fragments that stay as they are."""
        self._exact = False
        self._cuts: dict[str, set[int]] = {}
        self._substitutes: dict[str, str] = {}
        self._cases: dict[str, dict[str, int]] = {}
        self._persons: dict[str, str] = {}
        """By word of a person's name that stays elsewhere: its substitute there."""
        self._typed: dict[str, str] = {}
        self._texts: dict[str, str] = {}

    def keep(self, text: str, always: bool) -> None:
        """Let words of AWS's own stay: `always`, or only where a pattern may mean them, as `*:s3:*` does."""
        (self._kept if always else self._fields).update(word.lower() for word in _WORD.findall(text))

    def note(self, text: str, place: TextPlace) -> str:
        """Take the words of a text."""
        kind = "any" if place.pattern and ":" in text and not place.whole else place.kind
        for host in _HOST.finditer(text):
            if host[1] is None or is_service_host(host[0], self._knows):
                self._hosts.update(word.lower() for word in _WORD.findall(host[0]))
        if _WORD.fullmatch(text):
            self._alone.add(text.lower())
        elif kind == "any":
            self._loose.update(word.lower() for word in _WORD.findall(text))
        for before, piece, after in _with_neighbours(list(_PIECE.finditer(text))):
            if piece[0].startswith("${"):
                self._note_variable(piece[0], before + after, place.whole or text, place.where)
            elif piece[0][0] in "*?":
                if place.pattern:
                    self._note_wildcards(piece[0], place.whole or text, place.where)
            else:
                ahead = text[max(piece.start() - 1, 0) : piece.start()].strip(":/")
                kinds = {(one, ahead) for one in (("", "account") if kind == "any" else (kind,))}
                self._note_word(piece[0], before, after, place.whole or text, place.where, kinds)
        return text

    def _note_variable(self, variable: str, beside: str, text: str, where: str) -> None:
        if variable in ("${*}", "${?}", "${$}"):
            return
        if beside:
            raise refusal(f"{variable} stands in {text!r} without a separator beside it", where)
        name, default = _VARIABLE.fullmatch(variable).groups()  # type: ignore[union-attr]
        if name.strip().lower().partition(":")[2] in _NOT_RENAMED_VARIABLES:
            raise refusal(f"{variable} in {text!r} compares what is renamed with what is not", where)
        own = " ".join(part for part, renamed in parts_of_key(name, self._knows) if renamed)
        for word in (*_WORD.findall(own), *_WORD.findall(default)):
            self._note_word(word, "", "", text, where, {("", "")})

    def _note_wildcards(self, wildcards: str, text: str, where: str) -> None:
        self._exact = self._exact or "?" in wildcards
        count = wildcards.count("?")
        if count > _MOST_QUESTION_MARKS or (count > 1 and "*" in wildcards):
            raise refusal(f"{wildcards} in {text!r} counts the characters of a name", where)

    def _note_word(self, word: str, before: str, after: str, text: str, where: str, ahead: set[_Ahead]) -> None:
        if _ACCOUNT.fullmatch(word) or _ID.fullmatch(word):
            self._ids.setdefault(word, set()).update(ahead)
            return
        lower = word.lower()
        self._words[lower] = None
        if before or after:
            kind = "inside" if before and after else "start" if after else "end"
            self._fragments.setdefault(lower, set()).add(kind)
            self._places.setdefault(lower, (text, where, set()))[2].update(ahead)

    def settle(self) -> None:
        """Give every word that has been noted its substitute.

        Raises:
            Problem: a pattern cuts an id, or cannot be kept.
        """
        self._kept |= (self._hosts - self._alone) | (self._fields & self._loose)
        self._kept |= {
            word for word in self._words if (found := _SERVICE_LINKED.fullmatch(word)) and self._knows(found[1])
        }
        self._check_ids()
        self._cut()
        self._refuse_single_digits()
        for word in sorted(self._kept & self._cuts.keys()):
            self._kept.update(self._segments(word))
        self._plain = {one: kinds for one, kinds in self._fragments.items() if self._stays(one)}
        broken: str | None = ""
        for _ in range(_TRIES):
            self._substitutes.clear()
            self._draw()
            broken = next(self._broken(), None)
            if broken is None:
                return
        assert broken is not None
        text, where, _ = self._places[broken]
        raise refusal(f"names that {text!r} cuts cannot be renamed so that it still does", where)

    def _check_ids(self) -> None:
        ids = list(self._ids)
        haystack = _Haystack([word if word.isdigit() else word.lower() for word in ids])
        for fragment, kinds in self._fragments.items():
            text, where, ahead = self._places[fragment]
            seen: set[int] = set()
            for number, found in haystack.find(fragment, kinds):
                word = ids[number]
                if number in seen or not _meet(ahead, self._ids[word], at_start=kinds == {"start"}):
                    continue
                seen.add(number)
                if not word.isdigit() and found == 0 and len(fragment) <= 4:
                    self._kept.add(fragment)
                    continue
                # Letters of an id that happen to be a word.
                if not word.isdigit() and fragment.upper() not in text:
                    continue
                raise refusal(f"{text!r} cuts an id, such as {word}", where)

    def _cut(self) -> None:
        """Find where each word is cut, until what is cut in one word is cut everywhere."""
        words = list(self._words)
        haystack = _Haystack(words)
        self._cuts = {word: set() for word in words}
        places: dict[str, set[tuple[int, str]]] = {}
        total = 0
        for fragment, kinds in self._fragments.items():
            meets = self._meets[fragment] = set()
            for number, start in haystack.find(fragment, kinds):
                meets.add(number)
                of_word = places.setdefault(words[number], set())
                of_word.add((start, fragment))
                total += 1
                if len(of_word) > _MOST_IN_WORD or total > _MOST_CUTS:
                    text, where, _ = self._places[fragment]
                    raise refusal(f"{text!r} and other patterns cut names in too many places", where)
        self._spread(places)

    def _spread(self, places: dict[str, set[tuple[int, str]]]) -> None:
        changed = True
        steps = 0
        while changed:
            changed = False
            for word, found in places.items():
                cuts = self._cuts[word]
                for start, fragment in found:
                    end, inner = start + len(fragment), self._cuts[fragment]
                    steps += len(cuts) + len(inner) + 1
                    wanted = {start, end, *(start + cut for cut in inner)} - {0, len(word)}
                    below = {cut - start for cut in cuts if start < cut < end}
                    if not wanted <= cuts or not below <= inner:
                        cuts |= wanted
                        inner |= below
                        changed = True
                    if steps > _MOST_STEPS:
                        text, where, _ = self._places[fragment]
                        raise refusal(f"{text!r} and other patterns cut names in too many places", where)

    def _segments(self, word: str) -> Iterator[str]:
        edges = [0, *sorted(self._cuts.get(word, ())), len(word)]
        for start, end in pairwise(edges):
            yield word[start:end]

    def _stays(self, segment: str) -> bool:
        return segment in self._kept or (len(segment) == 1 and segment.isdigit())

    def _refuse_single_digits(self) -> None:
        for word, cuts in self._cuts.items():
            digits = [one for one in self._segments(word) if len(one) == 1 and one.isdigit()] if cuts else []
            if len(digits) > _MOST_DIGITS:
                text, where, _ = self._places[next(one for one in self._fragments if one in word)]
                raise refusal(f"{text!r} and other patterns cut a number into its digits", where)

    def _draw(self) -> None:
        taken = set(self._kept)
        for word in self._words:
            for segment in self._segments(word):
                if segment in self._substitutes:
                    continue
                if self._stays(segment):
                    self._substitutes[segment] = segment
                    continue
                self._substitutes[segment] = self._one(segment, taken)

    def _one(self, segment: str, taken: set[str]) -> str:
        """A substitute that is not taken, and in which no fragment that stays as it is can be found."""
        draw = self._random.choice
        for _ in range(_MOST_DRAWN):
            if self._exact and len(segment) == 1:
                found = draw(_ALPHABET)
            elif self._exact and len(segment) <= _SHORT:
                found = "".join(draw("0123456789") if letter.isdigit() else draw(_LETTERS) for letter in segment)
            else:
                found = draw(_MARKS) + "".join(draw(_LETTERS) for _ in range(_LENGTH - 1))
            if found not in taken and not any(
                next(_found(fragment, kinds, found), None) is not None for fragment, kinds in self._plain.items()
            ):
                taken.add(found)
                return found
        raise refusal("its patterns cut names into too many single letters", "everywhere")

    def _broken(self) -> Iterator[str]:
        """The fragments that are found in other words than before."""
        images = {word: "".join(map(self._substitutes.__getitem__, self._segments(word))) for word in self._words}
        haystack = _Haystack(list(images.values()))
        for fragment, kinds in self._fragments.items():
            if {number for number, _ in haystack.find(images[fragment], kinds)} != self._meets[fragment]:
                yield fragment

    def of_person(self, text: str) -> str:
        """The name of a person or their group; West is a Region of AWS, and Ian's name as well."""
        return _WORD.sub(self._replaced_of_person, text)

    def _replaced_of_person(self, piece: re.Match[str]) -> str:
        renamed, lower = self._word(piece[0]), piece[0].lower()
        if not any(self._substitutes.get(segment) == segment for segment in self._segments(lower)):
            return renamed
        if lower not in self._persons:
            taken = {*self._kept, *self._substitutes.values(), *self._persons.values()}
            self._persons[lower] = self._one(lower, taken)
        return self._cased(piece[0], self._persons[lower])

    def of(self, text: str) -> str:
        """A text with the substitutes of its words; a word that was not noted gets one of its own."""
        found = self._texts.get(text)
        if found is None:
            found = self._texts[text] = _PIECE.sub(self._replaced, text)
        return found

    def _replaced(self, piece: re.Match[str]) -> str:
        text = piece[0]
        if text[0] in "*?" or text in ("${*}", "${?}", "${$}"):
            return text
        if text.startswith("${"):
            name, default = _VARIABLE.fullmatch(text).groups()  # type: ignore[union-attr]
            key = "".join(self.of(part) if own else part for part, own in parts_of_key(name, self._knows))
            return f"${{{key}{self.of(default)}}}"
        return self._word(text)

    def _word(self, word: str) -> str:
        if _ACCOUNT.fullmatch(word):
            return self._of_form(word, "", "0123456789")
        if found := _ID.fullmatch(word):
            return self._of_form(word, found[1], "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        lower = word.lower()
        if lower not in self._cuts:
            self._words[lower] = None
            haystack = _Haystack([lower])
            self._cuts[lower] = {
                cut
                for fragment, kinds in self._fragments.items()
                for _, start in haystack.find(fragment, kinds)
                for cut in (start, start + len(fragment))
            } - {0, len(lower)}
            self._draw_late(lower)
        at = 0
        renamed = []
        for segment in self._segments(lower):
            original = word[at : at + len(segment)]
            at += len(segment)
            substitute = self._substitutes[segment]
            renamed.append(original if substitute == segment else self._cased(original, substitute))
        return "".join(renamed)

    def _draw_late(self, word: str) -> None:
        taken = {*self._kept, *self._substitutes.values()}
        for segment in self._segments(word):
            if segment not in self._substitutes:
                self._substitutes[segment] = segment if self._stays(segment) else self._one(segment, taken)

    def _of_form(self, word: str, beginning: str, letters: str) -> str:
        while word not in self._typed:
            rest = "".join(self._random.choice(letters) for _ in range(len(word) - len(beginning)))
            if beginning + rest not in self._ids and beginning + rest not in self._typed.values():
                self._typed[word] = beginning + rest
        return self._typed[word]

    def _cased(self, word: str, substitute: str) -> str:
        """The substitute in another case for each case of the word, so that both are the same but for their case."""
        if len(substitute) == len(word) and len(word) <= _SHORT:
            return "".join(b.upper() if a.isupper() else b for a, b in zip(word, substitute, strict=True))
        known = self._cases.setdefault(substitute, {})
        if word not in known:
            whole = 2 ** len(substitute) - 1
            wanted = 0 if word.islower() or word.isdigit() else whole if word.isupper() else 1
            taken = known.values()
            free = next((number for number in (wanted, *range(2, whole)) if number not in taken), None)
            if free is None:
                raise refusal(f"{word!r} stands in it in too many ways that differ only in case", "everywhere")
            known[word] = free
        return "".join(
            letter.upper() if known[word] >> place & 1 else letter for place, letter in enumerate(substitute)
        )


class _Haystack:
    """Many words as one text, in which a fragment is looked for once."""

    def __init__(self, words: Sequence[str]) -> None:
        self._text = "\n".join(("", *words, ""))
        self._begins = list(accumulate((len(word) + 1 for word in words), initial=1))

    def find(self, fragment: str, kinds: set[str]) -> Iterator[tuple[int, int]]:
        """The numbers of the words in which a fragment is found, and where in them."""
        for kind, needle, skip in (("start", "\n" + fragment, 1), ("end", fragment + "\n", 0), ("inside", fragment, 0)):
            found = self._text.find(needle) if kind in kinds else -1
            while found >= 0:
                number = bisect_right(self._begins, found + skip) - 1
                yield number, found + skip - self._begins[number]
                found = self._text.find(needle, found + 1)


def _meet(ahead: set[_Ahead], before: set[_Ahead], *, at_start: bool) -> bool:
    """Whether a fragment and an id stand where they can be compared."""
    return bool(ahead & before if at_start else {kind for kind, _ in ahead} & {kind for kind, _ in before})


def _found(fragment: str, kinds: set[str], word: str) -> Iterator[int]:
    """Where a fragment is found in a word."""
    if "start" in kinds and word.startswith(fragment):
        yield 0
    if "end" in kinds and word.endswith(fragment):
        yield len(word) - len(fragment)
    if "inside" in kinds and fragment in word:
        yield word.index(fragment)


def refusal(what: str, where: str) -> Problem:
    """What cannot be renamed so that the answers stay the same, with its place."""
    return Problem(
        f"The snapshot cannot be redacted, because {safe_text(what, limit=400)} ({safe_text(where, limit=200)}).",
        "Share it as it is, or leave that policy out.",
    )


def _with_neighbours(pieces: Sequence[re.Match[str]]) -> Iterator[tuple[str, re.Match[str], str]]:
    """Each piece between the texts of those that it touches, "" where it touches none."""
    for number, piece in enumerate(pieces):
        before = pieces[number - 1] if number else None
        after = pieces[number + 1] if number + 1 < len(pieces) else None
        yield (
            before[0] if before is not None and before.end() == piece.start() else "",
            piece,
            after[0] if after is not None and after.start() == piece.end() else "",
        )
