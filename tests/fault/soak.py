#!/usr/bin/python3
"""A group and a registry live on under a steady, varied load, and must not grow. Members come, send, follow, page, go, come
again as somebody else, break their connections, speak the original wire; strangers connect and say nothing, or nonsense;
segments change, retention removes them, the configuration is read again.

    soak.py [--seconds N] [--seed N]      with the other tests: --seconds 120; a release: --seconds 3600

First all that has a bound is filled and the daemons are warmed up. Then everybody goes away without a word, and when the last
lease has ended, what the daemons hold is counted: the bytes of their heaps (a preloaded library counts every malloc and free),
their memory, descriptors and threads. The same load again, everybody goes, and all that must be as it was. What readers saw is
held against the log all along (checker.py).
"""

import argparse
import collections
import contextlib
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
PACE = 0.006  # seconds between two steps of the load
BEHIND = 0.2  # seconds of steps that are made up for when the machine was busy; what is more is left out
PLACES = 24  # of visitors
FILL = 1100  # sends of a device; a group knows the last 1,024
BURST = 200  # requests at once, more than the load ever makes; a group keeps room for as many as there were
CHAPTER = 30  # seconds whose history is checked at once
LEASE = 32  # seconds until a group has forgotten who is gone
WARM = 600  # seconds at most; else more than what follows, so that no table is fuller later
KEEP = "segment = 65536; keep = { size = 262144; };"

# What may be more at the end. The same load leaves the same heap, but for who is a member just then and how many segments there
# are: 8 KB were seen. 100 bytes for each connection of a member are 40 KB in the 20 seconds of the short run; for each request
# they are 1 MB.
HEAP = 20 << 10  # bytes
# libzmq's queues keep one spare piece of 16.5 KB each, once 256 messages went through: of the group's connection to the registry,
# which has two queues, that is after some 850 s, at both ends.
SPARE, SPARE_AFTER = 34 << 10, 600  # bytes, seconds
# Of the machine's memory a daemon gets pages that it does not give back at once, so for a short run that says little.
MEMORY = 2 << 20  # bytes
LONG = 1800  # seconds: a run of so long tells by its slope
SLOPE = 0.01  # of the memory, an hour


def say(text):
    print(f"{time.monotonic() - BEGIN:7.1f} {text}", flush=True)


BEGIN = time.monotonic()


# ---- What is watched

Held = collections.namedtuple("Held", "heap memory files threads")


class Watch:
    """What one daemon holds."""

    def __init__(self, name, daemon, library):
        self.name, self.daemon, self.samples = name, daemon, []
        page = daemon.folder / "heap"
        page.write_bytes(bytes(4096))
        with open(page, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 4096)  # see preload/heap.c
        daemon.command = ["env", f"LD_PRELOAD={library}", f"ZCHAT_FAULT_HEAP={page}", *daemon.command]

    def of(self, name):
        return pathlib.Path(f"/proc/{self.daemon.process.pid}/{name}")

    def heap(self):
        return struct.unpack_from("=q", self.page)[0]

    def calls(self):
        return struct.unpack_from("=q", self.page, 8)[0]

    def seconds(self):
        """Of processor."""
        user, system = self.of("stat").read_text(encoding="ascii").rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """Bytes that are its own, not those of libraries and files."""
        status = self.of("status").read_text(encoding="ascii")
        return sum(int(re.search(rf"{name}:\s*(\d+)", status)[1]) for name in ("RssAnon", "VmSwap")) << 10

    def threads(self):
        return sorted((one / "comm").read_text(encoding="ascii").strip() for one in self.of("task").iterdir())

    def files(self):
        """What its descriptors are. Which segments are open is left out; one that was removed is not."""
        found = []
        for one in self.of("fd").iterdir():
            try:
                target = os.readlink(one)
            except FileNotFoundError:
                continue  # closed just now
            if not target.endswith(".log"):
                found.append(re.sub(r"\d+", "N", target))
        return sorted(found)

    def held(self):
        heaps = []
        for _ in range(10):  # the group and the registry still talk to each other
            heaps.append(self.heap())
            time.sleep(0.05)
        return Held(min(heaps), self.memory(), self.files(), self.threads())

    def sample(self, now):
        self.samples.append((now, self.memory()))

    def slope(self):
        """The part of its memory by which it grows in an hour, in the second half: the median over all pairs (Theil and Sen)."""
        half = self.samples[len(self.samples) // 2:]
        half = half[::len(half) // 400 + 1]
        rates = [(b[1] - a[1]) / (b[0] - a[0]) for i, a in enumerate(half) for b in half[i + 1:]]
        return 3600 * statistics.median(rates) / half[-1][1] if rates else 0.0

    def wrong(self, before, after, seconds):
        """What is not as it was."""
        grown, more = after.heap - before.heap, after.memory - before.memory
        say(f"{self.name}: heap {before.heap} {grown:+d}, memory {before.memory >> 10} {more >> 10:+d} KB, "
            f"{100 * self.slope():+.2f} % an hour, {len(after.files)} descriptors, {len(after.threads)} threads; "
            f"{self.calls()} allocations, {self.seconds():.1f} s of processor")
        if grown > HEAP + (SPARE if seconds > SPARE_AFTER else 0):
            yield Wrong("heap", f"{self.name}: {grown} bytes more than after the warm-up")
        if seconds >= LONG and self.slope() > SLOPE:
            yield Wrong("memory", f"{self.name}: it grows by {100 * self.slope():.2f} % an hour")
        if seconds < LONG and more > MEMORY:
            yield Wrong("memory", f"{self.name}: {more} bytes more than after the warm-up")
        for name, one, other in (("descriptors", before.files, after.files), ("threads", before.threads, after.threads)):
            if one != other:
                fresh = collections.Counter(other) - collections.Counter(one)
                gone = collections.Counter(one) - collections.Counter(other)
                yield Wrong(name, f"{self.name}: {len(one)}, then {len(other)}: more {dict(fresh)}, fewer {dict(gone)}")


# ---- The load

class Chapter(History):
    """Visitors join and leave again and again, so here that is nothing of which there is only one."""

    def seen(self, reader, record, **how):
        super().seen(reader, self.plain(record), **how)

    def log(self, record, **how):
        super().log(self.plain(record), **how)

    @staticmethod
    def plain(record):
        return record._replace(key=None) if record.kind in ("join", "leave") else record


class Place:
    """Where one visitor comes after the other. All have one UUID, so that what a group keeps of them is bounded."""

    def __init__(self, load, number):
        self.load, self.number, self.visits = load, number, 0
        self.key = Key() if number % 2 else None
        self.who = self.key.who if self.key else uuid.uuid4()

    def visit(self):
        """Every other one leaves the group, the rest go without a word. Every eighth has the routing id of the one eight before,
        which a group takes for the same connection."""
        self.visits += 1
        route = None if self.visits % 8 else b"place %d" % self.number
        with Client(self.load.where(self.key), self.who, key=self.key, route=route) as client:
            last = client.ping()["last"]
            client.join(f"v{self.number}-{self.visits % 3}")
            client.follow(last + 1)
            self.send(client)
            client.push("RECORDS")
            client.nick(f"w{self.number}-{self.visits % 3}")
            if self.visits % 5 == 0:
                client.topic(f"of place {self.number}, visit {self.visits}")
            client.who_page(limit=10)
            client.page(before=last + 1, limit=20)
            if (self.visits + self.number // 2) % 2 == 0:
                client.leave()
        self.load.requests += 9
        self.load.connections += 1

    def send(self, client):
        """A message, and the same again."""
        text, number = f"place {self.number}, visit {self.visits}", self.load.dice.getrandbits(32)
        key = f"{client.device.hex()}/1"
        self.load.history.sent(client.who, key, text)
        for _ in range(2):
            row = client.send(text, counter=1, random=number)
            self.load.history.acked(client.who, key, row["seq"])


class Load:
    """All that is done to the two daemons."""

    def __init__(self, group, registry, dice):
        self.group, self.registry, self.dice, self.history = group, registry, dice, Chapter()
        self.steps = self.requests = self.connections = self.checked = self.logged = 0
        self.wrong, self.held, self.askers, self.keys, self.reader = [], [], [], (None, Key()), uuid.uuid4()
        with Client(group.endpoint) as client:
            self.log = client.ping()["log"]
        self.residents = [lib_users.User(f"r{number}", lambda key=key: self.where(key), self.log, self.history, dice, key=key)
                          for number, key in enumerate((None, Key(), None))]
        self.places = [Place(self, number) for number in range(PLACES)]
        self.plan = ((2, 0, self.send), (5, 1, self.ask), (10, 2, self.visit), (10, 4, self.raw), (10, 7, self.original),
                     (10, 8, self.list), (100, 43, self.reconnect), (250, 99, self.note_log), (500, 149, self.hang_up))

    def where(self, key):
        return self.group.secure if key else self.group.endpoint

    def step(self):
        for every, at, what in self.plan:
            if self.steps % every == at:
                what()
        self.steps += 1

    # -- the kinds of load

    def send(self):
        """Of the three residents two speak."""
        self.residents[self.steps // 2 % 2].send()
        self.requests += 1

    def visit(self):
        self.places[self.steps // 10 % PLACES].visit()

    def ask(self):
        """Ten questions at once, over connections that last. Some are refused."""
        if not self.askers:
            self.askers = [Client(self.where(key), log=self.log, key=key) for key in self.keys]
            for client in self.askers:
                client.join("")
        client = self.askers[self.steps // 5 % len(self.askers)]
        client.grant()
        tags = [client.say("PING", follows=0) for _ in range(4)]
        tags += [client.say("WHO", member=uuid.UUID(int=0), limit=3) for _ in range(2)]
        tags += [client.say("PAGE", after_kind=0, after=0, before_kind=0, before=0, limit=2)]
        tags += [client.say("SEND", device=bytes(8), counter=0, random=0, text="\x07")]
        tags += [client.say("MANAGE", action=11, member=client.who)]
        tags += [client.say("SEND", uuid.UUID(int=1), device=bytes(8), counter=0, random=0, text="of a stranger")]
        for tag in tags:
            try:
                client.wait(tag)
            except Refused:
                pass
        self.requests += len(tags)

    def raw(self):
        """Connections that become no client: nothing is said, a part of the greeting or of the handshake, or nonsense."""
        greeting = b"\xff" + bytes(8) + b"\x7f\x03"
        words = (b"", greeting, b"GET / HTTP/1.0\r\n\r\n" * 4, greeting + b"\x00CURVE" + bytes(15) + b"\x00" + bytes(31))
        for endpoint in (self.group.endpoint, self.group.secure, self.registry.endpoint, self.registry.secure):
            line = socket.create_connection(("127.0.0.1", int(endpoint.split("?")[0].rsplit(":", 1)[1])))
            self.held.append(line)
            try:
                line.sendall(words[self.steps // 10 % len(words)])
            except OSError:
                pass  # closed by the daemon
        while len(self.held) > 12:
            self.held.pop(0).close()
        self.connections += 4

    def original(self):
        number = self.steps // 10 % PLACES
        who = uuid.UUID(int=0xa0 + number)
        with Original(self.group.endpoint) as user:
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

    def hang_up(self):
        for daemon in (self.group, self.registry):
            daemon.process.send_signal(signal.SIGHUP)

    # -- what readers saw

    def note_log(self):
        """Takes down what the log holds, before it is removed."""
        with Client(self.group.endpoint, self.reader, self.log) as reader:
            reader.join("reader")
            last = reader.ping()["last"]
            for record in reader.history(after=self.logged, before=last + 1):
                self.history.log(lib_users.history_record(record))
        self.logged = last

    def settle(self):
        """All that was sent is answered, all that there is was read. That is checked, and a new chapter begins."""
        lib_users.run(self.residents, lambda: all(user.idle() for user in self.residents), lambda now: None, 60)
        self.note_log()
        lib_users.run(self.residents, lambda: all(user.reader.cursor > self.logged for user in self.residents),
                      lambda now: None, 60)
        for user in self.residents:
            self.history.caught(user.name, self.logged)
            user.reader.records.clear()
        self.wrong += self.history.wrong()
        for daemon in (self.group, self.registry):
            with daemon.news:
                self.wrong += [Wrong("told", line) for line in daemon.lines if ": error: " in line]
                daemon.lines[:-100] = []
        self.checked += len(self.history.operations)
        if not self.wrong:
            self.history.operations.clear()

    # -- going on and stopping

    def burst(self):
        """So many requests at once."""
        with Client(self.group.endpoint) as client:
            client.join("burst")
            keys = {f"{client.device.hex()}/{number + 1}": f"burst {number}" for number in range(BURST)}
            for key, text in keys.items():
                self.history.sent(client.who, key, text)
            tags = [client.say_send(text) for text in keys.values()]
            for key, tag in zip(keys, tags):
                self.history.acked(client.who, key, client.wait(tag)[1]["seq"])
            client.leave()

    def fill(self):
        """To the brim what a group keeps of a device, and for requests."""
        self.burst()
        noted = [0]

        def work(_):
            for user in self.residents[:2]:
                if user.counter < FILL:
                    user.send()
            count = sum(user.counter for user in self.residents)
            if count >= noted[0] + 150:
                noted[0] = count
                self.note_log()
        lib_users.run(self.residents, lambda: all(user.counter >= FILL for user in self.residents[:2]), work, 120)
        self.settle()

    def live(self, seconds, tick):
        """Goes on for so long; tick(now) is called once a second."""
        end = time.monotonic() + seconds
        due = {"step": time.monotonic(), "tick": 0.0}

        def work(now):
            due["step"] = max(due["step"], now - BEHIND)
            while due["step"] <= now < end:
                self.step()
                due["step"] += PACE
            if now >= due["tick"]:
                due["tick"] = now + 1
                tick(now)
        while time.monotonic() < end and not self.wrong:
            chapter = min(end, time.monotonic() + CHAPTER)
            lib_users.run(self.residents, lambda chapter=chapter: time.monotonic() >= chapter, work, CHAPTER + 60)
            self.settle()

    def away(self):
        """Nobody is connected any more, and the group has forgotten all of them."""
        for line in self.held + self.askers + [user.client for user in self.residents]:
            line.close()
        self.held, self.askers = [], []
        time.sleep(LEASE)

    def back(self):
        for user in self.residents:
            user.connect()


# ---- The run

class Soak:
    def __init__(self, options, stack):
        self.options = options
        self.registry = CurveRegistry()
        stack.callback(self.registry.close)
        self.library = self.registry.folder / "heap.so"
        self.no_library = tried("cc", "-shared", "-fPIC", "-O2", "-o", str(self.library), str(HERE / "preload/heap.c"))
        self.group = self.load = None
        self.watches = []

    def begin(self, stack):
        self.watches.append(Watch("registry", self.registry, self.library))
        self.registry.start()
        self.group = CurveGroup("cats", [self.registry], plain=True, text=KEEP)
        stack.callback(self.group.close)
        self.watches.append(Watch("group", self.group, self.library))
        self.group.start()
        self.group.wait_for("registered at")
        self.load = Load(self.group, self.registry, random.Random(self.options.seed))
        self.load.fill()

    def tick(self, now):
        for watch in self.watches:
            watch.sample(now)

    def held(self):
        self.load.away()
        return [watch.held() for watch in self.watches]

    def tell(self):
        load = self.load
        say(f"{load.steps} steps, {load.requests} requests, {load.connections} connections, {load.checked} operations checked, "
            f"{time.process_time():.1f} s of processor for the load")

    def live(self):
        """Returns what is wrong."""
        left = BEGIN + self.options.seconds - 2 * LEASE - time.monotonic()
        self.load.live(min(WARM, 0.55 * left), lambda now: None)
        self.tell()
        if self.load.wrong:
            return self.load.wrong
        before = self.held()
        self.load.back()
        self.load.live(BEGIN + self.options.seconds - LEASE - time.monotonic(), self.tick)
        self.tell()
        if self.load.wrong:
            return self.load.wrong
        after = self.held()
        return [wrong for watch, one, other in zip(self.watches, before, after)
                for wrong in watch.wrong(one, other, self.options.seconds)]

    def end(self):
        """Returns what is wrong."""
        wrong = []
        for daemon in (self.group, self.registry):
            code = daemon.stop()
            if code != 0:
                wrong.append(Wrong("exit", f"{daemon.command[3]} ended with {code}"))
        verify = subprocess.run([BUILD / "zchat-log", "verify", self.group.log_folder], capture_output=True, text=True,
                                check=False)
        if verify.returncode != 0:
            wrong.append(Wrong("verify", verify.stderr))
        return wrong


def interrupted(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it may come to the process and to its group
    sys.exit(1)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=int, default=120)
    arguments.add_argument("--seed", type=int, default=int(os.environ.get("ZCHAT_SEED") or random.randrange(1 << 30)))
    options = arguments.parse_args()
    if options.seconds < 2 * LEASE + 30:
        arguments.error(f"at least {2 * LEASE + 30} seconds")
    print(f"ZCHAT_SEED={options.seed}", flush=True)
    if b"__asan_init" in (BUILD / "zchat-group").read_bytes():
        print("skipped: sanitizers have a heap of their own")
        return 77
    signal.signal(signal.SIGTERM, interrupted)
    with contextlib.ExitStack() as stack:
        soak = Soak(options, stack)
        if soak.no_library:
            print(f"skipped: {soak.no_library}")
            return 77
        try:
            soak.begin(stack)
            wrong = soak.live() + soak.end()
        except Exception:
            print("\n".join(line for watch in soak.watches for line in watch.daemon.lines[-20:]))
            raise
    return lib_users.tell(wrong, soak.load.history, options.seed)


if __name__ == "__main__":
    sys.exit(main())
