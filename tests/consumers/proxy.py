"""A door in front of PostgreSQL that can swallow the answer to a COMMIT, or the COMMIT itself."""

import socket
import threading
from contextlib import contextmanager, suppress

CHUNK = 65536


class Proxy:
    """Passes bytes on; `swallow` says what the next COMMIT loses: its `answer`, or itself (`question`)."""

    def __init__(self, port):
        self._upstream_port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.swallow = None
        self.swallowed = 0
        self.is_refusing = False
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()
        self.cut()

    def cut(self):
        """Break every connection."""
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.is_refusing:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._upstream_port))
            self._open += [client, server]
            state = threading.Event()
            threading.Thread(target=self._questions, args=(client, server, state), daemon=True).start()
            threading.Thread(target=self._answers, args=(client, server, state), daemon=True).start()

    def _questions(self, client, server, is_swallowing):
        with suppress(OSError):
            while data := client.recv(CHUNK):
                if self.swallow is not None and b"COMMIT" in data:
                    how, self.swallow = self.swallow, None
                    self.swallowed += 1
                    if how == "question":
                        break
                    is_swallowing.set()
                server.sendall(data)
        self._end(client, server)

    def _answers(self, client, server, is_swallowing):
        with suppress(OSError):
            while data := server.recv(CHUNK):
                if is_swallowing.is_set():
                    break
                client.sendall(data)
        self._end(client, server)

    @staticmethod
    def _end(*sockets):
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@contextmanager
def proxied(url):
    """Yield a proxy, and `url` (over TCP) rewritten to go through it."""
    head, _, tail = url.rpartition("@")
    host, _, database = tail.partition("/")
    proxy = Proxy(int(host.rpartition(":")[2]))
    try:
        yield proxy, f"{head}@127.0.0.1:{proxy.port}/{database}"
    finally:
        proxy.close()
