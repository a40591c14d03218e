"""What the screen says of each fault between it and AWS: nothing that was read is lost, and `r` reads the rest."""

from __future__ import annotations

from iamtui.tui.app import IamtuiApp
from iamtui.tui.widgets.status import MessageLine
from iamtui.workspace.source.workspace import CacheUse, SourceChoice, SourceKind
from tests.sources.test_faults import FATAL, FAULTS, at_page, pager, proxy
from tests.support.fault_proxy import FaultProxy
from tests.support.panel_apps import screen_text
from tests.support.screen_app import RecordingCopier, press, settle
from tests.support.slow import one_quick

__all__ = ["pager", "proxy"]

NO_ANSWER = "something that is not an AWS answer"
SAID = {
    "throttled": "with Throttling at every try: too many calls in this account",
    "failed inside": "failed inside while answering iam:GetAccountAuthorizationDetails",
    "reset": "was cut during",
    "denied": "ccess denied",
    "expired": "The credentials have expired",
    "clock": "this machine's clock is wrong",
}
"""What is said of a fault; of all others, that it is no answer."""

NEXT = {
    "throttled": "Wait a minute and try again.",
    "failed inside": "Check that --endpoint-url names an AWS-compatible endpoint that is running.",
    "reset": "a proxy or VPN in between may cut connections.",
    "denied": "ask for iam:GetAccountAuthorizationDetails",
    "expired": "Renew them where they came from",
    "clock": "Set the clock",
}
"""What can be done where nothing could be read; of all others, to look at the endpoint."""

ALL = [*(FAULTS | FATAL)]


def live_app(proxy: FaultProxy) -> IamtuiApp:
    choice = SourceChoice(SourceKind.LIVE, endpoint_url=proxy.url, cache=CacheUse.NOTHING)
    return IamtuiApp(choice, copier=RecordingCopier())


def shown(app: IamtuiApp) -> str:
    return " ".join(screen_text(app).replace("│", " ").split())


def users(app: IamtuiApp) -> int:
    return len(app.main.workspace.account.users) if app.main.workspace is not None else 0


@one_quick(("name", "size"), [(ALL[0], (120, 40)), *((name, (80, 24)) for name in ALL)])
async def test_in_the_middle_what_came_stays_and_r_reads_the_rest(
    proxy: FaultProxy, name: str, size: tuple[int, int]
) -> None:
    proxy.rules.append(at_page(2, (FAULTS | FATAL)[name]))
    app = live_app(proxy)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert users(app) == 200
        said = app.main.query_one(MessageLine).words
        assert said.startswith("! 200 users, groups unknown, roles unknown, and no more: ")
        assert SAID.get(name, NO_ANSWER) in said
        # What is denied cannot be gone on with.
        assert f"r reads {'it again' if name == 'denied' else 'the rest'}." in shown(app)
        proxy.rules.clear()
        await press(pilot, "r")
        assert users(app) == 450
        assert app.main.workspace is not None
        assert not app.main.workspace.account.gaps


@one_quick("name", ALL)
async def test_at_the_start_it_says_what_to_do_and_r_tries_again(proxy: FaultProxy, name: str) -> None:
    proxy.on("*", (FAULTS | FATAL)[name])
    app = live_app(proxy)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        said = app.main.query_one(MessageLine).words
        assert SAID.get(name, NO_ANSWER) in said
        assert NEXT.get(name, "Check that --endpoint-url names") in said
        assert "No account is open." in shown(app)
        proxy.rules.clear()
        await press(pilot, "r")
        assert users(app) == 450
