"""A hub on loopback that speaks as much of the Hugging Face protocol as a download needs."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

COMMIT = "c0ffee" + "0" * 34


@contextmanager
def hub(
    models: dict[str, Path],
    gated: tuple[str, ...] = (),
    cut_after: Sequence[int] = (),
    ranges: list[str | None] | None = None,
) -> Iterator[str]:
    """Serve each folder of ``models`` under its hub id; ids in ``gated`` answer 403.

    The first files are cut after so many bytes as ``cut_after`` says; ``ranges`` takes in what parts were asked for.
    """
    cuts = list(cut_after)

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, *, body: bool) -> None:
            parts = unquote(self.path.partition("?")[0]).strip("/").removeprefix("datasets/").split("/")
            is_api = parts[:2] in (["api", "models"], ["api", "datasets"])
            name = "/".join(parts[2:4] if is_api else parts[:2])
            if name in gated:
                return self.send({"error": "gated"}, 403, {"X-Error-Code": "GatedRepo"}, body)
            if name not in models:
                return self.send({"error": "not found"}, 404, {"X-Error-Code": "RepoNotFound"}, body)
            if "nonsense" in parts:
                return self.send({"error": "no revision"}, 404, {"X-Error-Code": "RevisionNotFound"}, body)
            if is_api:
                return self.send(self.listing(name, models[name], tree="tree" in parts), 200, {}, body)
            return self.send_file(models[name] / "/".join(parts[4:]), body)

        def listing(self, name: str, folder: Path, *, tree: bool) -> Any:
            files = [p for p in sorted(folder.iterdir()) if p.is_file()]
            if tree:
                return [{"type": "file", "path": p.name, "size": p.stat().st_size, "oid": "0" * 40} for p in files]
            return {"id": name, "sha": COMMIT, "siblings": [{"rfilename": p.name} for p in files]}

        def send_file(self, path: Path, body: bool) -> None:
            if not path.is_file():
                return self.send({"error": "no file"}, 404, {"X-Error-Code": "EntryNotFound"}, body)
            content = path.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()}"'
            headers = {"ETag": etag, "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
            wanted = self.headers.get("Range")
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and body else 0
            if start:
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            if body and ranges is not None:
                ranges.append(wanted)
            return self.send(
                content[start:], 206 if start else 200, headers, body, cuts.pop(0) if body and cuts else None
            )

        def send(self, value: Any, status: int, headers: dict[str, str], body: bool, cut: int | None = None) -> None:
            content = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            for key, text in {
                "Content-Length": str(len(content)),
                "Content-Type": "application/json",
                **headers,
            }.items():
                self.send_header(key, text)
            self.end_headers()
            if body:
                self.wfile.write(content if cut is None else content[:cut])
                self.close_connection = cut is not None

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
