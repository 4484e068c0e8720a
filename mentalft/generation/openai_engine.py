"""Answers from any server that speaks OpenAI's chat completions (``mentalft[openai]``).

Messages are sent, not tokens: the server applies its own chat template. The key is read from an environment variable
when it is needed, and stored and logged nowhere.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.util import find_spec
from typing import Any

from mentalft.config import OpenAIConfig
from mentalft.errors import ConfigError, UserError, first_line
from mentalft.generation.contenders import Contender
from mentalft.generation.decoding import Decoding
from mentalft.records import Prompt, Response

NO_KEY = "none"
"""Sent where the server wants no key."""


def check_openai(cfg: OpenAIConfig) -> None:
    """Refuse ``eval.engine=openai`` where it cannot work.

    Raises:
        ConfigError: there is no openai package, or no key where one is named.
    """
    if find_spec("openai") is None:
        raise ConfigError("eval.engine=openai needs the openai package: pip install 'mentalft[openai]'")
    if cfg.api_key_env and not os.environ.get(cfg.api_key_env):
        raise ConfigError(
            f"eval.openai.api_key_env={cfg.api_key_env}: there is no such environment variable, or it is empty; "
            "put the key into it, or set eval.openai.api_key_env=null for a server that wants none"
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
    """A client of one server; ``base`` and ``tuned`` are two of its models.

    Raises:
        UserError: the server cannot be reached, refuses the key, has no such model, or still refuses after retries.
    """

    def __init__(self, cfg: OpenAIConfig, decoding: Decoding) -> None:
        from openai import DefaultHttpxClient, OpenAI

        check_openai(cfg)
        self.cfg, self.decoding = cfg, decoding
        self.client = OpenAI(
            base_url=cfg.base_url,
            api_key=os.environ[cfg.api_key_env] if cfg.api_key_env else NO_KEY,
            max_retries=cfg.max_retries,  # with back-off, and as the server's retry-after says
            timeout=cfg.timeout,
            http_client=DefaultHttpxClient(event_hooks={"request": [RateLimit(cfg.requests_per_minute)]}),
        )

    def ask(self, contender: Contender, prompts: Sequence[Prompt]) -> Iterator[Response]:
        """Yield one response a prompt as they come."""
        model = str(contender.served_as)
        with ThreadPoolExecutor(self.cfg.concurrency) as pool:
            asked = [pool.submit(self._answer, model, prompt) for prompt in prompts]
            try:
                for answered in as_completed(asked):
                    yield answered.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _answer(self, model: str, prompt: Prompt) -> Response:
        import openai

        try:
            given = self.client.chat.completions.create(
                model=model,
                messages=[m._asdict() for m in prompt.messages],
                **request_arguments(self.decoding, prompt.id),
            )
        except openai.OpenAIError as error:
            raise UserError(self._in_words(error, model)) from None
        if not given.choices:
            raise UserError(f"eval.openai.base_url={self.cfg.base_url} gave no answer to item {prompt.id}; look at it")
        choice = given.choices[0]
        return Response(
            id=prompt.id,
            prompt_sha256=prompt.sha256,
            text=(choice.message.content or "").strip(),
            finish_reason=str(choice.finish_reason or "unknown"),
            tokens=int(given.usage.completion_tokens) if given.usage else 0,
        )

    def _in_words(self, error: Any, model: str) -> str:
        import openai

        cfg, server = self.cfg, f"eval.openai.base_url={self.cfg.base_url}"
        again = "answers already given are kept; the same command with run_dir= goes on from there"
        if isinstance(error, openai.APITimeoutError):
            return (
                f"{server} did not answer within eval.openai.timeout={cfg.timeout:g} s, tried {self._tries()}; {again}"
            )
        if isinstance(error, openai.APIConnectionError):
            return f"{server} cannot be reached ({_root(error)}), tried {self._tries()}; start the server or correct it"
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            key = f"the key in ${cfg.api_key_env}" if cfg.api_key_env else "a request without a key"
            return f"{server} refuses {key} (HTTP {error.status_code}); set eval.openai.api_key_env to the right one"
        if isinstance(error, openai.NotFoundError):
            return (
                f"{server} has no model {model!r}, or no chat completions there (HTTP 404); correct "
                "eval.openai.base_model, tuned_model, the contender's model, or base_url (which most often ends in /v1)"
            )
        if isinstance(error, openai.RateLimitError):
            return (
                f"{server} still says too many requests (HTTP 429), tried {self._tries()}; lower "
                f"eval.openai.requests_per_minute or eval.openai.concurrency; {again}"
            )
        if isinstance(error, openai.APIStatusError):
            return f"{server} failed with HTTP {error.status_code} for model {model!r}: {first_line(error)}; {again}"
        return f"{server} gave an answer that cannot be read ({first_line(error)}); {again}"

    def _tries(self) -> str:
        return f"{self.cfg.max_retries + 1} times"


def request_arguments(decoding: Decoding, prompt_id: str) -> dict[str, Any]:
    """The settings of one request."""
    if not decoding.do_sample:
        return {"max_tokens": decoding.max_new_tokens, "temperature": 0.0}
    arguments = {
        "max_tokens": decoding.max_new_tokens,
        "temperature": decoding.temperature,
        "top_p": decoding.top_p,
        "seed": decoding.seed_of(prompt_id),
    }
    return {**arguments, "extra_body": {"top_k": decoding.top_k}} if decoding.top_k else arguments


def _root(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return first_line(error)
