"""A web server at this computer, for tests: on a port and in threads of its own, with TLS if it is to prove itself."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Loopback:
    """Serves from its making until `close`.

    Args:
        handler: Answers each request.
        identity: How it proves who it is; with one it speaks TLS.
    """

    def __init__(self, handler: type[BaseHTTPRequestHandler], identity: ssl.SSLContext | None = None) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if identity is not None:
            self._server.socket = identity.wrap_socket(self._server.socket, server_side=True)
        self._server.daemon_threads = False  # so that closing waits for them
        self.address = f"{'https' if identity else 'http'}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        """End it; every answer under way is given first."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
