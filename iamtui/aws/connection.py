"""Connection: the only way to call AWS.

Importing this module, and making a Connection, loads neither boto3 nor botocore: they come with the first
client, so that a connection that is never used (the demo's, mostly) costs nothing.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from iamtui.aws.answers import MOST_PAGES, shaped
from iamtui.aws.caller import CallerIdentity, OneAccount, forbid_core_dumps
from iamtui.aws.credential_process import Approve, refuse_command
from iamtui.aws.errors import AwsProblem, problem_from
from iamtui.aws.operations import iam_action
from iamtui.aws.profiles import Keys, RenewedKeys, check_endpoint_url, login_command_of
from iamtui.aws.retries import current_retries
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import safe_text

MOST_CLIENTS: Final = 32
"""How many clients are kept. Each takes up to 1 MB, and a text may name as many Regions as it likes."""
_NEXT: Final = ("NextToken", "nextToken")

DEFAULT_REGION: Final = "us-east-1"
"""Where the services that have one endpoint for a whole partition are called when no region is set."""

_GLOBAL_SERVICES: Final = frozenset(("iam", "organizations", "sts"))

T = TypeVar("T")


class UnexpectedAnswer(Exception):
    """A well-formed answer that is not the operation's: what should be in it is missing or of another type."""


class Connection:
    """A way to call AWS as one set of credentials; makes clients, each with the project's safe settings.

    Safe settings: service models and endpoint rule sets of botocore's own package only, no settings but those of
    `iamtui.aws.sdk_settings`, configured endpoint URLs ignored unless given on purpose, no requests to hosts that are
    neither AWS's nor the given endpoint, connect 3 s and read 10 s timeouts, operations refused before anything is
    sent unless `iamtui.aws.operations` holds them as the requests that they are, no password prompt on the terminal,
    no request with credentials that were renewed and are of another account than the first.

    The instance metadata service is asked for credentials only on an EC2 machine, or when the environment
    mentions it (AWS_EC2_METADATA_DISABLED=false, AWS_EC2_METADATA_SERVICE_ENDPOINT or ..._MODE): elsewhere
    botocore would wait two seconds for an answer that never comes. AWS_EC2_METADATA_DISABLED=true is heeded.

    Dates in answers are datetimes in UTC. Policy documents in answers of IAM are the text that was sent
    (percent-encoded JSON), not objects. Thread-safe.

    Attributes:
        profile: the profile in use, or "".
        region: the region in use, or "" when none is set.
        endpoint_url: an endpoint that is not AWS, or "".
    """

    def __init__(
        self,
        *,
        profile: str = "",
        region: str = "",
        endpoint_url: str = "",
        keys: Keys | None = None,
        stub: Callable[..., Any] | None = None,
        approve: Approve = refuse_command,
    ) -> None:
        self.profile = profile
        self.region = region
        self.endpoint_url = endpoint_url
        self._keys = keys
        self._renewed: RenewedKeys | None = None
        self._may_change = keys is None
        self._as_source = False
        self._stub = stub
        self._approve = approve
        self._settings_profile: str | None = None if keys is not None else profile
        self._lock = threading.RLock()
        self._session: Any = None
        self._clients: dict[tuple[str, str], Any] = {}
        """By service and Region, that used last at the end."""
        self._account = OneAccount()
        self._signing = threading.local()

    @classmethod
    def open(
        cls,
        *,
        profile: str | None,
        region: str | None,
        endpoint_url: str | None,
        approve: Approve = refuse_command,
        as_source: bool = False,
    ) -> Connection:
        """Connect through botocore's credential chain. Sends nothing yet, but may run a credential_process.

        Args:
            profile: the profile to use; None for the chain's own choice (environment, default profile, machine).
            region: the region; None for what the environment or the profile says.
            endpoint_url: an AWS-compatible endpoint to call instead of AWS; None for AWS.
            approve: asked before each run of a credential_process, now and when the credentials are renewed, perhaps
                in another thread; by default none is run.
            as_source: whether only the profile's own credentials count, not a role that it assumes.

        Raises:
            Problem: unknown profile, no credentials, a bad endpoint URL or region.
        """
        forbid_core_dumps()
        checked = check_endpoint_url(endpoint_url) if endpoint_url else ""
        connection = cls(profile=profile or "", region=region or "", endpoint_url=checked, approve=approve)
        connection._as_source = as_source
        try:
            session = connection._botocore_session()
            connection.region = region or session.get_config_variable("region") or ""
            session.require_credentials()
        except Exception as error:  # noqa: BLE001 - the chain runs processes and reads files: anything can come
            raise connection._problem(error, "", "") from None
        connection.profile = connection._profile_in_use()
        return connection

    def reopened(self, *, in_same_account: bool = False, region: str = "") -> Connection:
        """The same connection from the start, for when the user has signed in again; explicit credentials stay.

        Args:
            in_same_account: whether what was read already is gone on with, so that no other account will do.
            region: another Region than before, or "".

        Raises:
            Problem: as `open`; the account is another one.
        """
        if self._keys is not None:
            if region in ("", self.region):
                return self
            other = self.with_credentials(*self._keys.parts, self._renewed, self.profile)
            other.region = region
            return other
        opened = Connection.open(
            profile=self.profile or None,
            region=region or self.region or None,
            endpoint_url=self.endpoint_url or None,
            approve=self._approve,
        )
        if in_same_account:
            opened.stay_in(self._account)
        return opened

    def stay_in(self, account: OneAccount) -> None:
        """Make calls in this account only, of which the credentials must be already.

        Raises:
            Problem: they are of another one, or cannot be obtained.
        """
        self._account = account
        try:
            self._checked(self._botocore_session().get_credentials())
        except Exception as error:  # noqa: BLE001 - the chain runs processes and reads files: anything can come
            raise self._problem(error, "", "") from None

    def reads_same_account_as(self, other: Connection) -> bool:
        """True if both connections surely read one account, as far as their calls so far show."""
        return self is other or self._account.is_also_of(other._account)

    @classmethod
    def with_stub(
        cls, before_send: Callable[..., Any], *, access_key_id: str, secret_access_key: str, region: str
    ) -> Connection:
        """A connection whose every request is answered by `before_send`: nothing reaches a network (the demo).

        Args:
            before_send: called with `request=AWSPreparedRequest`, returns an AWSResponse; called from any
                thread. When it returns None the call is refused, never sent.
        """
        keys = Keys(access_key_id, Secret(secret_access_key), Secret(""))
        return cls(region=region, keys=keys, stub=before_send)

    def with_credentials(
        self,
        access_key_id: str,
        secret_access_key: Secret,
        session_token: Secret,
        renewed: RenewedKeys | None = None,
        profile: str = "",
    ) -> Connection:
        """The same endpoint, and the settings of the same profile (certificates, FIPS, retries), as somebody else.

        Close it after use: its clients hold the secrets.

        Args:
            renewed: what gives others of the same account in the place of these.
            profile: the profile that they are of, whose settings count from now on; "" for none.
        """
        forbid_core_dumps()
        keys = Keys(access_key_id, secret_access_key, session_token)
        other = Connection(region=self.region, endpoint_url=self.endpoint_url, keys=keys, stub=self._stub)
        other._renewed, other._may_change = renewed, renewed is not None
        if renewed is not None and renewed is self._renewed:
            other._account = self._account
        other.profile = profile
        other._settings_profile = profile or (self._settings_profile if self._keys is not None else self.profile)
        return other

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __del__(self) -> None:
        # Also of one whose making failed, and at the end of the process, when little is left to close with.
        with suppress(Exception):
            self.close()

    def close(self) -> None:
        """Cut what is connected, and drop the SDK's clients and sessions, which hold the secrets as they are.

        They refer to each other in circles, so that the keys that they hold are overwritten. A call after it begins
        anew.
        """
        with self._lock:
            clients, self._clients = tuple(self._clients.values()), {}
            session, self._session = self._session, None
        for client in clients:
            client.close()
        if session is not None:
            session.close()

    def wipe(self) -> None:
        """Close for good: explicit credentials are overwritten, for all who hold them."""
        self.close()
        self._renewed = None
        if self._keys is not None:
            self._keys.secret_access_key.wipe()
            self._keys.session_token.wipe()

    def forget_renewed(self) -> None:
        if self._renewed is not None:
            self.close()
            self._renewed.forget()

    def client(self, service: str, region: str = "") -> Any:
        """A botocore client (kept and reused) for one service, in `region` when given.

        Raises:
            Problem: the service needs a region and none is set, or does not exist.
        """
        where = region or self.region or (DEFAULT_REGION if service in _GLOBAL_SERVICES else "")
        with self._lock:
            found = self._clients.pop((service, where), None)
            if found is None:
                try:
                    if region not in ("", self.region):
                        self._check_region(region)
                    session = self._botocore_session()
                    found = session.create_client(service, region_name=where or None)
                    if self._may_change:
                        # Not as a circle, which would outlive the last reference to the connection.
                        session.sign_as_checked(found, weakref.WeakMethod(self._checked))
                except Problem:
                    raise
                except Exception as error:  # noqa: BLE001 - credentials may be fetched here: anything can come
                    raise self._problem(error, service, "") from None
            self._clients[service, where] = found
            if len(self._clients) > MOST_CLIENTS:
                # The one that was not used for the longest time; who calls with it just now goes on.
                del self._clients[next(iter(self._clients))]
            return found

    def _check_region(self, region: str) -> None:
        """Refuse a Region of another partition, whose hosts are not to see what is signed with these credentials.

        Raises:
            Problem: it is none of this partition.
        """
        own = self._partition_of(self.region or DEFAULT_REGION) or self._partition_of(DEFAULT_REGION)
        if self._partition_of(region) != own:
            raise Problem(
                f"{safe_text(region, limit=64)} is not a Region of the partition {own}, as the credentials are.",
                "Check the Region in the ARN; ask about another partition with a profile of it.",
            )

    def _partition_of(self, region: str) -> str:
        """The partition of a Region by the rules of botocore, also of one that it does not know yet, or ""."""
        session = self._botocore_session()
        if not region.replace("-", "").isalnum():
            return ""
        try:
            return str(session.get_partition_for_region(region))
        except Exception:  # noqa: BLE001 - botocore's own UnknownRegionError, which is not imported for that
            return ""

    def call(self, service: str, operation: str, into: type[T], /, *, in_region: str = "", **parameters: Any) -> T:
        """Call one operation ("iam", "GetLoginProfile") and return its answer.

        Args:
            into: the msgspec shape of what is needed of the answer; `dict`: as botocore gives it.

        Raises:
            Problem: mostly an AwsProblem, which says whether the call was denied.
        """
        client = self.client(service, in_region)

        def answer() -> T:
            return self._shaped(self._answer(client, service, operation, parameters), into, service, operation)

        return self._retried(client, operation, answer)

    def _retried(self, client: Any, operation: str, answer: Callable[[], T]) -> T:
        """An answer to a call that reads, tried again as the load does which the thread works for, if any."""
        retries = current_retries()
        # How often the user's settings have a call tried.
        most = client.meta.config.retries.get("total_max_attempts")
        return answer() if retries is None else retries.call(operation, most if isinstance(most, int) else None, answer)

    def _answer(self, client: Any, service: str, operation: str, parameters: dict[str, Any]) -> Any:
        if any(value in (".", "..") for value in parameters.values()):
            # In a path it names another operation, for servers and proxies that resolve it.
            raise Problem(f"`.` and `..` are not names for {service}:{operation}.", "Check the name in the ARN.")
        try:
            method = next(name for name, one in client.meta.method_to_api_mapping.items() if one == operation)
            return getattr(client, method)(**parameters)
        except Exception as error:  # noqa: BLE001 - emulators and credential chains raise anything
            raise self._problem(error, service, operation) from None

    def pages(
        self, service: str, operation: str, into: type[T], /, *, in_region: str = "", **parameters: Any
    ) -> Iterator[T]:
        """Call a listing operation until its last page, yielding each answer, shaped as by `call`.

        Args:
            parameters: of the first page: with the marker of an earlier answer, the listing goes on from there.

        Raises:
            Problem: as `call`; also when the endpoint repeats a page or never ends.
        """
        markers: set[str] = set()
        what = f"more than {MOST_PAGES:,} pages"
        client = self.client(service, in_region)
        for _ in range(MOST_PAGES):
            answer = partial(self._page, client, service, operation, into, parameters)
            page, marker, shaped = self._retried(client, operation, answer)
            if marker and str(marker) in markers:
                what = "the same page again"
                break
            markers.add(str(marker))
            yield shaped
            if not marker:
                return
            parameters = {**parameters, next((name for name in _NEXT if name in page), "Marker"): marker}
        raise AwsProblem(
            f"{self.endpoint_url or 'AWS'} answered {service}:{operation} with {what}: the listing was given up.",
            "That is not an AWS account: check the endpoint.",
            code="PaginationError",
            permission=iam_action(service, operation),
        )

    def _page(
        self, client: Any, service: str, operation: str, into: type[T], parameters: dict[str, Any]
    ) -> tuple[dict[str, Any], Any, T]:
        """A page of a listing, the marker of the next one, and the page in its shape.

        botocore's own paginators would lose lists of the page with which a listing goes on.
        """
        page = self._answer(client, service, operation, parameters)
        # As IAM, Organizations, CloudWatch Logs and KMS name them.
        token = next((page[name] for name in _NEXT if page.get(name)), None)
        marker = page.get("Marker") or token or page.get("NextMarker")
        more = page.get("IsTruncated") or token or page.get("Truncated")
        if bool(more) is not bool(marker):
            # The listing would be taken for whole.
            raise self.unexpected(service, operation, "it does not say whether and where the listing goes on")
        return page, marker, self._shaped(page, into, service, operation)

    def unexpected(self, service: str, operation: str, what: str) -> Problem:
        """The Problem for an answer that is well-formed, but not one of this operation, in which `what` is wrong."""
        return self._problem(UnexpectedAnswer(what), service, operation)

    def _shaped(self, answer: Any, into: type[T], service: str, operation: str) -> T:
        if into is dict:
            unshaped: T = answer
            return unshaped
        try:
            return shaped(answer, into)
        except msgspec.ValidationError as error:
            raise self.unexpected(service, operation, str(error)) from None
        except TypeError:
            # Where an element comes twice that may come once, botocore hands on the elements themselves.
            raise self.unexpected(service, operation, "it has an element twice that it may have once") from None

    def caller(self) -> CallerIdentity:
        """Who these credentials are (sts:GetCallerIdentity).

        Raises:
            Problem: the call failed, or they are of another account than before; says why and what to do.
        """
        caller = self.call("sts", "GetCallerIdentity", CallerIdentity)
        if self._may_change:
            self._account.name(getattr(self._signing, "key", ""), caller)
        return caller

    @property
    def has_own_keys(self) -> bool:
        """True if the credentials were passed in (a session's), not found by botocore's chain."""
        return self._keys is not None

    def is_temporary(self) -> bool:
        """True if the credentials are temporary: they come with a session token. As `current_keys`."""
        return bool(self.current_keys().session_token)

    def current_keys(self) -> Keys:
        """The credentials as they are now. May fetch or renew them.

        Raises:
            Problem: the credentials cannot be obtained.
        """
        if self._keys is not None:
            return self._keys if self._renewed is None else self._renewed.newest()
        try:
            now = self._botocore_session().get_credentials().get_frozen_credentials()
            return Keys(now.access_key, Secret(now.secret_key), Secret(now.token or ""))
        except Exception as error:  # noqa: BLE001 - the chain runs processes and reads files: anything can come
            raise self._problem(error, "", "") from None

    def ca_bundle(self) -> str:
        """The file of certificates that calls over TLS are checked with: as configured, else botocore's own."""
        return str(self._botocore_session().certificates())

    def _problem(self, error: Exception, service: str, operation: str) -> Problem:
        profile = self._profile_in_use()
        # Not parsed for this: that may be what failed.
        known = self._session.known_profiles if self._session is not None else {}
        return problem_from(
            error,
            service=service,
            operation=operation,
            profile=profile,
            endpoint_url=self.endpoint_url,
            login="" if self._keys is not None else login_command_of(profile, known),
            certificates=self._session.configured_certificates() if type(error).__name__ == "SSLError" else ("", ""),
        )

    def _profile_in_use(self) -> str:
        """The profile's name as the chain sees it; "" when credentials are explicit or the default's."""
        if self.profile or self._keys is not None:
            return self.profile
        if all(map(os.environ.get, ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))):
            # The chain ends at the environment's keys; only a profile that was named beats them.
            return ""
        return os.environ.get("AWS_DEFAULT_PROFILE") or os.environ.get("AWS_PROFILE") or ""

    def _checked(self, credentials: Any, operation: str = "") -> Any:
        """The credentials as they are now, which may be renewed for it; of no other account than before."""
        if self._renewed is not None:
            self._keys = self._renewed.newest()
            key, *secrets = self._keys.parts
            credentials = type(credentials)(key, *(secret.reveal() for secret in secrets))
        now = credentials.get_frozen_credentials()
        if operation == "GetCallerIdentity":
            self._signing.key = now.access_key
            self._account.begin_asking(now.access_key)
        else:
            self._account.check(now.access_key, partial(self._caller_of, now))
        return now

    def _caller_of(self, credentials: Any) -> CallerIdentity:
        secrets = Secret(credentials.secret_key), Secret(credentials.token or "")
        with self.with_credentials(credentials.access_key, *secrets) as theirs:
            return theirs.caller()

    def _botocore_session(self) -> Any:
        with self._lock:
            if self._session is None:
                from iamtui.aws.session import make_sdk_session  # heavy

                self._session = make_sdk_session(
                    profile=self.profile or self._settings_profile or "",
                    region=self.region,
                    endpoint_url=self.endpoint_url,
                    keys=self._keys if self._renewed is None else self._renewed.newest(),
                    reads_settings=self._settings_profile is not None,
                    stub=self._stub,
                    approve=self._approve,
                    as_source=self._as_source,
                )
            return self._session
