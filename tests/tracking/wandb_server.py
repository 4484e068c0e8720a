"""A small stand-in for the W&B server on the loopback, as much of it as wandb needs to open, log to and close a run."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Behaviour = Literal["ok", "refuse", "hang"]


class WandbServer:
    """Answers on a thread until :meth:`close`; ``behaviour`` may be changed at any time.

    ``refuse`` says 401 to everything, as to a wrong key; ``hang`` takes requests and never answers them.
    """

    def __init__(self, behaviour: Behaviour = "ok") -> None:
        self.behaviour = behaviour
        self.operations: list[str] = []
        self.upserts: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.streamed: list[dict[str, Any]] = []
        self.runs: set[str] = set()
        self.over = threading.Event()
        owner = self

        class Handler(_Handler):
            server_of = owner

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}"

    def close(self) -> None:
        self.over.set()
        self.http.shutdown()
        self.http.server_close()

    def graphql(self, operation: str, variables: dict[str, Any]) -> dict[str, Any] | None:
        """What ``operation`` returns; None for what is not played here."""
        self.operations.append(operation)
        if operation == "UpsertBucket":
            self.upserts.append(variables)
            new = variables.get("name") not in self.runs
            self.runs.add(variables.get("name") or "")
            return {"upsertBucket": {"bucket": _bucket(variables), "inserted": new}}
        if operation == "UpsertView2":
            self.views.append(variables)
            return {"upsertView": {"view": {"id": "v", "name": variables["name"]}, "inserted": True}}
        if operation == "RunResumeStatus":
            return {"model": {"id": "p", "name": "mentalft", "entity": _ENTITY, "bucket": None}}
        return {
            "Viewer": {"viewer": {"id": "u", "entity": "tester", "username": "tester", "flags": "{}"}},
            "ServerInfo": {"serverInfo": {"cliVersionInfo": {}, "latestLocalVersionInfo": None, "features": []}},
        }.get(operation)

    def stream(self, body: dict[str, Any]) -> dict[str, Any]:
        self.streamed.append(body)
        return {"exitcode": None, "limits": {}}

    def history(self) -> list[dict[str, Any]]:
        """The rows of the run's history that have arrived."""
        lines = [
            line
            for body in self.streamed
            for line in body.get("files", {}).get("wandb-history.jsonl", {}).get("content", [])
        ]
        return [json.loads(line) for line in lines]


_ENTITY = {"id": "e", "name": "tester"}


def _bucket(variables: dict[str, Any]) -> dict[str, Any]:
    name = variables.get("name") or "run"
    return {
        "id": "b",
        "name": name,
        "displayName": variables.get("displayName") or name,
        "description": None,
        "config": "{}",
        "sweepName": None,
        "historyLineCount": 0,
        "project": {"id": "p", "name": variables.get("project") or "mentalft", "entity": _ENTITY},
    }


class _Handler(BaseHTTPRequestHandler):
    server_of: WandbServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        server = self.server_of
        if server.behaviour == "hang":
            server.over.wait(120)
            return
        if server.behaviour == "refuse":
            self._answer({"errors": [{"message": "user is not logged in"}]}, 401)
        elif self.path == "/graphql":
            asked = json.loads(body)
            operation = re.search(r"(?:query|mutation)\s+(\w+)", asked["query"])
            data = server.graphql(operation[1] if operation else "", asked.get("variables") or {})
            self._answer({"data": data} if data else {"data": None, "errors": [{"message": "not played here"}]})
        elif self.path.endswith("/file_stream"):
            self._answer(server.stream(json.loads(body)))
        else:
            self._answer({})

    do_GET = do_PUT = do_POST

    def _answer(self, body: dict[str, Any], status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""
