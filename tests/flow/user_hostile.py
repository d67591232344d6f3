#!/usr/bin/python3
"""Text of others that would steer a terminal, forge a line or hide: from a group and a registry that say it wherever they
can say anything. What zchat writes to a terminal is looked at byte by byte.

The places: of a group its name, topic, nicks, texts, the sentences of refusals and of an end; of a registry names, topics,
endpoints and the sentences of refusals.
"""

import os
import pty
import re
import select
import struct
import subprocess
import fcntl
import termios
import threading
import time
import unicodedata
import uuid

import xxhash
import zmq

import lib_zwire
from lib_group import run, same
from lib_user import ZCHAT, User

COLUMNS = 60
FORGED = "07:00:00 ann: FORGED"
LOG, ANN, BOB = uuid.UUID(int=1), uuid.UUID(int=7), uuid.UUID(int=8)
TAIL = " " * COLUMNS + FORGED

HOSTILE = {
    "clear the screen": b"\x1b[2J\x1b[H" + FORGED.encode(),
    "set the title": b"\x1b]0;owned\x07",
    "hyperlink": b"\x1b]8;;http://evil/\x1b\\click\x1b]8;;\x1b\\",
    "report back": b"\x1b[6n\x1b[c\x1bP$q\"p\x1b\\",
    "clipboard": b"\x1b]52;c;ZWNobyBvd25lZA==\x07",
    "C1 as bytes": b"\x9b2J\x9d0;x\x9c",
    "C1 as UTF-8": "\u009b2J\u009d0;x\u009c\u0085".encode(),
    "back over the line": b"\r" + FORGED.encode(),
    "backspaces": b"\x08" * 40 + FORGED.encode(),
    "a line of its own": b"\n" + FORGED.encode(),
    "vertical tab and form feed": b"\x0b\x0c" + FORGED.encode(),
    "padded to the next line": TAIL.encode(),
    "tabs to the next line": b"\t" * 12 + FORGED.encode(),
    "bidi override": "\u202e\u202dnna\u2066\u2069\u200f\u061c".encode(),
    "zero width": "a\u200bn\u200cn\u200d\ufeff\u2060\u00ad\u034f\u3164\u115f\uffa0".encode(),
    "line separators": ("\u2028" + FORGED + "\u2029" + FORGED).encode(),
    "tags": "".join(chr(0xe0000 + ord(c)) for c in "secret").encode(),
    "variation selectors": ("x" + "\ufe0f" * 20 + "".join(chr(0xe0100 + n) for n in range(20))).encode(),
    "stacked marks": ("a" + "\u0300\u0489" * 40).encode(),
    "marks on nothing": "\u0301\u0301\u20dd".encode(),
    "wide pictures": ("\u2764\ufe0f" * COLUMNS + FORGED).encode(),
    "wide letters": ("\u732b" * (COLUMNS // 2 + 7) + FORGED).encode(),
    "half a character": b"\xf0\x9f\x90" + b"\xff\xfe\xc0\x80",
    "nothing": b"\x00\x7f\x01",
    "shift out": b"\x0e\x1b(0lqqk\x0f",
    "colours": b"\x1b[31;5;7m\x1b[8mhidden\x1b[0m",
}


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def sized(data):
    return varint(len(data)) + data


def record(kind, nick=None, text=None, author=ANN, options=b""):
    flags = 1 | (4 if nick else 0) | (8 if text else 0)
    body = bytes([kind, flags]) + varint(0) + author.bytes
    body += sized(nick) if nick else b""
    body += sized(text) if text else b""
    return sized(body + options)


def batch(records):
    """All of the log, which is one batch."""
    body = b"".join(records)
    tail = struct.pack(">QQI", 1, 1795330800000000, 0) + lib_zwire.blake(LOG.bytes) + body
    head = struct.pack(">IBBH", 16 + len(tail), 1, 0, len(records))
    seed = xxhash.xxh3_64_intdigest(LOG.bytes + tail[:8] + head)
    return head + struct.pack(">Q", xxhash.xxh3_64_intdigest(tail, seed)) + tail


def row(kind, /, **values):
    data = lib_zwire.put_fields(lib_zwire.ROWS[kind], values)
    return struct.pack(">H", len(data)) + data


class Liar:
    """A registry and a group in one, which say `evil` wherever they can."""

    def __init__(self, evil, mood="friendly"):
        self.evil, self.mood = evil, mood
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.port = self.socket.bind_to_random_port("tcp://127.0.0.1", 20000, 32000)
        self.stopping = False
        subject = varint(9) + sized(BOB.bytes)
        nick = evil[:200]
        self.records = [record(2, nick), record(1, nick, evil), record(1, b"ann", b"first\n" + evil), record(5, nick, evil),
                        record(4, b"ann-" + nick), record(2, nick, author=BOB), record(11, nick, options=subject),
                        record(18, b"ann", options=subject + varint(10) + sized(evil[:32].ljust(32))), record(1, evil, b"x"),
                        record(99, nick, evil), record(3, nick)]
        self.last = len(self.records)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join()
        self.socket.close()
        self.context.term()

    def serve(self):
        while not self.stopping:
            if self.socket.poll(20):
                route, body = self.socket.recv_multipart()
                for answer in self.answers(lib_zwire.Message(body)):
                    self.socket.send_multipart([route, answer])

    def refusal(self, tag):
        return lib_zwire.encode("ERROR", tag, rows=row("ERROR", tag=tag, number=25, text=self.evil))

    def answers(self, message):
        tag, evil, name = message.tag, self.evil, message.name
        receipt = bytes(64)
        if name == "PING":
            yield lib_zwire.encode("PONG", tag, name=evil[:48] if self.mood == "renamed" else b"cats", log=LOG, generation=1, oldest=1, last=self.last, max_message=16384,
                                   endpoints=evil)
        elif name == "LIST" and self.mood == "rude":
            yield self.refusal(tag)
        elif name == "LIST":
            rows = [row("GROUPS", name=wanted, log=uuid.UUID(int=n + 1), generation=1, topic=evil,
                        endpoints=f"tcp://127.0.0.1:{self.port} ".encode() + evil)
                    for n, wanted in enumerate((b"cats", b"cats", b"dogs", evil[:48]))]
            yield lib_zwire.encode("GROUPS", tag, rows=b"".join(sorted(rows)))
        elif self.mood == "rude" and name == "FOLLOW":
            yield lib_zwire.encode("FOLLOWING", tag, from_=1, last=self.last, oldest=1)
            yield lib_zwire.encode("END", 0, why=4, text=evil)
        elif self.mood == "rude":
            yield self.refusal(tag)
        elif name == "WHO":
            rows = [row("MEMBERS", member=ANN, nick=evil), row("MEMBERS", member=BOB, nick=evil[:32])]
            yield lib_zwire.encode("MEMBERS", tag, members=2, topic=evil, rows=b"".join(rows))
        elif name in ("PAGE", "FOLLOW"):
            if name == "FOLLOW":
                yield lib_zwire.encode("FOLLOWING", tag, from_=1, last=self.last, oldest=1)
            yield lib_zwire.encode("RECORDS", tag if name == "PAGE" else 0, oldest=1, first=1, last=self.last,
                                   batches=batch(self.records))
        elif name in ("JOIN", "NICK", "TOPIC", "SEND", "LEAVE", "MANAGE"):
            done = row("ACK", tag=tag, seq=9, time=1795330800000000, nick=evil)
            yield lib_zwire.encode("ACK", 0, receipt=receipt, rows=done)


def on_a_terminal(user, words, keys=b"", until=b""):
    """All bytes that a command writes to its terminal, stdout and stderr alike."""
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    child = subprocess.Popen([ZCHAT, "-c", user.home, *words], env={**user.environment, "TERM": "xterm"}, stdin=slave,
                             stdout=slave, stderr=slave, start_new_session=True,
                             preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(slave)
    out, end = b"", time.monotonic() + 20
    try:
        while time.monotonic() < end:
            if keys and until in out:
                os.write(master, keys)
                keys = b""
            if not select.select([master], [], [], 0.1)[0]:
                continue
            more = os.read(master, 65536)
            if not more:
                break
            out += more
        else:
            raise AssertionError(f"it does not end: {out!r}")
    except OSError:
        pass  # the other side is closed
    finally:
        child.kill() if time.monotonic() >= end else None
        child.wait(10)
        os.close(master)
    return out


def width_of(text):
    """Columns, as a terminal that shows pictures wide counts them."""
    columns = 0
    for at, char in enumerate(text):
        if unicodedata.category(char) in ("Mn", "Me"):
            columns += char == "\ufe0f"
        else:
            columns += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return columns


IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u3164\uffa0\U000e0100-\U000e01ef]|[\ufe00-\ufe0d]|\ufe0f\ufe0f")


def check_characters(text, what):
    for char in text:
        if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs"):
            raise AssertionError(f"{what}: {char!r} is written: {text!r}")
    if IGNORABLE.search(text) or re.search("[\u0300-\u036f\u0489]{5}", text):
        raise AssertionError(f"{what}: something hidden or stacked: {text!r}")


def check(out, what):
    """Nothing but text, in lines that fit and that only zchat begins."""
    text = out.replace(b"\r\n", b"\n").decode()  # must be UTF-8
    check_characters(text, what)
    for line in text.split("\n"):
        if line.startswith(FORGED) or line.lstrip("0123456789:").startswith(" ann: FORGED"):
            raise AssertionError(f"{what}: a forged line: {text!r}")
        if width_of(line) > COLUMNS:
            raise AssertionError(f"{what}: a line that the terminal breaks: {line!r}")


def check_chat(out, what):
    """The same of the conversation, which draws with a few sequences of its own."""
    own = re.compile(rb"\r?\x1b\[J|\r\x1b\[\d+C|\r(?!\n)|\x1b\[\?2004[hl]|\x1b\[[012]?[JHK]|\x07")
    check(own.sub(b"\n", out), what)


COMMANDS = (("groups",), ("join", "@"), ("messages", "@"), ("who", "@"), ("topic", "@"), ("topic", "@", "x"), ("nick", "@", "x"),
            ("send", "@", "x"), ("follow", "@", "--after", "seq:0", "--count", "11"), ("kick", "@", str(BOB)), ("kick", "@", "eve"))


def words_for(liar, command):
    address = f"tcp://127.0.0.1:{liar.port}"
    return ["-r", address, "--timeout", "3", *(str(liar.port) if word == "@" else word for word in command)]


def shown_text_is_harmless():
    user = User()
    for what, evil in HOSTILE.items():
        with Liar(evil) as liar:
            for command in COMMANDS:
                out = on_a_terminal(user, words_for(liar, command))
                assert out or what == "nothing", (what, command)
                check(out, (what, command))


def refusals_are_harmless():
    user = User()
    for what, evil in HOSTILE.items():
        with Liar(evil, "rude") as liar:
            for command in (("groups",), ("join", "@"), ("messages", "@"), ("send", "@", "x"), ("follow", "@"), ("join", "cats"), ("kick", "@", str(BOB))):
                out = on_a_terminal(user, words_for(liar, command))
                assert b"zchat: " in out, (what, command, out)
                check(out, (what, command))


def names_are_harmless():
    """A group that calls itself so is none."""
    user = User()
    for what, evil in HOSTILE.items():
        with Liar(evil, "renamed") as liar:
            out = on_a_terminal(user, ["--timeout", "0.1", *words_for(liar, ("join", "@"))[4:]])
            assert b"zchat: " in out, (what, out)
            check(out, what)


def errors_alone_on_the_terminal_are_harmless():
    """stdout is a file: only stderr is the terminal."""
    user = User()
    for what in ("padded to the next line", "wide letters", "a line of its own", "clear the screen"):
        with Liar(HOSTILE[what], "rude") as liar:
            command = ["sh", "-c", 'exec "$0" "$@" >/dev/null', ZCHAT, "-c", user.home, *words_for(liar, ("join", "@"))]
            master, slave = pty.openpty()
            fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
            child = subprocess.Popen(command, env=user.environment, stdin=slave, stdout=slave, stderr=slave)
            same(child.wait(20), 1)
            out = os.read(master, 65536)
            os.close(slave)
            os.close(master)
            assert b"zchat: " in out
            check(out, what)


def json_is_ascii_where_it_matters():
    user = User()
    for what, evil in HOSTILE.items():
        with Liar(evil) as liar:
            for command in COMMANDS:
                done = user.call("--json", *words_for(liar, command))
                rows = done.json()
                assert rows or done.code == 1, (what, command, done)
                check_characters(done.out, (what, command))


def conversation_is_harmless():
    for what, evil in HOSTILE.items():
        user = User()
        user.call("whoami")
        with Liar(evil) as liar:
            out = on_a_terminal(user, words_for(liar, ("chat", "@")), b"/who\r/topic\r/groups\rhi\r/messages\r/kick eve\r/quit\r",
                                b"> ")
            assert len(out) > 1000, (what, out)
            check_chat(out, what)


if __name__ == "__main__":
    run([shown_text_is_harmless, refusals_are_harmless, names_are_harmless, errors_alone_on_the_terminal_are_harmless, json_is_ascii_where_it_matters,
         conversation_is_harmless])
