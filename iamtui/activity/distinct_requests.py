"""Distinct requests: events that ask the same of AWS, once with their number, and with their first and last time.

Left out of an event is what no policy reads: ids, times, tokens, and the values of keys that nobody asks for.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

import msgspec

from iamtui.activity.event_rows import COUNT, CUT, ENCODED, FIRST, FOLDED, LAST, OF_ADDRESSES
from iamtui.activity.events import LEFT_OUT, UNREAD, UNREADABLE, Event, Remembered
from iamtui.denials.cloudtrail import is_denied
from iamtui.engine.calls.api_calls import FOLDED as FOLDED_RECORD
from iamtui.engine.calls.call_resources import tells
from iamtui.policy.json_text import dict_in, text_in

MOST_DISTINCT: Final = 300_000
"""Distinct requests that are held, if their texts are not too large; events of more are counted by their names."""

_MOST_HELD: Final = 224 * 1024 * 1024
"""Bytes of all of them, of which each takes _SIZE_OF_ONE besides its texts; what many have in common counts once."""

_SIZE_OF_ONE: Final = 680
_COMMON: Final = 6
"""Fields of a request that many have in common, the first ones: caller, account, Region, source, name and type."""

MOST_SESSIONS: Final = 1_000
"""Distinct sessions kept of one role: programs give each of theirs a name of its own."""

_MOST_LEFT: Final = 10_000
_OTHERS: Final = "other events"


class RecordedCaller(msgspec.Struct, frozen=True, gc=False):
    """Who called.

    Args:
        kind: CloudTrail's type of identity: "IAMUser", "AssumedRole", "Root", "AWSService", ...
        arn: of the user or session as CloudTrail has it, or of the role where sessions are not told apart, or "".
        role: ARN of the role (or user) behind a session, with its path, or "".
        session: name of the session, or "".
        account: its account, or "".
        invoked_by: the service that called on its behalf, or that is the caller itself, or "".
        identity: userIdentity without what changes from event to event, JSON.
    """

    kind: str
    arn: str
    role: str
    session: str
    account: str
    invoked_by: str
    identity: str

    @property
    def principal(self) -> str:
        """ARN of the user or role whose policies count, or the name of the service; "" when unknown."""
        return self.role or self.arn or self.invoked_by


class NamedResource(msgspec.Struct, frozen=True, gc=False):
    """A resource that a record names."""

    arn: str
    account: str = ""
    type: str = ""


class DistinctRequest(msgspec.Struct, frozen=True, gc=False):
    """One request of which events say that it was made.

    Args:
        account: in which the event was recorded: that of the caller, or of the resource of another one's call.
        source: event source, "s3.amazonaws.com".
        event: event name, "GetObject".
        type: event type; "AwsApiCall" for calls.
        parameters: requestParameters without tokens, pages and long texts, JSON with sorted names, or "".
        cut: whether more than tokens and pages was left out of them, or of the resources: what it asked for besides,
            and of what, is not known.
        resources: as the record lists them.
        context: eventContext as far as keys of it are asked for, JSON, or "".
        error: error code; "" for a call that succeeded.
        message: error message, of a call that was denied.
        folded: whether it stands for calls on several objects, whose keys begin with its key up to the `*`.
    """

    caller: RecordedCaller
    account: str
    region: str
    source: str
    event: str
    type: str
    parameters: str
    cut: bool
    resources: tuple[NamedResource, ...]
    address: str
    agent: str
    endpoint: str
    endpoint_account: str
    encrypted: bool
    context: str
    error: str
    message: str
    folded: bool = False
    count: int = 0
    first: str = ""
    last: str = ""

    @property
    def denied(self) -> bool:
        return is_denied(self.error)

    @property
    def succeeded(self) -> bool:
        """True where the call succeeded, which proves that the caller was allowed."""
        return not self.error

    @property
    def is_call(self) -> bool:
        """True for an API call, which policies allow; other events are sign-ins and acts of the service itself."""
        return self.type in ("AwsApiCall", "")

    def given(self) -> dict[str, Any]:
        """The parameters, as an object."""
        return _object(self.parameters)

    def record(self) -> dict[str, Any]:
        """The CloudTrail record of the request, as far as it was kept; its time is the last one."""
        kept = {
            "eventSource": self.source,
            "eventName": self.event,
            "eventType": self.type,
            "eventTime": self.last,
            "awsRegion": self.region,
            "recipientAccountId": self.account,
            "sourceIPAddress": self.address,
            "userAgent": self.agent,
            "vpcEndpointId": self.endpoint,
            "vpcEndpointAccountId": self.endpoint_account,
            "errorCode": self.error,
            "errorMessage": self.message,
        }
        nested: dict[str, Any] = {
            "userIdentity": _object(self.caller.identity),
            "requestParameters": self.given(),
            "eventContext": _object(self.context),
            "resources": [{"ARN": one.arn, "accountId": one.account, "type": one.type} for one in self.resources],
            "tlsDetails": {"tlsVersion": "TLS"} if self.encrypted else {},
            FOLDED_RECORD: self.folded,
        }
        return {key: value for key, value in (kept | nested).items() if value}

    def row(self) -> dict[str, Any]:
        """The columns of it in a table, which is read as events are."""
        record = self.record()
        record.pop("eventTime", None)
        record.pop(FOLDED_RECORD, None)
        texts = {key: value if isinstance(value, str) else _compact(value) for key, value in record.items()}
        marks = ("true" if self.cut else "", FOLDED if self.folded else "")
        return {**texts, COUNT: self.count, FIRST: self.first, LAST: self.last, CUT: ",".join(filter(None, marks))}


COLUMNS: Final = (
    "eventSource", "eventName", "eventType", "awsRegion", "recipientAccountId", "userIdentity", "requestParameters",
    "resources", "errorCode", "errorMessage", "sourceIPAddress", "userAgent", "vpcEndpointId", "vpcEndpointAccountId",
    "tlsDetails", "eventContext", COUNT, FIRST, LAST, CUT,
)  # fmt: skip


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text) if text else {}
    return value if isinstance(value, dict) else {}


def _compact(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


class _Seen(msgspec.Struct, gc=False):
    """How often a request was made, first and last."""

    count: int
    first: str
    last: str

    def add(self, other: _Seen) -> None:
        self.count += other.count
        if other.first and (other.first < self.first or not self.first):
            self.first = other.first
        self.last = max(self.last, other.last)


def _request(key: tuple[Any, ...], seen: _Seen) -> DistinctRequest:
    return DistinctRequest(*key, *msgspec.structs.astuple(seen))


def _asking(key: tuple[Any, ...]) -> tuple[str, ...]:
    caller, _, region, source, event, _, parameters = key[:7]
    return source, event, parameters, region, caller.principal


_FOLDED: Final = 17
_DEEPEST_FOLD: Final = 3
"""How requests on objects are folded where there are too many: by folder, by the first folder, by bucket."""


def folded(key: tuple[Any, ...], depth: int) -> tuple[Any, ...]:
    """The fields of a request on an object with what its key begins with in place of the key; others as they are."""
    if key[3] != "s3.amazonaws.com" or '"key":' not in key[6] or key[16] or "x-amz-copy-source" in key[6]:
        return key
    given = _object(key[6])
    name, bucket = given.get("key"), given.get("bucketName")
    if not (isinstance(name, str) and isinstance(bucket, str)):
        return key
    name = name.removesuffix("*") if key[_FOLDED] else name
    stem = name[: name.rfind("/") + 1] if depth == 1 else name[: name.find("/") + 1] if depth == 2 else ""
    if not tells(f"{stem}x"):
        return key
    given |= {"key": f"{stem}*"} | ({"versionId": "*"} if "versionId" in given else {})
    own = f":::{bucket}/{name}{'*' if key[_FOLDED] else ''}"
    short = f":::{bucket}/{stem}*"
    resources = tuple(
        msgspec.structs.replace(one, arn=one.arn.removesuffix(own) + short) if one.arn.endswith(own) else one
        for one in key[8]
    )
    return (*key[:6], _compact(given), key[7], resources, *key[9:_FOLDED], True)


class RequestCollector:
    """Collapses events to distinct requests.

    Args:
        keys: condition keys whose values are to be told, in lower case; None: all.
        sessions: whether each session counts by its name, however many a role has, as when policies name some.
    """

    def __init__(self, keys: frozenset[str] | None = frozenset(), *, sessions: bool = False) -> None:
        self._keys = keys
        self._all_sessions = sessions or self._asked("aws:userid")
        self._address = self._asked(*OF_ADDRESSES)
        self._agent = self._asked("aws:useragent")
        self._issued = self._asked("aws:tokenissuetime")
        self._mfa = self._asked("aws:multifactorauthpresent", "aws:multifactorauthage")
        self._callers: Remembered[RecordedCaller] = Remembered()
        self._parameters: Remembered[tuple[str, bool]] = Remembered()
        self._resources: Remembered[tuple[NamedResource, ...]] = Remembered()
        self._sessions: dict[str, set[str]] = {}
        self._told_apart = 0
        self._shared: dict[Any, Any] = {}
        self._size = 0
        self._depth = 0
        self._found: dict[tuple[Any, ...], _Seen] = {}
        self.left_out: Counter[str] = Counter()
        """Events of more distinct requests than are held, by source and name."""

    def _asked(self, *keys: str) -> bool:
        return self._keys is None or not self._keys.isdisjoint(keys)

    def __len__(self) -> int:
        return len(self._found)

    def add(self, events: Iterable[Event]) -> None:
        for event in events:
            key = self._fields(event)
            first = (event.first or event.eventTime or "")[:_LONGEST_TIME]
            last = (event.last or event.eventTime or "")[:_LONGEST_TIME]
            seen = None if event.lost else self._found.get(key)
            if seen is not None:
                seen.add(_Seen(event.count, first, last))
            elif event.lost or not self._keep(key, _Seen(event.count, first, last)):
                name = f"{event.eventSource}:{event.eventName}" if event.eventSource != _OTHERS else _OTHERS
                known = name in self.left_out or (len(self.left_out) < _MOST_LEFT and len(name) <= _LONGEST_NAME)
                self.left_out[name if known else _OTHERS] += event.count

    def _keep(self, key: tuple[Any, ...], seen: _Seen) -> bool:
        """Keep a request, or its object key's prefix where there are too many; False without room."""
        while True:
            if self._depth:
                key = folded(key, self._depth)
                if (known := self._found.get(key)) is not None:
                    known.add(seen)
                    return True
            if len(self._found) < MOST_DISTINCT and (held := self._held(key)) is not None:
                self._found[held] = seen
                return True
            if self._depth == _DEEPEST_FOLD:
                return False
            self._depth += 1
            self._fold()

    def _fold(self) -> None:
        """Hold requests on several objects whose keys begin alike as one."""
        shorts = {key: short for key in self._found if (short := folded(key, self._depth)) is not key}
        alike = Counter(shorts.values())
        for key, short in shorts.items():
            if alike[short] > 1:
                seen = self._found.pop(key)
                self._size -= sum(_size_of(part) for part in key[_COMMON:] if part) + _SIZE_OF_ONE
                if (known := self._found.get(short)) is not None:
                    known.add(seen)
                else:
                    self._found[self._held(short) or short] = seen

    @property
    def folded_events(self) -> int:
        """Events of which it is held what the keys of their objects begin with."""
        return sum(seen.count for key, seen in self._found.items() if key[_FOLDED])

    def lost_rows(self, unread: int) -> Iterator[dict[str, Any]]:
        """Rows of a table of the requests that say what these lack.

        Args:
            unread: how many files, or entries in them, could not be read.
        """
        for name, count in self.left_out.items():
            source, _, event = name.partition(":")
            yield {"eventSource": source, "eventName": event or _OTHERS, COUNT: count, CUT: LEFT_OUT}
        if unread:
            yield {"eventSource": "iamtui", "eventName": UNREAD, COUNT: unread, CUT: UNREAD}

    def _held(self, key: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """The key with what it has in common with others held once; None where there is no room for the rest."""
        size = sum(_size_of(part) for part in key if part and part not in self._shared)
        if self._size + size > _MOST_HELD:
            return None
        self._size += size + _SIZE_OF_ONE
        return (*(self._shared.setdefault(part, part) for part in key[:_COMMON]), *key[_COMMON:])

    def requests(self) -> Iterator[DistinctRequest]:
        """The distinct requests, in the order in which they were first found."""
        for key, seen in self._found.items():
            yield _request(key, seen)

    def in_order_of_questions(self) -> Iterator[DistinctRequest]:
        """Distinct requests, those with the same question to the account together, each made on demand."""
        for key in sorted(self._found, key=_asking):
            yield _request(key, self._found[key])

    def taken(self) -> Iterator[DistinctRequest]:
        """The distinct requests, the last one first; they are held here no more."""
        while self._found:
            key, seen = self._found.popitem()
            yield _request(key, seen)

    def _fields(self, event: Event) -> tuple[Any, ...]:
        """The fields of a distinct request, but for the number and times of its events."""
        error = event.errorCode or ""
        parameters, cut = self._reduced(bytes(event.requestParameters))
        resources = self._named(bytes(event.resources))
        return (
            self._caller(bytes(event.userIdentity)),
            event.recipientAccountId or "",
            event.awsRegion or "",
            event.eventSource or "",
            event.eventName or "",
            event.eventType or "AwsApiCall",
            parameters,
            cut or event.cut or len(resources) >= _MOST_ENTRIES,
            resources,
            (event.sourceIPAddress or "") if self._address else "",
            (event.userAgent or "")[:_LONGEST] if self._agent else "",
            event.vpcEndpointId or "",
            event.vpcEndpointAccountId or "",
            bytes(event.tlsDetails) not in _NOTHING,
            self._told_context(bytes(event.eventContext)),
            error,
            _claim(event.errorMessage) if error and is_denied(error) else "",
            event.folded,
        )

    def _caller(self, raw: bytes) -> RecordedCaller:
        found = self._callers.get(raw)
        return self._callers.keep(raw, self._of_identity(_decoded(raw))) if found is None else found

    def _of_identity(self, identity: Any) -> RecordedCaller:
        identity = identity if isinstance(identity, dict) else {}
        session = dict_in(identity, "sessionContext")
        attributes = dict_in(session, "attributes")
        kind, arn = text_in(identity, "type"), text_in(identity, "arn")
        role = text_in(dict_in(session, "sessionIssuer"), "arn")
        name = arn.rpartition("/")[2] if kind == "AssumedRole" else ""
        if name and role and not self._is_told_apart(role, name):
            arn = name = ""
        provider = text_in(dict_in(session, "webIdFederationData"), "federatedProvider")
        federated = kind in ("WebIdentityUser", "SAMLUser")
        account, service = text_in(identity, "accountId"), text_in(identity, "invokedBy")
        kept = {
            "type": kind,
            "arn": arn,
            "accountId": account,
            "principalId": text_in(identity, "principalId") if federated or not (arn or role) else "",
            "accessKeyId": text_in(identity, "accessKeyId")[:4],
            "userName": text_in(identity, "userName") if federated else "",
            "identityProvider": text_in(identity, "identityProvider"),
            "invokedBy": service,
            "onBehalfOf": _some({"userId": text_in(dict_in(identity, "onBehalfOf"), "userId")}),
            "sessionContext": _some(
                {
                    "sessionIssuer": _some({"arn": role}),
                    "attributes": _some(
                        {
                            "creationDate": text_in(attributes, "creationDate") if self._issued else "",
                            "mfaAuthenticated": str(attributes.get("mfaAuthenticated", "")) if self._mfa else "",
                        }
                    ),
                    "webIdFederationData": _some({"federatedProvider": provider}),
                    "sourceIdentity": text_in(session, "sourceIdentity"),
                    "ec2RoleDelivery": str(session.get("ec2RoleDelivery") or "")[:8],
                }
            ),
        }
        return RecordedCaller(
            kind,
            arn or role,
            role,
            name,
            account,
            service,
            _compact({key: value for key, value in kept.items() if value}),
        )

    def _is_told_apart(self, role: str, session: str) -> bool:
        if self._all_sessions:
            return True
        known = self._sessions.get(role, ())
        if session in known:
            return True
        long = len(session) > _LONGEST_SESSION or len(role) > _LONGEST
        if long or len(known) >= MOST_SESSIONS or self._told_apart >= MOST_DISTINCT:
            return False
        self._sessions.setdefault(role, set()).add(session)
        self._told_apart += 1
        return True

    def _reduced(self, raw: bytes) -> tuple[str, bool]:
        if raw in _NOTHING:
            return "", False
        found = self._parameters.get(raw)
        return self._parameters.keep(raw, _reduced(_decoded(raw))) if found is None else found

    def _named(self, raw: bytes) -> tuple[NamedResource, ...]:
        if raw in _NOTHING:
            return ()
        found = self._resources.get(raw)
        if found is None:
            listed = _decoded(raw)
            named = (
                NamedResource(
                    text_in(one, "ARN") or text_in(one, "arn"), text_in(one, "accountId"), text_in(one, "type")
                )
                for one in (listed if isinstance(listed, list) else [])
                if isinstance(one, dict)
            )
            found = self._resources.keep(raw, tuple(islice(named, _MOST_ENTRIES)))
        return found

    def _told_context(self, raw: bytes) -> str:
        """Requested keys in the context of an enriched event."""
        if raw in _NOTHING:
            return ""
        context = _decoded(raw)
        context = context if isinstance(context, dict) else {}
        asked = {key: value for key, value in dict_in(context, "requestContext").items() if self._asked(key.lower())}
        return _compact(_some({"requestContext": asked, "tagContext": dict_in(context, "tagContext")}))


_LONGEST: Final = 2_048
_LONGEST_NAME: Final = 256
_LONGEST_SESSION: Final = 64
_LONGEST_TIME: Final = 64
_MOST_ENTRIES: Final = 1_000
_DEEPEST: Final = 8
_NOTHING: Final = frozenset((b"", b"null", b"{}", b"[]", b'""'))

_PASSING: Final = frozenset(
    (
        "assumerolepolicydocument",
        "bucketpolicy",
        "ciphertextblob",
        "clientrequesttoken",
        "clienttoken",
        "continuationtoken",
        "continuation-token",
        "creatorrequestid",
        "encoding-type",
        "definition",
        "description",
        "endtime",
        "fetch-owner",
        "host",
        "idempotencytoken",
        "key-marker",
        "list-type",
        "marker",
        "max-keys",
        "max-uploads",
        "maxitems",
        "maxrecords",
        "maxresults",
        "nexttoken",
        "next-token",
        "pagesize",
        "pagetoken",
        "part-number-marker",
        "partnumber",
        "policydocument",
        "querystring",
        "requesttoken",
        "sequencetoken",
        "start-after",
        "startfromhead",
        "starttime",
        "templatebody",
        "uploadid",
        "uploadid-marker",
        "userdata",
        "version-id-marker",
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-signedheaders",
        "x-id",
    )
)
"""Parameters, in lower case, that neither name a resource nor are read by a condition: pages, tokens, documents.

What is nested in a parameter may be called so by people: a table, a tag, a pair of an encryption context.
"""

_WRAPPER: Final = "request"
"""How a parameter's name ends that holds those of the whole call, as EC2's DescribeFlowLogsRequest."""


def _size_of(part: object) -> int:
    if isinstance(part, RecordedCaller | NamedResource):
        return sum(sys.getsizeof(text) for text in msgspec.structs.astuple(part))
    return sum(map(_size_of, part)) if isinstance(part, tuple) else sys.getsizeof(part)


def _decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        return None


def _some(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value}


def _claim(message: str | None) -> str:
    """An error message without what is encoded in it, which is another one each time."""
    return (message or "")[:_LONGEST].partition(ENCODED)[0]


def _reduced(parameters: Any) -> tuple[str, bool]:
    if not isinstance(parameters, dict):
        return "", False
    reduced = _Reduced()
    kept = reduced.of(parameters, 0, passing=True)
    return (_compact(kept) if kept else ""), reduced.cut


class _Reduced:
    """Parameters without what passes, and whether anything else was left out."""

    def __init__(self) -> None:
        self.cut = False

    def of(self, value: Any, depth: int, *, passing: bool = False) -> Any:
        """A value without what is too much of it, and without what passes where names are those of parameters."""
        if depth > _DEEPEST:
            self.cut = True
            return None
        if isinstance(value, dict):
            inside = {
                key: self.of(one, depth + 1, passing=passing and not depth and key.lower().endswith(_WRAPPER))
                for key, one in value.items()
                if not (passing and key.lower() in _PASSING)
            }
            return {key: one for key, one in inside.items() if one is not None}
        if isinstance(value, list):
            self.cut = self.cut or len(value) > _MOST_ENTRIES
            return [self.of(one, depth + 1) for one in value[:_MOST_ENTRIES]]
        if isinstance(value, str) and len(value) > _LONGEST:
            self.cut = True
            return None
        return value
