#!/usr/bin/python3
"""Twenty users send through kill -9 of the group and of the registry, at moments chosen by chance, while five follow.

What was acknowledged is in the log exactly once, where the acknowledgement said; nothing is there twice; nothing is
missing in between; all followers saw the same, in the same order; and who joined is still a member. The clients do
what docs/protocol.md tells them to: ask again, in order, with the same random bytes.
"""

import os
import random
import time
import uuid

import lib_zwire
import zmq
from lib_group import Group, Registry, run, same, seed
from lib_zwire import Client, Follower, groups

USERS, FOLLOWERS, GROUP_KILLS, REGISTRY_KILLS = 20, 5, 5, 2
UNANSWERED = 32  # counters from a user's oldest unanswered send to its newest, at most
QUIET = 1.0  # seconds without an answer, to a send or at all, after which a client makes a new connection
LIMIT = 90


class Person:
    """What outlives a connection: who it is, what is unanswered."""

    def __init__(self, where):
        self.where, self.who, self.connections = where, uuid.uuid4(), 0
        self.client = None

    def connect(self):
        if self.client:
            self.client.close()
        self.client = Client(self.where(), self.who)
        self.connections += 1
        self.heard = self.pinged = time.monotonic()

    def ready(self):
        """Takes in what came."""
        while self.client.pump(0):
            self.heard = time.monotonic()

    def tick(self, now):
        if now - self.heard > QUIET or self.waits_too_long(now):
            self.connect()
            self.begin()
        elif now - self.pinged > QUIET / 4:
            self.pinged = now
            self.ping = self.client.say("PING", follows=self.follows)

    def waits_too_long(self, _now):
        return False

    def took_ping(self, tag, message, row):
        """Whether this answer needs nothing more; NO_SESSION begins anew."""
        if message.name == "ERROR" and lib_zwire.ERRORS[row["number"]] == "NO_SESSION":
            self.begin()
        return tag


class Sender(Person):
    follows = 0

    def __init__(self, where, dice):
        super().__init__(where)
        self.dice, self.device, self.counter = dice, os.urandom(8), 0
        self.unanswered, self.acknowledged, self.said, self.repeats = {}, {}, {}, 0

    def begin(self):
        """On a new connection: what is unanswered, in order, as it was."""
        self.tags = {}
        for counter in sorted(self.unanswered):
            self.say(counter)
            self.repeats += 1

    def say(self, counter):
        number, text = self.unanswered[counter]
        self.said[counter] = time.monotonic()
        self.tags[self.client.say("SEND", device=self.device, counter=counter, random=number, text=text)] = counter

    def waits_too_long(self, now):
        return bool(self.unanswered) and now - self.said[min(self.unanswered)] > QUIET

    def more(self):
        while self.counter - min(self.unanswered, default=self.counter) < UNANSWERED and self.dice.randrange(3):
            self.counter += 1
            text = f"{self.who} {self.counter} " + "x" * self.dice.choice((0, 10, 100, 2000))
            self.unanswered[self.counter] = (self.dice.getrandbits(32), text)
            self.say(self.counter)

    def settle(self):
        """Judges the answers that came."""
        for tag in list(self.client.answers):
            message, row = self.client.answers.pop(tag)
            counter = self.tags.pop(tag, None)
            if counter is None:
                self.took_ping(tag, message, row)
            elif message.name == "ACK":
                text = self.unanswered.pop(counter)[1]
                same(self.acknowledged.setdefault(counter, (row["seq"], text)), (row["seq"], text))
            elif lib_zwire.ERRORS[row["number"]] not in ("BUSY", "OUT_OF_ORDER", "STOPPING"):
                raise AssertionError(f"send {counter} of {self.who}: {row}")
            else:
                self.heard = 0  # a new connection, and all again in order


class Reader(Person):
    follows = 1

    def connect(self):
        super().connect()
        self.client.log = self.log
        if hasattr(self, "follower"):
            self.follower.client = self.client

    def join(self, log):
        self.log = log
        self.connect()
        self.client.join("reader")
        self.follower = Follower(self.client, 1)

    def begin(self):
        self.client.pushed.clear()
        self.client.taken, self.client.granted = 0, lib_zwire.WINDOW
        self.client.say("FOLLOW", from_=self.follower.cursor, credit=lib_zwire.WINDOW)

    def settle(self):
        for tag in list(self.client.answers):
            message, row = self.client.answers.pop(tag)
            if message.name == "LOST":
                raise AssertionError(f"acknowledged records were lost: {dict(message)}")
            self.took_ping(tag, message, row)
        while self.client.pushed:
            if self.client.pushed[0].name == "END":
                self.client.pushed.clear()
                self.heard = 0
            else:
                self.follower.take(0)


class Kills:
    """The moments at which a daemon dies: by chance, each some time after the one before."""

    def __init__(self, daemon, count, dice):
        self.daemon, self.left, self.dice = daemon, count, dice
        self.next = time.monotonic() + dice.uniform(0.5, 2)

    def tick(self, now):
        if self.left and now >= self.next:
            self.daemon.kill()
            self.daemon.start()
            self.left -= 1
            self.next = time.monotonic() + self.dice.uniform(1.5, 3)


def run_all(people, kills, more, done):
    end = time.monotonic() + LIMIT
    while not done():
        now = time.monotonic()
        assert now < end, f"not done in {LIMIT} s"
        poller = zmq.Poller()
        for person in people:
            poller.register(person.client.socket, zmq.POLLIN)
        ready = dict(poller.poll(20))
        for person in people:
            if person.client.socket in ready:
                person.ready()
                person.settle()
            person.tick(now)
            if more():
                getattr(person, "more", lambda: None)()
        for kill in kills:
            kill.tick(time.monotonic())


def ledger_holds_through_kills():
    dice = random.Random(seed())
    with Registry("lease = 1;") as registry:
        server = Group("cats", [registry], "segment = 262144; max_message = 5000;")
        known = {"at": None}

        def where():
            """What the registry says; while it knows nothing, what it said last."""
            try:
                known["at"] = groups(registry.endpoint)["cats"]["endpoints"].split()[0]
            except (KeyError, lib_zwire.Silence):
                pass
            return known["at"] or server.endpoint
        with server:
            check_ledger(dice, server, registry, where)


def check_ledger(dice, server, registry, where):
    senders = [Sender(where, dice) for _ in range(USERS)]
    readers = [Reader(where) for _ in range(FOLLOWERS)]
    for sender in senders:
        sender.connect()
        sender.client.join(f"u{senders.index(sender)}")
        sender.begin()
    log = senders[0].client.ping()["log"]
    for reader in readers:
        reader.join(log)
        reader.begin()
    kills = [Kills(server, GROUP_KILLS, dice), Kills(registry, REGISTRY_KILLS, dice)]
    begin = time.monotonic()

    def killing():
        return any(kill.left for kill in kills) or time.monotonic() < kills[0].next
    run_all(senders + readers, kills, killing, lambda: not killing() and not any(one.unanswered for one in senders))
    took = time.monotonic() - begin
    with Client(server.endpoint, senders[0].who) as checker:
        last = checker.ping()["last"]
        run_all(readers, [], lambda: False, lambda: all(one.follower.cursor > last for one in readers))
        history = checker.history()
        members = checker.members()
    compare(senders, readers, history, last)
    same(set(members), {person.who for person in senders + readers}, "members")
    same(len([record for record in history if record.kind == "join"]), USERS + FOLLOWERS)
    same(len([record for record in history if record.kind == "open"]), GROUP_KILLS + 1)
    print(f"  {sum(len(one.acknowledged) for one in senders)} sends acknowledged in {took:.1f} s, {last} records, "
          f"{sum(one.repeats for one in senders)} repeats, {sum(one.connections for one in senders + readers)} connections, "
          f"{len(list(server.log_folder.glob('*.log')))} segments")
    for person in senders + readers:
        person.client.close()


def compare(senders, readers, history, last):
    same([record.seq for record in history], list(range(1, last + 1)), "sequences")
    stored = {}
    for record in history:
        if record.kind == "message":
            key = (record.author, record.counter)
            assert key not in stored, f"stored twice: {record} and {stored[key]}"
            stored[key] = record
    for sender in senders:
        same(sorted(sender.acknowledged), list(range(1, sender.counter + 1)))
        for counter, (seq, text) in sender.acknowledged.items():
            record = stored.pop((sender.who, counter))
            same((record.seq, record.text, record.device), (seq, text, sender.device))
    same(stored, {}, "what nobody sent")
    for reader in readers:
        same(reader.follower.records[:last] == history, True, "a follower saw what the log says")
        same(reader.follower.gaps, [])


if __name__ == "__main__":
    run([ledger_holds_through_kills])
