#!/usr/bin/python3
"""Everything a client can do with a group over the native wire, by docs/protocol.md."""

import contextlib
import os
import pathlib
import random
import re
import struct
import time
import uuid

import lib_zwire
from lib_group import ROOT, Group, Registry, refused, run, same, seed
from lib_zwire import Client, Follower, Message, Original, Wrong, blake, encode, groups, read_batches


@contextlib.contextmanager
def group(text="", members=0):
    """A running group and so many members."""
    with Group("cats", text=text) as server, contextlib.ExitStack() as stack:
        yield (server, *[stack.enter_context(server.member(f"m{i}")) for i in range(members)])


def now():
    return int(time.time() * 1000000)


# ---- The document itself

def document_and_this_client_agree():
    text = pathlib.Path(ROOT, "docs/protocol.md").read_text(encoding="utf-8")
    fields = {name: (int(number), kind) for number, name, kind in
              re.findall(r"^\| (\d+) \| ([a-z-]+) \| ([A-Z]+\d*) \|", text, re.M)}
    same(lib_zwire.FIELDS, fields, "the fields")
    errors = {int(number): name for number, name in re.findall(r"^\| (\d+) \| ([A-Z_]+) \|", text, re.M)}
    same(lib_zwire.ERRORS, errors, "the errors")
    for heading, body in re.findall(r"^### (row of [A-Z]+|[A-Z]+)\n(.*?)(?=^##|\Z)", text, re.M | re.S):
        names = " ".join(re.findall(r"^\| \d+ ([a-z-]+) \|", body, re.M))
        kind = re.search(r"^Kind (0x..),", body, re.M)
        if kind:
            same(lib_zwire.MESSAGES[heading], (int(kind[1], 16), names), heading)
        else:
            same(lib_zwire.ROWS[heading.split()[-1]], names, heading)


def examples_of_the_document_can_be_read():
    text = pathlib.Path(ROOT, "docs/protocol.md").read_text(encoding="utf-8")
    data = {}
    for name, block in re.findall(r"<!-- example (\w+) -->\n```\n(.*?)```", text, re.S):
        data[name] = bytes.fromhex("".join(re.split(r"\s{3,}", line)[0] for line in block.split("\n")))
    ann, log = uuid.UUID(bytes=bytes(range(0xa0, 0xb0))), uuid.UUID(bytes=bytes(range(16)))
    same(Message(data["send"]), {"device": bytes(range(0xd0, 0xd8)), "counter": 1, "random": 0xdeadbeef,
                                 "text": "hi \U0001f431"})
    same(encode("SEND", 7, ann, **Message(data["send"])), data["send"])
    batch = read_batches(data["batch"], log)[0]
    same([record.kind for record in batch.records], ["open", "join", "message"])
    same(batch.chain_before, blake(log.bytes))
    ack = Message(data["ack"])
    same(ack["rows"], [{"tag": 7, "seq": 3, "time": batch.records[2].time}])
    check_receipt(ack["receipt"], bytes(range(32)), log, {3: batch.chain})
    page = Message(data["page"])
    same((page["after-kind"], page["after"], page["limit"], page["credit"]), (1, 2, 10, 262144))
    same(encode("PAGE", 8, ann, **page), data["page"])
    same(Message(data["error"])["rows"][0]["number"], 4)


def check_receipt(receipt, secret, log, chains):
    """Genuine, and of the chain that this log has there."""
    generation, seq, chain, mac = struct.unpack(">QQ32s16s", receipt)
    over = b"receipt" + log.bytes + struct.pack(">QQ", generation, seq) + chain
    same(mac, blake(over, 16, secret), f"the receipt's mac at {seq}")
    same(chain, chains[seq], f"the receipt's chain at {seq}")


# ---- Being a member

def ping_tells_who_is_there():
    with group("max_message = 1000;") as (server,), server.client() as ann:
        pong = ann.ping()
        same((pong["name"], pong["generation"], pong["state"], pong["oldest"], pong["why"], pong["last"],
              pong["max-message"]), ("cats", 1, 0, 1, 0, 1, 1000))
        same(pong["log"].bytes, (server.log_folder / "key").read_bytes()[:16])
        assert abs(pong["time"] - now()) < 10e6


def joining_leaving_and_joining_again():
    with group() as (server,), server.client() as ann:
        refused("NOT_MEMBER", ann.send, "hi")
        ann.counter = 0
        joined = ann.join("ann")
        same((joined["seq"], joined["nick"]), (2, "ann"))
        assert abs(joined["time"] - now()) < 10e6
        again = ann.join("other")
        same((again["seq"], again["nick"]), (0, "ann"), "JOIN of a member")
        same(ann.leave()["seq"], 3)
        refused("NOT_MEMBER", ann.leave)
        refused("NOT_MEMBER", ann.who_page)
        same(ann.join("ann")["seq"], 4)
        same([record.kind for record in ann.history()], ["open", "join", "leave", "join"])


def taken_nicks_get_a_number():
    with group() as (server,), contextlib.ExitStack() as stack:
        given = []
        for nick in ("Ann", "ann", "ANN", "ann-2", "", "", "x" * 32, "X" * 32):
            client = stack.enter_context(server.client())
            given.append(client.join(nick).get("nick"))
        same(given, ["Ann", "ann-2", "ANN-3", "ann-2-2", None, None, "x" * 32, "X" * 30 + "-2"])


def nicks_can_be_changed_but_not_taken():
    with group("", 2) as (server, ann, bob):
        seq = ann.nick("cat")["seq"]
        assert seq > 0
        same(ann.nick("cat")["seq"], 0, "the same nick")
        refused("NICK_TAKEN", bob.nick, "CAT")
        for bad in ("", "two words", "x" * 33, "tab\t", "zero\u200bwidth", "line\n"):
            refused("BAD_NICK", bob.nick, bad)
        assert ann.nick("Cat")["seq"] > 0, "one's own nick in another case"
        same(ann.members()[ann.who]["nick"], "Cat")
        nick = [record for record in ann.history() if record.kind == "nick"][0]
        same((nick.seq, nick.author, nick.nick, nick.text), (seq, ann.who, "cat", None))
        refused("BAD_NICK", server.client().join, "two words")


def topics():
    with group("max_message = 100;", 1) as (server, ann):
        same(ann.who_page()["topic"], "")
        same(ann.topic("")["seq"], 0, "no topic again")
        seq = ann.topic("größer\nund schöner")["seq"]
        same(ann.topic("größer\nund schöner")["seq"], 0, "the same topic")
        same(ann.who_page(limit=1)["topic"], "größer\nund schöner")
        refused("TOO_LONG", ann.topic, "x" * 101)
        refused("BAD_TEXT", ann.topic, "\x1b[2J")
        assert ann.topic("")["seq"] > seq
        same(ann.who_page()["topic"], "")
        same([record.text for record in ann.history() if record.kind == "topic"], ["größer\nund schöner", None])


def who_is_paged_by_uuid():
    with group() as (server,), contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.member(f"m{i}")) for i in range(25)]
        rows, after = [], lib_zwire.NULL
        while True:
            page = clients[0].who_page(after, 10)
            same(page["members"], 25)
            rows += page["rows"]
            if not page["more"]:
                break
            same(len(page["rows"]), 10)
            after = page["rows"][-1]["member"]
        same([row["member"] for row in rows], sorted(client.who for client in clients))
        same({row["nick"] for row in rows}, {f"m{i}" for i in range(25)})


def presence_is_of_those_who_spoke():
    with group("", 1) as (server, ann):
        bob = uuid.uuid4()
        with server.original() as old:
            same(old.ask(f"JOIN REQUEST FROM {bob}"), "SUCCESS")
        ann.ping()
        page = ann.who_page()
        same((page["members"], page["online"]), (2, 1))
        present = {row["member"]: row["present"] for row in page["rows"]}
        same(present, {ann.who: 1, bob: 0})
        ann.ask("PING", bob, follows=0)  # the same connection speaks for bob too
        same(ann.who_page()["online"], 2)
        ann.ask("LEAVE", bob)
        page = ann.who_page()
        same((page["members"], page["online"]), (1, 1))


# ---- Sending

def what_is_sent_is_in_the_log():
    with group("", 1) as (server, ann):
        texts = ["hi", "größer", "two\nlines\tand a tab", "\U0001f431" * 100, "JOIN REQUEST FROM x", " "]
        acks = [ann.send(text) for text in texts]
        records = [record for record in ann.history() if record.kind == "message"]
        same([record.text for record in records], texts)
        same([(record.seq, record.time) for record in records], [(ack["seq"], ack["time"]) for ack in acks])
        same([record.counter for record in records], [1, 2, 3, 4, 5, 6])
        same({(record.author, record.device, record.nick, record.verified) for record in records},
             {(ann.who, ann.device, "m0", False)})


def bad_texts_are_refused_and_not_stored():
    with group("max_message = 1000;", 1) as (server, ann):
        for text in ("", "\x00", "a\rb", "\x1b[2J", "\x7f", "\x85", b"\xff", b"\xc3", b"\xed\xa0\x80", b"ab\xc0\x80"):
            refused("BAD_TEXT", ann.send, text, counter=1)
        row = refused("TOO_LONG", ann.send, "x" * 1001, counter=1)
        assert "1000" in row["text"], row["text"]
        assert ann.send("x" * 1000, counter=1)["seq"] == 3
        same(len(ann.history()), 3)


def longest_text_that_can_be_configured():
    with group("max_message = 60000;", 1) as (server, ann):
        text = "".join(random.Random(1).choices("abcdefgh", k=60000))
        seq = ann.send(text)["seq"]
        same([record.text for record in ann.history(after=seq - 1)], [text])
        refused("TOO_LONG", ann.send, "x" * 60001)


def repeated_send_is_stored_once():
    with group("", 1) as (server, ann):
        first = ann.send("once", counter=1, random=7)
        again = ann.send("once", counter=1, random=7)
        same((again["seq"], again["time"]), (first["seq"], 0))
        with Client(server.endpoint, ann.who) as other:  # another connection, the same device
            same(other.send("once", counter=1, random=7, device=ann.device)["seq"], first["seq"])
        tags = [ann.say_send("twice", counter=2, random=9) for _ in range(50)]
        same({ann.wait(tag)[1]["seq"] for tag in tags}, {first["seq"] + 1}, "repeats in one turn")
        same([record.text for record in ann.history() if record.kind == "message"], ["once", "twice"])


def several_sends_come_in_one_frame():
    with group("", 2) as (server, ann, bob):
        texts = [f"ann {number}" for number in range(1000)]
        *tags, own = ann.say_sends(texts)
        for number in range(20):
            bob.send(f"bob {number}")
        seqs = [ann.wait(tag)[1]["seq"] for tag in tags]
        same(seqs, sorted(set(seqs)))
        assert own not in ann.answers
        history = [record for record in ann.history() if record.kind == "message"]
        same([record.text for record in history if record.author == ann.who], texts)
        same({record.device for record in history if record.author == ann.who}, {ann.device})
        same([record.seq for record in history if record.author == ann.who], seqs)
        *tags, own = ann.say_sends(["good", "bell \a", "x" * 20000, "out of order"])
        ann.wait(tags[0])
        for tag, error in zip(tags[1:], ["BAD_TEXT", "TOO_LONG", "OUT_OF_ORDER"]):
            refused(error, ann.wait, tag)


def counters_must_come_in_order():
    with group("", 1) as (server, ann):
        refused("UNKNOWN_DEVICE", ann.send, "second", counter=2, random=2)
        ann.send("first", counter=1, random=1)
        refused("OUT_OF_ORDER", ann.send, "third", counter=3, random=3)
        refused("REUSED", ann.send, "other", counter=1, random=2)
        ann.send("second", counter=2, random=2)
        ann.send("third", counter=3, random=3)
        other = os.urandom(8)
        refused("UNKNOWN_DEVICE", ann.send, "x", counter=4, random=4, device=other)
        ann.send("of the other device", counter=1, random=1, device=other)
        same([record.text for record in ann.history() if record.kind == "message"],
             ["first", "second", "third", "of the other device"])


def counter_zero_has_no_protection():
    with group("", 1) as (server, ann):
        seqs = {ann.send("again", counter=0, random=5)["seq"] for _ in range(3)}
        same(len(seqs), 3)


def last_1024_counters_are_known():
    with group("", 1) as (server, ann):
        seqs = {}
        for begin in range(1, 1501, 500):
            tags = {i: ann.say_send(f"text {i}", counter=i, random=i) for i in range(begin, begin + 500)}
            seqs |= {i: ann.wait(tag)[1]["seq"] for i, tag in tags.items()}
        same(sorted(seqs.values()), list(range(3, 1503)))
        for counter in (477, 478, 1000, 1500):
            same(ann.send("again", counter=counter, random=counter)["seq"], seqs[counter], f"counter {counter}")
        refused("REUSED", ann.send, "again", counter=476, random=476)
        refused("REUSED", ann.send, "again", counter=1, random=1)
        server.stop()
        server.start()
        for counter in (477, 1500):
            same(ann.send("again", counter=counter, random=counter)["seq"], seqs[counter], "after a restart")
        refused("REUSED", ann.send, "again", counter=476, random=476)


def device_unused_longest_gives_way():
    with group("", 1) as (server, ann):
        devices = [os.urandom(8) for _ in range(33)]
        for device in devices[:32]:
            ann.send("x", counter=1, random=1, device=device)
        ann.send("y", counter=2, random=2, device=devices[0])  # used again: the second is the oldest now
        ann.send("x", counter=1, random=1, device=devices[32])
        ann.send("y", counter=2, random=2, device=devices[0])
        refused("UNKNOWN_DEVICE", ann.send, "y", counter=2, random=2, device=devices[1])
        ann.send("y", counter=2, random=2, device=devices[2])


def devices_are_forgotten_when_a_member_leaves():
    with group("", 1) as (server, ann):
        ann.send("x", counter=1, random=1)
        ann.leave()
        refused("NOT_MEMBER", ann.send, "x", counter=1, random=1)
        ann.join("ann")
        refused("UNKNOWN_DEVICE", ann.send, "y", counter=2, random=2)
        ann.send("z", counter=1, random=9)


def one_connection_speaks_for_many():
    with group() as (server,), server.client() as gateway:
        people = [uuid.uuid4() for _ in range(50)]
        tags = [gateway.say("JOIN", who, nick=f"p{i}") for i, who in enumerate(people)]
        for tag in tags:
            gateway.wait(tag)
        tags = [gateway.say("SEND", who, device=bytes(8), counter=1, random=1, text=f"I am {who}") for who in people]
        for tag in tags:
            gateway.wait(tag)
        gateway.who = people[0]
        told = {record.author: record.text for record in gateway.history() if record.kind == "message"}
        same(told, {who: f"I am {who}" for who in people})
        same(gateway.who_page()["online"], 50)


def too_much_at_once_is_busy_and_nothing_is_lost():
    with group("max_pending = 1048576; max_message = 60000;", 1) as (server, ann):
        texts = {counter: f"{counter} " + "x" * 59000 for counter in range(1, 101)}
        waiting, seqs, busy = dict.fromkeys(texts), {}, 0
        while waiting:
            tags = {ann.say_send(texts[counter], counter=counter, random=counter): counter for counter in sorted(waiting)}
            for tag, counter in tags.items():
                try:
                    seqs[counter] = ann.wait(tag)[1]["seq"]
                    del waiting[counter]
                except lib_zwire.Refused as refusal:
                    assert refusal.name in ("BUSY", "OUT_OF_ORDER"), refusal
                    assert refusal.name != "BUSY" or 0 < refusal.row["wait"] < 10000, refusal.row
                    busy += refusal.name == "BUSY"
        assert busy > 0, "6 MB at once were not too much for 1 MiB"
        same({record.counter: (record.seq, record.text) for record in ann.history() if record.kind == "message"},
             {counter: (seqs[counter], texts[counter]) for counter in texts})


def limits_are_told():
    with group("max_members = 3;", 3) as (server, ann, *_):
        with server.client() as late:
            refused("LIMIT", late.join, "late")
            ann.leave()
            late.join("late")
    with group("max_sessions = 10;", 1) as (server, ann), contextlib.ExitStack() as stack:
        for _ in range(20):  # strangers take no room
            stack.enter_context(server.client()).ping()
        for _ in range(9):
            stack.enter_context(server.member())
        late = stack.enter_context(server.client())
        late.join("late")
        refused("LIMIT", late.ping)
        same(ann.ping().name, "PONG", "who is there already is served")


# ---- History

def pages_by_sequence():
    with group("", 1) as (server, ann):
        for i in range(3, 41):
            same(ann.send(f"text {i}")["seq"], i)

        def seqs(**bounds):
            return [record.seq for record in ann.history(**bounds)]
        same(seqs(), list(range(1, 41)))
        same(seqs(after=10), list(range(11, 41)))
        same(seqs(before=10), list(range(1, 10)))
        same(seqs(after=5, before=9), [6, 7, 8])
        same(seqs(limit=3), [38, 39, 40], "the last")
        same(seqs(after=5, limit=3), [6, 7, 8], "the first")
        same(seqs(before=20, limit=3), [17, 18, 19])
        same(seqs(after=10, before=30, limit=2), [11, 12])
        same(seqs(after=0), list(range(1, 41)))
        same(seqs(after=40), [])
        same(seqs(before=1), [])
        same(seqs(before=0), [])
        same(seqs(after=20, before=21), [])
        same(seqs(after=30, before=10), [])
        same(seqs(before=2**64 - 1, limit=1), [40])
        lost = ann.page(after=41)
        same((lost.name, lost["from"], lost["to"]), ("LOST", 41, 41))
        same(ann.page(after=2**64 - 1).name, "LOST")
        refused("BAD_REQUEST", ann.ask, "PAGE", after_kind=3)
        refused("BAD_REQUEST", ann.ask, "PAGE", before_kind=255)


def pages_by_time():
    with group("", 1) as (server, ann):
        times = {}
        for i in range(3, 30):
            ack = ann.send(f"text {i}")
            times[ack["seq"]] = ack["time"]

        def seqs(**bounds):
            return [record.seq for record in ann.history(**bounds)]
        middle = times[15]
        same(seqs(after=("time", middle)), [seq for seq in times if times[seq] >= middle], "at or after")
        same(seqs(before=("time", middle), after=2), [seq for seq in times if times[seq] < middle], "before")
        same(seqs(after=("time", middle + 1)), [seq for seq in times if times[seq] > middle])
        same(seqs(after=("time", 0)), list(range(1, 30)))
        same(seqs(after=("time", times[29] + 1)), [])
        same(seqs(after=("time", 2**64 - 1)), [])
        same(seqs(before=("time", 2**64 - 1), limit=2), [28, 29])
        same(seqs(before=("time", 0)), [])
        same(seqs(after=("time", middle), limit=2), [seq for seq in times if times[seq] >= middle][:2])
        same(seqs(after=("time", times[10]), before=25, limit=0)[-1], 24)


def long_history_over_segments():
    text = "max_message = 60000; segment = 65536; max_reply = 4096;"
    dice = random.Random(seed())
    with group(text, 1) as (server, ann):
        wanted = {}
        for batch in range(15):
            tags = {}
            for _ in range(20):
                words = "x" * dice.choice((1, 100, 1000, 6000))
                tags[ann.say_send(words)] = words
            for tag, words in tags.items():
                wanted[ann.wait(tag)[1]["seq"]] = words
        assert len(list(server.log_folder.glob("*.log"))) > 3, "there is only one segment"
        last = max(wanted)
        same({record.seq: record.text for record in ann.history() if record.kind == "message"}, wanted)
        for _ in range(40):
            after, limit = dice.randrange(last), dice.randrange(1, 30)
            same([record.seq for record in ann.history(after=after, limit=limit)],
                 list(range(after + 1, min(after + limit, last) + 1)), f"after {after}, limit {limit}")
        server.stop()
        server.start()  # nothing of older segments is in memory now
        for _ in range(20):
            before, limit = dice.randrange(2, last), dice.randrange(1, 30)
            same([record.seq for record in ann.history(before=before, limit=limit)],
                 list(range(max(1, before - limit), before)), f"before {before}, limit {limit}")
        some = sorted(dice.sample(sorted(wanted), 10))
        for seq in some:
            record = ann.history(after=seq - 1, limit=1)[0]
            first = ann.history(after=("time", record.time), limit=1)[0]
            assert first.time == record.time and first.seq <= seq, f"time of {seq}"
        follower = Follower(ann, 1)
        follower.begin()
        same({record.seq: record.text for record in follower.until(last) if record.kind == "message"}, wanted)


def one_page_at_a_time():
    with group("", 2) as (server, ann, bob):
        ann.send("x" * 2000)
        ann.follow(1, credit=1)
        ann.push("RECORDS")  # the credit is used up
        waits = ann.say("PAGE", limit=1)
        refused("BUSY", ann.page, limit=1)
        ann.say("CREDIT", credit=100000)
        same(ann.wait(waits)[0].name, "RECORDS")
        same(ann.page(limit=1).name, "RECORDS")


def page_takes_credit():
    with group("", 1) as (server, ann):
        for _ in range(40):
            ann.send("x" * 16000)
        pages = 0
        page = ann.page(after=0)
        while True:  # a connection has 262144 bytes before its first CREDIT
            pages += 1
            records = read_batches(page["batches"], ann.log)
            if records[-1].last == page["last"] or ann.taken >= 262144:
                break
            page = ann.page(after=records[-1].last, before=page["last"] + 1)
        assert 262144 <= ann.taken < 262144 + 65536 + 200, ann.taken
        tag = ann.say("PAGE", after_kind=1, after=records[-1].last)
        same(ann.ping().name, "PONG")
        assert tag not in ann.answers, "a page beyond the credit"
        ann.say("CREDIT", credit=ann.taken + 100000)
        same(ann.wait(tag)[0].name, "RECORDS")
        same(ann.page(after=39, credit=ann.taken + 100000).name, "RECORDS")


# ---- Following

def follower_gets_what_is_new():
    with group("", 2) as (server, ann, bob):
        follower = Follower(bob, 4)
        answer = bob.follow(0)
        same((answer.name, answer["from"], answer["last"], answer["oldest"]), ("FOLLOWING", 4, 3, 1))
        acks = [ann.send(f"text {i}")["seq"] for i in range(100)]
        records = follower.until(acks[-1])
        same([record.text for record in records], [f"text {i}" for i in range(100)])
        same([record.seq for record in records], acks)


def follower_gets_history_then_what_is_new():
    with group("", 2) as (server, ann, bob):
        tags = [ann.say_send(f"text {i}") for i in range(500)]
        for tag in tags:
            ann.wait(tag)
        follower = Follower(bob, 1)
        follower.begin()
        tags = [ann.say_send(f"later {i}") for i in range(500)]
        last = max(ann.wait(tag)[1]["seq"] for tag in tags)
        records = follower.until(last)
        same([record.seq for record in records], list(range(1, last + 1)))
        same([record.text for record in records if record.kind == "message"],
             [f"text {i}" for i in range(500)] + [f"later {i}" for i in range(500)])


def every_receipt_is_right():
    """Of acknowledgements, pushes and pages; of one who left in the middle, and of pages that are cut."""
    dice = random.Random(seed())
    with group("", 3) as (server, ann, bob, eve):
        chains, receipts = {}, []
        follower = Follower(bob, 1)
        follower.begin()
        for turn in range(30):
            tags = [ann.say_send("x" * dice.randrange(1, 3000)) for _ in range(dice.randrange(1, 40))]
            if turn == 20:
                leavers = Follower(eve, dice.randrange(1, 100))
                leavers.begin()
                eve.say("LEAVE")
            tags += [ann.say_send("x" * dice.randrange(1, 3000)) for _ in range(dice.randrange(1, 40))]
            for tag in tags:
                ack, row = ann.wait(tag)
                receipts.append(ack["receipt"])
            first = dice.randrange(row["seq"])
            page = ann.page(after=first, before=first + dice.randrange(2, 50), credit=ann.taken + 4000000)
            receipts.append(page["receipt"])
        while (message := leavers.take()).name != "END":
            receipts.append(message["receipt"])
        same(leavers.records[-1].kind, "leave")
        last = ann.ping()["last"]
        while follower.cursor <= last:
            message = follower.take()
            receipts.append(message["receipt"])
            chains |= {batch.last: batch.chain for batch in read_batches(message["batches"], ann.log)}
        for receipt in receipts:
            check_receipt(receipt, server.secret(), ann.log, chains)


def credit_bounds_what_is_on_its_way():
    with group("", 2) as (server, ann, bob):
        bob.follow(0, credit=50000)
        for _ in range(20):
            ann.send("x" * 10000)
        bob.ping()
        bob.ping()
        same(len(bob.pushed), 5, "frames of 10 KB with a credit of 50000")
        bob.say("CREDIT", credit=40000)  # late: changes nothing
        bob.ping(), bob.ping()
        same(len(bob.pushed), 5)
        bob.say("CREDIT", credit=bob.taken + 1)  # one byte: one frame
        bob.say("CREDIT", credit=bob.taken + 1)  # repeated
        while len(bob.pushed) < 6:
            bob.pump(5)
        bob.ping(), bob.ping()
        got = sum(len(read_batches(message["batches"], bob.log)) for message in bob.pushed)
        assert 6 <= got <= 20, got
        follower = Follower(bob, 4)
        bob.granted = 0
        bob.grant()
        same(len(follower.until(23)), 20)


def who_lags_is_served_as_soon_as_it_grants():
    """By the clock of the same group's pages: a follower that waited for a timer after each grant took ten times as long."""
    count, size, window = 400, 4000, 10000
    with group("max_reply = 4096;", 2) as (_, ann, bob):
        for _ in range(count):
            ann.send("x" * size)
        begin = time.monotonic()
        pages = len(bob.history(after=3))
        paged = time.monotonic() - begin
        begin = time.monotonic()
        bob.follow(4, credit=window)
        while not bob.pushed or bob.pushed[-1]["last"] < 3 + count:
            bob.pump(5)
            bob.grant(window)
        followed = time.monotonic() - begin
        same(pages, count)
        print(f"  {count} pages in {paged:.2f} s, as many pushed in {followed:.2f} s")
        assert followed < 3 * paged + 0.5, (paged, followed)


def late_grant_takes_nothing_back():
    with group("", 2) as (server, ann, bob):
        bob.follow(0, credit=1000000)
        bob.say("CREDIT", credit=1)
        bob.ping()
        follower = Follower(bob, 4)
        for _ in range(20):
            ann.send("x" * 10000)
        same(len(follower.until(23)), 20)


def grant_is_cut_to_four_mib():
    with group("max_message = 60000;", 2) as (server, ann, bob):
        tags = [ann.say_send("x" * 60000) for _ in range(120)]
        for tag in tags:
            ann.wait(tag)
        bob.follow(1, credit=2**63)
        while bob.pump(0.5):
            pass
        assert 4194304 <= bob.taken < 4194304 + 1100000, bob.taken


def new_follow_replaces_the_one_before():
    with group("", 2) as (server, ann, bob):
        bob.follow(0, credit=1)
        seq = ann.send("one")["seq"]
        ann.send("two")
        answer = bob.follow(seq)
        same(answer["from"], seq)
        frames = [bob.push("RECORDS")]
        while frames[-1]["last"] < seq + 1:
            frames.append(bob.push("RECORDS"))
        bob.ping()
        same(len(bob.pushed), 0)


def follow_beyond_the_end_is_lost():
    with group("", 1) as (server, ann):
        lost = ann.follow(4)
        same((lost.name, lost["from"], lost["to"]), ("LOST", 3, 3))
        same(ann.follow(2**64 - 1)["to"], 2**64 - 2)
        refused("NO_SESSION", ann.ping, 1)
        same(ann.follow(3).name, "FOLLOWING")


def leave_is_the_last_record_of_a_follower():
    with group("", 3) as (server, ann, bob, eve):
        eve_too = Client(server.endpoint, eve.who)  # another connection of hers
        followers = [Follower(bob, 1), Follower(eve, 1), Follower(eve_too, 1)]
        for follower in followers:
            follower.begin()
        leave = eve.say("LEAVE")
        tags = [ann.say_send(f"behind {i}") for i in range(50)]
        seq = eve.wait(leave)[1]["seq"]
        last = max(ann.wait(tag)[1]["seq"] for tag in tags)
        followers[0].until(last)
        for follower in followers[1:]:
            while (message := follower.take()).name != "END":
                pass
            same((message["why"], follower.records[-1].kind, follower.records[-1].seq), (4, "leave", seq))
        for client in (eve, eve_too):
            refused("NO_SESSION", client.ping, 1)
            same(len(client.pushed), 0)
        eve_too.close()


def ping_says_when_nothing_is_followed():
    with group("", 1) as (server, ann):
        refused("NO_SESSION", ann.ping, 1)
        ann.follow(0)
        same(ann.ping(1).name, "PONG")
        server.kill()
        server.start()
        end = time.monotonic() + 20  # the socket reconnects by itself
        while True:
            try:
                ann.ping(1)
                raise AssertionError("a new process knows of an old follower")
            except lib_zwire.Refused as refusal:
                same(refusal.name, "NO_SESSION")
                break
            except lib_zwire.Silence:
                assert time.monotonic() < end
        same(ann.follow(0).name, "FOLLOWING")


def slow_reader_misses_nothing_and_holds_up_nobody():
    with group("max_message = 60000;", 3) as (server, ann, slow, quick):
        slow.follow(1, credit=2**40)
        follower = Follower(quick, 1)
        follower.begin()
        wanted = {}
        for turn in range(20):
            tags = {ann.say_send(f"{turn} {i} " + "x" * 50000): None for i in range(20)}
            for tag in tags:
                wanted[ann.wait(tag)[1]["seq"]] = True
            follower.until(max(wanted))
        slow.taken, slow.granted = 0, 0
        late = Follower(slow, 1)
        late.until(max(wanted))
        same([record.seq for record in late.records], [record.seq for record in follower.records])


# ---- Restarts

def everything_outlives_kill_and_stop():
    with group("", 2) as (server, ann, bob):
        ann.nick("Ann")
        ann.topic("cats")
        tags = [ann.say_send(f"text {i}") for i in range(300)]
        for tag in tags:
            ann.wait(tag)
        before, members = ann.history(), ann.members()
        for end in (server.kill, server.stop, server.kill):
            end()
            server.start()
            with Client(server.endpoint, ann.who) as again:
                pong = again.ping()
                records = again.history()
                same(records[:len(before)], before)
                same([record.kind for record in records[len(before):]], ["open"])
                same({who: (row["nick"]) for who, row in again.members().items()},
                     {who: (row["nick"]) for who, row in members.items()})
                same(again.who_page()["topic"], "cats")
                same(pong["generation"], len([record for record in records if record.kind == "open"]))
                before = records


def stopping_is_told():
    with group("", 1) as (server, ann):
        ann.follow(0)
        same(server.stop(), 0)
        end = ann.push("END")
        same(lib_zwire.ERRORS[end["why"]], "STOPPING")


# ---- The registry

def group_is_listed_while_it_lives():
    with Registry("lease = 1;") as registry, Registry("lease = 1;") as second:
        server = Group("cats", [registry, second])
        with server, server.member("ann") as ann:
            ann.topic("all about cats")
            for endpoint in (registry.endpoint, second.endpoint):
                for _ in range(200):
                    row = groups(endpoint).get("cats", {})
                    if row.get("topic") == "all about cats" and row["members"] == 1:
                        break
                    ann.pump(0.05)
                same((row["log"], row["generation"], row["state"], row["seq"], row["endpoints"]),
                     (ann.log, 1, 0, 3, server.endpoint))
            with Original(registry.endpoint) as old:
                port = server.endpoint.rsplit(":", 1)[1]
                same(old.ask(f"GROUP LIST REQUEST FROM {uuid.uuid4()}"), f"[cats] - {port}")
            server.stop()
            same(groups(registry.endpoint), {}, "after a goodbye")
            server.start()
            registry.kill()
            registry.start()
            for _ in range(400):
                if groups(registry.endpoint):
                    break
                ann.pump(0.05)
            same(list(groups(registry.endpoint)), ["cats"], "after the registry forgot all")
            server.kill()
            second.wait_for("group cats: silent")
            same(groups(second.endpoint), {})


# ---- What is not known

def unknown_options_and_versions():
    with group("", 1) as (server, ann):
        ann.tag += 1
        frame = encode("JOIN", ann.tag, ann.who, nick="x") + struct.pack(">HH3s", 4000, 3, b"abc")
        ann.socket.send(frame)
        same(ann.wait(ann.tag)[1]["seq"], 0)
        ann.tag += 1
        ann.socket.send(b"zC\x02" + encode("JOIN", ann.tag, ann.who)[3:])
        row = refused("VERSION", ann.wait, ann.tag)
        same((row["version-low"], row["version-high"]), (1, 1))
        refused("UNKNOWN_KIND", ann.ask, "LIST")
        refused("UNKNOWN_KIND", ann.ask, "ANNOUNCE")
        refused("BAD_REQUEST", ann.ask, "JOIN", lib_zwire.NULL)
        ann.ask("PING", lib_zwire.NULL)


CASES = [value for name, value in list(globals().items())
         if callable(value) and getattr(value, "__module__", "") == "__main__" and name not in ("group", "now", "check_receipt")]

if __name__ == "__main__":
    run(CASES)
