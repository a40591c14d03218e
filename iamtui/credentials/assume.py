"""Assuming a role: the STS call, and proof of who one has become."""

from __future__ import annotations

from iamtui.aws.connection import Connection
from iamtui.credentials.assume_request import AssumeRoleRequest, InvalidRequest
from iamtui.credentials.session import CallerIdentity, Clock, Session, utc_now
from iamtui.credentials.sts_answer import ask_for_credentials
from iamtui.problem import Problem


def assume_role(
    connection: Connection,
    request: AssumeRoleRequest,
    *,
    source_arn: str = "",
    demo: bool = False,
    clock: Clock = utc_now,
) -> Session:
    """Call sts:AssumeRole, then GetCallerIdentity with what it gave. Blocking.

    Args:
        connection: the caller.
        request: what to ask for.
        source_arn: who the caller is, to be kept in the session.
        demo: whether to mark the session, and so its exports, as DEMO.
        clock: the local time.

    Raises:
        InvalidRequest: the request breaks limits of STS; nothing was sent.
        AwsProblem: STS refused, or could not be reached.
        Problem: the answer is none that STS would give.
    """
    problems = request.problems()
    if problems:
        raise InvalidRequest(problems)
    given = ask_for_credentials(
        lambda: connection.call("sts", "AssumeRole", **request.parameters()),
        "sts:AssumeRole",
        clock,
        mfa_code=request.mfa_code,
    )
    session = Session(
        role_arn=request.role_arn,
        session_name=request.session_name,
        access_key_id=given.access_key_id,
        secret_access_key=given.secret_access_key,
        session_token=given.session_token,
        expires_at=given.expires_at,
        assumed_at=given.given_at,
        source_arn=source_arn,
        clock_skew=given.clock_skew,
        region=connection.region,
        demo=demo,
        from_long_term=_is_long_term(connection),
        endpoint_url=connection.endpoint_url,
    )
    return _with_identity(session, connection)


def _is_long_term(connection: Connection) -> bool:
    """Whether the caller is known to have long-term keys."""
    try:
        return not connection.is_temporary()
    except Problem:
        return False


def _with_identity(session: Session, connection: Connection) -> Session:
    """The session with what GetCallerIdentity says about it, or with why that is not known."""
    try:
        with connection.with_credentials(
            session.access_key_id, session.secret_access_key, session.session_token
        ) as own:
            caller = own.caller()
    except Problem as problem:
        return session.identified(None, str(problem))
    identity = CallerIdentity(caller.arn, caller.account, caller.user_id)
    return session.identified(identity, _mismatch(session, identity))


def _mismatch(session: Session, identity: CallerIdentity) -> str:
    """One sentence when the identity is no session of the role that was asked for, else ""."""
    account, role = session.role_arn.split(":", 5)[4], session.role_arn.rsplit("/", 1)[-1]
    expected = f":sts::{account}:assumed-role/{role}/{session.session_name}"
    if identity.account == account and identity.arn.endswith(expected):
        return ""
    return f"These credentials belong to {identity.arn or 'nobody'}, not to the session that was asked for."
