#!/usr/bin/python3
"""Power cuts on a real file system (ext4): the log works on a disk that writes down each write and flush; then the disk
is put together again as it could be after a cut at any of them, with any part of what was not flushed, mounted, and the
log opened. What was acknowledged before the cut must be there. The work includes openings that set things aside, and
many small segments; so the cuts meet those too.

    powercut.py [--states N] [--seed N]      a release: --states 10000

Needs root, nbdkit with its headers, nbdfuse, fuse3, loop devices and a compiler; else it is skipped (77), saying why.
"""

import argparse
import atexit
import concurrent.futures
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

from lib_mounts import own_mounts

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("ZCHAT_BUILD") or HERE.parent.parent / "build/release")
RIG = str(BUILD / "tests/fault_log")
DISK, SECTOR, WORKERS = 32 << 20, 512, 2
ONE_DISK = 500  # states of it
TORN_SUPERBLOCK = 1536  # ext4 trusts the disk to write its superblock, two sectors here, as one
WRITE, WRITE_THROUGH, FLUSH = 1, 2, 3


class Skip(Exception):
    pass


def call(*command, **how):
    return subprocess.run(command, check=True, capture_output=True, text=True, **how).stdout.strip()


def check_tools():
    for tool in ("nbdkit", "nbdfuse", "fusermount3", "losetup", "mkfs.ext4", "mount", "cc"):
        if not shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
            raise Skip(f"{tool} is not installed")
    if not os.path.exists("/usr/include/nbdkit-plugin.h"):
        raise Skip("nbdkit-plugin.h is not installed")
    for device in ("/dev/fuse", "/dev/loop-control"):
        if not os.path.exists(device):
            raise Skip(f"{device} is not there")


def wait_for(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Skip(f"{what} does not come up")
        time.sleep(0.02)


class Undo:
    """What was set up, taken down in the opposite order, on every way out."""

    def __init__(self):
        self.steps = []
        atexit.register(self.all)

    def add(self, *command):
        self.steps.append(command)

    def all(self):
        while self.steps:
            step = self.steps.pop()
            if callable(step[0]):
                step[0](*step[1:])
                continue
            for _ in range(50):
                if subprocess.run(step, capture_output=True, check=False).returncode == 0:
                    break
                time.sleep(0.1)


def end_process(process):
    process.terminate()
    process.wait(20)


# ---- Working on the disk that writes everything down

def set_up(home, undo):
    """Mounts the disk at home/mnt."""
    call("cc", "-shared", "-fPIC", "-O2", "-o", home / "disk.so", HERE / "powercut/disk.c")
    (home / "nbd").mkdir()
    (home / "mnt").mkdir()
    kit = subprocess.Popen(["nbdkit", "-f", "-U", home / "sock", home / "disk.so", f"log={home}/writes"],
                           stdin=subprocess.DEVNULL, stderr=open(home / "nbdkit.err", "wb"))
    undo.add(end_process, kit)
    wait_for((home / "sock").exists, "nbdkit")
    fuse = subprocess.Popen(["nbdfuse", home / "nbd/disk", f"nbd+unix:///?socket={home}/sock"],
                            stdin=subprocess.DEVNULL, stderr=open(home / "nbdfuse.err", "wb"))
    undo.add(end_process, fuse)
    undo.add("fusermount3", "-u", str(home / "nbd"))
    wait_for((home / "nbd/disk").exists, "nbdfuse")
    try:
        loop = call("losetup", "-f", "--show", home / "nbd/disk")
        undo.add("losetup", "-d", loop)
        call("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", loop)
        call("mount", loop, home / "mnt")
        call("losetup", "-d", loop)  # when it is unmounted
        undo.steps.pop()
    except subprocess.CalledProcessError as error:
        raise Skip(f"{error.cmd[0]}: {error.stderr.strip()}") from error
    undo.add("umount", str(home / "mnt"))
    os.sync()


def work(home, seed):
    """Lets the log work; returns [(record, hash, bytes of the log of writes when it was acknowledged)]."""
    ledger = []
    process = subprocess.Popen([RIG, "write", "--folder", str(home / "mnt/log"), "--seed", str(seed)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        _, seq, digest = line.split()
        ledger.append((int(seq), digest, os.stat(home / "writes").st_size))
        process.stdin.write("\n")
        process.stdin.flush()
    if process.wait() != 0:
        raise AssertionError("the log did not work on a sound disk")
    return ledger


def read_writes(path):
    """[(position behind it in the file, kind, offset, data)]"""
    data, at, entries = path.read_bytes(), 0, []
    while at < len(data):
        offset, kind, size = struct.unpack_from("<QII", data, at)
        at += 16
        entries.append((at + size, kind, offset, data[at:at + size]))
        at += size
    return entries


# ---- Cuts

def images(entries, cuts, dice):
    """For each cut the disk as it could be: a bytearray of it all, made anew each time."""
    disk, done = bytearray(DISK), 0  # with all that was flushed
    waiting = []
    for cut in cuts:
        while done < cut:
            _, kind, offset, data = entries[done]
            if kind == FLUSH:
                for place, bytes_ in waiting:
                    disk[place:place + len(bytes_)] = bytes_
                waiting = []
            else:
                waiting.append((offset, data))
            done += 1
        state = bytearray(disk)
        kept = dice.choice((0, 0.5, 0.5, 0.9, 1))
        for place, bytes_ in waiting:
            if dice.random() < kept:
                state[place:place + len(bytes_)] = bytes_
            elif dice.random() < 0.2 and len(bytes_) > SECTOR:  # torn within
                part = dice.randrange(len(bytes_) // SECTOR) * SECTOR
                part -= SECTOR if place + part == TORN_SUPERBLOCK else 0
                state[place:place + part] = bytes_[:part]
        yield cut, state


def mount(image, folder):
    """Somebody else may take the loop device that was free a moment ago: then again."""
    for last in [False] * 20 + [True]:
        done = subprocess.run(["mount", "-o", "loop", image, folder], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        if last:
            raise AssertionError(f"no mount: {done.stderr.strip()}")
        time.sleep(0.1)


def look(home, number, state, undo):
    """What the log says on such a disk, at two openings, and when it is written again."""
    image, folder = home / f"image{number}", home / f"state{number}"
    folder.mkdir(exist_ok=True)
    image.write_bytes(state)
    mount(image, folder)
    step = ("umount", str(folder))
    undo.steps.append(step)
    try:
        return [call(RIG, what, "--folder", folder / "log").splitlines() for what in ("read", "read", "append")]
    finally:
        while subprocess.run(["umount", folder], check=False).returncode != 0:
            time.sleep(0.05)
        undo.steps.remove(step)


def judge(told, must, ever, more=0):
    """What is wrong with what the log tells; must: {record: hash} acknowledged before the cut; ever: all that were written;
    more: so many others may be at its end."""
    first = told[0].split()
    if first[0] != "OPEN":
        return told[0]
    oldest, last = int(first[1]), int(first[2])
    records = {}
    for line in told[1:]:
        seq, digest = line.split()[:2]
        if seq == "GAP":
            return line
        records[int(seq)] = digest
    for seq, digest in must.items():
        if seq >= oldest and records.get(seq) != digest:
            return f"record {seq} was acknowledged and is {records.get(seq, 'not there')}"
    if sorted(records) != list(range(oldest, last + 1)):
        return "the records have holes"
    other = [seq for seq, digest in records.items() if seq <= last - more and ever.get(seq) != digest]
    return f"records {other} were never written" if other else None


def judge_all(told, must, ever):
    for lines, more in zip(told, (0, 0, 2)):
        problem = judge(lines, must, ever, more)
        if problem:
            return problem
    if told[0][1:] != told[1][1:]:
        return "the second opening shows something else"
    if told[2][1:-2] != told[0][1:]:
        return "what was appended changed what was there"
    return None


def replay(home, ledger, mark, seed, states, undo):
    """Tries so many states of the disk. Returns how many were wrong, and the number of writes and flushes."""
    entries = read_writes(home / "writes")
    start = next(number for number, entry in enumerate(entries) if entry[0] > mark)
    dice = random.Random(seed)
    cuts = sorted(dice.choices(range(start + 1, len(entries) + 1), k=states))
    ever = {seq: digest for seq, digest, _ in ledger}
    wrong = 0

    def one(number, cut, state):
        behind = entries[cut - 1][0]
        must = {seq: digest for seq, digest, size in ledger if size <= behind}
        problem = judge_all(look(home, number, state, undo), must, ever)
        return f"seed {seed}, cut at {cut}: {problem}" if problem else None
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        running, free = {}, list(range(WORKERS))
        for cut, state in images(entries, cuts, dice):
            while not free:
                done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    free.append(running.pop(future))
                    wrong += tell(future.result())
            number = free.pop()
            running[pool.submit(one, number, cut, state)] = number
        for future in running:
            wrong += tell(future.result())
    return wrong, len(entries) - start


def tell(problem):
    if problem:
        print(f"WRONG {problem}", flush=True)
    return bool(problem)


def one_disk(seed, states):
    """A disk, work on it, and states of it. Returns how many were wrong, its writes and flushes, its records."""
    undo = Undo()
    try:
        home = pathlib.Path(tempfile.mkdtemp(prefix="zchat-powercut-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
        undo.add(shutil.rmtree, home, True)
        set_up(home, undo)
        mark = os.stat(home / "writes").st_size
        ledger = work(home, seed)
        while len(undo.steps) > 1:  # all but the folder
            kept, undo.steps = undo.steps[:1], undo.steps[1:]
            undo.all()
            undo.steps = kept
        return *replay(home, ledger, mark, seed, states, undo), len(ledger)
    finally:
        undo.all()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--states", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=int(os.environ.get("ZCHAT_SEED") or random.randrange(1 << 30)))
    options = arguments.parse_args()
    without = own_mounts()
    print(f"ZCHAT_SEED={options.seed}", flush=True)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    done = wrong = writes = records = disks = 0
    begin = time.monotonic()
    try:
        if without:
            raise Skip(without)
        check_tools()
        while done < options.states:
            states = min(ONE_DISK, options.states - done)
            found, some, acknowledged = one_disk(options.seed + disks, states)
            done, wrong, writes, records, disks = done + states, wrong + found, writes + some, records + acknowledged, disks + 1
            print(f"{done} of {options.states} states, {wrong} wrong", flush=True)
    except Skip as reason:
        print(f"skipped: {reason}")
        return 77
    print(f"{done} states of {disks} disks with {writes} writes and flushes and {records} acknowledged records, "
          f"{time.monotonic() - begin:.0f} s, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
