"""Where the AWS console is in each partition: its sign-in host, its own hosts, and addresses within it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, urlsplit

from iamtui.credentials.export_values import REGION
from iamtui.problem import Problem
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
