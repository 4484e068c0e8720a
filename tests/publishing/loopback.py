"""Servers on loopback that speak as the two hubs do, as far as their own clients ask when a model is published."""

from __future__ import annotations

import base64
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "a-token-of-the-test"
USER = "me"


@dataclass
class Repository:
    private: bool
    licence: str | None = None
    files: dict[str, bytes] = field(default_factory=dict)


class LoopbackHub:
    """Both hubs, with one set of repositories."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.blobs: dict[str, bytes] = {}
        self.refused: dict[str, int] = {}
        """Word of a path → the status that it is answered with."""
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(*hub.get(self.path.partition("?")[0], self.token()))

            def do_POST(self) -> None:
                self.answer(*hub.post(self.path.partition("?")[0], self.body(), self.token()))

            def do_PUT(self) -> None:
                hub.blobs[self.path.rpartition("/")[2]] = self.body()
                self.answer(200, {"Code": 200, "Data": {}})

            def token(self) -> str:
                return str(self.headers.get("authorization", "")).removeprefix("Bearer ")

            def body(self) -> bytes:
                return self.rfile.read(int(self.headers.get("content-length") or 0))

            def answer(self, status: int, body: Any) -> None:
                sent = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(sent)))
                if status == 404:
                    self.send_header("X-Error-Code", "RepoNotFound")
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def get(self, path: str, token: str) -> tuple[int, Any]:
        if token != TOKEN:
            return 401, {"error": "Invalid credentials", "Message": "Invalid credentials", "Code": 10010205001}
        if path == "/api/whoami-v2":
            return 200, {"type": "user", "name": USER, "orgs": []}
        if path == "/openapi/v1/users/me":
            return 200, {"success": True, "data": {"username": USER}}
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/main)?", path):
            return self._of(
                found[1],
                lambda name, at: {"id": name, "private": at.private, "siblings": [{"rfilename": f} for f in at.files]},
            )
        if found := re.fullmatch(r"/(?:openapi/v1|api/v1)/models/([^/]+/[^/]+)", path):
            return self._of(
                found[1],
                lambda name, at: {
                    "success": True,
                    "data": {"id": name, "visibility": "private" if at.private else "public"},
                },
            )
        if found := re.fullmatch(r"/api/v1/models/([^/]+/[^/]+)/repo/files", path):
            return self._of(
                found[1],
                lambda _, at: {"Code": 200, "Data": {"Files": [{"Path": f, "Type": "blob"} for f in at.files]}},
            )
        return 404, {"error": f"no {path}"}

    def _of(self, name: str, told: Any) -> tuple[int, Any]:
        at = self.repositories.get(name)
        return (
            (200, told(name, at))
            if at
            else (404, {"error": "Repository Not Found", "Message": "not found", "Code": 10010205001})
        )

    def post(self, path: str, body: bytes, token: str) -> tuple[int, Any]:
        status = next((status for word, status in self.refused.items() if word in path), 200 if token == TOKEN else 401)
        if status != 200:
            return status, {"error": "You may not", "Message": "You may not", "Code": status}
        for pattern, answer in (
            (r"/api/repos/create", self._create),
            (r"/api/v1/models", self._create_at_modelscope),
            (r"/api/validate-yaml", lambda _: {"errors": [], "warnings": []}),
            (r".*/preupload/main", self._modes),
            (r".*/info/lfs/objects/batch", self._where_to),
            (r"/api/models/([^/]+/[^/]+)/commit/main", self._commit),
            (r"/api/v1/repos/models/([^/]+/[^/]+)/commit/master", self._commit_at_modelscope),
        ):
            if found := re.fullmatch(pattern, path):
                told = answer(body, *found.groups())
                return (200, told) if told else (400, {"Message": "the repository already exists", "Code": 400})
        return 404, {"error": f"no {path}"}

    def _create(self, body: bytes) -> Any:
        asked = json.loads(body)
        name = f"{asked.get('organization') or USER}/{asked['name']}"
        self.repositories[name] = Repository(bool(asked.get("private") or asked.get("visibility") == "private"))
        return {"url": f"{self.url}/{name}", "name": name}

    def _create_at_modelscope(self, body: bytes) -> Any:
        """None where it exists, as the client tries before every upload."""
        asked = json.loads(body)
        name = f"{asked['Path']}/{asked['Name']}"
        if name in self.repositories:
            return None
        self.repositories[name] = Repository(asked["Visibility"] == 1, asked["License"])
        return {"Code": 200, "Data": {"Model": {"Path": asked["Path"], "Name": asked["Name"]}}}

    def _modes(self, body: bytes) -> Any:
        files = [file["path"] for file in json.loads(body)["files"]]
        modes = {name: "lfs" if name.endswith((".safetensors", ".gguf")) else "regular" for name in files}
        return {"files": [{"path": name, "uploadMode": mode, "shouldIgnore": False} for name, mode in modes.items()]}

    def _where_to(self, body: bytes) -> Any:
        objects = [
            {**wanted, "actions": {"upload": {"href": f"{self.url}/blob/{wanted['oid']}"}}}
            for wanted in json.loads(body)["objects"]
        ]
        return {"transfer": "basic", "objects": objects, "Code": 200, "Data": {"objects": objects}}

    def _commit(self, body: bytes, name: str) -> Any:
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                self.repositories[name].files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.repositories[name].files[value["path"]] = self.blobs[value["oid"]]
        return {"success": True, "commitOid": "1" * 40, "commitUrl": f"{self.url}/{name}/commit/{'1' * 40}"}

    def _commit_at_modelscope(self, body: bytes, name: str) -> Any:
        for action in json.loads(body)["actions"]:
            inline = action["type"] == "normal"
            content = base64.b64decode(action["content"]) if inline else self.blobs[action["sha256"]]
            self.repositories[name].files[action["path"]] = content
        return {"Code": 200, "Success": True, "Data": {"oid": "1" * 40}}
