"""What policies of resources cannot give to callers from outside the account: the rules of AWS, written down again."""

from __future__ import annotations

import re
from typing import Final

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
}
OPEN: Final = {"s3:getbucketlocation", "dynamodb:conditioncheckitem"}


def can_be_given(service: str, name: str) -> bool | None:
    """Whether a policy of a resource can give an action to others; None where AWS does not say."""
    if f"{service}:{name}" in OPEN:
        return None
    if service in GIVEN and not re.fullmatch(GIVEN[service], name):
        return False
    if service in NEVER and re.fullmatch(NEVER[service], name):
        return False
    return True if service not in NAMED or re.fullmatch(NAMED[service], name) else None
