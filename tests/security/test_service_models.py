"""Nobody replaces botocore's service models or endpoint rule sets: a read stays one, and goes to AWS."""

from __future__ import annotations

import gzip
import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore
import botocore.loaders
import botocore.session
import pytest

from iamtui.aws import session as sdk_session
from iamtui.aws.operations import ALLOWED
from iamtui.aws.session import (
    SdkSession,
    _ModelFile,
    available_profiles,
    aws_domains,
    session_without_settings,
    shared_loader,
)
from iamtui.problem import Problem
from iamtui.sources.resource_policy_loader import load_resource_policy
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support.connecting import Listener, config, connect
from tests.support.moto_server import ACCOUNT, MotoServer
from tests.support.program_on_terminal import PROGRAM, environment
from tests.support.slow import one_quick

DATA = Path(botocore.__file__).parent / "data"

Place = Callable[[Path, Path, pytest.MonkeyPatch], Path]


def by_setting(_home: Path, settings: Path, _monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = settings / "models"
    config(settings, f"[default]\nregion=eu-west-1\ndata_path={folder}\n")
    return folder


def by_variable(_home: Path, settings: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AWS_DATA_PATH", str(settings / "models"))
    return settings / "models"


def by_home(home: Path, _settings: Path, _monkeypatch: pytest.MonkeyPatch) -> Path:
    return home / ".aws" / "models"


@pytest.fixture(params=[by_setting, by_variable, by_home])
def models(
    request: pytest.FixtureRequest, tmp_path: Path, no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A folder that botocore by itself takes models from before its own."""
    place: Place = request.param
    monkeypatch.setattr(botocore.loaders.Loader, "CUSTOMER_DATA_PATH", str(tmp_path / ".aws" / "models"))
    return place(tmp_path, no_aws_settings, monkeypatch)


def replaced(models: Path, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Put a changed copy of a model of the package into a folder."""
    model = json.loads(gzip.decompress((DATA / f"{name}.json.gz").read_bytes()))
    change(model)
    target = models / f"{name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(model))


def deletes(model: dict[str, Any]) -> None:
    model["operations"]["GetBucketPolicy"]["http"] = {"method": "DELETE", "requestUri": "/{Bucket}"}


def test_a_read_that_deletes_is_not_taken_from_anywhere(moto: MotoServer, models: Path) -> None:
    replaced(models, "s3/2006-03-01/service-2", deletes)
    stock = botocore.session.get_session().get_service_model("s3").operation_model("GetBucketPolicy")
    assert stock.http["method"] == "DELETE", "the hole is there without our loader"
    _made_by_its_url(moto.url, "kept")

    space = open_source(SourceChoice(SourceKind.LIVE, region="us-east-1", endpoint_url=moto.url))
    assert space.connection is not None
    load_resource_policy(space.connection, space.account, "arn:aws:s3:::kept")

    assert _is_there(moto.url, "kept")


def _made_by_its_url(url: str, bucket: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(f"{url}/{bucket}", method="PUT"), timeout=60) as answer:
        assert answer.status == 200


def _is_there(url: str, bucket: str) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{url}/{bucket}", method="HEAD"), timeout=60):
            return True
    except urllib.error.HTTPError as error:
        return error.code != 404


def test_a_rule_set_sends_no_token_to_another_host(
    models: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(rules: dict[str, Any]) -> None:
        rules["rules"] = [
            {"conditions": [], "endpoint": {"url": listener.url, "properties": {}, "headers": {}}, "type": "endpoint"}
        ]

    replaced(models, "sts/2011-06-15/endpoint-rule-set-1", elsewhere)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    urls: list[str] = []

    def note(_self: Any, request: Any) -> Any:
        urls.append(request.url)
        raise OSError("no network in tests")

    monkeypatch.setattr("iamtui.aws.http.HttpSender.send", note)
    with pytest.raises(Problem):
        connect(region="eu-west-1").caller()
    assert set(urls) == {"https://sts.eu-west-1.amazonaws.com/"}
    assert listener.visitors == 0


def test_every_session_takes_models_from_the_package_alone_and_shares_them(models: Path) -> None:
    replaced(models, "s3/2006-03-01/service-2", deletes)
    session_without_settings()
    available_profiles()
    for session in (SdkSession(), session_without_settings()._session, connect_nowhere()):
        loader = session.get_component("data_loader")
        assert loader is shared_loader()
        assert loader.search_paths == [str(DATA)]
        assert session.get_service_model("s3").operation_model("GetBucketPolicy").http["method"] == "GET"


@pytest.mark.parametrize("name", ["endpoints", "iam/2010-05-08/service-2", "organizations/2016-11-28/service-2"])
def test_a_model_is_read_as_botocore_reads_it(name: str) -> None:
    """In the same order too: what is made of it goes by that."""
    ours, botocores = (
        loader.load_file(str(DATA / name)) for loader in (_ModelFile(), botocore.loaders.JSONFileLoader())
    )
    assert (json.dumps(ours) == json.dumps(botocores)) is True, "a difference would take minutes to be shown"


@pytest.mark.slow
def test_the_demo_too_answers_by_the_models_of_the_package(tmp_path: Path) -> None:
    def renamed(model: dict[str, Any]) -> None:
        model["operations"] = {"Other": {**model["operations"]["AssumeRole"], "name": "Other"}}

    replaced(tmp_path / ".aws" / "models", "sts/2011-06-15/service-2", renamed)
    code = (
        "from botocore.session import Session; from iamtui.sources.demo import demo_connection; "
        "print(Session().get_service_model('sts').operation_names); "
        "print(demo_connection().caller().arn)"
    )
    done = subprocess.run(
        [*PROGRAM[:1], "-c", code],
        env={**environment(tmp_path), "AWS_DATA_PATH": str(tmp_path / ".aws" / "models")},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.splitlines()[0] == "['Other']", "the hole is there without our loaders"
    assert done.stdout.splitlines()[1].startswith("arn:aws:")


def connect_nowhere() -> Any:
    return sdk_session.make_sdk_session()


@one_quick(
    ("service", "operation", "change"),
    [
        ("s3/2006-03-01", "GetBucketPolicy", {"http": {"method": "DELETE", "requestUri": "/{Bucket}?policy"}}),
        ("s3/2006-03-01", "GetBucketPolicy", {"http": {"method": "GET", "requestUri": "/{Bucket}"}}),
        ("kms/2014-11-01", "GetKeyPolicy", {"name": "ScheduleKeyDeletion"}),
        ("kms/2014-11-01", "", {"targetPrefix": "Other"}),
        ("kms/2014-11-01", "", {"protocols": ["query"]}),
        ("sts/2011-06-15", "", {"apiVersion": "2001-01-01"}),
    ],
)
def test_an_operation_that_is_another_request_than_the_pinned_is_refused(
    tmp_path: Path,
    moto: MotoServer,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    operation: str,
    change: dict[str, Any],
) -> None:
    """Whatever way a model comes in: the call itself is looked at."""

    def changed(model: dict[str, Any]) -> None:
        (model["operations"][operation] if operation else model["metadata"]).update(change)

    replaced(tmp_path, f"{service}/service-2", changed)
    loader = botocore.loaders.Loader(extra_search_paths=[str(tmp_path)])
    monkeypatch.setattr(sdk_session, "shared_loader", lambda: loader)
    monkeypatch.setattr("iamtui.aws.http.HttpSender.send", lambda *_: pytest.fail("something was sent"))
    calls: dict[str, tuple[str, dict[str, str]]] = {
        "s3": ("GetBucketPolicy", {"Bucket": "b"}),
        "kms": ("GetKeyPolicy", {"KeyId": "k"}),
        "sts": ("GetCallerIdentity", {}),
    }
    name = service.partition("/")[0]
    called, parameters = calls[name]
    with pytest.raises(Problem, match="describes it as another request"):
        connect(moto.url, region="us-east-1").call(name, called, dict, **parameters)


@pytest.mark.parametrize(
    "url",
    [
        "http://sts.eu-west-1.amazonaws.com/",
        "https://sts.eu-west-1.amazonaws.com.evil.example/",
        "https://evilamazonaws.com/",
        "https://127.0.0.1:4000/",
    ],
)
def test_nothing_is_sent_to_a_host_that_is_not_of_aws(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    connection = connect(region="eu-west-1")

    def elsewhere(request: Any, **_more: Any) -> None:
        request.url = url

    connection.client("sts").meta.events.register("request-created", elsewhere)
    monkeypatch.setattr("iamtui.aws.http.HttpSender.send", lambda *_: pytest.fail("something was sent"))
    with pytest.raises(Problem, match="nothing was sent"):
        connection.caller()


def test_beside_an_endpoint_nothing_else_is_called(moto: MotoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connect(moto.url)

    def elsewhere(request: Any, **_more: Any) -> None:
        request.url = "https://sts.amazonaws.com/"

    connection.client("sts").meta.events.register("request-created", elsewhere)
    with pytest.raises(Problem, match="nothing was sent"):
        connection.caller()


def test_every_endpoint_of_every_allowed_service_is_known_as_one_of_aws() -> None:
    from botocore.endpoint_provider import EndpointProvider
    from botocore.exceptions import EndpointProviderError

    loader = shared_loader()
    partitions = loader.load_data("partitions")
    regions = [region for partition in partitions["partitions"] for region in partition["regions"]]
    given = {"Bucket": "b", "AccountId": ACCOUNT, "RequiresAccountId": True}
    seen: set[str] = set()
    for service in {service for service, _ in ALLOWED}:
        rules = loader.load_service_model(service, "endpoint-rule-set-1")
        provider = EndpointProvider(rules, partitions)
        for region in regions:
            for variant in ({}, {"UseFIPS": True}, {"UseDualStack": True}, {"UseFIPS": True, "UseDualStack": True}):
                known = {key: value for key, value in given.items() if key in rules["parameters"]}
                try:
                    found = provider.resolve_endpoint(Region=region, **known, **variant)
                except EndpointProviderError:
                    continue
                host = found.url.removeprefix("https://").partition("/")[0]
                assert f".{host}".endswith(aws_domains()), (service, region, found.url)
                seen.add(service)
    assert seen == {service for service, _ in ALLOWED}
