"""What policies cannot give to other accounts, and which accounts can make a call: the rules of AWS, written again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

# By service: the names that can be given, None where others can too; those that cannot; those AWS leaves open.
_KEY_USE = (
    "(create|retire|revoke)grant|listgrants|(de|en)capsulate|(de|en)crypt|derivesharedsecret|describekey|"
    "generatedatakey(pair)?(withoutplaintext)?|(generate|verify)mac|sign|verify|getkeyrotationstatus|getpublickey|"
    "reencrypt(from|to)"
)
_BUCKET_POLICY = "(get|put|delete)bucketpolicy"
_ITEMS = "(get|put|update|delete)item|query|scan|batch(get|write)item|(describe|update|delete)table"
_SECRET = (
    "cancelrotatesecret|(get|put|delete|validate)resourcepolicy|(delete|describe|restore|rotate|update)secret|"
    "getrandompassword|(get|put)secretvalue|listsecretversionids|removeregionsfromreplication|"
    "replicatesecrettoregions|stopreplicationtoreplica|(un)?tagresource|updatesecretversionstage"
)
GIVEN: Final = {
    "kms": _KEY_USE,
    "dynamodb": f"{_ITEMS}|listtagsofresource|(un)?tagresource|describestream|getrecords|getsharditerator",
    "secretsmanager": _SECRET,
    "backup": "copyintobackupvault",
}
NEVER: Final = {
    "sqs": "(add|remove)permission|(cancel|start)messagemovetask|(create|delete)queue|"
    "list(queues|queuetags|messagemovetasks)|"
    "setqueueattributes|(un)?tagqueue",
    "s3": f"{_BUCKET_POLICY}|getaccessgrantsinstance",
    "s3-outposts": f"{_BUCKET_POLICY}|getbucket",
    "s3express": f"(create|delete)bucket|listallmy.*|{_BUCKET_POLICY}|(get|put)(encryption|lifecycle|metrics).*",
    "codeartifact": "put(domain|repository)permissionspolicy|listdomains|listrepositories",
    "ecr": "getauthorizationtoken",
    "kinesis": "putresourcepolicy",
    "lambda": "createfunction",
}
NAMED: Final = {
    "s3express": "createsession",
    "kinesis": "describestreamsummary|getrecords|getsharditerator|listshards|putrecords?|describestreamconsumer|subs.*",
    "sns": "(add|remove)permission|deletetopic|(get|put)dataprotectionpolicy|(get|set)topicattributes|"
    "listsubscriptionsbytopic|listtagsforresource|publish|subscribe",
    "events": "putevents|(put|delete|enable|disable)rule|(put|remove)targets",
    "ssm": "describeparameters|getparameters?|getparameterhistory",
    "acm-pca": "describecertificateauthority|getcertificate|getcertificateauthoritycertificate|listpermissions|"
    "listtags|(issue|revoke)certificate",
    "signer": "startsigningjob|signpayload|getsigningprofile|revokesignature",
    "ses": "send(bulktemplated|raw|templated)?email|(get|delete)emailidentity|(create|update)emailidentitypolicy|"
    "listrecommendations|putemailidentitydkimsigningattributes",
    "elasticfilesystem": "client(mount|write|rootaccess)",
    "execute-api": "invoke",
    "vpc-lattice": "",
    "lex": "",
    # What is in the catalog, and takes the id of its account.
    "glue": "(batch)?(create|delete|get|update)(databases?|tables?(versions?)?|userdefinedfunctions?|partitions?(index"
    "|indexes)?|connections?|columnstatisticsfor(table|partition))|searchtables",
    "lambda": "getfunction|getlayerversion|invokefunction(url)?|listaliases",
}
# The key of a secret is not known.
_BY_KEY: Final = {f"secretsmanager:{name}" for name in ("getsecretvalue", "putsecretvalue", "updatesecret")}
OPEN: Final = _BY_KEY | {
    "s3:getbucketlocation",
    # "You must be the bucket owner".
    "s3:getbucketrequestpayment",
    "s3:getbucketversioning",
    "s3:putbucketlogging",
    "dynamodb:conditioncheckitem",
    "secretsmanager:replicatesecrettoregions",
}


def can_be_given(service: str, name: str) -> bool | None:
    """Whether a policy of a resource can give an action to others; None where AWS does not say."""
    if f"{service}:{name}" in OPEN:
        return None
    if service in GIVEN and not re.fullmatch(GIVEN[service], name):
        return False
    if service in NEVER and re.fullmatch(NEVER[service], name):
        return False
    return True if service not in NAMED or re.fullmatch(NAMED[service], name) else None


_MANAGEMENT_ALONE: Final = re.compile(
    r"organizations:(cancelhandshake|create(gov)?(cloud)?account|(create|update|delete)organizationalunit|"
    r"deleteorganization|(de)?registerdelegatedadministrator|(en|dis)ableawsserviceaccess|enableallfeatures|"
    r"inviteaccounttoorganization|moveaccount|removeaccountfromorganization|(put|delete)resourcepolicy|closeaccount|"
    r"inviteorganizationtotransferresponsibility)|"
    r"ram:enablesharingwithawsorganization|sso:listaccountassignmentsforprincipal"
)
_ANYBODY: Final = re.compile(
    r"organizations:(describeorganization|describehandshake|listhandshakesforaccount|describeeffectivepolicy)"
)
_OF_MEMBER: Final = re.compile(r"arn:[^:]*:account::[^:]*:account/o-.*")


def can_be_made(action: str, resource: str, settings: Mapping[str, Any]) -> bool | None:
    """Whether the account of a caller is one that can make a call; None where that is not known."""
    service, name = action.split(":", 1)
    managing = settings.get("principal_in_management_account")
    services = settings.get("principal_delegated_services") or ()
    if name in ("accepthandshake", "declinehandshake") and service == "organizations":
        return None
    if action in ("organizations:leaveorganization", "sso:createinstance"):
        return None if managing is None else not managing
    if action == "organizations:createorganization":
        return None if managing is None else False
    if _MANAGEMENT_ALONE.fullmatch(action):
        return managing
    if service == "organizations" and not _ANYBODY.fullmatch(action):
        return True if managing or (name.startswith(("list", "describe")) and services and managing is False) else None
    if action == "sso:deleteinstance":
        return True if managing else None
    if re.fullmatch("iam:((en|dis)ableorganizationsroot.*|listorganizationsfeatures)", action):
        if managing or managing is None:
            return managing
        delegated = settings.get("principal_in_iam_delegated_administrator")
        if delegated is None and "iam.amazonaws.com" in services:
            delegated = True
        return None if delegated and name.startswith("enable") else delegated
    by_email = name.endswith(("primaryemail", "primaryemailupdate"))
    if service == "account" and (by_email or _OF_MEMBER.fullmatch(resource)):
        if managing is None:
            return None
        return True if managing or "account.amazonaws.com" in services else None
    return True
