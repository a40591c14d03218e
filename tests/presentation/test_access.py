"""What a principal can do, as reports."""

from __future__ import annotations

from dataclasses import replace

from iamtui.presentation.access import level_cell, permissions_report, resources_report
from iamtui.sources.demo import load_demo_account
from iamtui.workspace.ask.what_can import LevelCount, what_can
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace


def test_a_report_names_the_account_where_several_are_open() -> None:
    alone = Workspace(load_demo_account(), SourceInfo(SourceKind.SNAPSHOT, "a.json"))
    other = Workspace(replace(alone.account, id="444455556666"), SourceInfo(SourceKind.SNAPSHOT, "b.json"))
    for workspace, name in (
        (alone, "role/deploy-prod"),
        (replace(alone, beside=(other,)), "111122223333 role/deploy-prod"),
    ):
        found = what_can(workspace, resolve_principal(workspace, "arn:aws:iam::111122223333:role/deploy-prod"))
        assert permissions_report(workspace, found, found.services).listing.title == f"what {name} can do"
        assert resources_report(workspace, found).listing.title == f"Resources that {name} can touch"


def test_below_the_heading_of_a_resource_only_others_and_conditions_are_named() -> None:
    workspace = Workspace(load_demo_account(), SourceInfo(SourceKind.SNAPSHOT, "a.json"))
    found = what_can(workspace, resolve_principal(workspace, "arn:aws:iam::111122223333:role/deploy-prod"))
    said = {}
    for heading in resources_report(workspace, found).rows:
        for row in heading.inner:
            said[heading.name, row.name] = row.text
            assert heading.name not in row.text.replace(",", "").split(), row
    artifacts = "arn:aws:s3:::puffin-deploy-artifacts/*"
    assert said[artifacts, "s3:PutObject"].startswith("if aws:RequestedRegion")
    assert said[artifacts, "s3:GetObject"].startswith("also on arn:aws:s3:::puffin-data-lake/smoke-tests/*  if")
    assert said["*", "sts:GetCallerIdentity"] == ""
    assert said["arn:aws:lambda:eu-west-1:111122223333:function:*", "lambda:GetFunction"].startswith("if aws:Resource")


def test_narrow_cells_say_a_condition_without_what_is_not_there() -> None:
    assert level_cell(LevelCount(0, 2, 20), ascii_only=True, of_total=False).endswith(" 2?")
    assert level_cell(LevelCount(12, 2, 20), ascii_only=True, of_total=False).endswith(" 12+2?")
    assert level_cell(LevelCount(0, 2, 20), ascii_only=True).endswith(" 0+2?/20")
