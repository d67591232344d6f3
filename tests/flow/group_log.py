#!/usr/bin/python3
"""What clients see of a group's log when it is old, trimmed, damaged, torn or put back; the bytes by docs/storage.md."""

import contextlib
import os
import shutil
import struct
import subprocess
import time
import uuid

import lib_group
import lib_zwire
import xxhash
from lib_group import Group, refused, run, same
from lib_zwire import Batch, Client, Follower, Reader, Wrong, blake, read_record

HEADER = 88


@contextlib.contextmanager
def group(text="", members=1):
    """A running group and so many members; small segments."""
    with Group("cats", text=f"segment = 65536; max_message = 60000; {text}") as server, contextlib.ExitStack() as stack:
        yield (server, *[stack.enter_context(server.member(f"m{i}")) for i in range(members)])


def segments(server):
    return sorted(server.log_folder.glob("*.log"))


class Segment:
    """A segment's file, read by the document."""

    def __init__(self, path):
        self.path, self.bytes = path, path.read_bytes()
        (magic, version, zeros, state_size, log, self.first, self.time, self.chain, checksum) = struct.unpack_from(
            ">8sHHI16sQQ32sQ", self.bytes)
        same((magic, version, zeros), (b"zchatlog", 1, 0))
        same(checksum, xxhash.xxh3_64_intdigest(self.bytes[:80]), "the header's checksum")
        same(path.name, f"{self.first:020}.log")
        self.log, self.start = uuid.UUID(bytes=log), HEADER + state_size
        self.batches, self.offsets, at = [], [], self.start
        while any(self.bytes[at:at + 4]):
            self.batches.append(Batch(self.bytes[at:], self.log))
            self.offsets.append(at)
            at += self.batches[-1].size
        self.end = at
        same(any(self.bytes[at:]), False, "something behind the last batch")

    def state(self):
        """The STATE records."""
        records, at = [], HEADER
        while at < self.start:
            size, kind, flags, count = struct.unpack_from(">IBBH", self.bytes, at)
            checksum, first, base, lag = struct.unpack_from(">QQQI", self.bytes, at + 8)
            data = self.bytes[at:at + size]
            same((kind, flags, first, lag, data[36:68]), (2, 0, self.first, 0, bytes(32)))
            seed = xxhash.xxh3_64_intdigest(self.log.bytes + data[16:24] + data[:8])
            same(checksum, xxhash.xxh3_64_intdigest(data[16:], seed), "a STATE batch's checksum")
            reader = Reader(data[68:])
            origins = []
            records += [read_record(reader, None, base, origins) for _ in range(count)]
            same(reader.left(), 0)
            at += size
        same(at, self.start)
        return records


def varints(data):
    reader = Reader(data)
    return reader.varint()


def the_files_are_as_the_document_says():
    with group(members=2) as (server, ann, bob):
        ann.topic("cats")
        sends = {}
        for _ in range(12):
            random = int.from_bytes(os.urandom(4), "big")
            seq = ann.send("x" * 20000, random=random)["seq"]
            sends[ann.counter] = (random, seq)
        bob.leave()
        for _ in range(6):
            last = ann.send("y" * 30000)
        history = ann.history()
        server.stop()
        same((server.log_folder / "key").stat().st_size, 48)
        same((server.log_folder / "key").stat().st_mode & 0o777, 0o600)
        files = [Segment(path) for path in segments(server)]
        assert len(files) >= 4, len(files)
        chain, records = blake(ann.log.bytes), []
        for file in files:
            same((file.log, file.chain, file.first), (ann.log, chain, len(records) + 1))
            same(file.time, records[-1].time if records else 0, "time before")
            same(file.batches[0].digest, blake(file.bytes[:file.start]), "the digest of header and STATE")
            for batch in file.batches:
                same((batch.chain_before, batch.digest is None), (chain, batch is not file.batches[0]))
                assert batch.durable < batch.first
                chain = batch.chain
                records += batch.records
        same(records, history)
        same(last["seq"], records[-1].seq)
        state = files[-1].state()
        same({record.kind for record in state}, {"kind-64", "open", "topic", "join", "kind-65"})
        same([record.text for record in state if record.kind == "topic"], ["cats"])
        same([(record.author, record.nick) for record in state if record.kind == "join"], [(ann.who, "m0")])
        device = [record for record in state if record.kind == "kind-65"][0]
        same((device.author, device.device), (ann.who, ann.device))
        check_sends(device, sends)


def check_sends(device, sends):
    """Option `sends`: random bytes and sequence of each counter that is known, up to the last."""
    reader, known, seq = Reader(device.options[7]), [], 0
    while reader.left():
        random, step = reader.number(4), reader.varint()
        seq += step
        known.append((random, seq))
    for counter, one in enumerate(known, device.counter - len(known) + 1):
        if counter in sends:
            same(one, sends[counter], f"counter {counter}")
    same(len(known), device.counter)


def only_the_newest_segment_is_needed_to_start():
    """The others' contents are gone: the group starts, knows all, goes on, and tells of the gap."""
    with group(members=2) as (server, ann, bob):
        ann.topic("cats")
        for _ in range(10):
            ann.send("x" * 30000)
        repeated = ann.send("last", counter=ann.counter + 1, random=77)
        server.kill()
        files = [Segment(path) for path in segments(server)]
        assert len(files) >= 4
        for file in files[1:-1]:
            file.path.write_bytes(file.bytes[:HEADER] + b"rubbish" * 10000)
        server.start()
        with server.client(ann.who) as again:
            same(again.ping()["state"], 0)
            same({row["nick"] for row in again.members().values()}, {"m0", "m1"})
            same(again.who_page()["topic"], "cats")
            same(again.send("last", counter=ann.counter + 1, random=77, device=ann.device)["seq"], repeated["seq"])
            gap = again.page(after=files[0].batches[-1].last)
            same((gap.name, gap["from"], gap["to"], gap["why"]), ("GAP", files[1].first, files[2].first - 1, 4))
            follower = Follower(again, 1)
            follower.begin()
            seq = again.send("it goes on", device=ann.device, counter=ann.counter + 2, random=1)["seq"]
            while follower.cursor <= seq:
                follower.take()
            same(follower.gaps, [(file.first, behind.first - 1) for file, behind in zip(files[1:], files[2:])])
            same(follower.records[-1].text, "it goes on")


def until(call, what, seconds=20):
    """Asks until the answer is true."""
    end = time.monotonic() + seconds
    while not (answer := call()):
        assert time.monotonic() < end, f"not so in {seconds} s: {what}"
    return answer


def what_is_too_much_is_trimmed_and_told():
    with group("keep = { count = 100; };") as (server, ann):
        for _ in range(300):
            ann.send("x" * 1000)
        oldest = until(lambda: (lambda pong: pong["oldest"] > 150 and pong)(ann.ping()), "trimmed")
        same(oldest["why"], 3)
        last = ann.ping()["last"]
        assert last - oldest["oldest"] + 1 >= 100, "more was removed than is due"
        until(lambda: segments(server)[0].name == f"{ann.ping()['oldest']:020}.log", "the files are removed")
        start = ann.ping()["oldest"]
        gap = ann.page(after=0, limit=5)
        same((gap.name, gap["from"], gap["to"], gap["why"]), ("GAP", 1, start - 1, 3))
        page = ann.history(after=start - 1, limit=5)
        same([record.seq for record in page], list(range(start, start + 5)))
        trims = [record for record in ann.history() if record.kind == "trim"]
        same(varints(trims[-1].options[3]), start)
        same(varints(trims[-1].options[4]), 3)
        follower = Follower(ann, 1)
        follower.begin()
        while follower.cursor <= last:
            follower.take()
        same(follower.gaps, [(1, start - 1)])
        server.kill()
        server.start()
        with server.client(ann.who) as again:
            pong = again.ping()
            assert pong["oldest"] >= start and pong["state"] == 0, dict(pong)
            same(again.members()[ann.who]["nick"], "m0")


def missing_first_segment_is_damage():
    with group() as (server, ann):
        for _ in range(10):
            ann.send("x" * 30000)
        server.stop()
        segments(server)[0].rename(server.log_folder / "away")
        server.start()
        with server.client(ann.who) as again:
            same(again.ping()["state"], 1)
            refused("READ_ONLY", again.send, "x", counter=1, random=1)


def rot_makes_it_read_only_and_serves_the_rest():
    with group() as (server, ann):
        seqs = [ann.send(f"text {i}")["seq"] for i in range(20)]
        server.stop()
        file = Segment(segments(server)[-1])
        broken = file.batches[10]
        data = bytearray(file.bytes)
        data[file.offsets[10] + 80] ^= 4
        file.path.write_bytes(data)
        server.start()
        server.wait_for("READ ONLY")
        with server.client(ann.who) as again:
            pong = again.ping()
            same((pong["state"], pong["last"]), (1, seqs[-1]))
            refused("READ_ONLY", again.send, "x", counter=1, random=1, device=os.urandom(8))
            refused("READ_ONLY", again.leave)
            refused("READ_ONLY", again.topic, "x")
            same({row["nick"] for row in again.members().values()}, {"m0"})
            page = again.page(after=broken.first - 1)
            same((page.name, page["from"], page["to"], page["why"]), ("GAP", broken.first, broken.last, 4))
            follower = Follower(again, 1)
            follower.begin()
            while follower.cursor <= seqs[-1]:
                follower.take()
            same([record.seq for record in follower.records],
                 [seq for seq in range(1, seqs[-1] + 1) if not broken.first <= seq <= broken.last])
            same(file.path.read_bytes(), bytes(data), "nothing is changed")
        same(server.stop(), 0)


def torn_tail_is_cut_and_kept():
    with group() as (server, ann):
        for i in range(5):
            ann.send(f"text {i}")
        before = ann.history()
        server.kill()
        file = Segment(segments(server)[-1])
        torn = os.urandom(300)
        file.path.write_bytes(file.bytes[:file.end] + torn)
        server.start()
        server.wait_for("torn tail")
        kept = list(server.log_folder.glob("torn-*"))
        same([path.read_bytes() for path in kept], [torn])
        with server.client(ann.who) as again:
            same(again.history()[:len(before)], before)
            same(again.ping()["state"], 0)
            again.send("it goes on", device=ann.device, counter=6, random=1)


def second_process_is_refused():
    with group() as (server, ann):
        second = subprocess.run(server.command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
        same(second.returncode, 75)
        assert "in use" in second.stderr, second.stderr
        ann.send("hi")


def put_back(server, ann):
    """The group's folder as it was five records ago; returns the receipt for what is gone."""
    for i in range(5):
        ann.send(f"kept {i}")
    server.stop()
    shutil.copytree(server.log_folder, server.folder / "backup")
    server.start()
    with Client(server.endpoint, ann.who) as again:
        again.device, again.counter = ann.device, ann.counter
        for i in range(5):
            again.send(f"gone {i}")
        receipt, last = again.receipt, again.ping()["last"]
    server.stop()
    shutil.rmtree(server.log_folder)
    shutil.copytree(server.folder / "backup", server.log_folder)
    server.start()
    return receipt, last


def receipt_of_what_is_gone_puts_the_log_in_doubt():
    with group() as (server, ann):
        receipt, last = put_back(server, ann)
        with server.client(ann.who) as again:
            pong = again.ping()
            assert pong["state"] == 0 and pong["last"] < last
            again.ask("PING", follows=0, receipt=receipt)
            until(lambda: again.ping()["state"] == 2, "in doubt")
            refused("DOUBT", again.send, "x", counter=1, random=1, device=os.urandom(8))
            refused("DOUBT", again.leave)
            texts = [record.text for record in again.history() if record.kind == "message"]
            same(texts, [f"kept {i}" for i in range(5)], "it can be read")
            server.wait_for("IN DOUBT")
        for end in (server.kill, server.stop):
            end()
            server.start()
            with server.client(ann.who) as again:
                same(again.ping()["state"], 2, "after a restart")
                refused("DOUBT", again.send, "x", counter=1, random=1, device=os.urandom(8))


def receipts_that_prove_nothing_change_nothing():
    with group() as (server, ann):
        for i in range(5):
            ann.send(f"text {i}")
        right = ann.receipt
        forged = bytearray(right)
        forged[15] += 100  # far beyond, but not genuine
        for receipt in (right, bytes(forged), bytes(64), os.urandom(64), b"\xff" * 64):
            for _ in range(3):
                ann.ask("PING", follows=0, receipt=receipt)
        server.stop()
        server.start()
        with server.client(ann.who) as again:
            again.ask("PING", follows=0, receipt=right)  # of an earlier generation
            same(again.ping()["state"], 0)
            again.send("x", device=ann.device, counter=6, random=1)
            again.ask("PING", follows=0, receipt=ann.receipt)
            same(again.ping()["state"], 0)


def accepting_ends_the_doubt_and_tells_what_is_lost():
    if "accept" not in subprocess.run([str(lib_group.BUILD / "zchat-log"), "-h"], capture_output=True, text=True, check=False).stdout:
        print("  zchat-log has no accept")
        return
    with group() as (server, ann):
        receipt, last = put_back(server, ann)
        with server.client(ann.who) as again:
            again.ask("PING", follows=0, receipt=receipt)
            until(lambda: again.ping()["state"] == 2, "in doubt")
            head = again.ping()["last"]
        server.stop()
        subprocess.run([str(lib_group.BUILD / "zchat-log"), "accept", "--yes", str(server.log_folder)], check=True, timeout=20)
        server.start()
        with server.client(ann.who) as again:
            same(again.ping()["state"], 0)
            same([record.kind for record in again.history()][head:], ["open", "accept", "open"])
            again.ask("PING", follows=0, receipt=receipt)
            lost = again.push("LOST")
            same((lost["from"], lost["to"]), (head + 1, last))
            again.send("it goes on", device=os.urandom(8), counter=1, random=1)
            same(again.ping()["state"], 0)


CASES = [value for name, value in list(globals().items()) if callable(value) and getattr(value, "__module__", "") == "__main__"
         and name not in ("group", "segments", "Segment", "varints", "check_sends", "until", "put_back")]

if __name__ == "__main__":
    run(CASES)
