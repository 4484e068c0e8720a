"""Answers from a server: a real one on loopback, and one that has every fault."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from mentalft.errors import ConfigError, UserError
from mentalft.generation.contenders import Contender
from mentalft.generation.decoding import Decoding
from mentalft.generation.openai_engine import OpenAIEngine, RateLimit, check_openai, request_arguments
from mentalft.records import Message, Prompt
from tests.test_conf import composed

GREEDY = Decoding(max_new_tokens=6, do_sample=False, temperature=1.0, top_p=1.0, top_k=0, seed=0)
PROMPTS = [Prompt(str(n), f"hash{n}", [], (Message("user", text),)) for n, text in enumerate(("你好", "睡不着", "嗯"))]
BASE, TUNED = Contender("base", served_as="base"), Contender("tuned", served_as="tuned")
KEY = "sk-a-key-of-the-test"


def engine(url: str, **changed: Any) -> OpenAIEngine:
    cfg = composed("eval.openai.timeout=5", "eval.openai.max_retries=2", "eval.openai.concurrency=2").eval.openai
    cfg.base_url, cfg.base_model, cfg.tuned_model = url, "base", "tuned"
    for key, value in changed.items():
        setattr(cfg, key, value)
    return OpenAIEngine(cfg, GREEDY)


Reply = Callable[[dict[str, Any], int], tuple[int, dict[str, Any], dict[str, str]]]


def said(text: str | None, reason: str = "stop") -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    return {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}


class Stub:
    """A server whose replies the test decides."""

    def __init__(self, reply: Reply) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                stub.bodies.append(body)
                stub.keys.append(str(self.headers["authorization"]))
                status, answer, headers = reply(body, len(stub.bodies))
                sent = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {
                    "content-type": "application/json",
                    "content-length": str(len(sent)),
                    **headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def stub() -> Iterator[Callable[[Reply], Stub]]:
    made: list[Stub] = []

    def make(reply: Reply) -> Stub:
        made.append(Stub(reply))
        return made[-1]

    yield make
    for one in made:
        one.server.shutdown()
        one.server.server_close()


def test_messages_are_sent_and_answers_recorded(stub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    server = stub(lambda body, _: (200, said(f" {body['model']}：{body['messages'][-1]['content']} ", "length"), {}))
    found = {r.id: r for r in engine(server.url, api_key_env="MY_KEY").ask(TUNED, PROMPTS)}
    assert sorted(found) == ["0", "1", "2"]
    one = found["1"]
    assert (one.text, one.finish_reason, one.tokens, one.prompt_sha256) == ("tuned：睡不着", "length", 4, "hash1")
    assert server.bodies[0].keys() == {"model", "messages", "max_tokens", "temperature"}
    assert set(server.keys) == {f"Bearer {KEY}"}


def test_an_answer_without_text_is_empty(stub: Any) -> None:
    server = stub(lambda body, _: (200, said(None, "content_filter"), {}))
    (answer,) = engine(server.url).ask(BASE, PROMPTS[:1])
    assert (answer.text, answer.finish_reason) == ("", "content_filter")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_passing_faults_are_tried_again(status: int, stub: Any) -> None:
    server = stub(
        lambda _, call: (status, {"error": "busy"}, {"retry-after-ms": "1"}) if call < 3 else (200, said("好"), {})
    )
    assert [r.text for r in engine(server.url).ask(BASE, PROMPTS[:1])] == ["好"]
    assert len(server.bodies) == 3


@pytest.mark.parametrize(
    ("status", "changed", "words"),
    [
        (401, {"api_key_env": "MY_KEY"}, [r"refuses the key in \$MY_KEY", "HTTP 401"]),
        (401, {}, ["refuses a request without a key"]),
        (404, {}, ["has no model 'base'", r"eval\.openai\.base_model", "/v1"]),
        (429, {}, ["too many requests", "tried 3 times", "requests_per_minute", "run_dir="]),
        (500, {}, ["failed with HTTP 500", "'base'"]),
        (400, {}, ["failed with HTTP 400"]),
    ],
)
def test_lasting_faults_are_one_clear_message_without_the_key(
    status: int, changed: dict[str, Any], words: list[str], stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    server = stub(
        lambda *_: (
            status,
            {"error": {"message": f"bad key {KEY}" if status == 401 else "no"}},
            {"retry-after-ms": "1"},
        )
    )
    with pytest.raises(UserError) as failed:
        list(engine(server.url, **changed).ask(BASE, PROMPTS))
    for word in [*words, re.escape(server.url)]:
        assert re.search(word, str(failed.value))
    assert KEY not in str(failed.value)


def test_a_server_that_hangs_or_is_not_there_is_said(stub: Any) -> None:
    let_go = threading.Event()

    def hang(*_: Any) -> Any:
        let_go.wait(30)
        return 200, said("spät"), {}

    with pytest.raises(UserError, match=r"did not answer within eval\.openai\.timeout=0\.2 s, tried 1 times"):
        list(engine(stub(hang).url, timeout=0.2, max_retries=0).ask(BASE, PROMPTS[:1]))
    let_go.set()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(UserError, match="cannot be reached"):
            list(engine(url, max_retries=0).ask(BASE, PROMPTS[:1]))


def test_a_page_that_is_no_answer_is_said(stub: Any) -> None:
    with pytest.raises(UserError, match="gave no answer to item 0"):
        list(engine(stub(lambda *_: (200, {**said(""), "choices": []}, {})).url).ask(BASE, PROMPTS[:1]))


def test_answers_before_a_fault_are_handed_over(stub: Any) -> None:
    server = stub(lambda _, call: (200, said("好"), {}) if call == 1 else (404, {}, {}))
    answers = engine(server.url, concurrency=1).ask(BASE, PROMPTS)
    assert next(answers).text == "好"
    with pytest.raises(UserError):
        list(answers)


def test_calls_are_spaced_as_the_limit_says() -> None:
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    limit = RateLimit(30, clock=lambda: now[0], sleep=sleep)
    for _ in range(4):
        limit()
    assert slept == [2.0, 2.0, 2.0]
    now[0] += 100
    limit()
    assert len(slept) == 3, "unused time is not saved up, but nothing waits after it either"
    RateLimit(None, clock=lambda: 0.0, sleep=lambda _: pytest.fail("no limit"))()


def test_a_key_that_is_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = composed("eval.openai.api_key_env=NO_SUCH_KEY").eval.openai
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(ConfigError, match="api_key_env=NO_SUCH_KEY: there is no such environment variable"):
        check_openai(cfg)


def test_sampling_is_sent_with_a_seed_of_the_prompt_s_own() -> None:
    how = Decoding(6, True, 0.6, 0.9, 50, 1)
    one, other = request_arguments(how, "a"), request_arguments(how, "b")
    assert one["seed"] != other["seed"]
    assert (one["temperature"], one["top_p"], one["extra_body"]) == (0.6, 0.9, {"top_k": 50})


@pytest.fixture(scope="module")
def real_server(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``transformers serve`` with the small model."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("serve") / "log"
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(small_model), "--port", str(port)]
    command += ["--host", "127.0.0.1", "--device", "cpu"]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HOME": str(log.parent)}
    with log.open("w") as handle, subprocess.Popen(command, stdout=handle, stderr=handle, env=env) as process:
        try:
            for _ in range(600):
                assert process.poll() is None, log.read_text()
                try:
                    urlopen(f"http://127.0.0.1:{port}/health", timeout=2).read()
                    break
                except OSError:
                    time.sleep(0.2)
            else:
                pytest.fail(f"the server did not start: {log.read_text()}")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()


def test_a_real_server_answers_as_the_model_does_here(real_server: str, small_model: Path, tokenizer: Any) -> None:
    from transformers import AutoModelForCausalLM

    from mentalft.data.prompts import PromptBuilder
    from mentalft.generation.batched import generate

    builder = PromptBuilder(tokenizer, {}, "small")
    here = [Prompt(p.id, p.sha256, builder.prompt(p.messages)) for p in PROMPTS]
    model = AutoModelForCausalLM.from_pretrained(str(small_model)).eval()
    expected = {r.id: r for r in generate(model, tokenizer, here, GREEDY, [tokenizer.eos_token_id], 4)}
    name = str(small_model)
    served = engine(real_server, timeout=60, concurrency=2)
    assert {r.id: r for r in served.ask(Contender("base", served_as=name), PROMPTS)} == expected
