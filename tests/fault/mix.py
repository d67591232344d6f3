#!/usr/bin/python3
"""Twenty users go on while everything around them fails, by chance and several things at once: processes are killed,
stopped and restarted, the disk is full, slow or broken, the clock steps, the network loses packets, is slow, narrow, silent,
cut in two, or breaks its connections. At the end all is mended, everybody catches up, and what happened is held against
what was promised.

    mix.py [--seconds N] [--users N] [--seed N]      a release: --seconds 3600

Faults that this machine does not allow are left out, which is told. The same seed gives the same faults at the same times.
"""

import argparse
import mmap
import os
import pathlib
import random
import signal
import struct
import subprocess
import sys
import time

import lib_users
from checker import History, Wrong
from lib_group import BUILD, Group, Registry
from lib_mounts import own_namespaces, tried
from lib_proxy import Proxy

HERE = pathlib.Path(__file__).resolve().parent
FAR = "127.0.0.2"  # where some users come from: their packets can be told apart
FAKETIME = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
SPACE = 96 << 20  # bytes of the group's disk


def say(text):
    print(f"{time.monotonic() - BEGIN:6.2f} {text}", flush=True)


BEGIN = time.monotonic()


class Fault:
    """Something that goes wrong for a while. begin() may say how long in place of the usual."""

    name, chance, least, most = "", 1, 0.1, 1.0

    def __init__(self, world):
        self.world, self.until, self.count = world, None, 0

    def missing(self):
        """Why it cannot be had here; "" if it can."""
        return ""

    def begin(self):
        pass

    def end(self):
        pass


class Kill(Fault):
    """The group is killed, and started again some time later."""

    name, chance, least, most = "group killed", 3, 0, 0.7

    def begin(self):
        self.world.server.kill()

    def end(self):
        self.world.start()


class Restart(Fault):
    name, chance, least, most = "group restarted", 1, 0, 0.3

    def begin(self):
        self.world.server.stop()

    def end(self):
        self.world.start()


class Stop(Fault):
    name, chance, least, most = "group stands still", 1, 0.1, 2.0

    def begin(self):
        self.world.server.process.send_signal(signal.SIGSTOP)

    def end(self):
        self.world.server.process.send_signal(signal.SIGCONT)


class RegistryKill(Fault):
    name, chance, least, most = "registry killed", 1, 0, 1.0

    def begin(self):
        self.world.registry.kill()

    def end(self):
        self.world.registry.start()


class FullDisk(Fault):
    name, chance, least, most = "disk full", 2, 0.3, 2.5

    def missing(self):
        return self.world.no_disk

    def begin(self):
        with open(self.world.filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(self.world.dice.choice((4096, 65536, 1 << 20))))
            except OSError:
                pass

    def end(self):
        self.world.filler.unlink(missing_ok=True)


class SlowDisk(Fault):
    name, chance, least, most = "disk slow", 2, 0.2, 2.0

    def missing(self):
        return self.world.no_syncs

    def begin(self):
        self.world.syncs(delay=self.world.dice.choice((3, 30, 300)))

    def end(self):
        self.world.syncs()


class BrokenDisk(Fault):
    """A sync fails: the group ends with 74, and is started again when the disk is whole."""

    name, chance, least, most = "disk broken", 2, 0.05, 0.6

    def missing(self):
        return self.world.no_syncs

    def begin(self):
        self.world.syncs(fails=1)

    def end(self):
        self.world.syncs()


class Clock(Fault):
    name, chance, least, most = "clock stepped", 2, 0.2, 2.0

    def missing(self):
        return self.world.no_clock

    def begin(self):
        self.world.step_clock(self.world.dice.choice((-7200, -60, -1, 1, 60, 7200)))

    def end(self):
        self.world.step_clock(0)


class Slow(Fault):
    name, chance, least, most = "network slow", 2, 0.3, 2.0

    def begin(self):
        self.world.proxy.delay = self.world.dice.choice((0.02, 0.2, 0.9))

    def end(self):
        self.world.proxy.delay = 0


class Silent(Fault):
    name, chance, least, most = "network silent", 2, 0.2, 2.5

    def begin(self):
        self.world.proxy.silent = True

    def end(self):
        self.world.proxy.silent = False


class Reset(Fault):
    name, chance, least, most = "connections reset", 2, 0, 0

    def begin(self):
        self.world.proxy.reset()


class Kernel(Fault):
    """Rules of the kernel for packets of the users that are far, or of the registry."""

    def missing(self):
        return self.world.no_network

    def rules(self):
        return ()

    def begin(self):
        self.world.network(self, self.rules())

    def end(self):
        self.world.network(self, ())


class Loss(Kernel):
    name, chance, least, most = "packets lost", 3, 0.3, 3.0

    def rules(self):
        share = self.world.dice.choice((2, 10, 30))
        return [f"ip {way} {FAR} numgen random mod 100 < {share} drop" for way in ("saddr", "daddr")]


class Partition(Kernel):
    name, chance, least, most = "network cut in two", 2, 0.2, 3.0

    def rules(self):
        return [f"ip {way} {FAR} drop" for way in ("saddr", "daddr")]


class OneWay(Kernel):
    name, chance, least, most = "network cut one way", 2, 0.2, 3.0

    def rules(self):
        return [f"ip {self.world.dice.choice(('saddr', 'daddr'))} {FAR} drop"]


class Rejected(Kernel):
    name, chance, least, most = "packets answered with RST", 2, 0.05, 0.5

    def rules(self):
        return [f"ip saddr {FAR} meta l4proto tcp reject with tcp reset"]


class NoRegistry(Kernel):
    name, chance, least, most = "registry cut off", 1, 0.5, 3.0

    def rules(self):
        return [f"tcp {way} {self.world.registry.endpoint.rsplit(':', 1)[1]} drop" for way in ("sport", "dport")]


class Narrow(Fault):
    name, chance, least, most = "network narrow", 2, 0.3, 1.5

    def missing(self):
        return self.world.no_network

    def begin(self):
        rate = self.world.dice.choice(("1mbit", "4mbit", "20mbit"))
        subprocess.run(["tc", "qdisc", "replace", "dev", "lo", "root", "tbf", "rate", rate, "burst", "16k", "latency", "300ms"],
                       check=True)

    def end(self):
        subprocess.run(["tc", "qdisc", "del", "dev", "lo", "root"], check=True)


PROCESS = (Kill, Restart, Stop, BrokenDisk)  # one of these at a time
FAULTS = (Kill, Restart, Stop, RegistryKill, FullDisk, SlowDisk, BrokenDisk, Clock, Slow, Silent, Reset, Loss, Partition,
          OneWay, Rejected, NoRegistry, Narrow)


class World:
    def __init__(self, dice, no_mounts, no_network):
        self.dice, self.no_mounts, self.preload, self.own = dice, no_mounts, [], []
        self.no_network, self.cut = no_network or self.own_rules(), {}
        self.page = bytearray(12)  # see preload/sync.c
        self.registry = Registry().start()
        self.server = Group("cats", [self.registry], "segment = 262144;")
        self.no_disk, self.no_clock, self.no_syncs = self.small_disk(), self.own_clock(), self.own_syncs()
        if self.preload:
            self.server.command = ["env", f"LD_PRELOAD={':'.join(self.preload)}", *self.own, *self.server.command]
        self.server.start()
        self.proxy = Proxy(lambda: self.server.endpoint)

    def small_disk(self):
        """The group's folder becomes a file system of its own. "", or why not."""
        state = self.server.folder / "state"
        state.mkdir()
        self.filler = state / "filler"
        if self.no_mounts:
            return self.no_mounts
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SPACE}", "tmpfs", state], capture_output=True,
                              text=True, check=False)
        return made.stderr.strip()

    def own_clock(self):
        """The group gets a clock that can be set. "", or why not."""
        if not FAKETIME:
            return "libfaketime is not installed"
        if self.no_mounts:  # it leaves files in /dev/shm behind each killed process
            return self.no_mounts
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/dev/shm"], check=True)
        self.clock = self.server.folder / "clock"
        self.step_clock(0)
        return self.own_preload(FAKETIME, f"FAKETIME_TIMESTAMP_FILE={self.clock}", "FAKETIME_NO_CACHE=1",
                                "DONT_FAKE_MONOTONIC=1")

    def own_preload(self, library, *environment):
        """The group runs with the library. "", or why not."""
        done = subprocess.run(["env", f"LD_PRELOAD={library}", *environment, *self.server.command[:1], "-V"],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0 or done.stderr:
            return f"the daemon does not run with it: {done.stderr.strip() or done.returncode}"
        self.preload.append(str(library))
        self.own += environment
        return ""

    def own_syncs(self):
        """The group's syncs can be slow, and fail. "", or why not."""
        library, page = self.server.folder / "sync.so", self.server.folder / "sync"
        why = tried("cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(HERE / "preload/sync.c"))
        if why:
            return why
        page.write_bytes(bytes(4096))
        with open(page, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 4096)
        return self.own_preload(library, f"ZCHAT_FAULT_SYNC={page}")

    def syncs(self, delay=0, fails=0):
        struct.pack_into("=II", self.page, 0, delay, fails)

    def own_rules(self):
        """The network's packets can be dropped and delayed. "", or why not."""
        return tried("nft", "add table inet mix; add chain inet mix in { type filter hook input priority 0; }; "
                            f"add rule inet mix in ip saddr {FAR} numgen random mod 100 < 1 drop; "
                            f"add rule inet mix in ip saddr {FAR} meta l4proto tcp reject with tcp reset; flush chain inet mix in") or \
            tried("sh", "-c", "tc qdisc replace dev lo root tbf rate 1gbit burst 16k latency 9ms && tc qdisc del dev lo root")

    def network(self, fault, rules):
        self.cut[fault.name] = rules
        lines = [f"add rule inet mix in {rule}" for one in self.cut.values() for rule in one]
        subprocess.run(["nft", "-f", "-"], input="\n".join(["flush chain inet mix in", *lines]) + "\n", text=True, check=True)

    def tend(self, down):
        """Starts the group again when it ended because a sync failed; else it must not end by itself."""
        if down or self.server.alive() or struct.unpack_from("=I", self.page, 4)[0]:
            return
        failed = struct.unpack_from("=I", self.page, 8)[0]
        if self.server.process.returncode != 74 or not failed:
            raise AssertionError(f"the group ended by itself with {self.server.process.returncode}")
        struct.pack_into("=I", self.page, 8, 0)
        self.start()

    def step_clock(self, seconds):
        fresh = self.clock.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.rename(self.clock)

    def start(self):
        """Starts the group; on a full disk it may say that it cannot now."""
        try:
            self.server.start()
        except AssertionError:
            if self.server.process.wait(20) != 75 or not self.filler.exists():
                raise
            say("no start on a full disk (75): space again")
            self.filler.unlink()
            self.server.start()

    def close(self):
        self.proxy.close()
        if self.server.alive():
            self.server.process.send_signal(signal.SIGCONT)
            self.server.kill()
        if not self.no_disk:
            subprocess.run(["umount", "-l", self.server.folder / "state"], check=False)
        self.server.close()
        self.registry.close()


class Faults:
    """What goes wrong when: planned before it begins, by the seed alone."""

    def __init__(self, world, seconds):
        self.world = world
        kinds = [kind(world) for kind in FAULTS]
        self.all = [fault for fault in kinds if not fault.missing()]
        for fault in kinds:
            if fault.missing():
                print(f"left out: {fault.name}: {fault.missing()}")
        self.plan, at, first = [], 1.0, world.dice.sample(self.all, len(self.all))  # each one once, at least
        while at < seconds:
            fault = first.pop() if first else world.dice.choices(self.all, [one.chance for one in self.all])[0]
            self.plan.append((at, fault, world.dice.uniform(fault.least, fault.most)))
            at += world.dice.uniform(0.05, 1.2)
        self.begin = time.monotonic()

    def down(self):
        """The group is down because that is what is tried."""
        return any(fault.until is not None for fault in self.all if isinstance(fault, (Kill, Restart)))

    def tick(self, now):
        self.world.tend(self.down())
        for fault in self.all:
            if fault.until is not None and now >= fault.until:
                self.mend(fault)
        while self.plan and now - self.begin >= self.plan[0][0]:
            _, fault, last = self.plan.pop(0)
            busy = isinstance(fault, PROCESS) and any(one.until for one in self.all if isinstance(one, PROCESS))
            if fault.until is None and not busy:
                say(f"{fault.name} for {last:.2f} s")
                fault.begin()
                fault.count += 1
                fault.until = now + last

    def mend(self, fault):
        fault.end()
        fault.until = None

    def mend_all(self):
        for fault in self.all:
            if fault.until is not None:
                self.mend(fault)
        self.world.tend(False)

    def over(self):
        return not self.plan


class Crowd:
    """The users: some come, some leave."""

    def __init__(self, world, count, history):
        self.world, self.history, self.users, self.number, self.size = world, history, [], 0, count
        self.log = lib_users.lib_zwire.Client(world.server.endpoint).ping()["log"]
        for _ in range(count):
            self.come()

    def come(self):
        self.number += 1
        where = (self.near, self.far, lambda: self.world.proxy.endpoint)[self.number % 3]
        self.users.append(lib_users.User(f"u{self.number}", where, self.log, self.history, self.world.dice,
                                         self.number % 4 != 0))

    def near(self):
        return self.world.server.endpoint

    def far(self):
        return self.near().replace("tcp://", f"tcp://{FAR}:0;")

    def work(self):
        for user in self.users:
            if self.world.dice.randrange(4) == 0:
                user.send()
        if self.world.dice.randrange(300) == 0:
            self.world.dice.choice(self.users).leave()
        if sum(not user.wants_to_leave for user in self.users) < self.size:
            self.come()


def live(world, seconds, users):
    history = History()
    crowd, faults = Crowd(world, users, history), Faults(world, seconds)

    def work(now):
        crowd.work()
        faults.tick(now)
    lib_users.run(crowd.users, faults.over, work, seconds * 3 + 60)
    faults.mend_all()
    say("all is mended")
    wrong = lib_users.judge(history, crowd.users, world.server.endpoint, 90)
    code = world.server.stop()
    if code != 0:
        wrong.append(Wrong("exit", f"the group ended with {code}"))
    verify = subprocess.run([BUILD / "zchat-log", "verify", world.server.log_folder], capture_output=True, text=True,
                            check=False)
    if verify.returncode != 0:
        wrong.append(Wrong("verify", verify.stderr))
    print(", ".join(f"{fault.name} {fault.count}" for fault in faults.all))
    print(f"{len(crowd.users)} users ({sum(user.state == 'gone' for user in crowd.users)} left), {sum(user.acknowledged for user in crowd.users)} sends acknowledged, "
          f"{sum(user.repeats for user in crowd.users)} repeats, {sum(user.connections for user in crowd.users)} connections, "
          f"{len(history.operations)} operations checked, {len(wrong)} wrong")
    return wrong, history


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=int, default=20)
    arguments.add_argument("--users", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=int(os.environ.get("ZCHAT_SEED") or random.randrange(1 << 30)))
    options = arguments.parse_args()
    no_mounts, no_network = own_namespaces(network=True)
    print(f"ZCHAT_SEED={options.seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    world = World(random.Random(options.seed), no_mounts, no_network)
    try:
        wrong, history = live(world, options.seconds, options.users)
    except AssertionError:
        print("\n".join(world.server.lines[-20:]))
        raise
    finally:
        world.close()
    return lib_users.tell(wrong, history, options.seed)


if __name__ == "__main__":
    sys.exit(main())
