# SPDX-License-Identifier: Apache-2.0
"""The part of Google Cloud Storage's JSON API that publishing uses, in memory, with its
preconditions.

The emulators that pip installs ignore `ifGenerationMatch`, which is what keeps versions from being
overwritten. One bucket, "bucket". Listings come in pages of three, so that paging is always at
work.
"""

import base64
import dataclasses
import json
import struct
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import google_crc32c

_PAGE = 3


@dataclasses.dataclass
class Blob:
    """An object and what its upload said of it."""

    data: bytes
    generation: int
    metadata: dict[str, str]

    def resource(self, name: str) -> dict[str, Any]:
        checksum = base64.b64encode(struct.pack(">I", google_crc32c.value(self.data))).decode()
        return {
            "kind": "storage#object",
            "name": name,
            "bucket": "bucket",
            "size": str(len(self.data)),
            "generation": str(self.generation),
            "metadata": self.metadata,
            "crc32c": checksum,
        }


@dataclasses.dataclass
class Upload:
    """A resumable upload."""

    name: str
    metadata: dict[str, str]
    must_be: int | None
    data: bytearray = dataclasses.field(default_factory=bytearray)


class GcsDouble:
    """Runs the server; `url` is what STORAGE_EMULATOR_HOST wants."""

    def __init__(self) -> None:
        self.mutex = threading.Lock()
        self.blobs: dict[str, Blob] = {}
        self.uploads: dict[str, Upload] = {}
        self.generation = 0
        handler = type("Handler", (_Handler,), {"double": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "GcsDouble":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def create(
        self, name: str, data: bytes, metadata: dict[str, str], must_be: int | None
    ) -> Blob | None:
        """The new object; None when the precondition does not hold."""
        with self.mutex:
            now = self.blobs[name].generation if name in self.blobs else 0
            if must_be is not None and must_be != now:
                return None
            self.generation += 1
            self.blobs[name] = Blob(data, self.generation, metadata)
            return self.blobs[name]


def _parts(body: bytes, content_type: str) -> tuple[bytes, bytes]:
    """The two parts of a multipart/related body, without their headers."""
    boundary = content_type.split("boundary=")[1].strip("\"'").encode()
    first, second = body.split(b"--" + boundary + b"\r\n", 2)[1:]
    second = second[: second.rindex(b"\r\n--" + boundary)]
    return first.partition(b"\r\n\r\n")[2], second.partition(b"\r\n\r\n")[2]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    double: GcsDouble

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, status: int, body: Any = b"", **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        if not isinstance(body, bytes):
            self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(data)

    def _fail(self, status: int, message: str) -> None:
        self._answer(status, {"error": {"code": status, "message": message}})

    def _request(self) -> tuple[list[str], dict[str, str], bytes]:
        url = urllib.parse.urlsplit(self.path)
        parts = [urllib.parse.unquote(part) for part in url.path.strip("/").split("/")]
        length = int(self.headers.get("Content-Length") or 0)
        return parts, dict(urllib.parse.parse_qsl(url.query)), self.rfile.read(length)

    def do_GET(self) -> None:
        parts, query, _ = self._request()
        if parts[-1] == "o":
            self._list(query) if "bucket" in parts else self._fail(404, "no such bucket")
            return
        blob = self.double.blobs.get(parts[-1])
        if "bucket" not in parts or blob is None:
            self._fail(404, f"no such object: {parts[-1]}")
        elif query.get("alt") == "media":
            self._answer(200, blob.data, x_goog_generation=str(blob.generation))
        else:
            self._answer(200, blob.resource(parts[-1]))

    def _list(self, query: dict[str, str]) -> None:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        items: dict[str, Blob | None] = {}
        with self.double.mutex:
            for name, blob in sorted(self.double.blobs.items()):
                rest = name.removeprefix(prefix)
                if not name.startswith(prefix):
                    continue
                if delimiter and delimiter in rest:
                    items[prefix + rest.split(delimiter)[0] + delimiter] = None
                else:
                    items[name] = blob
        start = int(query.get("pageToken", 0))
        page = list(items.items())[start : start + _PAGE]
        answer: dict[str, Any] = {
            "items": [blob.resource(name) for name, blob in page if blob is not None],
            "prefixes": [name for name, blob in page if blob is None],
        }
        if start + _PAGE < len(items):
            answer["nextPageToken"] = str(start + _PAGE)
        self._answer(200, answer)

    def do_POST(self) -> None:
        parts, query, body = self._request()
        if "bucket" not in parts:
            self._fail(404, "The specified bucket does not exist.")
            return
        must_be = int(query["ifGenerationMatch"]) if "ifGenerationMatch" in query else None
        if query["uploadType"] == "resumable":
            resource = json.loads(body)
            token = str(len(self.double.uploads))
            self.double.uploads[token] = Upload(
                resource["name"], resource.get("metadata", {}), must_be
            )
            self._answer(200, Location=f"{self.double.url}/resumable?token={token}")
            return
        described, data = _parts(body, self.headers["Content-Type"])
        resource = json.loads(described)
        self._finish(resource["name"], data, resource.get("metadata", {}), must_be)

    def do_PUT(self) -> None:
        _, query, body = self._request()
        upload = self.double.uploads[query["token"]]
        total = self.headers["Content-Range"].split("/")[1]
        upload.data += body
        if total == "*" or len(upload.data) < int(total):
            self._answer(308, Range=f"bytes=0-{len(upload.data) - 1}")
        else:
            self._finish(upload.name, bytes(upload.data), upload.metadata, upload.must_be)

    def _finish(
        self, name: str, data: bytes, metadata: dict[str, str], must_be: int | None
    ) -> None:
        blob = self.double.create(name, data, metadata, must_be)
        if blob is None:
            self._fail(412, "At least one of the pre-conditions you specified did not hold.")
        else:
            self._answer(200, blob.resource(name))

    def do_DELETE(self) -> None:
        parts, query, _ = self._request()
        with self.double.mutex:
            blob = self.double.blobs.get(parts[-1])
            if blob is None:
                self._fail(404, "no such object")
            elif query.get("ifGenerationMatch", str(blob.generation)) != str(blob.generation):
                self._fail(412, "another generation")
            else:
                del self.double.blobs[parts[-1]]
                self._answer(204)
