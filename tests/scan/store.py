"""An object store that speaks enough of S3 to be listed and read, on loopback."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class Store:
    """One bucket, `bucket`. An object whose content is None is listed and cannot be read."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes | None] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        """Of the endpoint."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Store":
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        objects = self.objects

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                address = urlsplit(self.path)
                _, bucket, *key = unquote(address.path).split("/", 2)
                name = key[0] if key else ""
                if bucket != "bucket":
                    self._send(404, b"<Error><Code>NoSuchBucket</Code></Error>")
                elif not name:
                    query = parse_qs(address.query, keep_blank_values=True)
                    self._send(200, _listing(objects, query.get("prefix", [""])[0], query.get("delimiter", [""])[0]))
                elif (content := objects.get(name)) is None:
                    self._send(404, b"<Error><Code>NoSuchKey</Code></Error>")
                else:
                    self._send_part(content)

            do_HEAD = do_GET  # noqa: N815 (the server looks for this name)

            def _send_part(self, content: bytes) -> None:
                wanted = self.headers.get("range", "")
                if not wanted.startswith("bytes="):
                    self._send(200, content)
                    return
                first, last = wanted.removeprefix("bytes=").split("-")
                start = int(first) if first else len(content) - int(last)
                end = min(int(last) if first and last else len(content) - 1, len(content) - 1)
                if start > end:
                    self._send(416, b"")
                    return
                self._send(206, content[start : end + 1], f"bytes {start}-{end}/{len(content)}")

            def _send(self, status: int, body: bytes, content_range: str = "") -> None:
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.send_header("content-type", "application/xml" if body[:1] == b"<" else "application/octet-stream")
                if content_range:
                    self.send_header("content-range", content_range)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the server's name for it)
                """Say nothing."""

        return Handler


def _listing(objects: dict[str, bytes | None], prefix: str, delimiter: str) -> bytes:
    contents, folders = "", set()
    for name, content in sorted(objects.items()):
        if not name.startswith(prefix):
            continue
        rest = name[len(prefix) :]
        if delimiter and delimiter in rest:
            folders.add(prefix + rest.split(delimiter)[0] + delimiter)
            continue
        size = 100 if content is None else len(content)
        contents += f"<Contents><Key>{escape(name)}</Key><Size>{size}</Size><ETag>x</ETag></Contents>"
    below = "".join(f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in sorted(folders))
    return (
        f'<?xml version="1.0"?><ListBucketResult xmlns="{_NAMESPACE}"><Name>bucket</Name>'
        f"<IsTruncated>false</IsTruncated>{contents}{below}</ListBucketResult>"
    ).encode()
