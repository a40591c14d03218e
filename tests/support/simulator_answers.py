"""Answers of iam:SimulatePrincipalPolicy as XML, as AWS's query protocol sends them."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from tests.support.fault_proxy import Answer

ALICE = "arn:aws:iam::123456789012:user/alice"

Statement = tuple[str, str, int, int]
"""Policy id, policy type, first and last line."""


def _list(name: str, members: Sequence[str]) -> str:
    inside = "".join(f"<member>{member}</member>" for member in members)
    return f"<{name}>{inside}</{name}>"


def _statements(statements: Sequence[Statement]) -> str:
    return _list(
        "MatchedStatements",
        [
            f"<SourcePolicyId>{escape(policy)}</SourcePolicyId><SourcePolicyType>{escape(kind)}</SourcePolicyType>"
            f"<StartPosition><Line>{first}</Line><Column>1</Column></StartPosition>"
            f"<EndPosition><Line>{last}</Line><Column>6</Column></EndPosition>"
            for policy, kind, first, last in statements
        ],
    )


def specific(decision: str, resource: str, *, statements: Sequence[Statement] = (), missing: Sequence[str] = ()) -> str:
    """One entry of ResourceSpecificResults."""
    return (
        f"<EvalResourceName>{escape(resource)}</EvalResourceName>"
        f"<EvalResourceDecision>{decision}</EvalResourceDecision>"
        + _statements(statements)
        + _list("MissingContextValues", list(map(escape, missing)))
    )


def result(
    decision: str,
    resource: str = "*",
    *,
    action: str = "s3:GetObject",
    statements: Sequence[Statement] = (),
    missing: Sequence[str] = (),
    specifics: Sequence[str] = (),
    organizations: bool | None = None,
    boundary: bool | None = None,
) -> str:
    """One entry of EvaluationResults."""
    said = (
        f"<EvalActionName>{action}</EvalActionName><EvalResourceName>{escape(resource)}</EvalResourceName>"
        f"<EvalDecision>{decision}</EvalDecision>"
    )
    said += _statements(statements) + _list("MissingContextValues", list(map(escape, missing)))
    if organizations is not None:
        allowed = str(organizations).lower()
        said += (
            f"<OrganizationsDecisionDetail><AllowedByOrganizations>{allowed}</AllowedByOrganizations>"
            "</OrganizationsDecisionDetail>"
        )
    if boundary is not None:
        allowed = str(boundary).lower()
        said += (
            f"<PermissionsBoundaryDecisionDetail><AllowedByPermissionsBoundary>{allowed}"
            "</AllowedByPermissionsBoundary></PermissionsBoundaryDecisionDetail>"
        )
    return said + _list("ResourceSpecificResults", specifics)


def answer(*results: str, marker: str = "") -> Answer:
    """A whole answer; with a marker there is another page."""
    more = f"<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>" if marker else "<IsTruncated>false</IsTruncated>"
    body = (
        '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        f"<SimulatePrincipalPolicyResult>{more}{_list('EvaluationResults', results)}</SimulatePrincipalPolicyResult>"
        "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></SimulatePrincipalPolicyResponse>"
    )
    return Answer(200, body.encode())
