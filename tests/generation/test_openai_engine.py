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


Reply = Callable[[dict[str, Any], int], tuple[int, dict[str, Any] | str, dict[str, str]]]


def said(text: str | None, reason: str = "stop") -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    return {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}


class Stub:
    """A server whose replies the test decides."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                stub.bodies.append(body)
                stub.keys.append(str(self.headers["authorization"]))
                status, answer, headers = stub.reply(body, len(stub.bodies))
                sent = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
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
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()


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


def test_no_proxy_gets_what_is_for_this_machine(stub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (answer,) = engine(stub(lambda *_: (200, said("好"), {})).url).ask(BASE, PROMPTS[:1])
    assert answer.text == "好"


@pytest.mark.parametrize(
    ("message", "reason", "text", "finish_reason", "thinking", "refusal"),
    [
        ({"content": None}, "content_filter", "", "content_filter", None, "content_filter"),
        ({"content": None, "refusal": "I cannot\nhelp"}, "stop", "", "stop", None, "I cannot help"),
        ({"content": "<think>先共情</think>\n慢慢说"}, "stop", "慢慢说", "stop", "先共情", None),
        ({"content": "先共情</think>慢慢说"}, "stop", "慢慢说", "stop", "先共情", None),
        ({"content": "<think>先共情"}, "stop", "", "length", "先共情", None),
        ({"content": None, "reasoning_content": "先共情，"}, "length", "", "length", "先共情，", None),
        ({"content": "慢慢说", "reasoning": "先共情"}, "stop", "慢慢说", "stop", "先共情", None),
        ({"content": "慢慢说", "reasoning_content": ""}, None, "慢慢说", "unknown", None, None),
        ({"content": [{"type": "text", "text": "慢慢"}, {"type": "text", "text": "说"}]}, "stop", "慢慢说", "stop", None, None),
        ({"content": [{"type": "image_url", "image_url": {}}]}, "stop", "", "stop", None, None),
        ({}, "tool_calls", "", "tool_calls", None, None),
    ],
)  # fmt: skip
def test_messages_in_every_form_are_read(
    message: dict[str, Any], reason: str, text: str, finish_reason: str, thinking: str, refusal: str, stub: Any
) -> None:
    body = {"choices": [{"message": {"role": "assistant", **message}, "finish_reason": reason}], "usage": None}
    (answer,) = engine(stub(lambda *_: (200, body, {})).url).ask(BASE, PROMPTS[:1])
    found = (answer.text, answer.finish_reason, answer.thinking, answer.refusal, answer.tokens)
    assert found == (text, finish_reason, thinking, refusal, 0)


UNUSABLE: list[tuple[Any, str]] = [
    ("", r"not JSON \(application/json\): it is empty"),
    (json.dumps(said("好"))[:70], "not JSON"),
    ("<html><body>Please\nlog in</body></html>", "<html><body>Please log in</body></html>"),
    ("[]", r"no choices\[0\]\.message in \[\]"),
    ({**said(""), "choices": []}, r"no choices\[0\]\.message"),
    ({"choices": [{"index": 0, "text": "hi"}]}, r"no choices\[0\]\.message"),
    ({"choices": [{"message": None}]}, r"no choices\[0\]\.message"),
    ({"error": {"message": "upstream busy", "code": 503}}, "upstream busy: 503"),
    ({"error": "upstream busy"}, "upstream busy"),
    ({"choices": [{"error": {"message": "provider gone"}, "message": {"content": ""}}]}, "provider gone"),
]


@pytest.mark.parametrize(("body", "words"), UNUSABLE)
def test_a_body_without_an_answer_is_tried_again_and_then_said(body: Any, words: str, stub: Any) -> None:
    quick = {"retry-after-ms": "1"}
    server = stub(lambda _, call: (200, body if call < 3 else said("好"), quick))
    assert [r.text for r in engine(server.url).ask(BASE, PROMPTS[:1])] == ["好"]
    with pytest.raises(UserError, match=words) as failed:
        list(engine(stub(lambda *_: (200, body, quick)).url, max_retries=1).ask(BASE, PROMPTS[:1]))
    assert "tried 2 times" in str(failed.value)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"error": {"message": "The response was filtered", "code": "content_filter"}}, "was filtered"),
        (400, {"error": {"message": "This model's maximum context length is 512 tokens"}}, "maximum context length"),
        (400, {"error": {"message": "Content Exists Risk"}}, "Content Exists Risk"),
        (400, {"error": {"code": "data_inspection_failed", "message": "inappropriate"}}, "data_inspection_failed"),
        (400, {"error": {"code": "1301", "message": "系统检测到输入内容可能包含不安全或敏感内容"}}, "敏感内容"),
        (403, {"error": {"message": "your input was flagged"}}, "flagged"),
        (413, "<html>Request Entity Too Large</html>", "Entity Too Large"),
        (422, {"detail": "inputs must have less than 512 tokens"}, "less than 512"),
        (500, {"error": {"message": "the request exceeds the available context size"}}, "context size"),
        (200, {"error": {"message": "prompt is too long", "code": 400}}, "too long"),
    ],
)
def test_an_item_that_is_refused_for_good_does_not_stop_the_rest(status: int, body: Any, words: str, stub: Any) -> None:
    def reply(asked: dict[str, Any], _: int) -> Any:
        refused = asked["messages"][-1]["content"] == "你好"
        return (status, body, {"retry-after-ms": "1"}) if refused else (200, said("好"), {})

    found = {r.id: r for r in engine(stub(reply).url, concurrency=1).ask(BASE, PROMPTS)}
    assert [found[i].text for i in "012"] == ["", "好", "好"]
    assert found["0"].finish_reason == "refused"
    assert words in str(found["0"].refusal)
    assert found["1"].refusal is None


def test_what_a_server_minds_in_every_request_stops_the_run_before_all_are_asked(stub: Any) -> None:
    server = stub(lambda *_: (400, {"error": {"message": "temperature must be 1"}}, {}))
    many = [Prompt(str(n), "", [], (Message("user", str(n)),)) for n in range(50)]
    with pytest.raises(UserError, match="failed with HTTP 400 for 'base': temperature must be 1"):
        list(engine(server.url).ask(BASE, many))
    assert len(server.bodies) < 20


def test_the_field_that_limits_an_answer_is_the_one_that_the_server_wants(stub: Any) -> None:
    def reply(asked: dict[str, Any], _: int) -> Any:
        if "max_tokens" in asked:
            return 400, {"error": {"message": "Use 'max_completion_tokens' instead of 'max_tokens'"}}, {}
        return 200, said("好"), {}

    server = stub(reply)
    assert [r.text for r in engine(server.url, concurrency=1).ask(BASE, PROMPTS)] == ["好"] * 3
    assert [body.get("max_completion_tokens") for body in server.bodies] == [None, 6, 6, 6]


def test_further_fields_are_sent_as_they_are(stub: Any) -> None:
    server = stub(lambda *_: (200, said("好"), {}))
    further = {"chat_template_kwargs": {"enable_thinking": False}, "max_completion_tokens": 9, "temperature": None}
    list(engine(server.url, extra_body=further).ask(BASE, PROMPTS[:1]))
    assert server.bodies[0].keys() == {"model", "messages", "chat_template_kwargs", "max_completion_tokens"}
    assert server.bodies[0]["chat_template_kwargs"] == {"enable_thinking": False}


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
    one, other = (request_arguments(how, i, {}, "max_tokens")["extra_body"] for i in "ab")
    assert one.pop("seed") != other.pop("seed")
    assert one == other == {"max_tokens": 6, "temperature": 0.6, "top_p": 0.9, "top_k": 50}


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
