"""A TCP proxy in front of PostgreSQL that swallows the server's answer to COMMIT and cuts the line."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class FaultProxy:
    """Forwards bytes both ways; once `is_armed`, the next COMMIT reaches the server but its answer nobody."""

    server: tuple[str, int]
    is_armed: bool = False
    cut: int = 0
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def port(self) -> int:
        return self.listener.getsockname()[1]

    def accept(self) -> None:
        with suppress(OSError), ExitStack() as served:
            while True:
                client, _ = self.listener.accept()
                thread = threading.Thread(target=self.serve, args=(client,))
                thread.start()
                served.callback(thread.join)

    def serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self.server) as server:
            swallow = threading.Event()
            upward = threading.Thread(target=self.pump, args=(client, server, True, swallow))
            upward.start()
            self.pump(server, client, False, swallow)
            upward.join()

    def pump(
        self, source: socket.socket, target: socket.socket, is_upward: bool, swallow: threading.Event
    ) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if is_upward and self.is_armed and b"COMMIT" in data:
                    self.is_armed = False
                    swallow.set()
                if not is_upward and swallow.is_set() and b"COMMIT" in data:
                    self.cut += 1
                    break
                target.sendall(data)
        for side in (source, target):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)


@contextmanager
def fault_proxy(host: str, port: int) -> Iterator[FaultProxy]:
    proxy = FaultProxy((host, port))
    thread = threading.Thread(target=proxy.accept)
    thread.start()
    try:
        yield proxy
    finally:
        with suppress(OSError):
            proxy.listener.shutdown(socket.SHUT_RDWR)
        proxy.listener.close()
        thread.join()
