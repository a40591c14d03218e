"""A whole life of sessions on the real program: every secret that existed is only where the user sent it.

Assume with MFA, reveal, copy, sign in to the console, export to a file, a sub-shell, an endpoint and a program that
asks it, renew by the shared MFA session, fail to renew, `exec` and `assume` beside it, and a crash at the end while
everything is live.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.external_tools import need
from tests.support.fault_proxy import FaultProxy, error
from tests.support.federation import SIGN_IN_TOKEN, Federation
from tests.support.moto_server import ACCOUNT, MotoServer, trust
from tests.support.process_watch import ProcessWatch
from tests.support.program_on_terminal import environment
from tests.support.terminal_session import TerminalSession

pytestmark = pytest.mark.screen

CODE = "271828"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"

PROGRAM = """
import signal, sys, threading, time
import iamtui.credentials.console_url as signin
from iamtui.credentials.console_url import Host
from iamtui.__main__ import main

signin.sign_in_host = lambda *_args, **_kwargs: Host("127.0.0.1", {port}, tls=False)

def explode(app):
    held = app.main.sessions.keeper.active
    plain = [held.session.secret_access_key.reveal(), held.session.session_token.reveal()]
    endpoint = held.service.endpoint.token.reveal()
    raise RuntimeError(f"something broke: {{plain}} {{endpoint}}")

def ready(app):
    # On a slow machine a secret would be hidden by itself before the key that hides it, which would show it again.
    sys.modules["iamtui.tui.sessions.panel"].REVEAL_SECONDS = 600.0
    app._loop.add_signal_handler(signal.SIGUSR1, lambda: app.main.call_later(explode, app))

def wait_for_the_screen():
    # The program itself imports the screen, and what it does before that is part of the test.
    while not hasattr(sys.modules.get("iamtui.tui.app"), "run_app"):
        time.sleep(0.001)
    sys.modules["iamtui.tui.app"].IamtuiApp.on_ready = ready

threading.Thread(target=wait_for_the_screen, daemon=True).start()
sys.argv = ["iamtui", "--endpoint-url", "{url}"]
main()
"""


@dataclass
class Life:
    """Where everything is, and what was secret in it.

    Args:
        home: the program's home folder, with all that it may write.
        sent: where the user sends secrets to.
        long_term: the caller's own secret key.
        secrets: all others, as they came to be.
    """

    home: Path
    sent: Path
    proxy: FaultProxy
    long_term: str
    secrets: list[str] = field(default_factory=list)

    def learn(self, *more: str) -> list[str]:
        """Every secret that exists by now; of long ones the beginning, since a terminal breaks lines."""
        given = b"".join(self.proxy.sts_answers).decode()
        keys = re.findall(r"<(?:SecretAccessKey|SessionToken)>([^<]+)<", given)
        self.secrets = list(dict.fromkeys([*self.secrets, *(key[:40] for key in keys), *more]))
        return [self.long_term, SIGN_IN_TOKEN[:40], CODE, *self.secrets]

    def environ(self, shell: Path) -> dict[str, str]:
        wanted = {
            "TERM": "xterm-256color",
            "TMPDIR": str(self.home / "tmp"),
            "SHELL": str(shell),
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": str(self.home / "aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.home / "aws-credentials"),
            "IAMTUI_CLIPBOARD_CMD": f"{sys.executable} {self.home / 'clip.py'} {self.sent}",
            "TEXTUAL_LOG": str(self.home / "textual.log"),
        }
        mine = {name: value for name, value in environment(self.home).items() if not name.startswith("AWS_")}
        return {**mine, "AWS_EC2_METADATA_DISABLED": "true", **wanted}


@pytest.fixture
def life(moto: MotoServer, fault_proxy: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Life:
    """A caller with keys in a file and an MFA device, and a role that wants MFA."""
    iam = moto.client("iam")
    iam.create_user(UserName="dora")
    key = iam.create_access_key(UserName="dora")["AccessKey"]
    iam.create_virtual_mfa_device(VirtualMFADeviceName="dora")
    device = f"arn:aws:iam::{ACCOUNT}:mfa/dora"
    iam.enable_mfa_device(
        UserName="dora", SerialNumber=device, AuthenticationCode1="111111", AuthenticationCode2="222222"
    )
    with_mfa = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
    iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}, **with_mfa))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    home, sent = tmp_path / "home", tmp_path / "sent"
    for folder in (home, sent, home / "tmp"):
        folder.mkdir()
    (home / "aws-config").touch()
    (home / "aws-credentials").write_text(
        f"[default]\naws_access_key_id = {key['AccessKeyId']}\naws_secret_access_key = {key['SecretAccessKey']}\n"
    )
    (home / "clip.py").write_text("import sys\nopen(f'{sys.argv[1]}/clipboard', 'a').write(sys.stdin.read() + '\\n')\n")
    return Life(home, sent, fault_proxy, key["SecretAccessKey"])


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """A shell of its own name, so that its processes can be told from others."""
    need("dash")
    copy = tmp_path / "own-shell"
    shutil.copy(str(shutil.which("dash")), copy)
    return copy


def sent_text(life: Life, name: str) -> str:
    file = life.sent / name
    return file.read_text() if file.exists() else ""


@pytest.mark.slow
def test_every_secret_is_only_where_the_user_sent_it(
    life: Life, shell: Path, federation: Federation, fault_proxy: FaultProxy
) -> None:
    program = life.home / "program.py"
    port = urlsplit(fault_proxy.url).port
    program.write_text(textwrap.dedent(PROGRAM.format(port=port, url=fault_proxy.url)))
    environ = life.environ(shell)
    windows: list[tuple[int, int]] = []
    with (
        ProcessWatch(*life.learn()) as watch,
        TerminalSession([sys.executable, str(program)], environ, life.sent) as it,
    ):
        assume(it, life)
        watch.add(*life.learn())
        windows.append(reveal(it, life))
        copy_and_sign_in(it, life, federation)
        export_to_a_file(it)
        use_a_shell(it, life)
        serve(it, life, watch)
        renew_and_fail(it, fault_proxy)
        watch.add(*life.learn())
        beside_it(life, environ, shell, fault_proxy, watch)
        crash(it)
        code = it.wait()
    secrets = life.learn()
    assert len(secrets) >= 12, secrets
    assert code == 2

    # The terminal: nothing but what was revealed, while it was.
    shown = it.output
    for start, end in reversed(windows):
        shown = shown[:start] + shown[end:]
    assert "something broke" in it.text()
    assert found_in(shown, secrets) == []
    # Processes: no arguments at all, and the environments of those that were given credentials.
    assert watch.in_arguments == set()
    sleep = os.path.realpath(str(shutil.which("sleep")))
    assert watch.in_environments == {str(shell.resolve()), sleep}, "the shells that were asked for, and their child"
    assert watch.looks > 20
    # Files: config, state, data, cache, logs, what is left in the temporary folder.
    assert {file.name for file in files_with(life.home, secrets)} == {"aws-credentials"}
    assert found_in((life.home / "aws-credentials").read_bytes(), secrets) == [life.long_term]
    # The control: they are where they were sent.
    assert {file.name for file in files_with(life.sent, secrets)} == {
        "assumed.sh", "clipboard", "exec", "deploy.sh", "from-shell", "serve",
    }  # fmt: skip


def found_in(data: bytes, secrets: list[str]) -> list[str]:
    return [secret for secret in secrets if secret.encode() in data]


def files_with(folder: Path, secrets: list[str]) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and found_in(file.read_bytes(), secrets)]


def assume(it: TerminalSession, life: Life) -> None:
    it.until("1 user")
    at = it.type(b"/")
    it.type(b"deploy\r")
    it.until("1 match", at)
    it.type(b"\r")
    it.until("Longest", at)
    at = it.type(b"a")
    it.until("six digits of dora", at)
    it.type(CODE.encode())
    at = it.type(b"\r")
    it.until("You are assumed-role/deploy", at)
    sent = [call.parameters.get("TokenCode") for call in life.proxy.calls]
    assert CODE in sent, it.text()[-4000:]


def reveal(it: TerminalSession, life: Life) -> tuple[int, int]:
    """Show the secret, leave the panel, and come back; returns the stretch of output in which it may be."""
    secret = re.findall(r"<SecretAccessKey>([^<]+)<", life.proxy.sts_answers[-2].decode())[0]
    it.type(b"gs")
    at = it.type(b"\r")
    it.until("Secret access key", at)
    start = it.type(b"s")
    it.until(secret, start)
    at = it.at
    it.type(b"\x1b")
    # A busy machine needs so long for the key that the secret is hidden by itself before.
    hidden = re.compile(r"What was shown is hidden again|\ssecret ••••")
    it.until_holds(lambda: hidden.search(it.text(at)) is not None, "leaving the panel hides the secret")
    end = it.at
    it.type(b"gs")
    return start, end


def copy_and_sign_in(it: TerminalSession, life: Life, federation: Federation) -> None:
    it.type(b"c")
    it.until_holds(lambda: "AWS_SESSION_TOKEN" in sent_text(life, "clipboard"), "the exports are copied")
    at = it.type(b"b")
    it.until("it is a password", at)
    it.type(b"\r")
    it.until_holds(lambda: SIGN_IN_TOKEN in sent_text(life, "clipboard"), "the URL is copied")
    it.until("Sign-in URL", at)


def export_to_a_file(it: TerminalSession) -> None:
    """Write the file that is proposed, which is in the working folder."""
    at = it.type(b"x")
    it.until("Masked", at)
    at = it.type(b"F")
    it.until("Only you can read it", at)
    it.type(b"\r")
    it.until("Written to", at)


def use_a_shell(it: TerminalSession, life: Life) -> None:
    at = it.type(b"!")
    it.until("Type exit", at)
    it.type(f"echo $AWS_SESSION_TOKEN > {shlex.quote(str(life.sent / 'from-shell'))}; sleep 1; exit 3\n".encode())
    it.until("Back from the shell", at)


def serve(it: TerminalSession, life: Life, watch: ProcessWatch) -> None:
    """Serve the session, copy the lines of the endpoint, and ask it as a program does."""
    before = len(sent_text(life, "clipboard"))
    at = it.type(b"\r")
    it.until("Endpoint …", at)
    at = it.type(b"e")
    it.until("Endpoint of", at)
    it.type(b"c")
    it.until_holds(lambda: "AWS_CONTAINER_AUTHORIZATION_TOKEN" in sent_text(life, "clipboard")[before:], "the lines")
    lines = sent_text(life, "clipboard")[before:]
    token = re.findall(r"AWS_CONTAINER_AUTHORIZATION_TOKEN=['\"]?([^'\"\s;]+)", lines)[0]
    url = re.findall(r"AWS_CONTAINER_CREDENTIALS_FULL_URI=['\"]?([^'\"\s;]+)", lines)[0]
    watch.add(*life.learn(token, urlsplit(url).path.strip("/").rpartition("/")[2]))
    request = urllib.request.Request(url, headers={"Authorization": token})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        assert json.load(answer)["AccessKeyId"].startswith("ASIA")
    at = it.type(b"q")
    it.until("Boundary", at)


def renew_and_fail(it: TerminalSession, fault_proxy: FaultProxy) -> None:
    """Renew by the session that the one code started; then STS refuses."""
    at = it.type(b"r")
    it.until("Renewed", at)
    fault_proxy.on("AssumeRole", error(403, "AccessDenied", "not authorized"), times=1)
    at = it.type(b"r")
    it.until("denied", at)


def beside_it(life: Life, environ: dict[str, str], shell: Path, fault_proxy: FaultProxy, watch: ProcessWatch) -> None:
    """What the command line does with a second role, while the screen goes on."""
    words = [sys.executable, "-m", "iamtui"]
    where = ("--endpoint-url", fault_proxy.url)
    with (life.sent / "assumed.sh").open("wb") as file:
        done = subprocess.run(
            [*words, "assume", PLAIN_ROLE, *where], env=environ, stdout=file, stderr=subprocess.PIPE, check=True
        )
    secrets = life.learn()
    assert found_in(done.stderr, secrets) == []
    watch.add(*secrets)
    script = f"echo $AWS_SECRET_ACCESS_KEY > {shlex.quote(str(life.sent / 'exec'))}; sleep 1"
    done = subprocess.run(
        [*words, "exec", PLAIN_ROLE, *where, "--", str(shell), "-c", script],
        env=environ,
        capture_output=True,
        check=True,
    )
    assert found_in(done.stdout + done.stderr, life.learn()) == []
    script = f"echo $AWS_CONTAINER_AUTHORIZATION_TOKEN > {shlex.quote(str(life.sent / 'serve'))}; sleep 1"
    serving = subprocess.Popen(
        [*words, "serve", PLAIN_ROLE, *where, "--", str(shell), "-c", script], env=environ, stderr=subprocess.PIPE
    )
    watch.until(lambda: sent_text(life, "serve").strip())
    watch.add(*life.learn(sent_text(life, "serve").strip()))
    _, said = serving.communicate(timeout=60)
    assert serving.returncode == 0
    assert found_in(said, life.learn()) == []


PLAIN_ROLE = f"arn:aws:iam::{ACCOUNT}:role/plain"


@pytest.fixture(autouse=True)
def _plain_role(moto: MotoServer) -> None:
    moto.client("iam").create_role(RoleName="plain", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))


def crash(it: TerminalSession) -> None:
    os.kill(it.process.pid, signal.SIGUSR1)
    it.until_holds(lambda: it.process.poll() is not None, "the end")
