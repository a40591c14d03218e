"""Endpoints that are not AWS: which may be called."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from iamtui.problem import Problem


def check_endpoint_url(url: str) -> str:
    """Return the URL when calls may go there: https, or http to this machine.

    Raises:
        Problem: another scheme, plain http to another machine, or no URL at all.
    """
    step = "Give an https:// URL, or http:// with localhost or 127.0.0.1 (for example http://127.0.0.1:5000)."
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise Problem(f"--endpoint-url {url} is not a URL.", step) from None
    if parts.scheme not in ("http", "https") or not host or any(c.isspace() or not c.isprintable() for c in url):
        raise Problem(f"--endpoint-url {url} is not an http or https URL.", step)
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise Problem("--endpoint-url must not hold a user name, a query or a fragment.", step)
    if parts.scheme == "http" and not is_loopback(host):
        raise Problem(f"--endpoint-url {url} would send credentials unencrypted to another machine.", step)
    return url


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
