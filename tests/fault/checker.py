#!/usr/bin/python3
"""Checks what happened to a group: a history of operations against what zchat promises.

    checker.py FILE         check a history, one JSON object a line; exit 1 when something is wrong
    checker.py [--seed N]   self-test: each kind of error is planted and must be found, by its name

A test makes a History, notes in it what its users did and saw, and at the end asks for wrong():

    sent      a request was made: by whom, its key (what makes a repeat the same), kind and text
    acked     it was acknowledged, as record `seq` (0: not told)
    refused   it was refused for certain: it must be nowhere
    seen      a reader was shown a record
    gap       a reader was told that records cannot be had
    caught    a reader has seen all up to `seq`: nothing of the log may be missing below
    ended     a reader was told the end, for its member left
    durable   the disk has all up to `seq`
    log       a record as the log holds it at the end

Every operation has the moment at which it happened, in seconds of one clock.
"""

import argparse
import collections
import json
import os
import random
import sys
import time

NAMES = ("lost", "unseen", "duplicate", "two contents", "phantom", "order", "hole", "time backwards",
         "seen before durable", "message after leave")
Record = collections.namedtuple("Record", "seq time kind who key text")
Wrong = collections.namedtuple("Wrong", "name text")


class History:
    """Operations in the order in which they were noted; `moment` is now unless it is given."""

    def __init__(self):
        self.operations = []

    def note(self, op, moment=None, **fields):
        self.operations.append({"op": op, "moment": time.monotonic() if moment is None else moment, **fields})

    def sent(self, who, key, text, kind="message", **how):
        self.note("sent", who=str(who), key=key, text=text, kind=kind, **how)

    def acked(self, who, key, seq, **how):
        self.note("acked", who=str(who), key=key, seq=seq, **how)

    def refused(self, who, key, **how):
        self.note("refused", who=str(who), key=key, **how)

    def seen(self, reader, record, **how):
        self.note("seen", reader=reader, **record._asdict(), **how)

    def gap(self, reader, first, last, **how):
        self.note("gap", reader=reader, first=first, last=last, **how)

    def caught(self, reader, seq, **how):
        self.note("caught", reader=reader, seq=seq, **how)

    def ended(self, reader, who, **how):
        self.note("ended", reader=reader, who=str(who), **how)

    def durable(self, seq, **how):
        self.note("durable", seq=seq, **how)

    def log(self, record, **how):
        self.note("log", **record._asdict(), **how)

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            for operation in self.operations:
                file.write(json.dumps(operation) + "\n")

    @classmethod
    def load(cls, path):
        history = cls()
        with open(path, encoding="utf-8") as file:
            history.operations = [json.loads(line) for line in file]
        return history

    def wrong(self):
        """All that is wrong, as Wrong(name, text)."""
        return Check(self.operations).all()


def record_of(operation):
    return Record(*(operation[field] for field in Record._fields))


class Check:
    def __init__(self, operations):
        self.by = collections.defaultdict(list)
        for operation in operations:
            self.by[operation["op"]].append(operation)
        self.operations = operations
        self.found = []
        self.sent = {}
        for operation in self.by["sent"]:
            self.sent.setdefault((operation["who"], operation["key"]), operation)
        self.refused = {(operation["who"], operation["key"]) for operation in self.by["refused"]}
        self.stored = [record_of(operation) for operation in self.by["log"]]
        self.at = {}
        for record in self.stored:
            self.at.setdefault(record.seq, record)

    def say(self, name, text):
        self.found.append(Wrong(name, text))

    def all(self):
        self.log()
        self.contents()
        self.acknowledged()
        self.real_time()
        self.readers()
        self.leaves()
        return self.found

    def log(self):
        """The log by itself: no hole, no repeat, no phantom, times and counters in order."""
        before, keys = None, {}
        for record in self.stored:
            if before and record.seq != before.seq + 1:
                self.say("hole" if record.seq > before.seq else "order",
                         f"in the log {record.seq} follows {before.seq}")
            if before and record.time < before.time:
                self.say("time backwards", f"record {record.seq} is older than {before.seq}")
            if record.key is not None:
                self.request(record, keys)
            before = record

    def request(self, record, keys):
        name = (record.who, record.key)
        if name in keys:
            self.say("duplicate", f"records {keys[name]} and {record.seq} are one request, {record.key}")
        keys.setdefault(name, record.seq)
        sent = self.sent.get(name)
        if sent is None:
            self.say("phantom", f"record {record.seq} was sent by nobody")
        elif (sent["text"], sent["kind"]) != (record.text, record.kind):
            self.say("two contents", f"record {record.seq} is not what was sent as {record.key}")
        if name in self.refused:
            self.say("phantom", f"record {record.seq} was refused")

    def contents(self):
        """One content for one sequence, whoever shows it."""
        shown = dict(self.at)
        for operation in self.by["seen"]:
            record = record_of(operation)
            if shown.setdefault(record.seq, record) != record:
                self.say("two contents", f"record {record.seq} is {record} for {operation['reader']}, "
                                         f"and {shown[record.seq]}")

    def acknowledged(self):
        stored = {(record.who, record.key): record for record in self.stored if record.key is not None}
        first = {}
        for operation in self.by["acked"]:
            name = (operation["who"], operation["key"])
            record = stored.get(name)
            if self.stored and self.sent.get(name, {}).get("kind") == "message" and record is None:
                self.say("lost", f"{operation['key']} of {operation['who']} was acknowledged")
            elif record and operation["seq"] and record.seq != operation["seq"]:
                self.say("lost", f"{operation['key']} was acknowledged as {operation['seq']}, and is {record.seq}")
            if operation["seq"] and first.setdefault(name, operation["seq"]) != operation["seq"]:
                self.say("duplicate", f"{operation['key']} was acknowledged as {first[name]} and {operation['seq']}")

    def real_time(self):
        """What was acknowledged before another was sent comes before it."""
        events = []
        for operation in self.by["acked"]:
            if operation["seq"]:
                events.append((operation["moment"], 1, operation["seq"], operation))
        known = {(operation["who"], operation["key"]): operation["seq"] for operation in self.by["acked"]
                 if operation["seq"]}
        for name, operation in self.sent.items():
            if name in known:
                events.append((operation["moment"], 0, known[name], operation))
        highest, own = 0, set()
        for _, acked, seq, operation in sorted(events, key=lambda event: event[:3]):
            if acked:
                highest = max(highest, seq)
                own.add((operation["who"], operation["key"]))
            elif seq < highest and (operation["who"], operation["key"]) not in own:
                self.say("order", f"record {seq} was sent when {highest} was acknowledged already")

    def readers(self):
        cursors, over, streams = {}, {}, collections.defaultdict(set)
        durable, knows = 0, bool(self.by["durable"])
        for operation in self.operations:
            reader = operation.get("reader")
            if operation["op"] == "durable":
                durable = max(durable, operation["seq"])
            elif operation["op"] == "seen":
                self.one_seen(reader, operation, cursors, over)
                streams[reader].add(operation["seq"])
                if (knows and operation["seq"] > durable) or (self.stored and operation["seq"] not in self.at):
                    self.say("seen before durable", f"{reader} saw record {operation['seq']}")
            elif operation["op"] == "gap":
                streams[reader].update(range(operation["first"], operation["last"] + 1))
                cursors[reader] = operation["last"]
            elif operation["op"] == "ended":
                over[reader] = operation["who"]
            elif operation["op"] == "caught":
                begin = min(streams[reader], default=operation["seq"] + 1)
                missing = [record.seq for record in self.stored
                           if begin <= record.seq <= operation["seq"] and record.seq not in streams[reader]]
                behind = operation["seq"] > cursors.get(reader, 0)
                if missing or behind:
                    self.say("unseen", f"{reader} did not see {missing[:5] or operation['seq']}")

    def one_seen(self, reader, operation, cursors, over):
        seq, cursor = operation["seq"], cursors.get(reader)
        if reader in over:
            self.say("message after leave", f"{reader} saw record {seq} after its end")
        if cursor is not None and seq <= cursor:
            self.say("duplicate" if seq == cursor else "order", f"{reader} saw {seq} after {cursor}")
        elif cursor is not None and seq > cursor + 1:
            self.say("hole", f"{reader} saw {seq} after {cursor}")
        cursors[reader] = seq

    def leaves(self):
        """No message of one who is no member."""
        members = {}
        for record in self.stored:
            if record.kind in ("join", "leave"):
                members[record.who] = record.kind == "join"
            elif record.kind == "message" and members.get(record.who) is False:
                self.say("message after leave", f"record {record.seq} is by {record.who}, who had left")


# ---- Self-test

def sound(dice):
    """A history in which all is well: a log, its senders and readers."""
    history, seq, moment, stored = History(), 0, 0.0, []
    left = None
    for number in range(1, 60):
        who = f"user{dice.randrange(4)}"
        if who == left:
            continue
        moment += 1
        kind = "join" if number <= 4 else "leave" if number == 40 else "message"
        if number <= 4:
            who = f"user{number - 1}"
        if kind == "leave":
            left = who
        key, text = f"d{number}", f"text {number}"
        history.sent(who, key, text, kind, moment=moment)
        seq += 1
        record = Record(seq, seq * 1000, kind, who, key, text)
        stored.append(record)
        history.durable(seq, moment=moment + 0.1)
        history.acked(who, key, seq, moment=moment + 0.2)
        if dice.randrange(4) == 0:
            history.acked(who, key, 0, moment=moment + 0.3)  # of a repeat
        for reader in ("a", "b"):
            history.seen(reader, record, moment=moment + 0.4)
    history.sent("user0", "unanswered", "maybe", moment=moment + 1)
    for reader in ("a", "b"):
        history.caught(reader, seq, moment=moment + 2)
    for record in stored:
        history.log(record, moment=moment + 3)
    return history


def find(history, op, number=20, **fields):
    found = [operation for operation in history.operations if operation["op"] == op
             and all(operation[name] == value for name, value in fields.items())]
    return found[number % len(found)]


def remove(history, operation):
    history.operations.remove(operation)


def message(history, number=20):
    return find(history, "log", number, kind="message")


def plant_lost(history):
    operation = message(history, -1)
    for one in list(history.operations):
        if one["op"] in ("log", "seen") and one["seq"] == operation["seq"]:
            remove(history, one)


def plant_unseen(history):
    remove(history, find(history, "seen", -1, reader="a"))


def plant_unseen_between(history):
    operation = find(history, "seen", reader="a")
    history.gap("b", 0, 0)
    remove(history, operation)


def plant_duplicate(history):
    operation = dict(find(history, "log", -1))
    operation.update(seq=operation["seq"] + 1, **{name: message(history)[name] for name in ("who", "key", "text", "kind")})
    history.operations.append(operation)


def plant_duplicate_ack(history):
    operation = find(history, "acked", 10)
    history.operations.append({**operation, "seq": operation["seq"] + 1})


def plant_two_contents(history):
    find(history, "seen", reader="b", kind="message")["text"] = "another"


def plant_two_contents_of_request(history):
    operation = message(history)
    for one in history.operations:
        if one["op"] in ("log", "seen") and one["seq"] == operation["seq"]:
            one["text"] = "another"


def plant_phantom(history):
    operation = message(history)
    remove(history, find(history, "sent", 0, key=operation["key"]))


def plant_phantom_refused(history):
    operation = message(history)
    history.refused(operation["who"], operation["key"])


def plant_order(history):
    operation = find(history, "seen", reader="a")
    other = find(history, "seen", 21, reader="a")
    one, two = history.operations.index(operation), history.operations.index(other)
    history.operations[one], history.operations[two] = other, operation


def plant_order_of_requests(history):
    max((one for one in history.operations if one["op"] == "acked"), key=lambda one: one["seq"])["moment"] = 0.5


def plant_hole(history):
    operation = message(history)
    for one in list(history.operations):
        if one["op"] in ("log", "seen", "acked", "sent") and one.get("key") == operation["key"]:
            remove(history, one)


def plant_time(history):
    operation = message(history)
    for one in history.operations:
        if one["op"] in ("log", "seen") and one["seq"] == operation["seq"]:
            one["time"] -= 5000


def plant_early(history):
    operation = find(history, "seen", reader="a")
    remove(history, find(history, "durable", 0, seq=operation["seq"]))
    for one in list(history.operations):
        if one["op"] == "durable" and one["seq"] > operation["seq"]:
            remove(history, one)
            history.operations.append(one)


def plant_early_and_gone(history):
    last = Record(900, 900000, "message", "user0", "unanswered", "maybe")
    history.seen("c", last)


def plant_left(history):
    leave = find(history, "log", 0, kind="leave")
    operation = find(history, "log", -1, kind="message")
    for one in history.operations:
        if one.get("key") == operation["key"] and one["op"] != "unanswered":
            one["who"] = leave["who"]


def plant_after_end(history):
    operation = find(history, "seen", reader="b")
    history.operations.insert(history.operations.index(operation), {"op": "ended", "moment": 0, "reader": "b", "who": "user1"})


PLANTS = (
    (plant_lost, "lost"), (plant_unseen, "unseen"), (plant_unseen_between, "unseen"), (plant_duplicate, "duplicate"),
    (plant_duplicate_ack, "duplicate"), (plant_two_contents, "two contents"),
    (plant_two_contents_of_request, "two contents"), (plant_phantom, "phantom"), (plant_phantom_refused, "phantom"),
    (plant_order, "order"), (plant_order_of_requests, "order"), (plant_hole, "hole"), (plant_time, "time backwards"),
    (plant_early, "seen before durable"), (plant_early_and_gone, "seen before durable"),
    (plant_left, "message after leave"), (plant_after_end, "message after leave"),
)


def self_test(seed):
    print(f"ZCHAT_SEED={seed}")
    failed = 0
    for number in range(50):
        wrong = sound(random.Random(seed + number)).wrong()
        if wrong:
            failed += 1
            print(f"a sound history is wrong: {wrong[:3]}")
    for plant, name in PLANTS:
        missed = 0
        for number in range(50):
            history = sound(random.Random(seed + number))
            plant(history)
            missed += name not in {wrong.name for wrong in history.wrong()}
        failed += missed > 0
        print(f"{'missed' if missed else 'found'}  {name} ({plant.__name__})")
    if {name for _, name in PLANTS} != set(NAMES):
        failed += 1
        print("not every kind of error is planted")
    return 1 if failed else 0


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seed", type=int, default=int(os.environ.get("ZCHAT_SEED") or random.randrange(1 << 30)))
    arguments.add_argument("history", nargs="?", help="judge this one; without it the checker is tried itself")
    options = arguments.parse_args()
    if not options.history:
        return self_test(options.seed)
    wrong = History.load(options.history).wrong()
    for one in wrong:
        print(f"{one.name}: {one.text}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
