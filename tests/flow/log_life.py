#!/usr/bin/python3
"""What becomes of a group's log by itself: damage that is seen at the start or asked about by time, history that goes by age and
size, members that are forgotten, and a follower that lives through a loss."""

import json
import shutil
import time

from group_log import Segment, segments, until
from lib_group import Registry, refused, run, same
from lib_user import User
from log_tool import damage, filled, group, read_all, tool

SECOND = 1000000


def spoil(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)


def is_read_only(server, ann, lost=()):
    """The group serves all that is there, says what it is, and writes nothing."""
    server.start()
    server.wait_for("READ ONLY")
    with server.client(ann.who) as again:
        same(again.ping()["state"], 1)
        refused("READ_ONLY", again.send, "x", device=ann.device, counter=ann.counter + 1, random=1)
        same({row["nick"] for row in again.members().values()}, {"ann"})
    records, gaps = read_all(server, ann.who)
    missing = {seq for first, last in lost for seq in range(first, last + 1)}
    same([record.seq for record in records], [seq for seq in range(1, records[-1].seq + 1) if seq not in missing])
    same(gaps, list(lost))
    server.stop()


def repaired(server, ann):
    tool("repair", "--yes", server.log_folder, code=0)
    server.start()
    server.wait_for("serving")
    with server.client(ann.who) as again:
        again.send("it goes on", device=ann.device, counter=ann.counter + 1, random=1)


# ---- Damage

def header_of_an_older_segment_is_seen_at_the_start():
    with group() as server:
        ann = filled(server)
        file = Segment(segments(server)[1])
        spoil(file.path, 33)
        is_read_only(server, ann)
        assert any(f"the first is segment {file.first}" in line for line in server.lines), server.lines
        repaired(server, ann)


def only_segment_is_served_without_its_header_and_state():
    for places in ((20,), (100,), (20, 100)):
        with group() as server:
            ann = filled(server, 10, 100)
            file = Segment(segments(server)[0])
            for at in places:
                spoil(file.path, at)
            is_read_only(server, ann)
            repaired(server, ann)


def time_that_falls_into_damage_is_told():
    with group() as server:
        ann = filled(server, 60)
        file = Segment(segments(server)[0])
        lost = file.batches[6]
        damage(file, 6)
        server.start()
        server.wait_for("serving")
        with server.client(ann.who) as again:
            gap = again.page(after=("time", lost.records[0].time))
            same((gap.name, gap["from"], gap["to"]), ("GAP", lost.first, lost.last))
            page = again.page(before=("time", lost.records[0].time), limit=3)
            same((page.name, page["last"]), ("RECORDS", lost.last))  # may be before it
            page = again.page(after=("time", file.batches[5].records[-1].time))
            same((page.name, page["first"]), ("RECORDS", lost.first - 1))
            gap = again.page(after=lost.first - 1, before=page["last"] + 1)
            same((gap.name, gap["from"], gap["to"]), ("GAP", lost.first, lost.last))


# ---- What goes by itself

def ticking(server, client, what, call, seconds=30):
    """Sends now and then, until it is so."""
    def step():
        client.send("x" * 3000)
        time.sleep(0.01)
        return call()
    return until(step, what, seconds)


def history_goes_by_age():
    with group("keep = { age = 2; };") as server, server.member("ann") as ann:
        ann.send("first")
        begun = time.time()
        pong = ticking(server, ann, "trimmed", lambda: (lambda pong: pong["oldest"] > 2 and pong)(ann.ping()))
        same(pong["why"], 1)
        assert time.time() - begun > 2, "not before it is due"
        until(lambda: segments(server)[0].name != f"{1:020}.log", "removed")
        oldest = ann.history()[0]
        assert oldest.time < ann.ping()["time"] - 1 * SECOND, "what is younger stays"
        server.stop()
        tool("verify", server.log_folder, code=0)
        _, out, _ = tool("verify", server.log_folder, code=0)
        assert "(age)" in out, out


def history_goes_by_size():
    with group("keep = { size = 200000; };") as server, server.member("ann") as ann:
        pong = ticking(server, ann, "trimmed", lambda: (lambda pong: pong["oldest"] > 2 and pong)(ann.ping()))
        same(pong["why"], 2)
        until(lambda: segments(server)[0].name != f"{1:020}.log", "removed")
        assert sum(path.stat().st_size for path in segments(server)) > 100000, "what is kept is there"


def silence_is_forgotten_and_presence_is_not():
    with group("forget = 1;") as server, server.member("ann") as ann:
        with server.original() as bob:
            bob.ask("JOIN REQUEST FROM 00000000-0000-4000-8000-000000000b0b")
            begun = time.time()
            same(len(ann.members()), 2)
        until(lambda: time.sleep(0.2) or len(ann.members()) == 1, "bob is forgotten")
        assert time.time() - begun > 1, "not before it is due"
        leave = ann.history()[-1]
        same((leave.kind, str(leave.author)), ("leave", "00000000-0000-4000-8000-000000000b0b"))
        until(lambda: time.sleep(0.2) or ann.ping() and time.time() - begun > 4, "three times as long")
        same(list(ann.members()), [ann.who])


# ---- A follower

def follower_tells_a_loss_once_and_goes_on():
    with Registry() as registry, group(registries=[registry]) as server:
        ann, bob = User(registry, name="ann"), User(registry, name="bob")
        for user in (ann, bob):
            user.fine("join", "cats")
        ann.fine("send", "cats", "--lines", stdin="".join(f"kept {i}\n" for i in range(5)))
        server.stop()
        shutil.copytree(server.log_folder, server.folder / "backup")
        server.start()
        follow = ann.start("follow", "cats", "--after", "#0", "--json")
        def texts(last):
            got = []
            while last not in got:
                record = json.loads(follow.line())
                got += [record["text"]] if record["kind"] == "message" else []
            return got
        texts("kept 4")
        bob.fine("send", "cats", "--lines", stdin="".join(f"gone {i}\n" for i in range(4)))
        same(texts("gone 3"), [f"gone {i}" for i in range(4)])
        server.stop()
        shutil.rmtree(server.log_folder)
        shutil.copytree(server.folder / "backup", server.log_folder)
        server.start()
        follow.wait_for_err("is lost")
        until(lambda: ann.call("send", "cats", "x").code == 75, "in doubt")
        server.stop()
        tool("accept", "--yes", server.log_folder, code=0)
        server.start()
        until(lambda: bob.call("messages", "cats").code in (0, 1), "back")
        bob.fine("send", "cats", "--lines", stdin="new 0\nnew 1\n")
        same(texts("new 1"), ["new 0", "new 1"], "each once, and nothing before")
        code, said = follow.end()
        same((code, said.count("is lost")), (0, 1), said)


HELPERS = ("spoil", "is_read_only", "repaired", "ticking")
CASES = [value for name, value in list(globals().items()) if callable(value) and getattr(value, "__module__", "") == "__main__"
         and name not in HELPERS]

if __name__ == "__main__":
    run(CASES)
