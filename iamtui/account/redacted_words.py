"""Words of a redaction: AWS's own, which stay, and the pseudonyms of all others, cut where patterns cut them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise
from random import Random
from typing import Final, TypeAlias

Knows: TypeAlias = Callable[[str], bool]
"""Predicate: AWS has a service, an action, a pattern of actions or a condition key of that name."""

_LETTERS_AND_DIGITS: Final = "[0-9A-Za-z\x80-\U0010ffff]+"
"""A word: every character beyond ASCII is part of one, such as vowel signs and accents behind their letter."""
_WORD: Final = re.compile(_LETTERS_AND_DIGITS)
_PIECE: Final = re.compile(rf"\$\{{[^}}]*\}}|{_LETTERS_AND_DIGITS}|[*?]+")
_VARIABLE: Final = re.compile(r"\$\{([^,}]*)(.*)\}", re.DOTALL)
_WILDCARD: Final = ("${*}", "${?}", "${$}")
_KIND: Final = re.compile("A(?:AGA|BIA|CCA|GPA|IDA|IPA|KIA|NPA|NVA|PKA|ROA|SCA|SIA)")
_ID: Final = re.compile(rf"({_KIND.pattern})[A-Z0-9]{{12,}}|[0-9]{{12}}")
"""An id that AWS made, which keeps the four letters that say what it is of; a name may be all in capitals, too."""

_FIXED: Final = frozenset(
    re.findall(
        r"\S+",
        """
    arn aws cn gov us eu ap sa ca me af il mx iso isob isoe isof north south east west central northeast
    southeast northwest southwest iam sts amazonaws com signin amazon https role user group policy root instance
    profile server certificate mfa sms saml provider oidc federated assumed service linked reserved sso
    awsreservedsso o r ou p repo ref refs heads id
    """,
    )
)
"""AWS's own words that names may contain too."""

AWS_VALUED: Final = frozenset(
    re.findall(
        r"\S+",
        """
    requestedregion region calledvia calledviafirst calledvialast viaservice passedtoservice awsservicename
    principaltype principalservicename principalservicenameslist x-amz-acl x-amz-server-side-encryption
    x-amz-storage-class x-amz-content-sha256 signatureversion authtype tlsversion instancetype securetransport
    multifactorauthpresent viaawsservice protocol acl objectownership
    """,
    )
)
"""Names of condition keys in lower case whose values are AWS's own words."""

_NOT_RENAMED_VARIABLES: Final = (AWS_VALUED - {"requestedregion", "region"}) | {
    *("currenttime", "epochtime", "tokenissuetime", "multifactorauthage", "sourceip", "vpcsourceip"),
    *("principalisawsservice", "signatureage", "max-keys"),
}
"""Policy variables whose request values are not renamed. The words of Regions are kept in every text."""

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
    """True if a value, perhaps a pattern, can only be AWS's own: a Region, a service, an ACL, an instance type."""
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
    re.findall(
        r"\S+",
        """
    access-analyzer access-grants agent agentless ami apidestinations apigateway application-autoscaling
    application-insights application-status-checks assets aws-artifact-account-sync backup bcm capacitymanager
    cassandra-streams channels cloudtrail codebuild codecatalyst-runner cognito-identity-us-gov config
    config-conforms config-multiaccountsetup context continuousexport contract contributorinsights
    cost-optimization-hub credentials custom data-source datapipeline delivery directquery dmsintegration
    dynamodb ec2-images ec2fastlaunch ec2fleet ec2scheduled ec2sqlha ecs-application-autoscaling ecs-compute
    ecs-tasks edgelambda eks-connector eks-fargate-pods eks-nodegroup elasticbeanstalk elasticmapreduce email
    enhanced-monitoring es event-processor events firehose fms guardduty imagebuilder inspector2 integrations
    job justintimeaccess kinesisanalytics kinesisreplication lambda lexv2 license-management logger logging logs
    lustre macie maintenance malware-protection malware-protection-plan managedservices managedupdates
    marketplace member member-account metrics migrationhub monitoring mq network network-connectors
    observability oidc opensearchservice ops opsworks organizations orgsdatasync partnercentral-selling
    permission pipes pods private-marketplace rds rds-preview remediation replication replicator reporting
    resale-authorization resource-snapshot-job restore-testing runtime-identity runtime-instances s3 s3-outposts
    scaler scheduler schema-conversion scraper securityhubv2 servicecatalog-appregistry signin smsintegration
    spot spotfleet ssm ssm-incidents sso stacksets states sts sync tasks telemetry-enablement
    telemetry-pipelines thirdparty transitgateway triage vmie vpc-flow-logs
    """,
    )
)
"""First parts of the hosts of services and service principals that are not the prefixes of services."""


def is_service_host(text: str, knows: Knows) -> bool:
    """True if a text is the host name of an AWS service, such as ecs-tasks.amazonaws.com."""
    found = re.fullmatch(r"((?:[a-z0-9-]+\.){1,5})amazonaws\.com(?:\.cn)?", text, re.IGNORECASE)
    if found is None:
        return False
    return all(
        is_region(part) or part in _HOSTS_BESIDE_SERVICES or knows(part) for part in found[1].lower().split(".")[:-1]
    )


def is_region(text: str) -> bool:
    return re.fullmatch(rf"(?:{_REGION})(?:-(?:{_REGION}))+-\d", text) is not None


class Unsafe(Exception):
    """A policy document that cannot be redacted so that it decides as before; says why."""


def parts_of_key(key: str, knows: Knows) -> list[tuple[str, bool]]:
    """A condition key in parts, with whether each is to be renamed: a tag, the host of a provider.

    Raises:
        Unsafe: AWS has no such key.
    """
    if "." in key.partition(":")[0]:
        provider, colon, claim = key.rpartition(":")
        return [(provider, True), (colon, False), (claim, claim.lower() not in _CLAIMS)]
    if not knows(key.strip()):
        raise Unsafe(f"{key!r} is not known as a condition key of AWS")
    head, slash, tag = key.partition("/")
    if slash:
        return [(head + slash, False), (tag, True)]
    kept = ":".join(key.split(":", 2)[:2])
    return [(kept, False), (key[len(kept) :], True)]


_OF_AWS: Final = -1
"""Stands for the documents of AWS's own policies, none of which is left out."""

_MARKS: Final = "kqxz"
_LETTERS: Final = "abdefgilmnoprstu"
_LENGTH: Final = 6
_TRIES: Final = 20
_MOST_IN_WORD: Final = 1_000
_MOST_DIGITS: Final = 3
_MOST_CUTS: Final = 100_000
_MOST_STEPS: Final = 5_000_000
_TOO_MANY: Final = "it and other patterns cut names in too many places"


class RedactedWords:
    """The words of a snapshot, noted first and replaced after that.

    A pseudonym begins with a letter that stands nowhere else in it, so that none is found across two others. What a
    pattern cuts off (`app*`) is a word too, and each word that begins, ends or is made up with it is cut there.
    """

    def __init__(self, knows: Knows, random: Random) -> None:
        self._knows = knows
        self._random = random
        self._kept = set(_FIXED)
        self._words: dict[str, None] = {}
        """All words in lower case, in their order."""
        self._ids: dict[str, set[str]] = defaultdict(set)
        """The characters before each id."""
        self._fragments: dict[str, set[str]] = defaultdict(set)
        """By fragment in lower case, where it can be found in a word: "start", "end" or "inside"."""
        self._spellings: dict[str, set[tuple[str, str]]] = defaultdict(set)
        """The spellings of each fragment, with the characters before them."""
        self._patterns: dict[str, dict[int, str]] = defaultdict(dict)
        """By fragment: the documents that have it, each with a pattern."""
        self._meets: dict[str, set[int]] = {}
        """By fragment, the numbers of the words in which it is found."""
        self._cuts: dict[str, set[int]] = {}
        self._plain: dict[str, set[str]] = {}
        """The fragments that stay as they are."""
        self._pseudonyms: dict[str, str] = {}
        self._taken: set[str] = set()
        self._cases: dict[str, dict[str, str]] = defaultdict(dict)
        self._persons: dict[str, str] = {}
        """By word of a person's name that stays elsewhere: its pseudonym there."""
        self._typed: dict[str, str] = {}

    def keep(self, text: str) -> None:
        """Keep the words of a text unchanged wherever they occur."""
        self._kept.update(word.lower() for word in _WORD.findall(text))

    def note(self, text: str, document: int = 0, *, pattern: bool = False) -> None:
        """Take the words of a text.

        Args:
            document: the number of the policy document in which it stands, or 0: in none, so it has no variables.
            pattern: whether stars in it are wildcards.

        Raises:
            Unsafe: its wildcards or variables cannot be kept.
        """
        for host in _HOST.finditer(text):
            if host[1] is None or is_service_host(host[0], self._knows):
                self.keep(host[0])
        pieces = list((_PIECE if document else _WORD).finditer(text))
        for number, piece in enumerate(pieces):
            word, start = piece[0], piece.start()
            before = number > 0 and pieces[number - 1].end() == start
            after = number + 1 < len(pieces) and pieces[number + 1].start() == piece.end()
            if word[0] == "$":
                self._note_variable(word, text, alone=not before and not after)
            elif word[0] in "*?":
                if pattern and "?" in word:
                    raise Unsafe(f"{text!r} counts the characters of a name")
            else:
                ahead = text[max(start - 1, 0) : start].strip(":/")
                if _ID.fullmatch(word):
                    self._ids[word].add(ahead)
                else:
                    self._words[word.lower()] = None
                if pattern and (before or after):
                    self._words[word.lower()] = None
                    kind = "inside" if before and after else "start" if after else "end"
                    self._fragments[word.lower()].add(kind)
                    self._spellings[word.lower()].add((word, ahead))
                    self._patterns[word.lower()].setdefault(document, text)

    def note_of_aws(self, text: str) -> None:
        """Record a pattern of one of AWS's own policies, whose words are kept wherever they occur."""
        self.keep(text)
        for part in re.split(r"\$\{[^}]*\}|\?", text):
            self.note(part, _OF_AWS, pattern=True)

    def _note_variable(self, variable: str, text: str, *, alone: bool) -> None:
        if variable in _WILDCARD:
            return
        if not alone:
            raise Unsafe(f"{variable} stands in {text!r} without a separator beside it")
        name, default = _VARIABLE.fullmatch(variable).groups()  # type: ignore[union-attr]
        if name.strip().lower().partition(":")[2] in _NOT_RENAMED_VARIABLES:
            raise Unsafe(f"{variable} in {text!r} compares what is renamed with what is not")
        for part, renamed in parts_of_key(name, self._knows):
            self.note(part if renamed else "")
        self.note(default)

    def settle(self) -> dict[int, str]:
        """Give every word that has been noted its pseudonym.

        Returns:
            By number, the documents whose patterns cannot be kept, with why; if there are any, nothing is settled.
        """
        linked = {word for word in self._words if (name := _SERVICE_LINKED.fullmatch(word)) and self._knows(name[1])}
        self._kept |= linked
        broken = self._cut_ids() or self._cut() or self._cut_digits()
        found = self._documents_of(broken)
        if found:
            return found
        for word in sorted(self._kept & self._cuts.keys()):
            self._kept.update(self._segments(word))
        self._plain = {one: kinds for one, kinds in self._fragments.items() if self._stays(one)}
        for _ in range(_TRIES):
            self._pseudonyms.clear()
            self._taken = set(self._kept)
            for word in self._words:
                self._draw(word)
            found = self._documents_of(
                dict.fromkeys(self._lost(), "names that it cuts cannot be renamed so that it still does")
            )
            if not found:
                break
        return found

    def _documents_of(self, broken: dict[str, str]) -> dict[int, str]:
        return {
            document: f"{text!r}: {why}"
            for fragment, why in broken.items()
            for document, text in self._patterns[fragment].items()
            if document != _OF_AWS
        }

    def _cut_ids(self) -> dict[str, str]:
        """The fragments that may cut an id; the letters that say what an id is of stay."""
        broken = {}
        ids = list(self._ids)
        haystack = _Haystack(ids)
        for fragment, kinds in self._fragments.items():
            for spelled, ahead in self._spellings[fragment]:
                if kinds == {"start"} and _KIND.fullmatch(spelled):
                    self.keep(spelled)
                elif any(kinds != {"start"} or ahead in self._ids[ids[n]] for n, _ in haystack.find(spelled, kinds)):
                    broken[fragment] = "it cuts an id"
        return broken

    def _cut(self) -> dict[str, str]:
        """Find where each word is cut, until what is cut in one word is cut everywhere.

        Returns:
            The first fragment that cuts too much, if there is one.
        """
        words = list(self._words)
        haystack = _Haystack(words)
        self._cuts = {word: set() for word in words}
        places: dict[str, set[tuple[int, str]]] = defaultdict(set)
        total = 0
        for fragment, kinds in self._fragments.items():
            self._meets[fragment] = set()
            for number, start in haystack.find(fragment, kinds):
                self._meets[fragment].add(number)
                places[words[number]].add((start, fragment))
                total += 1
                if len(places[words[number]]) > _MOST_IN_WORD or total > _MOST_CUTS:
                    return {fragment: _TOO_MANY}
        steps, changed = 0, True
        while changed:
            changed = False
            for word, found in places.items():
                cuts = self._cuts[word]
                for start, fragment in found:
                    end, inner = start + len(fragment), self._cuts[fragment]
                    wanted = {start, end, *(start + cut for cut in inner)} - {0, len(word)}
                    below = {cut - start for cut in cuts if start < cut < end}
                    if not wanted <= cuts or not below <= inner:
                        cuts |= wanted
                        inner |= below
                        changed = True
                    steps += len(cuts) + len(inner) + 1
                    if steps > _MOST_STEPS:
                        return {fragment: _TOO_MANY}
        return {}

    def _cut_digits(self) -> dict[str, str]:
        """The fragments that cut a number into its digits, which would stay."""
        broken: set[str] = set()
        for number, word in enumerate(self._words):
            if self._cuts[word] and sum(len(one) == 1 and one.isdigit() for one in self._segments(word)) > _MOST_DIGITS:
                broken.update(fragment for fragment, meets in self._meets.items() if number in meets)
        return dict.fromkeys(broken, "it and other patterns cut a number into its digits")

    def _lost(self) -> Iterator[str]:
        """The fragments that are found in other words than before."""
        images = {word: "".join(map(self._pseudonyms.__getitem__, self._segments(word))) for word in self._words}
        haystack = _Haystack(list(images.values()))
        for fragment, kinds in self._fragments.items():
            if {number for number, _ in haystack.find(images[fragment], kinds)} != self._meets[fragment]:
                yield fragment

    def _segments(self, word: str) -> Iterator[str]:
        for start, end in pairwise([0, *sorted(self._cuts[word]), len(word)]):
            yield word[start:end]

    def _stays(self, segment: str) -> bool:
        return segment in self._kept or (len(segment) == 1 and segment.isdigit())

    def _draw(self, word: str) -> None:
        for segment in self._segments(word):
            if segment not in self._pseudonyms:
                self._pseudonyms[segment] = segment if self._stays(segment) else self._one()

    def of(self, text: str, *, variables: bool = False) -> str:
        """A text with the pseudonyms of its words; a word that was not noted gets one of its own."""
        return (_PIECE if variables else _WORD).sub(self._replaced, text)

    def _replaced(self, piece: re.Match[str]) -> str:
        text = piece[0]
        if text[0] in "*?" or text in _WILDCARD:
            return text
        if text[0] == "$":
            name, default = _VARIABLE.fullmatch(text).groups()  # type: ignore[union-attr]
            key = "".join(self.of(part) if own else part for part, own in parts_of_key(name, self._knows))
            return f"${{{key}{self.of(default)}}}"
        if found := _ID.fullmatch(text):
            return self._typed_id(text, found[1])
        if text.lower() not in self._cuts:
            self._cut_late(text.lower())
        renamed, at = [], 0
        for segment in self._segments(text.lower()):
            renamed.append(self._cased(text[at : at + len(segment)], self._pseudonyms[segment]))
            at += len(segment)
        return "".join(renamed)

    def _cut_late(self, word: str) -> None:
        haystack = _Haystack([word])
        found = [
            (start, fragment)
            for fragment, kinds in self._fragments.items()
            for _, start in haystack.find(fragment, kinds)
        ]
        self._cuts[word] = {
            cut
            for start, fragment in found
            for cut in (start, start + len(fragment), *(start + inner for inner in self._cuts[fragment]))
        } - {0, len(word)}
        self._draw(word)

    def _one(self) -> str:
        """A pseudonym that is not taken, and in which no fragment that stays as it is can be found."""
        for attempt in range(1_000):
            found = self._random.choice(_MARKS) + "".join(
                self._random.choices(_LETTERS, k=_LENGTH - 1 + attempt // 500)
            )
            plain = attempt < 500 and any(_is_found(one, kinds, found) for one, kinds in self._plain.items())
            if not plain and found not in self._taken:
                break
        self._taken.add(found)
        return found

    def _cased(self, word: str, pseudonym: str) -> str:
        """The pseudonym in another case for each case of the word, so that both are the same but for their case.

        A word in more spellings than the pseudonym can have gets another pseudonym for the rest of them.
        """
        if pseudonym == word.lower():
            return word
        known = self._cases[pseudonym]
        if word not in known:
            whole = 2 ** len(pseudonym) - 1
            wanted = 0 if word.islower() or word.isdigit() else whole if word.isupper() else 1
            spelled = (
                "".join(letter.upper() if number >> place & 1 else letter for place, letter in enumerate(pseudonym))
                for number in (wanted, *range(2, whole))
            )
            taken = set(known.values())
            known[word] = next((one for one in spelled if one not in taken), None) or self._one()
        return known[word]

    def of_person(self, text: str) -> str:
        """The name of a person or their group; West is a Region of AWS, and Ian's name as well."""
        return _WORD.sub(self._replaced_of_person, text)

    def _replaced_of_person(self, piece: re.Match[str]) -> str:
        renamed, lower = self._replaced(piece), piece[0].lower()
        if _ID.fullmatch(piece[0]) or not any(self._pseudonyms[one] == one for one in self._segments(lower)):
            return renamed
        if lower not in self._persons:
            self._persons[lower] = self._one()
        return self._cased(piece[0], self._persons[lower])

    def _typed_id(self, word: str, beginning: str | None) -> str:
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" if beginning else "0123456789"
        while word not in self._typed:
            found = (beginning or "") + "".join(self._random.choices(letters, k=len(word) - len(beginning or "")))
            if found not in self._ids and found not in self._typed.values():
                self._typed[word] = found
        return self._typed[word]


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


def _is_found(fragment: str, kinds: set[str], word: str) -> bool:
    return next(_Haystack([word]).find(fragment, kinds), None) is not None
