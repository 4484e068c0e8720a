"""Answers from any server that speaks OpenAI's chat completions (``mentalft[openai]``).

Messages are sent, not tokens: the server applies its own chat template. The key is read from an environment variable
when it is needed, and stored and logged nowhere.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.util import find_spec
from typing import Any, NamedTuple

from mentalft.config import JudgeConfig, OpenAIConfig
from mentalft.data.thinking import response, thinking_in
from mentalft.errors import ConfigError, UserError, first_line
from mentalft.generation.contenders import Contender
from mentalft.generation.decoding import Decoding
from mentalft.records import Prompt, Response

NO_KEY = "none"
"""Sent where the server wants no key."""
FAULT = "mentalft.fault"
"""What is wrong with a body that came with status 200, among the extensions of httpx's response."""
OF_THE_REQUEST = (400, 413, 422)
"""What a server answers where a request itself is at fault, so that asking again would not help."""
OF_THE_ITEM = re.compile(
    r"content.?(?:filter|management|policy|exists.risk)|moderation|flagged|sensitive|inspection|high.risk|unsafe"
    r"|context.?(?:length|size|window)|(?:prompt|input|request).{0,30}too.(?:long|large)|敏感|不安全|违规|上下文",
    re.IGNORECASE,
)
"""How servers say that it is this one item that they will not or cannot answer."""
FRUITLESS = 10
"""Requests that are at fault before one is answered, from which on the fault is taken to be in all."""


Server = OpenAIConfig | JudgeConfig
MODEL_KEYS = {
    "eval.openai": "eval.openai.base_model, tuned_model, the contender's model, or base_url",
    "judge": "judge.model or judge.base_url",
}
"""Where the settings of a server stand → those that name a model and its place, for messages."""


def check_openai(cfg: Server, key: str = "eval.openai") -> None:
    """Refuse a server that cannot be asked.

    Args:
        key: of ``cfg``, named in messages.

    Raises:
        ConfigError: there is no openai package, or no key where one is named.
    """
    if find_spec("openai") is None:
        asks = "eval.engine=openai" if key == "eval.openai" else f"{key}=openai"
        raise ConfigError(f"{asks} needs the openai package: pip install 'mentalft[openai]'")
    if cfg.api_key_env and not os.environ.get(cfg.api_key_env):
        raise ConfigError(
            f"{key}.api_key_env={cfg.api_key_env}: there is no such environment variable, or it is empty; "
            f"put the key into it, or set {key}.api_key_env=null for a server that wants none"
        )


class RateLimit:
    """At most so many calls a minute, evenly spaced, over all threads."""

    def __init__(
        self,
        per_minute: int | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.space = 60 / per_minute if per_minute else 0.0
        self.clock, self.sleep = clock, sleep
        self.free_at = 0.0
        self.lock = threading.Lock()

    def __call__(self, *_: Any) -> None:
        """Return when the next call may be made."""
        with self.lock:
            now = self.clock()
            begins = max(now, self.free_at)
            self.free_at = begins + self.space
        if begins > now:
            self.sleep(begins - now)


class OpenAIEngine:
    """A client of one server.

    Raises:
        UserError: the server cannot be reached, refuses the key, has no such model, or still refuses after retries.
    """

    def __init__(
        self, cfg: Server, decoding: Decoding, key: str = "eval.openai", wishes: Mapping[str, Any] | None = None
    ) -> None:
        """For the arguments see :func:`check_openai`.

        Args:
            wishes: further fields of every request, left out for good once a request is answered only without them.
        """
        from openai import DefaultHttpxClient, OpenAI

        check_openai(cfg, key)
        self.cfg, self.decoding, self.key, self.wishes = cfg, decoding, key, dict(wishes or {})
        self.client = OpenAI(
            base_url=cfg.base_url,
            api_key=os.environ[cfg.api_key_env] if cfg.api_key_env else NO_KEY,
            max_retries=cfg.max_retries,  # with back-off, and as the server's retry-after says
            timeout=cfg.timeout,
            http_client=DefaultHttpxClient(
                event_hooks={"request": [RateLimit(cfg.requests_per_minute)], "response": [fail_without_answer]}
            ),
        )
        self.limit_field = "max_tokens"

    def ask(self, contender: Contender, prompts: Sequence[Prompt]) -> Iterator[Response]:
        """Yield one response a prompt as they come; see :meth:`answers`."""
        yield from (answer.response for answer in self.answers(str(contender.served_as), prompts))

    def answers(self, model: str, prompts: Sequence[Prompt]) -> Iterator[Answer]:
        """Yield one answer of ``model`` a prompt as they come.

        An item that the server refuses for good has a response that says so. Where it is not plain that the item is
        what the server minds, that counts once another item has been answered: else all requests are at fault.
        """
        doubtful: list[_Refused] = []
        answered = False
        with ThreadPoolExecutor(self.cfg.concurrency) as pool:
            asked = [pool.submit(self._answer, model, prompt, self.wishes) for prompt in prompts]
            try:
                for one in as_completed(asked):
                    found = one.result()
                    if isinstance(found, _Refused) and not found.of_the_item:
                        doubtful.append(found)
                    else:
                        answered = answered or not isinstance(found, _Refused)
                        yield found.answer if isinstance(found, _Refused) else found
                    if answered:
                        yield from (refused.answer for refused in doubtful)
                        doubtful.clear()
                    elif len(doubtful) == FRUITLESS:
                        break
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        if doubtful:
            raise UserError(doubtful[0].in_words)

    def _answer(self, model: str, prompt: Prompt, wishes: dict[str, Any]) -> Answer | _Refused:
        """One answer; ``wishes`` are emptied where the server minds them."""
        import openai

        field, wished = self.limit_field, dict(wishes)
        arguments = request_arguments(self.decoding, prompt.id, {**wished, **self.cfg.extra_body}, field)
        messages: Any = [m.chat() for m in prompt.messages]
        try:
            raw = self.client.chat.completions.with_raw_response.create(model=model, messages=messages, **arguments)
        except openai.OpenAIError as error:
            words = _servers_words(error)
            if field == "max_tokens" and "max_completion_tokens" in words:
                self.limit_field = "max_completion_tokens"
                return self._answer(model, prompt, wishes)
            status = getattr(error, "status_code", None)
            of_the_item = status not in (401, 404, 429) and bool(OF_THE_ITEM.search(words))
            if of_the_item or status in OF_THE_REQUEST:
                if wished and not of_the_item:
                    without = self._answer(model, prompt, {})
                    if isinstance(without, Answer):
                        wishes.clear()
                    return without
                refused = Answer(response(prompt.id, prompt.sha256, "", "refused", 0, refusal=words))
                return _Refused(refused, of_the_item, self._in_words(error, model))
            raise UserError(self._in_words(error, model)) from None
        body = json.loads(raw.http_response.text)
        sent = int((body.get("usage") or {}).get("prompt_tokens") or 0)
        return Answer(_response(prompt, body), sent, bool(wished))

    def _in_words(self, error: Any, model: str) -> str:
        import openai

        cfg, key = self.cfg, self.key
        server = f"{key}.base_url={cfg.base_url}"
        again = "answers already given are kept; the same command with run_dir= goes on from there"
        if isinstance(error, openai.APITimeoutError):
            return f"{server} did not answer within {key}.timeout={cfg.timeout:g} s, tried {self._tries()}; {again}"
        if isinstance(error, openai.APIConnectionError):
            return f"{server} cannot be reached ({_root(error)}), tried {self._tries()}; start the server or correct it"
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            sent = f"the key in ${cfg.api_key_env}" if cfg.api_key_env else "a request without a key"
            return f"{server} refuses {sent} (HTTP {error.status_code}); set {key}.api_key_env to the right one"
        if isinstance(error, openai.NotFoundError):
            return (
                f"{server} has no model {model!r}, or no chat completions there (HTTP 404); correct "
                f"{MODEL_KEYS[key]} (which most often ends in /v1)"
            )
        if isinstance(error, openai.RateLimitError):
            return (
                f"{server} still says too many requests (HTTP 429), tried {self._tries()}; lower "
                f"{key}.requests_per_minute or {key}.concurrency; {again}"
            )
        if isinstance(error, openai.APIStatusError):
            if FAULT in error.response.extensions:
                return (
                    f"{server} gave no answer, tried {self._tries()}: {_servers_words(error)}; look at the server, or "
                    f"correct the address (which most often ends in /v1); {again}"
                )
            return f"{server} failed with HTTP {error.status_code} for {model!r}: {_servers_words(error)}; {again}"
        return f"{server} gave an answer that cannot be read ({first_line(error)}); {again}"

    def _tries(self) -> str:
        return f"{self.cfg.max_retries + 1} times"


class Answer(NamedTuple):
    """A response, and what is known of its request besides."""

    response: Response
    prompt_tokens: int = 0
    """As the server counts them; 0 where it does not say."""
    wished: bool = False
    """Whether it was asked for with the engine's wishes."""


class _Refused(NamedTuple):
    answer: Answer
    of_the_item: bool
    """Whether the server's words say that it is this item that it minds."""
    in_words: str
    """The message where it is every request."""


def request_arguments(
    decoding: Decoding, prompt_id: str, extra_body: Mapping[str, Any], limit_field: str
) -> dict[str, Any]:
    """The settings of one request, as fields of its body beside model and messages."""
    fields: dict[str, Any] = {"temperature": 0.0}
    if decoding.do_sample:
        fields = {
            "temperature": decoding.temperature,
            "top_p": decoding.top_p,
            "seed": decoding.seed_of(prompt_id),
            **({"top_k": decoding.top_k} if decoding.top_k else {}),
        }
    if "max_completion_tokens" not in extra_body:
        fields[limit_field] = decoding.max_new_tokens
    return {"extra_body": {key: value for key, value in {**fields, **extra_body}.items() if value is not None}}


def fail_without_answer(received: Any) -> None:
    """Give a body without an answer the status of a failure, so that the client tries again as after any other.

    Proxies send a page, gateways an error, and servers that are stopped half a body, all with status 200.

    Args:
        received: httpx's response, not read yet.
    """
    if not received.is_success:
        return
    received.read()
    try:
        body = json.loads(received.text)
    except ValueError:
        kind = received.headers.get("content-type", "no content type")
        received.extensions[FAULT] = f"a body that is not JSON ({kind}): {_one_line(received.text) or 'it is empty'}"
        received.status_code = 502
        return
    choice = _first_choice(body)
    if isinstance(choice.get("message"), dict) and not choice.get("error"):
        return
    error = choice.get("error") or (body.get("error") if isinstance(body, dict) else None)
    received.extensions[FAULT] = _message_of(error) if error else f"no choices[0].message in {_one_line(received.text)}"
    code = str(error.get("code")) if isinstance(error, dict) else ""
    status = int(code) if re.fullmatch(r"[45]\d\d", code) else 502
    received.status_code = 400 if OF_THE_ITEM.search(received.extensions[FAULT]) else status


def _first_choice(body: Any) -> dict[str, Any]:
    choices = body.get("choices") if isinstance(body, dict) else None
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}


def _response(prompt: Prompt, body: dict[str, Any]) -> Response:
    choice, usage = _first_choice(body), body.get("usage") or {}
    message, reason = choice["message"], str(choice.get("finish_reason") or "unknown")
    refusal = message.get("refusal") or (reason if reason == "content_filter" else None)
    return response(
        prompt.id,
        prompt.sha256,
        _text_of(message.get("content")),
        reason,
        int(usage.get("completion_tokens") or 0),
        thinking=thinking_in(message),
        refusal=_one_line(str(refusal)) if refusal else None,
    )


def _text_of(content: Any) -> str:
    """Text as such or in parts; parts of another type are no text."""
    if isinstance(content, list):
        return "".join(_text_of(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _servers_words(error: Any) -> str:
    """What the server said went wrong, in one line."""
    answer = getattr(error, "response", None)
    if answer is None:
        return first_line(error)
    if FAULT in answer.extensions:
        return str(answer.extensions[FAULT])
    try:
        body = json.loads(answer.text)
    except ValueError:
        return _one_line(answer.text)
    return _message_of(body.get("error", body) if isinstance(body, dict) else body)


def _message_of(error: Any) -> str:
    """The message and the code of an error, wherever servers put them."""
    if not isinstance(error, dict):
        return _one_line(str(error))
    words = [str(error[key]) for key in ("message", "msg", "detail", "code") if error.get(key)]
    return _one_line(": ".join(words) or json.dumps(error, ensure_ascii=False))


def _one_line(text: str) -> str:
    return first_line(ValueError(" ".join(text.split()))) if text.strip() else ""


def _root(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return first_line(error)
