"""IAM's reads as AWS answers them, over HTTP: pages of MaxItems with opaque markers, percent-encoded documents.

moto sends everything in one page and some documents as they are. `python -m benchmarks.iam_pager FILE` serves the
account of a snapshot, and prints the URL.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote
from xml.sax.saxutils import escape

Json = dict[str, Any]
Parameters = Mapping[str, str]

_DOCUMENTS: Final = frozenset(("PolicyDocument", "AssumeRolePolicyDocument", "Document"))
_LISTS: Final = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
_DEFAULT_PAGE: Final = 100
_LARGEST_PAGE: Final = 1000
_XMLNS: Final = "https://iam.amazonaws.com/doc/2010-05-08/"


class Refused(Exception):
    """An error that AWS answers.

    Args:
        status: of HTTP.
        code: AWS's code.
        message: AWS's message.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def _xml(name: str, value: Any) -> str:
    """An element as the query protocol writes it."""
    if name in _DOCUMENTS:
        text = value if isinstance(value, str) else json.dumps(value)
        return f"<{name}>{quote(text, safe='')}</{name}>"
    if isinstance(value, dict):
        inside = "".join(_xml(key, item) for key, item in value.items() if item is not None)
    elif isinstance(value, list):
        inside = "".join(_xml("member", item) for item in value)
    elif isinstance(value, bool):
        inside = "true" if value else "false"
    else:
        inside = escape(str(value).replace("+00:00", "Z") if name.endswith("Date") else str(value))
    return f"<{name}>{inside}</{name}>"


class IamPager:
    """Serves an account on the loopback, from threads of this process.

    Args:
        snapshot: the account, in the form of GetAccountAuthorizationDetails.
        denied: operations that the caller may not use; may be changed while it serves.

    Attributes:
        asked: the operations that were called, in their order.
    """

    def __init__(self, snapshot: Json, denied: Iterable[str] = ()) -> None:
        self.denied = set(denied)
        self.asked: list[str] = []
        self._snapshot = snapshot
        self._account = str(snapshot["iamtui"]["account_id"])
        self._entities = [(kind, _xml("member", entry)) for kind in _LISTS for entry in snapshot.get(kind) or ()]
        self._users = {entry["UserName"]: entry for entry in snapshot.get("UserDetailList") or ()}
        self._groups = {entry["GroupName"]: entry for entry in snapshot.get("GroupDetailList") or ()}
        self._roles = {entry["RoleName"]: entry for entry in snapshot.get("RoleDetailList") or ()}
        self._policies = {entry["Arn"]: entry for entry in snapshot.get("Policies") or ()}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="IAM pager", daemon=True
        ).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        pager = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                target = self.headers.get("X-Amz-Target", "")
                status, kind, answer = (
                    pager._json_answer(target)
                    if target
                    else pager._xml_answer(dict(parse_qsl(body.decode(), keep_blank_values=True)))
                )
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - name of http.server
                pass

        return Handler

    def _json_answer(self, target: str) -> tuple[int, str, bytes]:
        """That of AWS Organizations to an account in no organization."""
        self.asked.append(target.rpartition(".")[2])
        said = {"__type": "AWSOrganizationsNotInUseException", "Message": "Your account is not in an organization."}
        return 400, "application/x-amz-json-1.1", json.dumps(said).encode()

    def _xml_answer(self, parameters: Parameters) -> tuple[int, str, bytes]:
        operation = parameters.get("Action", "")
        self.asked.append(operation)
        try:
            inside = self._answer(operation, parameters)
        except Refused as refused:
            error = f"<Type>Sender</Type><Code>{refused.code}</Code><Message>{escape(str(refused))}</Message>"
            body = f'<ErrorResponse xmlns="{_XMLNS}"><Error>{error}</Error><RequestId>r</RequestId></ErrorResponse>'
            return refused.status, "text/xml", body.encode()
        body = (
            f'<{operation}Response xmlns="{_XMLNS}"><{operation}Result>{inside}</{operation}Result>'
            f"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{operation}Response>"
        )
        return 200, "text/xml", body.encode()

    def _answer(self, operation: str, parameters: Parameters) -> str:
        if operation in self.denied:
            raise Refused(
                403,
                "AccessDenied",
                f"User: arn:aws:iam::{self._account}:user/reader is not authorized to perform: iam:{operation} on "
                f"resource: * because no identity-based policy allows the iam:{operation} action",
            )
        answer: Callable[[Parameters], str] | None = getattr(self, f"_{operation}", None)
        if answer is None:
            raise Refused(400, "InvalidAction", f"Could not find operation {operation}")
        return answer(parameters)

    # The operations, by their names.

    def _GetCallerIdentity(self, _parameters: Parameters) -> str:  # noqa: N802 - as AWS names it
        arn = f"arn:aws:iam::{self._account}:user/reader"
        return f"<UserId>AIDAREADER</UserId><Account>{self._account}</Account><Arn>{arn}</Arn>"

    def _GetAccountAuthorizationDetails(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        start, end, rest = _window(len(self._entities), parameters)
        shown: dict[str, list[str]] = {kind: [] for kind in _LISTS}
        for kind, entry in self._entities[start:end]:
            shown[kind].append(entry)
        return "".join(f"<{kind}>{''.join(entries)}</{kind}>" for kind, entries in shown.items()) + rest

    def _ListAccountAliases(self, _parameters: Parameters) -> str:  # noqa: N802 - as above
        return "<AccountAliases/><IsTruncated>false</IsTruncated>"

    def _ListInstanceProfiles(self, _parameters: Parameters) -> str:  # noqa: N802 - as above
        return "<InstanceProfiles/><IsTruncated>false</IsTruncated>"

    def _ListSAMLProviders(self, _parameters: Parameters) -> str:  # noqa: N802 - as above
        return "<SAMLProviderList/>"

    def _ListOpenIDConnectProviders(self, _parameters: Parameters) -> str:  # noqa: N802 - as above
        return "<OpenIDConnectProviderList/>"

    def _ListUsers(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        return _page("Users", [_some(user, _OF_USER) for user in self._users.values()], parameters)

    def _ListGroups(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        return _page("Groups", [_some(group, _OF_GROUP) for group in self._groups.values()], parameters)

    def _ListRoles(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        more = {"MaxSessionDuration": 3600}
        roles = [_some(role, (*_OF_ROLE, "AssumeRolePolicyDocument")) | more for role in self._roles.values()]
        return _page("Roles", roles, parameters)

    def _ListPolicies(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        scope = parameters.get("Scope", "All")
        found = [
            _some(policy, _OF_POLICY)
            for arn, policy in self._policies.items()
            if scope == "All" or (":iam::aws:" in arn) is (scope == "AWS")
        ]
        return _page("Policies", found, parameters)

    def _GetUser(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        user = self._find(self._users, "user", parameters["UserName"])
        return _xml("User", _some(user, (*_OF_USER, "PermissionsBoundary", "Tags")))

    def _GetRole(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        role = self._find(self._roles, "role", parameters["RoleName"])
        names = (*_OF_ROLE, "AssumeRolePolicyDocument", "PermissionsBoundary", "Tags", "RoleLastUsed")
        return _xml("Role", _some(role, names) | {"MaxSessionDuration": 3600})

    def _GetPolicy(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        return _xml("Policy", _some(self._find(self._policies, "policy", parameters["PolicyArn"]), _OF_POLICY))

    def _GetPolicyVersion(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        policy = self._find(self._policies, "policy", parameters["PolicyArn"])
        versions = {version["VersionId"]: version for version in policy["PolicyVersionList"]}
        return _xml("PolicyVersion", self._find(versions, "policy version", parameters["VersionId"]))

    def _GetGroup(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        group = self._find(self._groups, "group", parameters["GroupName"])
        members = [_some(user, _OF_USER) for user in self._users.values() if group["GroupName"] in user["GroupList"]]
        return _xml("Group", _some(group, _OF_GROUP)) + _page("Users", members, parameters)

    def _ListGroupsForUser(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        user = self._find(self._users, "user", parameters["UserName"])
        return _page("Groups", [_some(self._groups[name], _OF_GROUP) for name in user["GroupList"]], parameters)

    def _ListUserPolicies(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        return _names(self._find(self._users, "user", parameters["UserName"]), "UserPolicyList", parameters)

    def _ListGroupPolicies(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        return _names(self._find(self._groups, "group", parameters["GroupName"]), "GroupPolicyList", parameters)

    def _ListRolePolicies(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        return _names(self._find(self._roles, "role", parameters["RoleName"]), "RolePolicyList", parameters)

    def _GetUserPolicy(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        return _inline(self._find(self._users, "user", parameters["UserName"]), "UserPolicyList", parameters)

    def _GetGroupPolicy(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        return _inline(self._find(self._groups, "group", parameters["GroupName"]), "GroupPolicyList", parameters)

    def _GetRolePolicy(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        return _inline(self._find(self._roles, "role", parameters["RoleName"]), "RolePolicyList", parameters)

    def _ListAttachedUserPolicies(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        return _attached(self._find(self._users, "user", parameters["UserName"]), parameters)

    def _ListAttachedGroupPolicies(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        return _attached(self._find(self._groups, "group", parameters["GroupName"]), parameters)

    def _ListAttachedRolePolicies(self, parameters: Parameters) -> str:  # noqa: N802 - as above
        return _attached(self._find(self._roles, "role", parameters["RoleName"]), parameters)

    def _find(self, among: Mapping[str, Json], kind: str, name: str) -> Json:
        if name not in among:
            raise Refused(404, "NoSuchEntity", f"The {kind} with name {name} cannot be found.")
        return among[name]


_OF_USER: Final = ("Path", "UserName", "UserId", "Arn", "CreateDate", "PasswordLastUsed")
_OF_GROUP: Final = ("Path", "GroupName", "GroupId", "Arn", "CreateDate")
_OF_ROLE: Final = ("Path", "RoleName", "RoleId", "Arn", "CreateDate")
_OF_POLICY: Final = (
    "PolicyName", "PolicyId", "Arn", "Path", "DefaultVersionId", "AttachmentCount", "PermissionsBoundaryUsageCount",
    "IsAttachable", "CreateDate", "UpdateDate",
)  # fmt: skip
"""What listings tell: neither boundaries nor tags, and of policies no description."""


def _some(entry: Json, names: Iterable[str]) -> Json:
    return {name: entry[name] for name in names if name in entry}


def _window(count: int, parameters: Parameters) -> tuple[int, int, str]:
    """The first and last entry of a page, and what it says of the next one."""
    size = int(parameters.get("MaxItems", _DEFAULT_PAGE))
    if not 1 <= size <= _LARGEST_PAGE:
        raise Refused(400, "ValidationError", f"Value '{size}' at 'maxItems' failed to satisfy constraint")
    start = 0
    if "Marker" in parameters:
        try:
            kind, _, at = base64.b64decode(parameters["Marker"], validate=True).decode().partition(":")
            start = int(at) if kind == "AAEC" else -1
        except ValueError:
            start = -1
        if not 0 < start < count:
            raise Refused(400, "ValidationError", "Invalid Marker.")
    end = min(start + size, count)
    if end == count:
        return start, end, "<IsTruncated>false</IsTruncated>"
    marker = base64.b64encode(f"AAEC:{end}".encode()).decode()
    return start, end, f"<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>"


def _page(name: str, entries: list[Any], parameters: Parameters) -> str:
    start, end, rest = _window(len(entries), parameters)
    return _xml(name, entries[start:end]) + rest


def _names(holder: Json, key: str, parameters: Parameters) -> str:
    return _page("PolicyNames", [policy["PolicyName"] for policy in holder.get(key) or ()], parameters)


def _inline(holder: Json, key: str, parameters: Parameters) -> str:
    for policy in holder.get(key) or ():
        if policy["PolicyName"] == parameters["PolicyName"]:
            whose = {name: value for name, value in parameters.items() if name in ("UserName", "GroupName", "RoleName")}
            return "".join(_xml(name, value) for name, value in (policy | whose).items())
    raise Refused(404, "NoSuchEntity", "The policy cannot be found.")


def _attached(holder: Json, parameters: Parameters) -> str:
    return _page("AttachedPolicies", holder.get("AttachedManagedPolicies") or [], parameters)


def main() -> None:
    """Serve until standard input ends."""
    pager = IamPager(json.loads(Path(sys.argv[1]).read_bytes()))
    print(pager.url, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
