#!/usr/bin/python3
"""Bad input of every kind at a group's socket: always an answer, never a crash, and others are served meanwhile."""

import contextlib
import os
import pathlib
import random
import socket
import struct
import subprocess
import time
import uuid

import lib_zwire
import zmq
from lib_group import Group, refused, run, same, seed
from lib_zwire import MESSAGES, Client, Silence, encode

REQUESTS = [name for name, (kind, _) in MESSAGES.items() if kind < 0x80]


@contextlib.contextmanager
def group(text=""):
    """A group with a member ann; in the end it must still do all its work."""
    with Group("cats", text=text) as server, server.member("ann") as ann:
        yield server, ann
        assert server.alive(), f"it died: {server.process.poll()}\n" + "\n".join(server.lines[-20:])
        with server.member("last") as last, server.original() as old:
            follower = lib_zwire.Follower(last, last.ping()["last"] + 1)
            follower.begin()
            ack = last.send("still here")
            same(follower.until(ack["seq"])[-1].text, "still here")
            old.ask(f"JOIN REQUEST FROM {last.who}")
            assert old.ask(f"MESSAGE REQUEST FROM {last.who} ").endswith("still here")
        same(server.stop(), 0)


def sample(name, dice):
    """A right request of this kind, with random content."""
    values = {}
    for field in MESSAGES[name][1].split():
        kind = lib_zwire.FIELDS[field][1]
        if kind in lib_zwire.NUMBERS:
            values[field] = dice.getrandbits(8 * lib_zwire.NUMBERS[kind]) >> dice.randrange(8 * lib_zwire.NUMBERS[kind])
        elif kind == "TEXT":
            values[field] = dice.randbytes(dice.randrange(100)) if dice.randrange(2) else "cats"
        elif kind == "ROWS":
            row = lib_zwire.put_fields(lib_zwire.ROWS[name], {"tag": 7, "counter": 1, "random": 1, "text": "cats"})
            values[field] = struct.pack(">H", len(row)) + row
        else:
            values[field] = dice.randbytes(lib_zwire.BYTES[kind])
    return values


def answers(client, count, seconds=20):
    """Takes frames in until so many requests are answered, whatever their tags. Returns them."""
    got, end = [], time.monotonic() + seconds
    while len(got) < count:
        if not client.socket.poll(max(0, end - time.monotonic()) * 1000):
            raise Silence(f"{len(got)} of {count} answers in {seconds} s")
        frames = client.socket.recv_multipart()
        same(len(frames), 1, "frames")
        message = lib_zwire.Message(frames[0])
        if message.name in ("ACK", "ERROR"):
            got += [(message.name, row["tag"], row.get("number")) for row in message["rows"]]
        elif message.name not in ("RECORDS", "GAP", "END") or message.tag:
            got.append((message.name, message.tag, None))
    same(len(got), count, "answers")
    return got


def every_truncation_of_every_request_is_refused():
    dice = random.Random(seed())
    with group() as (server, ann):
        for name in REQUESTS:
            frame = encode(name, 7, ann.who, **sample(name, dice))
            for size in range(len(frame)):
                ann.socket.send(frame[:size] or b"z")
            got = answers(ann, len(frame))
            same({(kind, number) for kind, _, number in got}, {("ERROR", 1)}, name)
            same({tag for _, tag, _ in got} <= {0, 7}, True, f"{name}: tags")


def every_flipped_bit_of_every_request_is_answered():
    dice = random.Random(seed())
    with group() as (server, ann):
        for name in REQUESTS:
            if name == "CREDIT":
                continue  # has no answer when it is right
            frame = encode(name, 7, ann.who, **sample(name, dice))
            sent = 0
            for bit in range(8 * len(frame)):
                flipped = bytearray(frame)
                flipped[bit // 8] ^= 1 << bit % 8
                if flipped[3] == 0x0a and len(frame) >= 32:
                    continue  # became a CREDIT
                # Pages wait for credit, followers are pushed to, of SENDS rows and frame are answered: one by one.
                if flipped[3] in (0x08, 0x09, 0x0c):
                    with Client(server.endpoint, ann.who) as other:
                        other.socket.send(bytes(flipped))
                        answers_of_one(other)
                    continue
                ann.socket.send(bytes(flipped))
                sent += 1
            answers(ann, sent)
            assert server.alive(), name


def answers_of_one(client):
    """One answer, and maybe pushes."""
    end = time.monotonic() + 20
    while client.socket.poll(max(0, end - time.monotonic()) * 1000):
        message = lib_zwire.Message(client.socket.recv())
        if message.tag or message.name in ("ACK", "ERROR", "FOLLOWING", "LOST", "PONG", "MEMBERS"):
            return
    raise Silence("no answer in 20 s")


def random_bytes_are_answered():
    dice = random.Random(seed())
    with group() as (server, ann), server.original() as old:
        for _ in range(3000):
            same(old.frames(dice.randbytes(dice.randrange(300))), [b"Invalid Request"])
        ann.socket.send(b"")  # an empty frame alone: of the older system's shape, but no request
        frames = ann.socket.recv_multipart() if ann.socket.poll(5000) else None
        same(frames, [b"", b"Invalid Request"])
        for _ in range(5000):
            ann.socket.send(dice.randbytes(dice.randrange(1, 300)))
        answers(ann, 5000)
        for _ in range(5000):  # behind a right head
            kind = dice.choice([kind for kind in range(256) if kind not in (0x08, 0x09, 0x0a, 0x0c)])
            ann.socket.send(b"zC\x01" + struct.pack(">BI", kind, dice.getrandbits(31) + 1) + ann.who.bytes
                            + dice.randbytes(dice.randrange(100)))
        answers(ann, 5000)


def every_kind_and_version():
    with group() as (server, ann):
        known = {kind for kind, _ in MESSAGES.values()}
        for kind in range(256):
            ann.socket.send(b"zC\x01" + struct.pack(">BI", kind, kind + 1) + bytes(400))
        got = {tag - 1: number for _, tag, number in answers(ann, 256)}  # even CREDIT, of nobody
        for kind in range(256):
            if kind not in known:
                same(got[kind], 3, f"kind {kind:#x}")
        for version in range(256):
            ann.socket.send(b"zC" + bytes([version]) + struct.pack(">BI", 3, version + 1))
        got = {tag - 1: number for _, tag, number in answers(ann, 256)}
        same({version for version in got if got[version] != 2}, {1})


def wrong_uuids():
    with group() as (server, ann):
        stranger = uuid.uuid4()
        for name in ("LEAVE", "NICK", "TOPIC", "WHO", "SEND", "PAGE", "FOLLOW"):
            values = {"text": "x"} if name in ("SEND", "TOPIC") else {"nick": "x"} if name == "NICK" else {}
            refused("NOT_MEMBER", ann.ask, name, stranger, **values)
            refused("BAD_REQUEST", ann.ask, name, lib_zwire.NULL, **values)
        refused("BAD_REQUEST", ann.ask, "JOIN", lib_zwire.NULL)
        ann.say("CREDIT", stranger, credit=1)
        same(len(ann.members()), 1)


def many_frames():
    with group() as (server, ann), server.original() as old:
        frame = encode("PING", 5, ann.who)
        for count in (2, 3, 10, 1000):
            ann.socket.send_multipart([frame] * count)
            same(answers(ann, 1)[0][2], 1, f"{count} frames")
            same(old.frames(*["JOIN REQUEST FROM " + str(ann.who)] * count), [b"Invalid Request"])
        ann.socket.send_multipart([frame, b""])
        same(answers(ann, 1)[0][2], 1)
        ann.socket.send(frame)
        same(answers(ann, 1)[0][0], "PONG")


def large_frames():
    with group() as (server, ann):
        big = encode("SEND", 5, ann.who, counter=1, text="x" * 65535)
        ann.socket.send(big)
        same(answers(ann, 1)[0][2], 6, "TOO_LONG")
        ann.socket.send(big + struct.pack(">HH", 2, 60000) + bytes(60000))
        same(answers(ann, 1)[0][2], 6)
        options = struct.pack(">HH", 999, 65000) + bytes(65000)
        ann.socket.send(encode("PING", 6, ann.who) + options * 15)
        same(answers(ann, 1)[0][0], "PONG", "975 KB of options")
        ann.socket.send(bytes(1048576))
        same(answers(ann, 1)[0][2], 1)
        for _ in range(3):
            with Client(server.endpoint) as other:
                other.socket.send(bytes(1048577))
                other.socket.send(bytes(16 << 20))
            same(ann.ping().name, "PONG")


def numbers_at_their_ends():
    with group() as (server, ann):
        for _ in range(5):
            ann.send("x")
        ends = (0, 1, 2, 7, 8, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1)
        for after in ends:
            for before in ends:
                for kinds in ((0, 0), (1, 1), (2, 2), (1, 2), (2, 1)):
                    for limit in (0, 1, 2**32 - 1):
                        ann.ask("PAGE", after_kind=kinds[0], after=after, before_kind=kinds[1], before=before,
                                limit=limit, credit=ann.taken + 1000000)
            ann.ask("FOLLOW", from_=after, credit=before)
            ann.pushed.clear()
            ann.taken = 0
            ann.say("CREDIT", credit=after)
            ann.ask("PING", follows=0)
        for limit in ends[:8]:
            ann.who_page(limit=min(limit, 2**32 - 1))
        for follows in (2, 255):
            with contextlib.suppress(lib_zwire.Refused):
                ann.ping(follows)
        for counter in (2**63, 2**64 - 1):
            refused("OUT_OF_ORDER", ann.send, "x", counter=counter)
            refused("UNKNOWN_DEVICE", ann.send, "x", counter=counter, device=bytes(8))


def connections_that_come_and_go():
    dice = random.Random(seed())
    with group("max_message = 60000;") as (server, ann):
        for _ in range(20):
            ann.send("x" * 50000)
        for _ in range(300):
            with Client(server.endpoint, ann.who) as other:
                for _ in range(dice.randrange(1, 4)):
                    other.say(dice.choice(("PING", "FOLLOW", "PAGE", "WHO")), **dice.choice(({}, {"credit": 2**40})))
                if dice.randrange(2):
                    other.pump(0.05)
        follower = lib_zwire.Follower(ann, 1)
        follower.begin()
        same(len(follower.until(22)), 22)


def raw_tcp():
    dice = random.Random(seed())
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(48)
    with group() as (server, ann):
        port = int(server.endpoint.rsplit(":", 1)[1])
        held = []
        for turn in range(300):
            peer = socket.create_connection(("127.0.0.1", port))
            data = dice.choice((dice.randbytes(dice.randrange(200)), greeting[:dice.randrange(64)], b"GET / HTTP/1.0\r\n\r\n",
                                greeting + dice.randbytes(dice.randrange(100)), b"\x01\x00", b"\xff" * 100))
            with contextlib.suppress(OSError):
                peer.sendall(data)
            if dice.randrange(2):
                held.append(peer)
            else:
                peer.close()
            if turn % 50 == 0:
                same(ann.ping().name, "PONG")
        for peer in held:
            peer.close()


def route_that_is_too_long():
    """libzmq lets a peer choose a routing id of any length; one beyond 255 bytes is nobody."""
    with group() as (server, ann):
        host, port = server.endpoint[6:].rsplit(":", 1)
        for size in (255, 256, 300):
            name = b"i" * size
            ready = b"\5READY\x0bSocket-Type\0\0\0\6DEALER\x08Identity" + struct.pack(">I", size) + name
            with socket.create_connection((host, int(port))) as peer:
                peer.settimeout(5)
                peer.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(48) + b"\x06" + struct.pack(">Q", len(ready)) + ready)
                got = b""
                while len(got) < 66 or len(got) < 66 + got[65]:
                    got += peer.recv(1000)
                frame = encode("PING", 5, ann.who)
                peer.sendall(b"\0" + bytes([len(frame)]) + frame)
                if size == 255:
                    assert peer.recv(1000)
            same(ann.ping().name, "PONG")


def memory(server):
    """Bytes of the group's resident memory."""
    return int(pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * 4096


def flood_without_reading():
    """A peer that asks and asks and reads no answer; others are served, and memory is bounded."""
    with group() as (server, ann):
        flood = zmq.Context()
        flood_socket = flood.socket(zmq.DEALER)
        flood_socket.sndhwm, flood_socket.rcvhwm, flood_socket.linger = 100000, 1, 0
        flood_socket.connect(server.endpoint)
        who, before = uuid.uuid4(), memory(server)
        flood_socket.send(encode("JOIN", 1, who))
        device, sent, end = os.urandom(8), 0, time.monotonic() + 4
        worst = 0.0
        while time.monotonic() < end:
            for _ in range(1000):
                with contextlib.suppress(zmq.Again):
                    sent += 1
                    flood_socket.send(encode("SEND", sent, who, device=device, counter=sent, random=1, text="x" * 500), zmq.DONTWAIT)
            begin = time.monotonic()
            ann.send("in between")
            worst = max(worst, time.monotonic() - begin)
        flood.destroy(linger=0)
        grown = memory(server) - before
        print(f"  {sent} sends in 4 s, {grown >> 20} MiB more, the slowest send of another took {worst * 1000:.0f} ms")
        assert grown < 300 << 20, f"{grown >> 20} MiB"
        assert worst < 5, worst


def the_kernel_asks_silent_peers_for_a_sign_of_life():
    with group() as (server, ann):
        ann.send("x")
        port, end, rows = server.endpoint.rpartition(":")[2], time.monotonic() + 10, []
        while not rows or not all("keepalive" in row for row in rows):  # not while something is on its way
            assert time.monotonic() < end, rows
            told = subprocess.run(["ss", "-tnoH", f"sport = :{port}"], check=True, capture_output=True, text=True)
            rows = told.stdout.splitlines()


def who_grants_without_reading_takes_no_memory():
    """Neither credit granted again and again nor following anew is worth more than 4 MiB."""
    def flood(server, ann, frames):
        context = zmq.Context()
        deaf = context.socket(zmq.DEALER)
        deaf.rcvhwm, deaf.rcvbuf, deaf.linger, deaf.sndhwm = 1, 4096, 0, 100000
        deaf.connect(server.endpoint)
        before = memory(server)
        for frame in frames:
            deaf.send(frame)
            time.sleep(0.002)
        ann.send("in between")
        grown = memory(server) - before
        context.destroy(linger=0)
        return grown

    with group("max_message = 60000;") as (server, ann):
        for _ in range(600):
            ann.send("x" * 60000)  # 36 MB
        follow = encode("FOLLOW", 1, ann.who, from_=1, credit=2**62)
        granting = [follow] + [encode("CREDIT", 0, ann.who, credit=2**62)] * 500
        for name, frames in (("granting", granting), ("following", [follow] * 200)):
            grown = flood(server, ann, frames)
            print(f"  {name} without reading: {grown >> 20} MiB more")
            assert grown < 20 << 20, f"{name}: {grown >> 20} MiB"


def who_has_no_credit_wakes_nobody():
    def wakes():
        switches = pathlib.Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
        return int(switches.partition("\nvoluntary_ctxt_switches:")[2].split()[0])

    with group() as (server, ann):
        ann.follow(1, credit=1)
        for _ in range(20):
            ann.send("x")
        time.sleep(0.5)
        before = wakes()
        time.sleep(2)
        news = wakes() - before
        print(f"  {news} times woken in 2 s")
        assert news < 60, news


def slow_readers_take_no_memory():
    with group("max_message = 60000;") as (server, ann), contextlib.ExitStack() as stack:
        readers = []
        for _ in range(50):
            context = zmq.Context()
            stack.callback(context.destroy, linger=0)
            reader = context.socket(zmq.DEALER)
            reader.rcvhwm, reader.linger = 1, 0
            reader.connect(server.endpoint)
            reader.send(encode("FOLLOW", 1, ann.who, from_=0, credit=2**40))
            readers.append(reader)
        for reader in readers:
            assert reader.poll(20000)
        before = memory(server)
        for _ in range(20):
            tags = [ann.say_send("x" * 50000) for _ in range(50)]
            for tag in tags:
                ann.wait(tag)
        grown = memory(server) - before
        print(f"  50 MB to 50 readers that read nothing: {grown >> 20} MiB more")
        # Each may be granted 4 MiB; what is on its way to several of them is shared.
        assert grown < 330 << 20, f"{grown >> 20} MiB"


CASES = [value for name, value in list(globals().items()) if callable(value)
         and getattr(value, "__module__", "") == "__main__" and name not in ("group", "sample", "answers", "answers_of_one", "memory")]

if __name__ == "__main__":
    run(CASES)
