"""A web server on this machine for the tests of downloads."""

import http.server
import threading
from contextlib import contextmanager
from typing import ClassVar


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `files`: path -> (status, announced length, body)."""

    files: ClassVar[dict[str, tuple[int, int, bytes]]]

    def do_GET(self):
        status, length, body = self.files.get(self.path, (404, 0, b""))
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@contextmanager
def serving(files):
    """Yields the address of a server of {name: body or (status, length, body)}."""
    table = {
        f"/{name}": body if isinstance(body, tuple) else (200, len(body), body)
        for name, body in files.items()
    }
    handler = type("Files", (Handler,), {"files": table})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
