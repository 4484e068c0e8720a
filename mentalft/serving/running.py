"""Starting a server, waiting until it answers for every model, and ending it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import Request, urlopen

from mentalft.config import Config
from mentalft.errors import ConfigError, UserError, first_line
from mentalft.generation.contenders import Contender
from mentalft.modeling.base import check_attention, check_quantization
from mentalft.modeling.precision import plan_precision
from mentalft.serving.models import lay_out
from mentalft.serving.servers import Command, choose

ANYWHERE = "0.0.0.0"
POLL, PATIENCE = 0.2, 10
"""Seconds between two looks at a server that starts, and given to one that ends."""


class Running(NamedTuple):
    """A server that answers."""

    title: str
    url: str
    """As OpenAI's clients want it."""
    names: tuple[str, ...]
    process: subprocess.Popen[bytes]


class Where(NamedTuple):
    """An address to listen on."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether this machine alone reaches it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def url(self) -> str:
        """As it is reached from this machine."""
        return f"http://{'127.0.0.1' if self.host == ANYWHERE else self.host}:{self.port}"


@contextmanager
def serving(
    cfg: Config, contenders: Sequence[Contender], engine: str, where: Where, options: Sequence[str] = ()
) -> Iterator[Running]:
    """In the block a server answers for ``contenders``; nothing of it is left afterwards.

    Args:
        cfg: of the run.
        engine: ``auto``, ``transformers`` or ``vllm``.
        options: of the server's own, given to it as they are.

    Raises:
        ConfigError: the server, a package or the address is not to be had.
        ModelError: a model cannot be served as it was evaluated.
        UserError: the server ended before it answered, or cannot load a model.
    """
    plan = plan_precision(cfg.trainer.precision)
    check_attention(cfg.model, plan.device)
    check_quantization(cfg.model, plan.device)
    with TemporaryDirectory(prefix="mentalft-serve-") as folder:
        root = Path(folder)
        served = lay_out(cfg, contenders, root)
        server = choose(engine, cfg, plan, served)
        where = _free(where)
        command = server.command(cfg, plan, served, root)
        command.arguments.extend(["--host", where.host, "--port", str(where.port), *options])
        names = tuple(one.name for one in served)
        with _started(command, root) as process:
            _wait(process, f"{where.url}/health", server.title)
            for name in names if server.loads_when_asked else ():
                _load(f"{where.url}/load_model", name, server.title)
            yield Running(server.title, f"{where.url}/v1", names, process)


def _free(where: Where) -> Where:
    """The address, with a port that nothing listens on for port 0.

    Raises:
        ConfigError: it is taken, or no address of this machine.
    """
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
        try:
            probe.bind(where)
        except OSError as error:
            raise ConfigError(
                f"--host {where.host} --port {where.port} cannot be listened on ({error.strerror or error}); give "
                "another, such as --port 0 for any that is free"
            ) from error
        return where._replace(port=probe.getsockname()[1])


@contextmanager
def _started(command: Command, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process, in a folder where no model's name is that of something else, and in a session of its own: a
    terminal's Ctrl-C reaches it through us alone."""
    process = subprocess.Popen(
        command.arguments,
        cwd=folder,
        env={**os.environ, **command.environment},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        if process.poll() is None:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], health: str, title: str) -> None:
    """Until it answers, however long a large model takes to load."""
    while process.poll() is None:
        with suppress(URLError, OSError), urlopen(health, timeout=POLL * 10):
            return
        time.sleep(POLL)
    raise UserError(f"{title} ended with exit code {process.returncode} before it answered; what it said is above")


def _load(url: str, name: str, title: str) -> None:
    """Let transformers' server load a model now, for a fault to be seen at once."""
    request = Request(url, json.dumps({"model": name}).encode(), {"content-type": "application/json"})
    with urlopen(request) as events:
        states = [json.loads(line.removeprefix(b"data: ")) for line in events if line.startswith(b"data: ")]
    if not states or states[-1]["status"] != "ready":
        found = first_line(ValueError(states[-1].get("message", "") if states else ""))
        raise UserError(f"{title} cannot load {name} ({found}); what it said is above")
