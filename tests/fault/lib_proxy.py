"""A TCP proxy on loopback that can be slow, silent, or break its connections: a bad network for tests without root."""

import collections
import selectors
import socket
import struct
import threading
import time

PIECE = 65536


class Way:
    """One direction of a connection: what was read and when it may go on."""

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.waiting = collections.deque()  # (when, bytes)


class Proxy:
    """Passes connections to its own port on to `where()`, a tcp:// endpoint."""

    def __init__(self, where):
        self.where = where
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.delay, self.silent, self.broken, self.ended = 0.0, False, False, False
        self.ways = {}  # by the socket that is read
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def reset(self):
        """All connections break, as by RST."""
        self.broken = True

    def close(self):
        self.ended = True
        self.thread.join()

    def _accept(self):
        try:
            near, _ = self.listener.accept()
            far = socket.create_connection(("127.0.0.1", int(self.where().rsplit(":", 1)[1])), 1)
        except OSError:
            if "near" in locals():
                near.close()
            return
        for one, other in ((near, far), (far, near)):
            one.setblocking(False)
            self.ways[one] = Way(one, other)

    def _drop(self, way):
        for one in (way.source, way.target):
            if self.ways.pop(one, None):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.close()

    def _read(self, way):
        try:
            data = way.source.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            way.waiting.append((time.monotonic() + self.delay, data))
        else:
            self._drop(way)

    def _write(self, way):
        while way.waiting and way.waiting[0][0] <= time.monotonic():
            when, data = way.waiting.popleft()
            try:
                sent = way.target.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._drop(way)
                return
            if sent < len(data):
                way.waiting.appendleft((when, data[sent:]))
                return

    def _run(self):
        while not self.ended:
            if self.broken:
                self.broken = False
                for way in list(self.ways.values()):
                    self._drop(way)
            with selectors.DefaultSelector() as selector:
                if not self.silent:
                    selector.register(self.listener, selectors.EVENT_READ)
                    for way in self.ways.values():
                        if len(way.waiting) < 64:
                            selector.register(way.source, selectors.EVENT_READ, way)
                ready = selector.select(0.005)
            for key, _ in ready:
                if key.data is None:
                    self._accept()
                elif key.data.source in self.ways:
                    self._read(key.data)
            for way in list(self.ways.values()):
                if not self.silent and way.source in self.ways:
                    self._write(way)
        for way in list(self.ways.values()):
            self._drop(way)
        self.listener.close()
