#!/usr/bin/python3
"""A group and a registry live on under a steady, varied load, and must not grow: members come, send, follow, page, go, come
again as somebody else, break their connections; strangers connect and say nothing, or nonsense; segments change, retention
removes them, the configuration is read again.

    soak.py [--seconds N] [--seed N]      with the other tests: --seconds 120; a release: --seconds 3600

The first third (at most ten minutes) warms up. Then everybody is sent away and what the daemons hold is counted: the bytes
of their heaps (a preloaded library counts each malloc and free), their descriptors and threads. All that is done again at
the end, after the same load, and must be the same. What readers saw is held against the log all along.
"""

import argparse
import mmap
import os
import pathlib
import random
import re
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time
import uuid

import lib_users
from checker import History, Wrong
from curve import CurveGroup, CurveRegistry
from lib_group import BUILD
from lib_mounts import tried
from lib_zwire import Client, Key, Original, Refused

HERE = pathlib.Path(__file__).resolve().parent
PACE = 0.0125  # seconds between two steps of the load
BEHIND = 0.5  # seconds of steps that are made up for when the machine was busy; what is more is left out
PLACES = 24  # visitors at a time: each place has its UUIDs, a route and a nick
LEASE = 33  # seconds until a group has forgotten who is gone
CHAPTER = 60  # seconds of history that are checked at once
KEEP = "segment = 131072; keep = { size = 524288; };"


def say(text):
    print(f"{time.monotonic() - BEGIN:7.1f} {text}", flush=True)


BEGIN = time.monotonic()


# ---- What is watched

class Watch:
    """What one daemon holds."""

    def __init__(self, name, daemon, library):
        self.name, self.daemon, self.samples = name, daemon, []
        page = daemon.folder / "heap"
        page.write_bytes(bytes(4096))
        with open(page, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 4096)
        daemon.command = ["env", f"LD_PRELOAD={library}", f"ZCHAT_FAULT_HEAP={page}", *daemon.command]

    def read(self, name):
        return pathlib.Path(f"/proc/{self.daemon.process.pid}/{name}").read_text(encoding="ascii")

    def heap(self):
        """Bytes that were taken and not given back."""
        return struct.unpack_from("=q", self.page)[0]

    def calls(self):
        return struct.unpack_from("=q", self.page, 16)[0]

    def memory(self):
        """Bytes of its own in the machine's memory; not the libraries, which others have too."""
        status = self.read("status")
        return sum(int(re.search(rf"{name}:\s*(\d+)", status)[1]) for name in ("RssAnon", "VmSwap")) * 1024

    def threads(self):
        return sorted(pathlib.Path(f"/proc/{self.daemon.process.pid}/task/{one}/comm").read_text(encoding="ascii").strip()
                      for one in os.listdir(f"/proc/{self.daemon.process.pid}/task"))

    def files(self):
        """What its descriptors are; of the log's files so many are open as were read last."""
        folder, found = f"/proc/{self.daemon.process.pid}/fd", []
        for one in os.listdir(folder):
            try:
                target = os.readlink(f"{folder}/{one}")
            except FileNotFoundError:
                continue  # closed just now
            if not target.endswith(".log"):
                found.append(re.sub(r"\d+", "", target))
        return sorted(found)

    def sample(self, moment):
        self.samples.append((moment, self.memory()))

    def slope(self):
        """Bytes an hour by which the second half of the samples grows: the median of all pairs' slopes (Theil and Sen)."""
        half = self.samples[len(self.samples) // 2:]
        half = half[::max(1, len(half) // 400)]
        pairs = [(b[1] - a[1]) / (b[0] - a[0]) for i, a in enumerate(half) for b in half[i + 1:]]
        return 3600 * statistics.median(pairs) if pairs else 0


# ---- The load

class Chapter(History):
    """Visitors join and leave again and again, so in it that is no request of which there is only one."""

    def seen(self, reader, record, **how):
        super().seen(reader, self.plain(record), **how)

    def log(self, record, **how):
        super().log(self.plain(record), **how)

    @staticmethod
    def plain(record):
        return record._replace(key=None) if record.kind in ("join", "leave") else record


class Place:
    """Where one visitor after the other comes: the same UUIDs, so that what a group keeps of each is bounded."""

    def __init__(self, load, number):
        self.load, self.number, self.visits = load, number, 0
        self.key = Key() if number % 2 else None
        self.who = self.key.who if self.key else uuid.uuid4()

    def visit(self):
        """Every eighth comes on a route of its own, which the group forgets when its lease ends; every other one goes without
        a word."""
        self.visits += 1
        route = f"place {self.number}".encode() if self.visits % 8 else None
        with Client(self.load.where(self.key), self.who, key=self.key, route=route) as client:
            last = client.ping()["last"]
            client.join(f"v{self.number}-{self.visits % 3}")
            client.follow(last + 1)
            self.send(client)
            client.push("RECORDS", "GAP")
            client.nick(f"w{self.number}-{self.visits % 3}")
            if self.visits % 5 == 0:
                client.topic(f"of place {self.number}, visit {self.visits}")
            client.who_page(limit=10)
            client.page(before=last + 1, limit=20)
            if self.visits % 2 == 0:
                client.leave()
        self.load.requests += 9

    def send(self, client):
        """A message, and the same again."""
        text, number = f"place {self.number}, visit {self.visits}", self.load.dice.getrandbits(32)
        key = f"{client.device.hex()}/1"
        self.load.history.sent(client.who, key, text)
        for counter in (1, 1):
            row = client.send(text, counter=counter, random=number)
            self.load.history.acked(client.who, key, row["seq"])


class Load:
    """All that is done to the two daemons."""

    def __init__(self, group, registry, dice):
        self.group, self.registry, self.dice, self.history = group, registry, dice, Chapter()
        self.steps = self.requests = self.connections = self.checked = self.logged = self.hangups = 0
        self.wrong, self.held = [], []
        with Client(group.endpoint) as client:
            self.log = client.ping()["log"]
        self.residents = [lib_users.User(f"r{number}", lambda key=key: self.where(key), self.log, self.history, dice, key=key)
                          for number, key in enumerate((None, Key(), None))]
        self.places = [Place(self, number) for number in range(PLACES)]
        self.askers, self.keys = [], (None, Key())
        self.reader = Client(group.endpoint, log=self.log)
        self.reader.ping()
        self.reader.join("reader")
        self.plan = ((2, 0, self.send), (5, 1, self.ask), (10, 2, self.visit), (10, 4, self.raw), (10, 7, self.original),
                     (10, 8, self.list), (100, 43, self.reconnect), (250, 99, self.note_log), (350, 149, self.hangup))

    def where(self, key):
        return self.group.secure if key else self.group.endpoint

    def step(self):
        for every, at, what in self.plan:
            if self.steps % every == at:
                what()
        self.steps += 1

    # -- the kinds of load

    def send(self):
        """By two of the three: what a group knows of a device grows for 1,024 sends."""
        self.residents[self.steps // 2 % 2].send()
        self.requests += 1

    def visit(self):
        self.places[self.steps // 10 % PLACES].visit()
        self.connections += 1

    def ask(self):
        """Ten questions at once, over connections that last; some are refused."""
        if not self.askers:
            self.askers = [Client(self.where(key), log=self.log, key=key, route=b"asker") for key in self.keys]
            for client in self.askers:
                client.ping()
                client.join("")
        client = self.askers[self.steps // 5 % len(self.askers)]
        client.grant()
        tags = [client.say("PING", follows=0) for _ in range(4)]
        tags += [client.say("WHO", member=uuid.UUID(int=0), limit=3) for _ in range(2)]
        tags += [client.say("PAGE", after_kind=0, after=0, before_kind=0, before=0, limit=2)]
        tags += [client.say("SEND", device=bytes(8), counter=0, random=0, text="\x07")]
        tags += [client.say("MANAGE", action=11, member=client.who)]
        tags += [client.say("SEND", uuid.UUID(int=1), device=bytes(8), counter=0, random=0, text="a stranger")]
        for tag in tags:
            try:
                client.wait(tag)
            except Refused:
                pass
        self.requests += len(tags)

    def raw(self):
        """Connections of which none becomes a client: closed, cut in the greeting or the handshake, or nonsense."""
        number = self.steps // 10
        for endpoint in (self.group.endpoint, self.group.secure, self.registry.endpoint, self.registry.secure):
            port = int(endpoint.split("?")[0].rsplit(":", 1)[1])
            line = socket.create_connection(("127.0.0.1", port))
            line.sendall((b"", b"\xff" + bytes(8) + b"\x7f\x03", b"GET / HTTP/1.0\r\n\r\n" * 4,
                          b"\xff" + bytes(8) + b"\x7f\x03\x00CURVE" + bytes(15) + b"\x00" + bytes(31))[number % 4])
            self.held.append(line)
        while len(self.held) > 12:
            self.held.pop(0).close()
        self.connections += 4

    def original(self):
        number = self.steps // 10 % PLACES
        who = uuid.UUID(int=0xa0 + number)
        with Original(self.group.endpoint, route=b"original %d" % number) as user:
            for text in (f"JOIN REQUEST FROM {who}", f"MESSAGE SEND FROM {who} hello of {number}",
                         f"MESSAGE REQUEST FROM {who} {time.strftime('%H:%M:%S')}", f"LEAVE REQUEST FROM {who}"):
                answer = user.ask(text)
                if answer in ("FAIL", "Invalid Request"):
                    self.wrong.append(Wrong("original", f"{answer} to {text}"))
            user.ask("no request")
        self.requests += 5
        self.connections += 1

    def list(self):
        """Both wires of the registry."""
        number = self.steps // 10 % PLACES
        with Client((self.registry.endpoint, self.registry.secure)[number % 2], uuid.UUID(int=0)) as client:
            name, log = f"other{number}", uuid.UUID(int=0xb0 + number)
            client.ask("ANNOUNCE", name=name, log=log, instance=log, generation=1, endpoints="tcp://127.0.0.1:4001")
            names = [row["name"] for row in client.ask("LIST", name="", limit=0)["rows"]]
            if name not in names or "cats" not in names:
                self.wrong.append(Wrong("list", f"{names} without {name} or cats"))
            client.ask("WITHDRAW", name=name, log=log, instance=log)
        with Original(self.registry.endpoint) as user:
            user.ask(f"JOIN REQUEST FROM 5001 [original{number}]")
            user.ask(f"GROUP LIST REQUEST FROM {uuid.UUID(int=0xa0)}")
            user.ask("no request")
        self.requests += 6
        self.connections += 2

    def reconnect(self):
        self.residents[self.steps // 100 % len(self.residents)].connect()
        self.connections += 1

    def hangup(self):
        for daemon in (self.group, self.registry):
            daemon.process.send_signal(signal.SIGHUP)
        self.hangups += 1

    # -- what readers saw

    def note_log(self):
        """Takes down what the log holds, before it is removed."""
        last = self.reader.ping()["last"]
        for record in self.reader.history(after=self.logged, before=last + 1):
            self.history.log(lib_users.history_record(record))
        self.logged = last

    def settle(self):
        """All that was sent is answered, all that is there was read; that is checked, and a new chapter begins."""
        lib_users.run(self.residents, lambda: all(user.idle() for user in self.residents), lambda now: None, 60)
        self.note_log()
        lib_users.run(self.residents, lambda: all(user.reader.cursor > self.logged for user in self.residents), lambda now: None, 60)
        for user in self.residents:
            self.history.caught(user.name, self.logged)
            user.reader.records.clear()
        self.wrong += self.history.wrong()
        self.checked += len(self.history.operations)
        self.history.operations.clear()

    # -- going on and stopping

    def live(self, seconds, tick):
        """Goes on for so long; tick(now) is called about once a second."""
        end = time.monotonic() + seconds
        state = {"step": time.monotonic(), "tick": 0.0}

        def work(now):
            state["step"] = max(state["step"], now - BEHIND)
            while state["step"] <= now < end:
                self.step()
                state["step"] += PACE
            if now >= state["tick"] + 1:
                state["tick"] = now
                tick(now)
        while time.monotonic() < end and not self.wrong:
            chapter = min(end, time.monotonic() + CHAPTER)
            lib_users.run(self.residents, lambda chapter=chapter: time.monotonic() >= chapter, work, seconds + 60)
            self.settle()

    def away(self):
        """Nobody is connected any more."""
        for line in self.held + self.askers + [user.client for user in self.residents]:
            line.close()
        self.held, self.askers = [], []

    def back(self):
        for user in self.residents:
            user.connect()


# ---- The run

class Soak:
    def __init__(self, options):
        self.options, self.wrong = options, []
        self.folder = pathlib.Path(os.environ.get("TMPDIR", "/tmp"))
        self.registry = CurveRegistry()
        self.group = None
        self.load = None

    def begin(self, library):
        self.watches = [Watch("registry", self.registry, library)]
        self.registry.start()
        self.group = CurveGroup("cats", [self.registry], plain=True, text=KEEP)
        self.watches.append(Watch("group", self.group, library))
        self.group.start()
        self.group.wait_for("registered at")
        self.load = Load(self.group, self.registry, random.Random(self.options.seed))

    def tick(self, now):
        for watch in self.watches:
            watch.sample(now)

    def count(self):
        """What the daemons hold when nobody is connected."""
        self.load.away()
        time.sleep(3)
        return [(watch.heap(), watch.memory(), watch.files(), watch.threads()) for watch in self.watches]

    def run(self):
        seconds = self.options.seconds
        warm = min(600, seconds / 3)
        self.load.live(warm, lambda now: None)
        first = self.count()
        self.show(first)
        self.load.back()
        self.load.live(BEGIN + seconds - 6 - time.monotonic(), self.tick)
        last = self.count()
        self.show(last)

    def show(self, counts):
        for watch, (heap, memory, files, threads) in zip(self.watches, counts):
            say(f"{watch.name}: heap {heap}, memory {memory}, {len(files)} descriptors, {len(threads)} threads, {watch.calls()} allocations, slope {watch.slope():.0f}, cpu {watch.read('stat').split()[13:15]}")
        load = self.load
        say(f"{load.steps} steps, {load.requests} requests, {load.connections} connections, {load.checked} checked, {load.wrong[:3]}, cpu {time.process_time():.2f}")
        print(len(list(self.group.log_folder.glob("*.log"))), files)

def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=int, default=120)
    arguments.add_argument("--seed", type=int, default=int(os.environ.get("ZCHAT_SEED") or random.randrange(1 << 30)))
    options = arguments.parse_args()
    print(f"ZCHAT_SEED={options.seed}", flush=True)
    library = "/tmp/z/heap.so"
    soak = Soak(options)
    soak.begin(library)
    try:
        soak.run()
    except AssertionError:
        print("\n".join(soak.group.lines[-20:]))
        raise
    finally:
        print(soak.group.stop(), soak.registry.stop())
        soak.group.close()
        soak.registry.close()

if __name__ == "__main__":
    sys.exit(main())
