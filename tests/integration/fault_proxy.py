# SPDX-License-Identifier: Apache-2.0
"""A store that misbehaves by rule: a reverse proxy in front of a real one."""

import contextlib
import http.client
import http.server
import re
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

EMPTY_LISTING = (
    b'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>"
)


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    # Bytes after which the connection is cut; None sends everything.
    cut_after: int | None = None


@dataclass
class Rule:
    """What happens to requests whose "METHOD /path?query" matches."""

    pattern: str
    change: Callable[[Answer], Answer]
    # How often; None for ever.
    times: int | None = None
    hits: int = 0

    def applies(self, request: str) -> bool:
        return (self.times is None or self.hits < self.times) and bool(
            re.search(self.pattern, request)
        )


def status(code: int, s3_code: str) -> Callable[[Answer], Answer]:
    inner = f"<Code>{s3_code}</Code><Message>injected</Message><RequestId>REQ-1</RequestId>"
    body = f"<Error>{inner}</Error>"
    return lambda _: Answer(code, [("Content-Type", "application/xml")], body.encode())


def flip_byte(answer: Answer) -> Answer:
    middle = len(answer.body) // 2
    flipped = bytes([answer.body[middle] ^ 1])
    answer.body = answer.body[:middle] + flipped + answer.body[middle + 1 :]
    return answer


def truncate(answer: Answer) -> Answer:
    answer.cut_after = len(answer.body) // 2
    return answer


def empty_listing(_: Answer) -> Answer:
    return Answer(200, [("Content-Type", "application/xml")], EMPTY_LISTING)


@dataclass
class FaultProxy:
    upstream: str
    rules: list[Rule] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    endpoint: str = ""

    def add(
        self, pattern: str, change: Callable[[Answer], Answer], times: int | None = None
    ) -> Rule:
        rule = Rule(pattern, change, times)
        with self.lock:
            self.rules.append(rule)
        return rule

    def clear(self) -> None:
        with self.lock:
            self.rules.clear()

    def forward(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes
    ) -> Answer:
        request = f"{method} {urllib.parse.unquote(target)}"
        parts = urllib.parse.urlsplit(self.upstream)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, target, body or None, dict(headers))
            response = connection.getresponse()
            answer = Answer(response.status, response.getheaders(), response.read())
        with self.lock:
            self.requests.append(request)
            rule = next((rule for rule in self.rules if rule.applies(request)), None)
            if rule is not None:
                rule.hits += 1
        return answer if rule is None else rule.change(answer)


HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "date", "server"}


def _handler(proxy: FaultProxy) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = proxy.forward(self.command, self.path, list(self.headers.items()), body)
            self.send_response(answer.status)
            declared = {name.lower(): value for name, value in answer.headers}
            length = (
                declared.get("content-length", "0")
                if self.command == "HEAD"
                else str(len(answer.body))
            )
            for name, value in answer.headers:
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(
                answer.body if answer.cut_after is None else answer.body[: answer.cut_after]
            )
            if answer.cut_after is not None:
                self.close_connection = True

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@contextlib.contextmanager
def fault_proxy(upstream: str) -> Iterator[FaultProxy]:
    proxy = FaultProxy(upstream)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy))
    server.daemon_threads = True
    proxy.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
