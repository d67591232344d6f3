"""Users of a group for tests with faults: they join, send, follow and leave through whatever happens, as
docs/protocol.md tells clients to, and note all that in a History (checker.py). One thread, nothing sleeps."""

import os
import pathlib
import sys
import time
import uuid

import zmq

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent / "flow"), str(pathlib.Path(__file__).resolve().parent)]

import checker  # noqa: E402  pylint: disable=wrong-import-position
import lib_zwire  # noqa: E402  pylint: disable=wrong-import-position

UNANSWERED = 24  # of each user at most
KNOWN = 1000  # how far sends may overtake one whose answer was lost: a group knows the last 1,024 of a device
QUIET = 0.8  # seconds without any answer, after which a user makes a new connection
LOST = 2.0  # seconds in which nothing asked was answered: a connection may break and heal unseen
AGAIN = 0.15  # seconds until what was refused for now is asked again
LATER = {"BUSY", "OUT_OF_ORDER", "STOPPING", "SYNC_FAILED", "DISK_FULL", "WRITE_FAILED", "LIMIT", "READ_FAILED"}


def history_record(record):
    """A lib_zwire.Record as the checker has it."""
    key = None
    if record.kind == "message" and record.device:  # else it came over the original wire
        key = f"{record.device.hex()}/{record.counter}"
    elif record.kind in ("join", "leave"):
        key = record.kind
    return checker.Record(record.seq, record.time, record.kind, str(record.author or "-"), key, record.text or "")


class User:
    """`where` gives the endpoint. follows: it reads all that comes, too. key: what it proves where that is encrypted."""

    def __init__(self, name, where, log, history, dice, follows=True, key=None):
        self.name, self.where, self.log, self.history, self.dice, self.proof = name, where, log, history, dice, key
        self.who, self.device, self.counter = key.who if key else uuid.uuid4(), os.urandom(8), 0
        self.follows, self.state, self.wants_to_leave = follows, "joining", False
        self.unanswered, self.acknowledged, self.repeats, self.connections = {}, 0, 0, 0
        self.client = self.reader = self.last_refusal = None
        history.sent(self.who, "join", "", "join")
        self.connect()

    # -- connections

    def connect(self):
        if self.client:
            self.client.close()
        self.client = lib_zwire.Client(self.where(), self.who, self.log, self.proof)
        self.connections += 1
        if self.reader:
            self.reader.client = self.client
        self.begin()

    def begin(self):
        """On a new connection: who I am, what I follow, what is unanswered, in order, as it was."""
        self.heard = self.pinged = self.moved = time.monotonic()
        self.tags, self.again, self.following = {}, None, False
        if self.state == "joining":
            self.ask("JOIN", nick=self.name)
        elif self.state != "gone":
            self.follow()
        if self.state == "leaving":
            self.ask("LEAVE")
        for counter in sorted(self.unanswered):
            self.say(counter)
            self.repeats += 1

    def ask(self, name, **values):
        self.tags[self.client.say(name, **values)] = name

    def follow(self):
        if not self.follows:
            return
        if not self.reader:
            self.reader = lib_zwire.Follower(self.client, 1)
        self.client.pushed.clear()
        self.client.taken, self.client.granted = 0, lib_zwire.WINDOW
        self.ask("FOLLOW", from_=self.reader.cursor, credit=lib_zwire.WINDOW)

    def say(self, counter):
        number, text = self.unanswered[counter]
        tag = self.client.say("SEND", device=self.device, counter=counter, random=number, text=text)
        self.tags[tag] = counter

    # -- what it wants

    def key(self, counter):
        return f"{self.device.hex()}/{counter}"

    def send(self):
        if self.state != "member" or self.wants_to_leave or len(self.unanswered) >= UNANSWERED or self.again:
            return
        if self.unanswered and self.counter - min(self.unanswered) >= KNOWN:
            return
        self.counter += 1
        text = f"{self.name} {self.counter} " + "x" * self.dice.choice((0, 10, 100, 2000))
        if not self.unanswered:
            self.moved = time.monotonic()
        self.unanswered[self.counter] = (self.dice.getrandbits(32), text)
        self.history.sent(self.who, self.key(self.counter), text)
        self.say(self.counter)

    def leave(self):
        self.wants_to_leave = True
        self.leave_when_answered()

    def leave_when_answered(self):
        if self.wants_to_leave and self.state == "member" and not self.unanswered:
            self.state = "leaving"
            self.history.sent(self.who, "leave", "", "leave")
            self.ask("LEAVE")

    def idle(self):
        return not self.unanswered and self.state == ("gone" if self.wants_to_leave else "member")

    # -- what comes

    def ready(self):
        while self.client.pump(0):
            self.heard = time.monotonic()
        for tag in list(self.client.answers):
            message, row = self.client.answers.pop(tag)
            about = self.tags.pop(tag, None)
            # A send whose answer was lost while the connection broke and healed is not to be left behind by those after it.
            if about != "PING" and not (isinstance(about, int) and any(counter < about for counter in self.unanswered)):
                self.moved = self.heard
            if about is not None and message.name == "ERROR":
                self.refused(about, lib_zwire.ERRORS[row["number"]])
            elif about is not None:
                self.answered(about, message, row)
        self.read()

    def answered(self, about, message, row):
        if message.name == "LOST":
            raise AssertionError(f"{self.name}: acknowledged records were lost: {dict(message)}")
        if about == "FOLLOW":
            self.following = True
        elif about == "JOIN":
            self.history.acked(self.who, "join", row["seq"])
            self.state = "member"
            self.follow()
        elif about == "LEAVE":
            self.history.acked(self.who, "leave", row["seq"])
            self.state = "gone"
        elif about != "PING" and self.unanswered.pop(about, None):
            self.history.acked(self.who, self.key(about), row["seq"])
            self.acknowledged += 1

    def refused(self, about, error):
        self.last_refusal = f"{about}: {error}"
        if about == "LEAVE" and error == "NOT_MEMBER":
            self.state = "gone"  # the answer to the first one was lost
        elif error in ("NO_SESSION", "NOT_MEMBER") and about in ("PING", "FOLLOW"):
            self.again = self.again or time.monotonic()
        elif error in LATER or (error == "UNKNOWN_DEVICE" and not self.acknowledged):
            self.again = self.again or time.monotonic() + AGAIN
        else:
            raise AssertionError(f"{self.name}: {about} was refused: {error}")

    def read(self):
        while self.reader and self.client.pushed:
            if not self.following and self.client.pushed[0].name != "END":
                return
            before = len(self.reader.records)
            message = self.reader.take(0)
            for record in self.reader.records[before:]:
                self.history.seen(self.name, history_record(record))
            if message.name == "GAP":
                self.history.gap(self.name, message["from"], message["to"])
            elif message.name == "END":
                self.end()
            elif message.name == "LOST":
                raise AssertionError(f"{self.name}: acknowledged records were lost: {dict(message)}")

    def end(self):
        self.client.pushed.clear()
        if self.state in ("leaving", "gone"):
            self.history.ended(self.name, self.who)
            self.follows = False
        else:
            self.again = self.again or time.monotonic() + AGAIN

    def tick(self, now):
        self.leave_when_answered()
        lost = now - self.moved > LOST and not self.idle()
        if lost or now - self.heard > QUIET or (self.again and now >= self.again):
            self.connect()
        elif now - self.pinged > QUIET / 4:
            self.pinged = now
            self.ask("PING", follows=1 if self.following and self.state == "member" else 0)


def run(users, done, work, seconds):
    """Lets the users live until done() is true; work(now) is called in each turn."""
    end = time.monotonic() + seconds
    while not done():
        now = time.monotonic()
        if now > end:
            raise AssertionError(f"not done in {seconds} s: " + ", ".join(
                f"{user.name} {user.state} {sorted(user.unanswered)} ({user.connections} connections, {user.last_refusal})" for user in users if not user.idle()))
        poller = zmq.Poller()
        for user in users:
            poller.register(user.client.socket, zmq.POLLIN)
        ready = dict(poller.poll(10))
        for user in users:
            if user.client.socket in ready:
                user.ready()
            user.tick(now)
        work(now)


def judge(history, users, endpoint, seconds=60):
    """Lets all followers catch up, reads the log as it is, and returns what is wrong."""
    run(users, lambda: all(user.idle() for user in users), lambda now: None, seconds)
    with lib_zwire.Client(endpoint) as client:
        client.ping()
        client.join("judge")
        history.sent(client.who, "join", "", "join")
        last = client.ping()["last"]
        readers = [user for user in users if user.follows and user.state == "member"]
        run(readers or users, lambda: all(user.reader.cursor > last for user in readers), lambda now: None, seconds)
        for user in readers:
            history.caught(user.name, last)
        for record in client.history(before=last + 1):
            history.log(history_record(record))
    for user in users:
        user.client.close()
    return history.wrong()


def tell(wrong, history, seed):
    """Prints what is wrong and keeps the history. Returns the exit code."""
    if not wrong:
        return 0
    path = f"/tmp/zchat-history-{seed}.jsonl"
    history.save(path)
    for one in wrong[:20]:
        print(f"WRONG {one.name}: {one.text}")
    print(f"{len(wrong)} wrong; the history is {path}")
    return 1
