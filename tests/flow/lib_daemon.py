"""Runs zchat-registry for a test and speaks both wires to it. Nothing waits by sleeping: the log is
followed until a line comes."""

import atexit
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import threading
import time
import uuid

import zmq

BUILD = pathlib.Path(os.environ.get("ZCHAT_BUILD", "build"))
WAIT = 20  # seconds
PING, ANNOUNCE, WITHDRAW, LIST = 0x01, 0x20, 0x21, 0x22
ERROR, PONG, LEASE, GROUPS = 0x82, 0x83, 0xA0, 0xA1


def request(kind, body=b"", tag=1):
    return b"zC\x01" + bytes([kind]) + struct.pack(">I", tag) + bytes(16) + body


def text(value):
    raw = value.encode()
    return struct.pack(">H", len(raw)) + raw


def error_number(body):
    """Of the first row of an ERROR: rows are size:4 *( size:2 row ), a row tag:4 number:2 ..."""
    return struct.unpack_from(">H", body, 4 + 2 + 4)[0]


class Daemon:
    """A daemon with the configuration `cfg` in a folder of its own, its log followed."""

    def __init__(self, program, file, cfg, options=(), arguments=()):
        self.folder = tempfile.mkdtemp(prefix="zchat-")
        atexit.register(shutil.rmtree, self.folder, True)
        self.cfg = pathlib.Path(self.folder, file)
        self.cfg.write_text(cfg)
        self.command = [str(BUILD / program), "-c", self.folder]
        self.arguments = list(arguments)
        self.lines, self.news = [], threading.Condition()
        self.process = subprocess.Popen([*self.command, "-f", *options, *arguments],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE)
        self.reader = threading.Thread(target=self._follow, daemon=True)
        self.reader.start()

    def _follow(self):
        for line in self.process.stderr:
            with self.news:
                self.lines.append(line.decode("latin-1"))
                self.news.notify_all()

    def log(self):
        with self.news:
            return "".join(self.lines)

    def wait_for_log(self, part, count=1):
        """The count-th line that holds the part."""
        end = time.monotonic() + WAIT
        with self.news:
            while True:
                found = [line for line in self.lines if part in line]
                if len(found) >= count:
                    return found[count - 1]
                left = end - time.monotonic()
                if left <= 0 or not self.news.wait(left):
                    raise AssertionError(f"no line with {part!r} in:\n{''.join(self.lines)}")

    def program(self, *options):
        return subprocess.run([*self.command, *options, *self.arguments], capture_output=True,
                              text=True, timeout=WAIT)

    def stop(self):
        """Ends it as systemd does; returns its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(WAIT)
        self.reader.join(WAIT)
        self.process.stderr.close()
        return code


class Registry(Daemon):
    def __init__(self, cfg="", options=()):
        listen = 'listen = ( { endpoint = "tcp://127.0.0.1:*"; } );\n' if "listen" not in cfg else ""
        super().__init__("zchat-registry", "registry.cfg", listen + cfg, options)
        self.endpoint = self.wait_for_log("listening on ").split("listening on ")[1].split()[0]
        # --ping must know the port
        self.cfg.write_text(self.cfg.read_text().replace("tcp://127.0.0.1:*", self.endpoint))
        self.context, self.sockets = zmq.Context(), []

    def stop(self):
        code = super().stop()
        for sock in self.sockets:
            sock.close()
        self.context.destroy(linger=0)
        return code

    def _socket(self, kind):
        sock = self.context.socket(kind)
        self.sockets.append(sock)
        sock.linger, sock.rcvtimeo, sock.ipv6 = 0, WAIT * 1000, True
        sock.connect(self.endpoint)
        return sock

    def dealer(self):
        return self._socket(zmq.DEALER)

    def ask(self, *frames):
        """The frames of the answer to a request of the original wire."""
        sock = self._socket(zmq.REQ)
        sock.send_multipart([frame if isinstance(frame, bytes) else frame.encode() for frame in frames])
        reply = sock.recv_multipart()
        sock.close()
        return reply

    def raw(self, frame):
        """(kind, tag, body) of the answer to a native frame."""
        sock = self.dealer()
        sock.send(frame)
        reply = sock.recv()
        sock.close()
        assert reply[:3] == b"zC\x01", reply
        return reply[3], struct.unpack_from(">I", reply, 4)[0], reply[8:]

    def native(self, kind, body=b""):
        if kind == PING:
            body = b"\0"
        return self.raw(request(kind, body))

    @staticmethod
    def announcement(name, log=None, instance=None, generation=1, claim=bytes(32), endpoints=None,
                     port=4001, topic="", state=0, members=0, online=0, seq=0):
        log = log or uuid.uuid5(uuid.NAMESPACE_DNS, name)
        instance = instance or uuid.uuid5(uuid.NAMESPACE_URL, name)
        body = text(name) + log.bytes + instance.bytes + struct.pack(">Q", generation) + claim
        body += struct.pack(">BIIQ", state, members, online, seq) + text(topic)
        return request(ANNOUNCE, body + text(endpoints or f"tcp://127.0.0.1:{port}"))

    def announce(self, name, **fields):
        """"LEASE", or the error's number."""
        kind, _, body = self.raw(self.announcement(name, **fields))
        return "LEASE" if kind == LEASE else error_number(body)

    def lease(self):
        """Milliseconds of the lease that a renewal gets."""
        return struct.unpack(">I", self.raw(self.announcement("lease"))[2][:4])[0]

    def withdraw(self, name, log, instance):
        return self.native(WITHDRAW, text(name) + log.bytes + instance.bytes)

    def page(self, after, limit=0):
        """(rows, more)"""
        kind, _, body = self.native(LIST, text(after) + struct.pack(">I", limit))
        assert kind == GROUPS
        more, size = struct.unpack_from(">BI", body)
        at, rows = 5, []
        while at < 5 + size:
            length = struct.unpack_from(">H", body, at)[0]
            rows.append(self._row(body[at + 2:at + 2 + length]))
            at += 2 + length
        return rows, bool(more)

    @staticmethod
    def _row(data):
        row, at = {}, 0

        def take(form):
            nonlocal at
            value = struct.unpack_from(form, data, at)[0]
            at += struct.calcsize(form)
            return value

        def take_text():
            return take(f"{take('>H')}s").decode()
        row["name"] = take_text()
        row["log"] = uuid.UUID(bytes=take("16s"))
        row["generation"], row["state"] = take(">Q"), take(">B")
        row["members"], row["online"], row["seq"] = take(">I"), take(">I"), take(">Q")
        row["topic"], row["endpoints"] = take_text(), take_text()
        return row

    def groups(self):
        rows, more, after = [], True, ""
        while more:
            page, more = self.page(after)
            rows += page
            after = page[-1]["name"] if page else after
        return rows
