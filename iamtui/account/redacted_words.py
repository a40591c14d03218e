"""Words of a redaction: AWS's own, which stay, and the pseudonyms of all others, cut where patterns cut them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, pairwise
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
_ID: Final = re.compile("(A(?:AGA|BIA|CCA|GPA|IDA|IPA|KIA|NPA|NVA|PKA|ROA|SCA|SIA))[A-Z0-9]{12,}|[0-9]{12}")
"""An id that AWS made, which keeps the four letters that say what it is of; a name may be all in capitals, too."""

_FIXED: Final = frozenset(
    re.findall(
        r"\S+",
        """
    arn aws cn gov us eu ap sa ca me af il mx iso isob isoe isof north south east west central northeast
    southeast northwest southwest iam sts amazonaws com signin amazon https role user group policy root instance
    profile server certificate mfa sms saml provider oidc federated assumed service linked reserved sso
    awsreservedsso o r ou p repo ref refs heads id 0 1 2 3 4 5 6 7 8 9
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


_PLACES: Final = {(False, False): "", (False, True): "start", (True, False): "end", (True, True): "inside"}


def _pieces(text: str, form: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """The pieces of a text, each with where others that touch it leave it: at the start, at the end or inside."""
    found = [*form.finditer(text)]
    starts, ends = {one.start() for one in found}, {one.end() for one in found}
    for one in found:
        yield one[0], _PLACES[one.start() in ends, one.end() in starts]


OF_AWS: Final = -1
"""Stands for the documents of AWS's own policies, none of which is left out."""

_MARKS: Final = "kqxz"
_LETTERS: Final = "abdefgilmnoprstu"
_LENGTH: Final = 6
_MOST_STEPS: Final = 20_000_000


class RedactedWords:
    """The words of a snapshot, noted first and replaced after that.

    A pseudonym begins with a letter that stands nowhere else in it, so that none is found across two others. What a
    pattern cuts off (`app*`) is a word too, a fragment, and each word that begins, ends or is made up with it is cut
    there: the parts have pseudonyms of their own.
    """

    def __init__(self, knows: Knows, random: Random) -> None:
        self._knows = knows
        self._random = random
        self._kept = set(_FIXED)
        self._words: dict[str, None] = {}
        """All words in lower case, in their order."""
        self._ids: set[str] = set()
        self._fragments: dict[str, set[str]] = defaultdict(set)
        """By fragment as it is spelled, where it cuts a word: "start", "end" or "inside"."""
        self._patterns: dict[str, dict[int, str]] = defaultdict(dict)
        """By fragment in lower case: the documents that have it, each with a pattern."""
        self._lowered = _Fragments({})
        self._cuts: dict[str, set[int]] = defaultdict(set)
        self._pseudonyms: dict[str, str] = {}
        self._kept_parts = _Fragments({})
        """Fragments that stay as they are."""
        self._taken: set[str] = set()
        self._spelled: dict[str, dict[str, str]] = defaultdict(dict)
        self._persons: dict[str, str] = {}
        """By word of a person's name that stays elsewhere: its pseudonym there."""
        self._typed: dict[str, str] = {}
        self._settled = False

    def keep(self, text: str) -> None:
        """Keep the words of a text unchanged wherever they occur, unless they have pseudonyms already."""
        for word in _WORD.findall(text.lower()):
            if not self._settled or word not in self._words:
                self._kept.add(word)
                self._words[word] = None

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
        for word, place in _pieces(text, _PIECE if document else _WORD):
            if word[0] == "$":
                if word not in _WILDCARD and place:
                    raise Unsafe(f"{word} stands in {text!r} without a separator beside it")
                self._note_variable(word, text)
            elif word[0] in "*?":
                if pattern and "?" in word:
                    raise Unsafe(f"{text!r} counts the characters of a name")
            else:
                is_id = _ID.fullmatch(word) is not None
                if is_id:
                    self._ids.add(word)
                if pattern and place:
                    self._fragments[word].add(place)
                    self._patterns[word.lower()].setdefault(document, text)
                if not is_id or (pattern and place):
                    self._words[word.lower()] = None

    def note_of_aws(self, text: str) -> None:
        """Record a pattern of one of AWS's own policies, whose words are kept wherever they occur."""
        self.keep(text)
        for part in re.split(r"\$\{[^}]*\}|\?", text):
            self.note(part, OF_AWS, pattern=True)

    def _note_variable(self, variable: str, text: str) -> None:
        if variable in _WILDCARD:
            return
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
        self._kept |= {
            word for word in self._words if (name := _SERVICE_LINKED.fullmatch(word)) and self._knows(name[1])
        }
        spelled = _Fragments(self._fragments)
        cutting = {fragment.lower() for one in self._ids for _, fragment in spelled.found_in(one)}
        if broken := self._documents_of(cutting, "it cuts an id"):
            return broken
        kinds: dict[str, set[str]] = defaultdict(set)
        for fragment, several in self._fragments.items():
            kinds[fragment.lower()] |= several
        self._lowered = _Fragments(kinds)
        found = self._cut()
        if found is None:
            return self._documents_of(kinds, "it and other patterns cut names in too many places")
        kept = {part for word in self._kept & self._cuts.keys() for part in self._parts(word)}
        self._pseudonyms = {part: part for part in (*kept, *(self._kept & kinds.keys()))}
        self._kept_parts = _Fragments({one: kinds[one] for one in kinds if one in self._kept | kept})
        self._taken = self._kept | kept
        self._settled = True
        lost = self._lost_fragments(found, kinds)
        return self._documents_of(lost, "names that it cuts cannot be renamed so that it still does")

    def _lost_fragments(
        self, found: Mapping[str, Iterable[tuple[int, str]]], kinds: Mapping[str, set[str]]
    ) -> list[str]:
        """Fragments that, once renamed, are found in other words than before.

        Args:
            found: by word, the fragments in it.
        """
        images = {word: self._image(word) for word in self._words}
        imaged = _Fragments({images[fragment]: kinds[fragment] for fragment in kinds})
        changed: set[str] = set()
        for word, image in images.items():
            changed |= {images[one] for _, one in found[word]} ^ {one for _, one in imaged.found_in(image)}
        return [fragment for fragment in kinds if images[fragment] in changed]

    def _documents_of(self, fragments: Iterable[str], why: str) -> dict[int, str]:
        found = chain.from_iterable(self._patterns[fragment].items() for fragment in fragments)
        return {document: f"{text!r}: {why}" for document, text in found if document != OF_AWS}

    def _cut(self) -> dict[str, list[tuple[int, str]]] | None:
        """Find where each word is cut, until what is cut in one word is cut everywhere.

        Returns:
            By word, the fragments in it, each with its place; None: they are too many.
        """
        steps = sum(map(len, self._words)) * self._lowered.lengths
        if steps > _MOST_STEPS:
            return None
        found = {word: [*self._lowered.found_in(word)] for word in self._words}
        changed = True
        while changed:
            changed = False
            for word, places in found.items():
                cuts = self._cuts[word] if places else set()
                for start, fragment in places:
                    end, inner = start + len(fragment), self._cuts[fragment]
                    wanted = {start, end, *(start + cut for cut in inner)} - {0, len(word)} - cuts
                    below = {cut - start for cut in cuts if start < cut < end} - inner
                    cuts |= wanted
                    inner |= below
                    changed = changed or bool(wanted or below)
                    steps += len(cuts) + len(inner) + 1
                    if steps > _MOST_STEPS:
                        return None
        return found

    def _parts(self, word: str) -> Iterator[str]:
        for start, end in pairwise([0, *sorted(self._cuts.get(word, ())), len(word)]):
            yield word[start:end]

    def _image(self, word: str) -> str:
        return word if word in self._kept else "".join(self._pseudonym(part) for part in self._parts(word))

    def _pseudonym(self, part: str) -> str:
        if part not in self._pseudonyms:
            self._pseudonyms[part] = self._new()
        return self._pseudonyms[part]

    def _new(self) -> str:
        """A pseudonym that is not taken, and in which no fragment that stays as it is can be found."""
        for attempt in range(1_000):
            found = self._random.choice(_MARKS) + "".join(
                self._random.choices(_LETTERS, k=_LENGTH - 1 + attempt // 500)
            )
            if found not in self._taken and (attempt > 500 or not any(self._kept_parts.found_in(found))):
                break
        self._taken.add(found)
        return found

    def of(self, text: str, *, variables: bool = False) -> str:
        """A text with the pseudonyms of its words; a word that was not noted gets one of its own."""
        return (_PIECE if variables else _WORD).sub(self._replaced, text)

    def _replaced(self, piece: re.Match[str]) -> str:
        text, word = piece[0], piece[0].lower()
        if text[0] in "*?" or text in _WILDCARD:
            return text
        if text[0] == "$":
            name, default = _VARIABLE.fullmatch(text).groups()  # type: ignore[union-attr]
            key = "".join(self.of(part) if own else part for part, own in parts_of_key(name, self._knows))
            return f"${{{key}{self.of(default)}}}"
        if found := _ID.fullmatch(text):
            return self._typed_id(text, found[1])
        if word in self._kept:
            return text
        if word not in self._words:
            self._words[word] = None
            for start, fragment in self._lowered.found_in(word):
                places = (0, len(fragment), *self._cuts.get(fragment, ()))
                self._cuts[word] |= {start + cut for cut in places} - {0, len(word)}
        renamed, at = [], 0
        for part in self._parts(word):
            renamed.append(self._cased(text[at : at + len(part)], self._pseudonym(part)))
            at += len(part)
        return "".join(renamed)

    def _cased(self, word: str, pseudonym: str) -> str:
        """The pseudonym in another case for each case of the word, so that both are the same but for their case.

        A word in more spellings than the pseudonym can have gets another pseudonym for the rest of them.
        """
        if pseudonym == word.lower():
            return word
        known = self._spelled[pseudonym]
        if word not in known:
            number = 0 if word.islower() or word.isdigit() else 1 + len(known)
            cased = "".join(one.upper() if number >> place & 1 else one for place, one in enumerate(pseudonym))
            known[word] = cased if number < 2 ** len(pseudonym) else self._new()
        return known[word]

    def of_person(self, text: str) -> str:
        """The name of a person or their group; West is a Region of AWS, and Ian's name as well."""
        return _WORD.sub(self._replaced_of_person, text)

    def _replaced_of_person(self, piece: re.Match[str]) -> str:
        renamed, word = self._replaced(piece), piece[0].lower()
        if _ID.fullmatch(piece[0]) or not (
            word in self._kept or any(self._pseudonyms[part] == part for part in self._parts(word))
        ):
            return renamed
        if word not in self._persons:
            self._persons[word] = self._new()
        return self._cased(piece[0], self._persons[word])

    def _typed_id(self, word: str, beginning: str | None) -> str:
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" if beginning else "0123456789"
        while word not in self._typed:
            found = (beginning or "") + "".join(self._random.choices(letters, k=len(word) - len(beginning or "")))
            if found not in self._ids and found not in self._typed.values():
                self._typed[word] = found
        return self._typed[word]


class _Fragments:
    """Fragments of words, to be found in words at their start, at their end or anywhere.

    Attributes:
        lengths: how many different lengths they have.
    """

    def __init__(self, kinds: Mapping[str, set[str]]) -> None:
        self._kinds = kinds
        self._sizes = sorted({len(one) for one in kinds})
        self._inside = {len(one) for one, several in kinds.items() if "inside" in several}
        self.lengths = len(self._sizes)

    def found_in(self, word: str) -> Iterator[tuple[int, str]]:
        """Fragments that a word has, each with its place."""
        for size in self._sizes:
            last = len(word) - size
            for start in range(last + 1) if size in self._inside else sorted({0, last}) if last >= 0 else ():
                kinds = self._kinds.get(word[start : start + size], ())
                if "inside" in kinds or (start == 0 and "start" in kinds) or (start == last and "end" in kinds):
                    yield start, word[start : start + size]
