"""Console sign-in: the URL that AWS's sign-in service gives for temporary credentials.

The URL is a secret: whoever opens it within 15 minutes is the session (IAM User Guide: Enable custom identity broker
access to the AWS console). Only credentials of an assumed role get one here: long-term keys cannot, nor can those of
GetSessionToken.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, unquote, urlencode, urlsplit

from iamtui.credentials.export_values import REGION, exportable
from iamtui.credentials.session import Clock, Session, duration_text, duration_words, time_left_words, utc_now
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import safe_text


@dataclass(frozen=True, slots=True)
class Host:
    """A host of AWS sign-in or console. Without TLS only this machine's loopback address is contacted."""

    name: str
    port: int = 443
    tls: bool = True

    @property
    def origin(self) -> str:
        """As a URL begins: scheme and host, and the port unless it is the usual one."""
        usual = 443 if self.tls else 80
        return f"{'https' if self.tls else 'http'}://{self.name}{f':{self.port}' if self.port != usual else ''}"


_SERVICE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

_LABELS: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+")

_ADDRESS: Final = re.compile(r"[!#-;=?-\[\]_a-z~]*")
"""Characters of an address: printable ASCII without blanks, quotes, < > \\ ^ ` { | }."""

_LONGEST_ADDRESS: Final = 2000

_PATHS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "": "console/home",
        "console": "console/home",
        "dynamodb": "dynamodbv2/home",
        "ecs": "ecs/v2",
        "logs": "cloudwatch/home",
        "organizations": "organizations/v2/home",
        "route53": "route53/v2/home",
        "sns": "sns/v3/home",
        "sqs": "sqs/v3/home",
        "sso": "singlesignon/home",
        "stepfunctions": "states/home",
    }
)
"""Where the console of a service is not at SERVICE/home."""


@dataclass(frozen=True, slots=True)
class ConsoleSite:
    """The console of one partition.

    Args:
        sign_in: domain of its sign-in hosts.
        console: domain of its own hosts.
        regions: what the names of its regions begin with; "" for the partition of all others.
        region: the region when none is known; "" where there are hosts for no region in particular.
    """

    sign_in: str
    console: str
    regions: str
    region: str = ""

    def sign_in_host(self, region: str, *, regional: bool) -> Host:
        """The host that gives sign-in tokens.

        Args:
            regional: whether to ask the region's own host rather than the partition's.
        """
        here = self._region(region)
        # us-east-1's host is the one without a region.
        if here and here != "us-east-1" and (regional or self.region):
            return Host(f"{here}.{self.sign_in}")
        return Host(self.sign_in)

    def address(self, wanted: str, region: str) -> str:
        """The URL of a page of the console.

        Args:
            wanted: a service ("iam"), a path ("/iam/home#/roles"), a whole URL of this console, or "" for its home.

        Raises:
            Problem: it is none of them.
        """
        check_wanted(wanted)
        here = self._region(region)
        host = f"{here}.{self.console}" if here else self.console
        if wanted.startswith("/"):
            return f"https://{host}{wanted}"
        if "://" in wanted:
            self._check_host(wanted)
            return wanted
        path = _PATHS.get(wanted, f"{wanted}/home")
        return f"https://{host}/{path}{f'?region={quote(here)}' if here else ''}"

    def _region(self, region: str) -> str:
        is_ours = region.startswith(self.regions) if self.regions else not region.startswith(_OTHER_REGIONS)
        return region if is_ours and REGION.fullmatch(region) else self.region

    def _check_host(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise Problem(f"{safe_text(url, limit=80)} is not a URL.", _WHAT_IS_TAKEN) from None
        before, found, rest = host.rpartition(self.console)
        is_ours = bool(found) and not rest and (not before or _LABELS.fullmatch(before))
        if parts.scheme != "https" or port is not None or "@" in parts.netloc or not is_ours:
            raise Problem(
                f"{safe_text(url, limit=80)} is not on the console's hosts: https://{self.console} and those below it.",
                _WHAT_IS_TAKEN,
            )


def check_wanted(wanted: str) -> None:
    """Refuse what is a page of no partition's console.

    Raises:
        Problem: it is neither a service, a path, a URL nor "".
    """
    if not _ADDRESS.fullmatch(wanted) or len(wanted) > _LONGEST_ADDRESS:
        raise Problem(
            f"{safe_text(wanted, limit=80)} cannot be an address: it holds characters that no URL has, or too many.",
            _WHAT_IS_TAKEN,
        )
    if wanted and not wanted.startswith("/") and "://" not in wanted and not _SERVICE.fullmatch(wanted):
        raise Problem(f"{safe_text(wanted, limit=80)} is not the name of a service.", _WHAT_IS_TAKEN)


_WHAT_IS_TAKEN: Final = "Give the name of a service (iam), a path (/iam/home#/roles), or a URL of the console."

_OTHER_REGIONS: Final = ("cn-", "us-gov-", "us-iso", "eu-iso", "eusc-")

SITES: Final[Mapping[str, ConsoleSite]] = MappingProxyType(
    {
        "aws": ConsoleSite("signin.aws.amazon.com", "console.aws.amazon.com", ""),
        "aws-us-gov": ConsoleSite("signin.amazonaws-us-gov.com", "console.amazonaws-us-gov.com", "us-gov-"),
        "aws-cn": ConsoleSite("signin.amazonaws.cn", "console.amazonaws.cn", "cn-"),
        "aws-eusc": ConsoleSite(
            "signin.amazonaws-eusc.eu", "console.amazonaws-eusc.eu", "eusc-", region="eusc-de-east-1"
        ),
    }
)


def console_site(partition: str) -> ConsoleSite:
    """The console of a partition.

    Raises:
        Problem: the partition is unknown, or where its console is has never been published.
    """
    site = SITES.get(partition)
    if site is not None:
        return site
    if partition.startswith("aws-iso"):
        raise Problem(
            f"Where the console of the partition {safe_text(partition)} signs in is not public, so iamtui cannot.",
            "Sign in as your organization tells you to.",
        )
    raise Problem(f"There is no partition {safe_text(partition)}.", f"Known ones: {', '.join(SITES)}.")


# Opening a secret URL in the user's browser.


START_SECONDS: Final = 10
"""Time after which a browser that has not failed counts as started; some stay in the foreground."""

VISIBLE_WARNING: Final = (
    "While the browser starts, every user of this machine can read the URL in the list of processes."
)

_CHILD: Final = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.stdin.read()))"

_NO_BROWSER: Final = "Copy the URL, and paste it into a browser where there is one."


def open_in_browser(url: Secret, environ: Mapping[str, str] = os.environ) -> None:
    """Open a URL in the user's browser, and come back when it has started. Blocking, for seconds at worst.

    Raises:
        Problem: there is no desktop to open one on, or no browser.
    """
    has_desktop = any(environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"))
    # Without a window for it the library would start a text browser over the screen.
    if sys.platform != "darwin" and not has_desktop:
        raise Problem("There is no desktop here to open a browser on.", _NO_BROWSER)
    child = subprocess.Popen(  # noqa: S603 - a fixed command line
        [sys.executable, "-I", "-c", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=dict(environ),
    )
    assert child.stdin is not None
    try:
        with child.stdin as pipe:
            pipe.write(url.reveal().encode("ascii"))
        failed = child.wait(START_SECONDS) != 0
    except subprocess.TimeoutExpired:
        return
    except BrokenPipeError:
        failed = True
    if failed:
        raise Problem("No browser could be started.", f"Set BROWSER to one. {_NO_BROWSER}")


SHORTEST_SECONDS: Final = 900
LONGEST_SECONDS: Final = 43_200
"""The bounds of SessionDuration (IAM User Guide: Enable custom identity broker access to the AWS console).

A role's MaxSessionDuration is none: the guide calls a console session that is longer than the credentials "intrinsic
to the getSigninToken operation", and public reports agree.
"""

_TOKEN: Final = re.compile(r"[A-Za-z0-9+/=_.~-]{1,32768}")

_ISSUER: Final = "iamtui"
"""Who made the URL: the console shows it when the session has ended."""

NOT_FOR_LONG_TERM: Final = (
    "Only the credentials of an assumed role sign in to the console this way: long-term keys cannot, nor can those of "
    "GetSessionToken."
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """A way into the console.

    Args:
        url: what to open; secret, until it has expired.
        destination: the page that it leads to; not secret.
        lasts: how long the console then stays signed in, in words.
    """

    url: Secret
    destination: str
    lasts: str


def console_refusal(session: Session) -> str:
    if session.demo:
        return "The demo account has no AWS console: its credentials work nowhere else."
    return ""


def may_choose_duration(session: Session) -> bool:
    """True if the duration of the console's sign-in can be chosen.

    AWS refuses it for role chaining; whether the caller's credentials were temporary must be known.
    """
    return session.from_long_term


def duration_problem(seconds: int, *, from_long_term: bool) -> Problem | None:
    """Reason why the console cannot stay signed in for so long, or None.

    Args:
        from_long_term: whether the role is assumed with long-term keys of a user.
    """
    if not from_long_term:
        return Problem(
            "How long the console stays signed in cannot be chosen where a role is assumed with credentials that are "
            "temporary themselves (role chaining, or one MFA code for several roles).",
            "Leave it out: the console then lasts as long as the credentials.",
        )
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        return Problem(
            f"The console cannot stay signed in for {duration_words(seconds)}.",
            f"Give {duration_text(SHORTEST_SECONDS)} to {duration_text(LONGEST_SECONDS)}.",
        )
    return None


def lasts_words(session: Session, seconds: int | None, now: datetime | None = None) -> str:
    """How long the console stays signed in, and that nothing here ends it where it outlives the credentials."""
    if seconds is not None:
        lasts = timedelta(seconds=seconds)
        longer = lasts > session.time_left(now)
        outlives = (
            ", longer than the credentials: only cutting the role's sessions off ends it before" if longer else ""
        )
        return f"for {time_left_words(lasts)}{outlives}"
    return f"as long as the credentials: {session.time_left_words(now)}"


def console_page(session: Session, wanted: str) -> str:
    """The page of the console that is meant; see `ConsoleSite.address`.

    Raises:
        Problem: there is none, or the session's partition has no console that is known.
    """
    return _site(session).address(wanted, session.region)


def sign_in(
    session: Session,
    *,
    wanted: str = "",
    seconds: int | None = None,
    regional: bool = False,
    ca_bundle: str = "",
    clock: Clock = utc_now,
) -> SignIn:
    """Ask AWS's sign-in for a token and make the URL. Blocking.

    Args:
        wanted: where to go: a service, a path or a URL of the console; "" for its home.
        seconds: how long the console stays signed in; None: as long as the credentials.
        ca_bundle: certificates to check the sign-in host's with; "" for the system's.

    Raises:
        Problem: the session has ended or has no console, the page is not the console's, or AWS refuses.
    """
    refusal = console_refusal(session)
    if refusal:
        raise Problem(refusal, "Open an account of yours with --profile.")
    if seconds is not None:
        problem = duration_problem(seconds, from_long_term=may_choose_duration(session))
        if problem is not None:
            raise problem
    site = _site(session)
    page = site.address(wanted, session.region)
    host = sign_in_host(session, site, regional=regional)
    asked_at = clock()
    token = _token(private_get(host, _question(session, seconds, asked_at), ca_bundle=ca_bundle), host, seconds)
    query = {"Action": "login", "Issuer": _ISSUER, "Destination": page, "SigninToken": token.reveal()}
    url = Secret(f"{host.origin}/federation?{urlencode(query, quote_via=quote, safe='')}")
    return SignIn(url, page, lasts_words(session, seconds, asked_at))


def sign_in_host(session: Session, site: ConsoleSite, *, regional: bool) -> Host:
    """Host that issues the sign-in token.

    Raises:
        Problem: the credentials are not AWS's, so AWS must not be given them.
    """
    check_endpoint(session.endpoint_url)
    return site.sign_in_host(session.region, regional=regional)


def check_endpoint(endpoint_url: str) -> None:
    """Refuse credentials that are not AWS's.

    Args:
        endpoint_url: where they come from; "" for AWS.

    Raises:
        Problem: AWS must not be given them.
    """
    if endpoint_url:
        raise Problem(
            f"The credentials come from {safe_text(endpoint_url)}, which is not AWS and has no console.",
            "Leave out --endpoint-url to sign in to an account at AWS.",
        )


def _site(session: Session) -> ConsoleSite:
    fields = session.role_arn.split(":")
    return console_site(fields[1] if len(fields) > 1 else "")


def _question(session: Session, seconds: int | None, now: datetime) -> Secret:
    """Path and query that ask for a token. Values that nothing checked never get into it.

    Raises:
        Problem: the session cannot be handed over.
    """
    values = exportable(session, now)
    duration = {"SessionDuration": str(seconds)} if seconds is not None else {}
    return Secret(
        "/federation?"
        + urlencode(
            {
                "Action": "getSigninToken",
                **duration,
                "Session": json.dumps(
                    {
                        "sessionId": values.access_key_id,
                        "sessionKey": values.secret_access_key.reveal(),
                        "sessionToken": values.session_token.reveal(),
                    },
                    separators=(",", ":"),
                ),
            },
            quote_via=quote,
            safe="",
        )
    )


def _token(answer: PrivateAnswer, host: Host, seconds: int | None) -> Secret:
    """The token in an answer, checked: it becomes part of a URL that a browser opens.

    Raises:
        Problem: there is none.
    """
    if answer.status != 200:
        raise _refused(answer.status, host, seconds)
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        token = Secret(json.loads(answer.text.reveal())["SigninToken"])
        if _TOKEN.fullmatch(token.reveal()):
            return token
    raise Problem(
        f"{host.name} answered without a sign-in token.",
        "Check what answers for this host: a proxy in between? Nothing of the answer was used.",
    )


def _refused(status: int, host: Host, seconds: int | None) -> Problem:
    if 300 <= status < 400:
        return Problem(
            f"{host.name} sent us elsewhere (HTTP {status}), where the credentials were not taken.",
            "Check what answers for this host: a proxy that asks for a login?",
        )
    if status in (400, 401, 403):
        step = (
            "Leave the console's duration out: AWS takes it only where the role was assumed with long-term keys of a "
            "user. Or the session has been revoked."
            if seconds is not None
            else "Assume the role again, with long-term keys of a user if it was role chaining; the session may have "
            "been revoked."
        )
        return Problem(f"AWS's sign-in refused the credentials (HTTP {status} from {host.name}).", step)
    return Problem(f"AWS's sign-in failed (HTTP {status} from {host.name}).", "Try again in a minute.")


# HTTP GET of a secret address: nothing logs it, follows it elsewhere or repeats it in an error. It is done by the
# standard library's client, and not the one of botocore: urllib3 writes addresses into its log, at WARNING too.


CONNECT_SECONDS: Final = 3

READ_SECONDS: Final = 10

WHOLE_SECONDS: Final = 30
"""How long the body of an answer is waited for when it comes drop by drop."""

LARGEST_ANSWER: Final = 64 * 1024
"""Bytes of an answer."""

_STEP: Final = "Check the network, the proxy (HTTPS_PROXY, NO_PROXY) and the certificates (AWS_CA_BUNDLE)."


@dataclass(frozen=True, slots=True)
class PrivateAnswer:
    """Response of the sign-in endpoint; the text is secret, as the request was."""

    status: int
    text: Secret


def private_get(host: Host, path: Secret, *, ca_bundle: str = "") -> PrivateAnswer:
    """GET a path. Blocking, for half a minute at worst.

    A redirect is an answer like any other. A proxy of the environment is used by CONNECT, and sees the host's name.

    Args:
        path: path and query, percent-encoded.
        ca_bundle: a file or folder of certificates to check the host's with; "" for the system's.

    Raises:
        Problem: the host cannot be reached, is not who it should be, or does not answer properly.
    """
    try:
        return _get(host, path, ca_bundle)
    except Problem as found:
        problem = found
    except ssl.SSLCertVerificationError as error:
        why = safe_text(error.verify_message, limit=200)
        problem = Problem(f"{host.name} has no certificate that is trusted here ({why}); nothing was sent.", _STEP)
    except TimeoutError:
        problem = Problem(f"{host.name} does not answer in time.", _STEP)
    except (OSError, http.client.HTTPException) as error:
        problem = Problem(f"{host.name} cannot be asked: {_kind(error)}.", _STEP)
    except ValueError:
        # Of its port, or of its host where that is looked up.
        problem = Problem("The URL of the proxy for https cannot be used; nothing was sent.", _STEP)
    # The frames of the call hold the address, and the error behind the Problem may.
    problem.__context__ = problem.__cause__ = None
    raise problem.with_traceback(None)


def _kind(error: Exception) -> str:
    """Kind of a network error, without the text of a response."""
    if str(error).startswith("Tunnel connection failed: 407"):
        return "the proxy asks for credentials (407)"
    words = safe_text(error.strerror, limit=200) if isinstance(error, OSError) and error.strerror else ""
    return words or type(error).__name__


def _get(host: Host, path: Secret, ca_bundle: str) -> PrivateAnswer:
    connection = _connection(host, ca_bundle)
    deadline = time.monotonic() + WHOLE_SECONDS
    try:
        connection.connect()
        connection.sock.settimeout(READ_SECONDS)
        connection.request("GET", path.reveal(), headers={"Accept": "application/json", "Accept-Encoding": "identity"})
        response = connection.getresponse()
        pieces = bytearray()
        while piece := response.read1(LARGEST_ANSWER):
            pieces += piece
            if len(pieces) > LARGEST_ANSWER:
                raise Problem(f"{host.name} answered with more than {LARGEST_ANSWER:,} bytes; nothing of it was used.")
            if time.monotonic() > deadline:
                raise TimeoutError
        return PrivateAnswer(response.status, Secret(pieces.decode("utf-8", "replace")))
    finally:
        connection.close()


def _connection(host: Host, ca_bundle: str) -> http.client.HTTPConnection:
    if not host.tls:
        if host.name not in ("127.0.0.1", "::1"):
            raise Problem(f"{host.name} is not asked without TLS: the credentials could be read on the way.")
        return http.client.HTTPConnection(host.name, host.port, timeout=CONNECT_SECONDS)
    try:
        context = ssl.create_default_context(cafile=ca_bundle or None)
    except OSError as error:
        why = safe_text(error.strerror or type(error).__name__)
        raise Problem(f"The certificates of {safe_text(ca_bundle)} cannot be read: {why}.", _STEP) from None
    proxy = "" if urllib.request.proxy_bypass(host.name) else urllib.request.getproxies().get("https", "")
    if not proxy:
        return http.client.HTTPSConnection(host.name, host.port, timeout=CONNECT_SECONDS, context=context)
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.scheme != "http" or not parts.hostname:
        raise Problem("The proxy for https is not an http:// URL, which is all that is understood here.", _STEP)
    connection = http.client.HTTPSConnection(
        parts.hostname, parts.port or 8080, timeout=CONNECT_SECONDS, context=context
    )
    headers = {}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(pair).decode('ascii')}"
    connection.set_tunnel(host.name, host.port, headers)
    return connection
