"""A query of CloudTrail's table in Athena that collapses its events; the result is read as a table."""

from __future__ import annotations

import re
from typing import Final

from iamtui.activity.requests import ENCODED, OF_ADDRESSES
from iamtui.activity.tables import COUNT, FIRST, LAST
from iamtui.denials.cloudtrail import DENIED_WORDS
from iamtui.problem import Problem
from iamtui.text import safe_text

_TABLE: Final = re.compile(r"[A-Za-z0-9_]{1,128}(?:\.[A-Za-z0-9_]{1,128}){0,2}")
_TOKENS: Final = "nextToken|NextToken|marker|clientToken|clientRequestToken|sequenceToken|continuation-token|uploadId"
_RESOURCE: Final = (
    """concat('{"ARN":"', replace(replace(coalesce(r.arn, ''), '\\', '\\\\'), '"', '\\"'), """
    """'","accountId":"', coalesce(r.accountid, ''), '","type":"', coalesce(r.type, ''), '"}')"""
)
_IDENTITY: Final = (
    "type", "arn", "accountid", "invokedby", "onbehalfof.userid", "sessioncontext.sessionissuer.arn",
    "sessioncontext.webidfederationdata.federatedprovider", "sessioncontext.ec2roledelivery",
)  # fmt: skip


def athena_query(table: str, since: str, keys: frozenset[str] = frozenset()) -> str:
    """A query of CloudTrail's table in Athena (CloudTrail User Guide: create the table) that collapses its events.

    Args:
        table: its name, with those of a catalog and a database or without.
        since: the time of the first event, as CloudTrail writes it.
        keys: condition keys whose values are to be told, in lower case.

    Raises:
        Problem: the name is not one of a table.
    """
    if not _TABLE.fullmatch(table):
        raise Problem(f"{safe_text(table, limit=256)} is not the name of a table.", "Write it as DATABASE.TABLE.")
    columns = ["eventsource", "eventname", "eventtype", "awsregion", "recipientaccountid", "errorcode"]
    columns += [f"useridentity.{path} AS useridentity_{path.replace('.', '_')}" for path in _IDENTITY]
    columns.append("substr(useridentity.accesskeyid, 1, 4) AS useridentity_accesskeyid")
    for name in ("principalid", "username"):
        kinds = "'SAMLUser', 'WebIdentityUser', 'AWSAccount'"
        columns.append(f"CASE WHEN useridentity.type IN ({kinds}) THEN useridentity.{name} END AS useridentity_{name}")
    attributes = "useridentity.sessioncontext.attributes"
    asked = {
        "mfaauthenticated": ("aws:multifactorauthpresent", "aws:multifactorauthage"),
        "creationdate": ("aws:tokenissuetime",),
    }
    for name, of_it in asked.items():
        if not keys.isdisjoint(of_it):
            columns.append(f"{attributes}.{name} AS useridentity_sessioncontext_attributes_{name}")
    if not keys.isdisjoint(OF_ADDRESSES):
        columns.append("sourceipaddress")
    if "aws:useragent" in keys:
        columns.append("useragent")
    refused = "|".join(DENIED_WORDS)
    message = f"split_part(errormessage, '{ENCODED}', 1)"
    columns += [
        "vpcendpointid",
        "vpcendpointaccountid",
        f"""regexp_replace(requestparameters, '"(?:{_TOKENS})":"[^"]*"', '"nextToken":""') AS requestparameters""",
        f"concat('[', array_join(transform(resources, r -> {_RESOURCE}), ','), ']') AS resources",
        """CASE WHEN tlsdetails.tlsversion IS NOT NULL THEN '{"tlsVersion":"TLS"}' END AS tlsdetails""",
        f"CASE WHEN regexp_like(replace(lower(errorcode), '.', ''), '{refused}') THEN {message} END AS errormessage",
    ]
    places = ", ".join(str(number) for number in range(1, len(columns) + 1))
    columns += [f"count(*) AS {COUNT}", f"min(eventtime) AS {FIRST}", f"max(eventtime) AS {LAST}"]
    listed = ",\n  ".join(columns)
    return f"SELECT\n  {listed}\nFROM {table}\nWHERE eventtime >= '{since}'\nGROUP BY {places}"
