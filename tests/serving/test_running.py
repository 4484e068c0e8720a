"""A server that really runs: what it answers is what was evaluated; and what is said where it does not."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Timer, main_thread
from urllib.request import Request, urlopen

import pytest

import mentalft
from mentalft.cli.serve import main
from mentalft.runs.api import Run
from mentalft.runs.files import responses
from mentalft.serving.asking import evaluation, question
from mentalft.serving.models import local_contenders
from mentalft.serving.running import Running, Where, serving
from mentalft.serving.servers import TRANSFORMERS, Command


@pytest.fixture(scope="module")
def server(served_run: Run) -> Iterator[Running]:
    cfg = served_run.settings
    with serving(cfg, local_contenders(cfg, served_run.path), "transformers", Where("127.0.0.1", 0)) as running:
        yield running


def test_every_answer_is_the_one_that_was_evaluated(served_run: Run, server: Running, tmp_path: Path) -> None:
    command = shlex.split(evaluation(served_run.path, served_run.settings, server))
    again = mentalft.run([*command[1:], "tracking=none", f"run_dir={tmp_path / 'again'}"])
    assert server.names == ("base", "tuned", "other")
    answers = []
    for name in server.names:
        evaluated, served = (
            {r.id: (r.text, r.finish_reason, r.tokens) for r in responses(name).load(one.path)}
            for one in (served_run, again)
        )
        assert served == evaluated
        answers.append(evaluated)
    assert answers[0] != answers[1] != answers[2]  # no adapter was loaded as nothing
    assert "stop" in {reason for _, reason, _ in answers[1].values()}  # at an end token of the run


def test_its_models_are_listed_and_asked_as_the_printed_command_says(server: Running) -> None:
    with urlopen(f"{server.url}/models") as listed:
        assert {model["id"] for model in json.load(listed)["data"]} == {"base", "tuned", "other"}
    _, url, _, _, _, body = shlex.split(question(server))
    with urlopen(Request(url, body.encode(), {"content-type": "application/json"})) as answered:
        answer = json.load(answered)
    assert answer["model"].startswith("other")
    assert answer["choices"][0]["message"]["content"]


STUB = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(b"{}")
    def do_POST(self):
        self.answer(b"data: " + sys.argv[1].encode() + b"\\n\\n")
    def answer(self, body):
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[-1])), Handler).serve_forever()
"""


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts a process in the place of the server's, which says ``state`` where it is to load a model."""

    def use(script: str = STUB, **state: str) -> None:
        arguments = [sys.executable, "-c", script, json.dumps({"status": "ready", **state})]
        stand_in = TRANSFORMERS._replace(command=lambda *_: Command([*arguments], {}))
        monkeypatch.setattr("mentalft.serving.running.choose", lambda *_: stand_in)

    return use


def serve(monkeypatch: pytest.MonkeyPatch, run: Run, *arguments: str) -> object:
    """The command's exit code."""
    monkeypatch.setattr(sys, "argv", ["mentalft-serve", str(run.path), "--port", "0", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_ctrl_c_ends_it_and_the_run_is_as_it_was(
    served_run: Run, stub: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub()
    before = sorted(served_run.path.rglob("*"))
    ctrl_c = Timer(0.5, signal.pthread_kill, [main_thread().ident, signal.SIGINT])
    monkeypatch.setattr("mentalft.serving.asking.evaluation", lambda *_: ctrl_c.start() or "mentalft …")
    assert serve(monkeypatch, served_run) == 0
    said = capsys.readouterr().out
    assert "answers for base, tuned and other: http://127.0.0.1:" in said
    assert "curl http://127.0.0.1:" in said
    assert said.endswith("the server has ended\n")
    assert sorted(served_run.path.rglob("*")) == before


@pytest.mark.parametrize(
    ("script", "state", "arguments", "message"),
    [
        ("raise SystemExit(2)", {}, [], "ended with exit code 2 before it answered"),
        (STUB, {"status": "error", "message": "out of memory"}, [], "cannot load base (out of memory)"),
        (STUB, {}, ["--only", "judge"], "--only judge: the models of this run are base, tuned, other"),
        (STUB, {}, ["--host", "host.invalid"], "--host host.invalid --port 0 cannot be listened on"),
    ],
)
def test_what_goes_wrong_is_one_message(
    served_run: Run, stub: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    script: str, state: dict[str, str], arguments: list[str], message: str,
) -> None:  # fmt: skip
    stub(script, **state)
    assert serve(monkeypatch, served_run, *arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("mentalft-serve: ")
    assert message in error
    assert error.count("\n") == 1


def test_an_address_in_use_is_said(
    served_run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert serve(monkeypatch, served_run, "--port", str(port), "--only", "base") == 1
    assert f"--port {port} cannot be listened on" in capsys.readouterr().err


def test_the_address_says_who_reaches_it() -> None:
    reached = {host: Where(host, 1).is_loopback for host in ("127.0.0.1", "localhost", "0.0.0.0", "gpu.example")}
    assert reached == {"127.0.0.1": True, "localhost": True, "0.0.0.0": False, "gpu.example": False}
    assert Where("0.0.0.0", 80).url == "http://127.0.0.1:80"
