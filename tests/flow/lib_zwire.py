"""zchat's wire, written from docs/protocol.md alone: it shares nothing with the programs' own code.

Client speaks natively (DEALER), Original as the older system did (REQ). Nothing here sleeps: every wait is for an
answer, with a limit.
"""

import collections
import hashlib
import os
import struct
import time
import uuid

import xxhash
import zmq
from zmq.utils import z85

WAIT = 20  # seconds for what comes at once
WINDOW = 262144

NUMBERS = {"U8": 1, "U16": 2, "U32": 4, "U64": 8}
BYTES = {"DEVICE": 8, "ID": 16, "HASH": 32, "RECEIPT": 64}
SIZED = {"TEXT": 2, "BYTES": 4, "ROWS": 4}

FIELDS = {
    "nick": (1, "TEXT"), "text": (2, "TEXT"), "device": (3, "DEVICE"), "counter": (4, "U64"), "random": (5, "U32"),
    "seq": (6, "U64"), "time": (7, "U64"), "number": (8, "U16"), "wait": (9, "U32"), "version-low": (10, "U8"),
    "version-high": (11, "U8"), "receipt": (12, "RECEIPT"), "oldest": (13, "U64"), "why": (14, "U8"),
    "first": (15, "U64"), "last": (16, "U64"), "batches": (17, "BYTES"), "from": (18, "U64"), "to": (19, "U64"),
    "credit": (20, "U64"), "follows": (21, "U8"), "after-kind": (22, "U8"), "after": (23, "U64"),
    "before-kind": (24, "U8"), "before": (25, "U64"), "limit": (26, "U32"), "member": (27, "ID"),
    "present": (28, "U8"), "role": (29, "U8"), "members": (30, "U32"), "online": (31, "U32"), "topic": (32, "TEXT"),
    "more": (33, "U8"), "rows": (34, "ROWS"), "name": (35, "TEXT"), "log": (36, "ID"), "instance": (37, "ID"),
    "generation": (38, "U64"), "claim": (39, "HASH"), "endpoints": (40, "TEXT"), "state": (41, "U8"),
    "lease": (42, "U32"), "tag": (43, "U32"), "max-message": (44, "U32"),
    "key": (45, "HASH"), "invitations": (46, "BYTES"), "action": (47, "U8"), "hidden": (48, "U8"), "readers": (49, "BYTES"),
}
BY_NUMBER = {number: name for name, (number, _) in FIELDS.items()}

MESSAGES = {
    "PING": (0x01, "follows"), "JOIN": (0x02, "nick"), "LEAVE": (0x03, ""), "NICK": (0x04, "nick"),
    "TOPIC": (0x05, "text"), "WHO": (0x06, "member limit"), "SEND": (0x07, "device counter random text"),
    "PAGE": (0x08, "after-kind after before-kind before limit"), "FOLLOW": (0x09, "from credit"),
    "CREDIT": (0x0a, "credit"), "MANAGE": (0x0b, "action member"), "SENDS": (0x0c, "device rows"),
    "ANNOUNCE": (0x20, "name log instance generation claim state members online seq topic endpoints"),
    "WITHDRAW": (0x21, "name log instance"), "LIST": (0x22, "name limit"),
    "ACK": (0x81, "receipt rows"), "ERROR": (0x82, "rows"),
    "PONG": (0x83, "name log generation state oldest why last time max-message"),
    "MEMBERS": (0x84, "members online topic more rows"), "RECORDS": (0x85, "receipt oldest why first last batches"),
    "FOLLOWING": (0x86, "from last oldest why"), "GAP": (0x87, "from to why"), "LOST": (0x88, "from to"),
    "END": (0x89, "why text"), "LEASE": (0xa0, "lease"), "GROUPS": (0xa1, "more rows"),
}
BY_KIND = {kind: name for name, (kind, _) in MESSAGES.items()}
ROWS = {
    "ACK": "tag seq time", "ERROR": "tag number text", "MEMBERS": "member nick present role",
    "SENDS": "tag counter random text",
    "GROUPS": "name log generation state members online seq topic endpoints",
}
ERRORS = {
    1: "BAD_REQUEST", 2: "VERSION", 3: "UNKNOWN_KIND", 4: "NOT_MEMBER", 5: "BAD_TEXT", 6: "TOO_LONG", 7: "BAD_NICK",
    8: "NICK_TAKEN", 9: "REUSED", 10: "UNKNOWN_DEVICE", 11: "OUT_OF_ORDER", 12: "BUSY", 13: "READ_ONLY",
    14: "DISK_FULL", 15: "DOUBT", 16: "NO_SESSION", 17: "STOPPING", 18: "SYNC_FAILED", 19: "LIMIT",
    20: "READ_FAILED", 21: "NAME_TAKEN", 22: "SUPERSEDED", 23: "BAD_NAME", 24: "WRITE_FAILED",
    25: "NOT_ALLOWED", 26: "KEY_NEEDED", 27: "WRONG_KEY", 28: "NOT_INVITED", 29: "BANNED", 30: "MUTED", 31: "RATE",
    32: "BAD_INVITATION",
}
ACTIONS = {"invite": 10, "kick": 11, "ban": 12, "unban": 13, "mute": 14, "unmute": 15, "op": 16, "deop": 17,
           "add-key": 18, "remove-key": 19}
RECORDS = {1: "message", 2: "join", 3: "leave", 4: "nick", 5: "topic", 6: "open", 7: "trim", 8: "accept", 9: "hole",
           **{number: name for name, number in ACTIONS.items()}}
NULL = uuid.UUID(int=0)


class Wrong(AssertionError):
    """What came is not what the document says."""


class Refused(Exception):
    """An answer that refuses; .name, and the row."""

    def __init__(self, row):
        self.name, self.row = ERRORS.get(row["number"], str(row["number"])), row
        super().__init__(f"{self.name}: {row['text']}")


class Silence(AssertionError):
    """No answer in time."""


# ---- Messages

class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, size):
        if size > self.left():
            raise Wrong(f"{size} bytes wanted, {self.left()} left")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def varint(self):
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                if shift > 7 and not byte or value >= 1 << 64:
                    raise Wrong("a varint in another form")
                return value


def value_of(kind, data):
    if kind in NUMBERS:
        return int.from_bytes(data, "big")
    if kind == "ID":
        return uuid.UUID(bytes=bytes(data))
    return data.decode() if kind == "TEXT" else bytes(data)


def bytes_of(kind, value):
    if kind in NUMBERS:
        return int(value).to_bytes(NUMBERS[kind], "big")
    if isinstance(value, uuid.UUID):
        return value.bytes
    data = value.encode() if isinstance(value, str) else bytes(value)
    if kind in BYTES and len(data) != BYTES[kind]:
        raise ValueError(f"{kind} of {len(data)} bytes")
    return data


def put_fields(names, values):
    values, out = dict(values), b""
    for name in names.split():
        kind = FIELDS[name][1]
        default = 0 if kind in NUMBERS else bytes(BYTES.get(kind, 0))
        data = bytes_of(kind, values.pop(name, default))
        out += (len(data).to_bytes(SIZED[kind], "big") if kind in SIZED else b"") + data
    for name, value in values.items():
        number, kind = FIELDS[name]
        data = bytes_of(kind, value)
        out += struct.pack(">HH", number, len(data)) + data
    return out


def take_fields(names, reader):
    values = {}
    for name in names.split():
        kind = FIELDS[name][1]
        size = reader.number(SIZED[kind]) if kind in SIZED else {**NUMBERS, **BYTES}[kind]
        values[name] = value_of(kind, reader.take(size))
    while reader.left():
        number, size = reader.number(2), reader.number(2)
        data, name = reader.take(size), BY_NUMBER.get(number)
        if name and name not in values:
            values[name] = value_of(FIELDS[name][1], data)
    return values


def encode(name, tag=0, who=NULL, /, **values):
    """A message's bytes; the names of fields with _ for -, and `from_`."""
    values = {key.rstrip("_").replace("_", "-"): value for key, value in values.items()}
    kind, names = MESSAGES[name]
    head = b"zC\x01" + struct.pack(">BI", kind, tag)
    return head + (who.bytes if kind < 0x80 else b"") + put_fields(names, values)


class Message(dict):
    """A decoded one: .name, .tag, .size in bytes, and the fields."""

    def __init__(self, data):
        reader = Reader(data)
        if reader.take(3) != b"zC\x01":
            raise Wrong(f"no message: {data[:20].hex()}")
        kind, self.tag, self.size = reader.number(1), reader.number(4), len(data)
        if kind not in BY_KIND:
            raise Wrong(f"a message of kind {kind:#x}")
        self.name = BY_KIND[kind]
        self.who = uuid.UUID(bytes=bytes(reader.take(16))) if kind < 0x80 else None
        super().__init__(take_fields(MESSAGES[self.name][1], reader))
        if "rows" in self:
            self["rows"] = list(self.read_rows(self["rows"]))

    def read_rows(self, data):
        reader = Reader(data)
        while reader.left():
            yield take_fields(ROWS[self.name], Reader(reader.take(reader.number(2))))


# ---- Batches and records

Record = collections.namedtuple("Record", "seq time kind verified author device counter random nick text options")


def blake(data, size=32, key=b""):
    return hashlib.blake2b(data, digest_size=size, key=key).digest()


def read_record(reader, seq, base, origins):
    body = Reader(reader.take(reader.varint()))
    kind, flags, delta = body.number(1), body.number(1), body.varint()
    if flags & 0x60 or flags & 0x10 and flags & 3:
        raise Wrong(f"unknown flags {flags:#x}")
    author = uuid.UUID(bytes=bytes(body.take(16))) if flags & 1 else None
    device = body.take(8) if flags & 2 else None
    if flags & 3 == 3:
        origins.append((author, device))
    if flags & 0x10:
        back = body.varint()
        if not 1 <= back <= min(8, len(origins)):
            raise Wrong(f"origin {back}")
        author, device = origins[-back]
    counter, random = (body.varint(), body.number(4)) if device else (0, None)
    nick = body.take(body.varint()).decode() if flags & 4 else None
    text = body.take(body.varint()).decode() if flags & 8 else None
    options = {}
    while body.left():
        kind_of = body.varint()
        options[kind_of] = body.take(body.varint())
    return Record(seq, base + delta, RECORDS.get(kind, f"kind-{kind}"), bool(flags & 0x80), author, device, counter,
                  random, nick, text, options)


class Batch:
    def __init__(self, data, log):
        reader = Reader(data)
        self.size, kind, flags, self.count = struct.unpack(">IBBH", reader.take(8))
        checksum, self.first, self.base, lag = struct.unpack(">QQQI", reader.take(28))
        self.chain_before, self.durable = bytes(reader.take(32)), self.first - 1 - lag
        self.digest = bytes(reader.take(32)) if flags & 1 else None
        self.bytes = bytes(data[:self.size])
        if kind != 1 or flags > 1 or not 1 <= self.count <= 1000 or not 68 < self.size <= 65536:
            raise Wrong(f"no batch: {data[:40].hex()}")
        if len(self.bytes) < self.size:
            raise Wrong("a batch is cut")
        seed = xxhash.xxh3_64_intdigest(log.bytes + self.bytes[16:24] + self.bytes[:8])
        if xxhash.xxh3_64_intdigest(self.bytes[16:], seed) != checksum:
            raise Wrong(f"the checksum of the batch at {self.first} is wrong")
        self.chain = blake(self.chain_before + self.bytes)
        self.last = self.first + self.count - 1
        reader = Reader(self.bytes[reader.at:])
        origins = []
        self.records = [read_record(reader, self.first + i, self.base, origins) for i in range(self.count)]
        times = [self.base] + [record.time for record in self.records]
        if reader.left() or times != sorted(times):
            raise Wrong(f"the records of the batch at {self.first} are wrong")


def read_batches(data, log):
    """Whole batches, one behind the other, joined by sequence and chain."""
    batches = []
    while data:
        batch = Batch(data, log)
        if batches and (batch.first != batches[-1].last + 1 or batch.chain_before != batches[-1].chain):
            raise Wrong(f"the batch at {batch.first} does not follow the one before")
        batches.append(batch)
        data = data[batch.size:]
    return batches


def read_page(message, log):
    """The batches of a RECORDS message, whose receipt must be for the last of them."""
    batches = read_batches(message["batches"], log)
    seq = int.from_bytes(message["receipt"][8:16], "big")
    if batches and seq != batches[-1].last:
        raise Wrong(f"a receipt for {seq} with records up to {batches[-1].last}")
    return batches


# ---- Clients

CONTEXT = zmq.Context()


class Key:
    """A CURVE key pair: .public and .secret, 32 bytes each, and the UUID that is made from it."""

    def __init__(self):
        public, secret = zmq.curve_keypair()
        self.public, self.secret = z85.decode(public), z85.decode(secret)
        self.who = uuid_of_key(self.public)

    def hex(self):
        return self.public.hex()


def uuid_of_key(public):
    data = bytearray(blake(public)[:16])
    data[6], data[8] = data[6] & 0x0f | 0x80, data[8] & 0x3f | 0x80
    return uuid.UUID(bytes=bytes(data))


def connect(socket, endpoint, key):
    """To `tcp://host:port`, or with `?key=` over CURVE with this key."""
    address, _, server = endpoint.partition("?key=")
    if server:
        key = key or Key()
        socket.curve_serverkey = z85.encode(bytes.fromhex(server))
        socket.curve_publickey, socket.curve_secretkey = z85.encode(key.public), z85.encode(key.secret)
    socket.connect(address)


class Client:
    """One connection, speaking for one UUID (or for whom the call names): that of the key, if there is one."""

    def __init__(self, endpoint, who=None, log=None, key=None, route=None):
        self.endpoint, self.key, self.log = endpoint, key, log
        self.who = who or (key.who if key else uuid.uuid4())
        self.device, self.counter = os.urandom(8), 0
        self.tag, self.answers, self.pushed = 0, {}, collections.deque()
        self.socket = CONTEXT.socket(zmq.DEALER)
        self.socket.linger, self.socket.maxmsgsize = 0, 2097152
        self.socket.sndhwm = self.socket.rcvhwm = 0
        if route:
            self.socket.routing_id = route
        connect(self.socket, endpoint, key)
        self.taken = self.granted = 0  # bytes of RECORDS since FOLLOW
        self.receipt = bytes(64)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- asking

    def say(self, name, who=None, tag=None, /, **values):
        """Sends a request; returns its tag."""
        if tag is None:
            self.tag += 1
            tag = self.tag
        self.socket.send(encode(name, tag, who or self.who, **values))
        return tag

    def pump(self, seconds=0.0):
        """Takes one frame in, if one comes in time. Returns whether one came."""
        if not self.socket.poll(max(0, seconds) * 1000):
            return False
        frames = self.socket.recv_multipart()
        if len(frames) != 1:
            raise Wrong(f"a message of {len(frames)} frames")
        message = Message(frames[0])
        if message.name == "RECORDS":
            self.taken += message.size
        if message.name in ("ACK", "ERROR"):
            for row in message["rows"]:
                self._answer(row["tag"], (message, row))
        elif message.tag:
            self._answer(message.tag, (message, None))
        else:
            self.pushed.append(message)
        return True

    def _answer(self, tag, answer):
        if tag in self.answers:
            raise Wrong(f"two answers to the request {tag}")
        self.answers[tag] = answer
        receipt = answer[0].get("receipt", bytes(64))
        if receipt != bytes(64):
            self.receipt = receipt

    def wait(self, tag, seconds=WAIT):
        """(message, row or None) that answers the request; Refused when it is refused."""
        end = time.monotonic() + seconds
        while tag not in self.answers:
            if not self.pump(end - time.monotonic()) and time.monotonic() >= end:
                raise Silence(f"no answer to request {tag} in {seconds} s")
        message, row = self.answers.pop(tag)
        if message.name == "ERROR":
            raise Refused(row)
        return message, row

    def ask(self, name, /, *args, **values):
        """The answer: a row of ACK, or the message."""
        message, row = self.wait(self.say(name, *args, **values))
        return row or message

    def push(self, *names, seconds=WAIT):
        """The next pushed message, which must be one of these."""
        end = time.monotonic() + seconds
        while not self.pushed:
            if not self.pump(end - time.monotonic()) and time.monotonic() >= end:
                raise Silence(f"no {' or '.join(names)} in {seconds} s")
        message = self.pushed.popleft()
        if names and message.name not in names:
            raise Wrong(f"{message.name} {dict(message)} in place of {' or '.join(names)}")
        return message

    # -- requests

    def ping(self, follows=0):
        pong = self.ask("PING", follows=follows)
        self.log = pong["log"]
        return pong

    def join(self, nick="", *invitations):
        if not invitations:
            return self.ask("JOIN", nick=nick)
        shown = b"".join(struct.pack(">H", len(one)) + one for one in invitations)
        return self.ask("JOIN", nick=nick, invitations=shown)

    def manage(self, action, member, key=None):
        options = {} if key is None else {"key": key}
        return self.ask("MANAGE", action=ACTIONS[action], member=member, **options)

    def leave(self):
        return self.ask("LEAVE")

    def nick(self, nick):
        return self.ask("NICK", nick=nick)

    def topic(self, text):
        return self.ask("TOPIC", text=text)

    def who_page(self, after=NULL, limit=1000):
        return self.ask("WHO", member=after, limit=limit)

    def members(self, limit=1000):
        """All rows, by UUID."""
        rows, after = [], NULL
        while True:
            page = self.who_page(after, limit)
            rows += page["rows"]
            if not page["more"]:
                return {row["member"]: row for row in rows}
            after = page["rows"][-1]["member"]

    def say_send(self, text, counter=None, random=None, device=None):
        if counter is None:
            self.counter += 1
            counter = self.counter
        random = int.from_bytes(os.urandom(4), "big") if random is None else random
        return self.say("SEND", device=device or self.device, counter=counter, random=random, text=text)

    def say_sends(self, texts):
        """All in one frame. Returns their tags, and behind them the frame's own."""
        tags, rows = [], b""
        for text in texts:
            self.tag += 1
            self.counter += 1
            tags.append(self.tag)
            row = put_fields(ROWS["SENDS"], {"tag": self.tag, "counter": self.counter, "text": text,
                                             "random": int.from_bytes(os.urandom(4), "big")})
            rows += struct.pack(">H", len(row)) + row
        return tags + [self.say("SENDS", device=self.device, rows=rows)]

    def send(self, text, **how):
        return self.wait(self.say_send(text, **how))[1]

    def page(self, after=None, before=None, limit=0, **options):
        """Bounds: None, a sequence, or ("time", microseconds)."""
        def bound(value):
            if value is None:
                return 0, 0
            return (2, value[1]) if isinstance(value, tuple) else (1, value)
        after_kind, after = bound(after)
        before_kind, before = bound(before)
        return self.ask("PAGE", after_kind=after_kind, after=after, before_kind=before_kind, before=before,
                        limit=limit, **options)

    def history(self, after=None, before=None, limit=0):
        """All the records that these bounds name, paged; checks that there is no hole."""
        self.log = self.log or self.ping()["log"]
        records, first, last = [], None, None
        while True:
            self.grant()
            page = self.page(after, before, limit)
            if page.name != "RECORDS":
                raise Wrong(f"{page.name} {dict(page)} in a history without gaps")
            if first is None:
                first, last = page["first"], page["last"]
            if first > last:
                return records
            got = [record for batch in read_page(page, self.log) for record in batch.records]
            records += [record for record in got if first <= record.seq <= last]
            if [record.seq for record in records] != list(range(first_of(records), first_of(records) + len(records))):
                raise Wrong("the pages do not join")
            if not got or records[0].seq != first:
                raise Wrong(f"a page that does not begin with {first}")
            if records[-1].seq == last:
                return records
            after, before, limit = records[-1].seq, last + 1, 0

    def follow(self, from_=0, credit=WINDOW):
        self.log = self.log or self.ping()["log"]
        tag = self.say("FOLLOW", from_=from_, credit=credit)
        answer = self.wait(tag)[0]
        if answer.name == "FOLLOWING":
            self.taken, self.granted = sum(message.size for message in self.pushed if message.name == "RECORDS"), credit
        return answer

    def grant(self, window=WINDOW):
        """Grants what was taken in and a window, if half of that is used up."""
        if self.granted - self.taken < window // 2:
            self.granted = self.taken + window
            self.say("CREDIT", credit=self.granted)


def first_of(records):
    return records[0].seq if records else 0


class Follower:
    """A cursor over a client: every record once, in order, whatever is pushed. Checks sequences and the chain."""

    def __init__(self, client, cursor=1):
        self.client, self.cursor, self.chain, self.records, self.gaps = client, cursor, None, [], []

    def begin(self):
        answer = self.client.follow(self.cursor)
        if answer.name != "FOLLOWING" or answer["from"] != self.cursor:
            raise Wrong(f"{answer.name} {dict(answer)} to FOLLOW from {self.cursor}")
        return answer

    def take(self, seconds=WAIT):
        """Takes one pushed message in. Returns it."""
        message = self.client.push("RECORDS", "GAP", "END", "LOST", seconds=seconds)
        if message.name == "GAP":
            self.gaps.append((message["from"], message["to"]))
            self.cursor, self.chain = message["to"] + 1, None
        if message.name != "RECORDS":
            return message
        batches = read_page(message, self.client.log)
        if (batches[0].first, batches[-1].last) != (message["first"], message["last"]):
            raise Wrong(f"first and last of {dict(message)}")
        for batch in batches:
            self.add(batch)
        self.client.grant()
        return message

    def add(self, batch):
        if batch.last < self.cursor:
            return
        if batch.first > self.cursor:
            raise Wrong(f"a hole: records {self.cursor} to {batch.first - 1} are missing")
        if self.chain is not None and batch.first == self.cursor and batch.chain_before != self.chain:
            raise Wrong(f"the chain is broken at {batch.first}")
        if batch.first == 1 and batch.chain_before != blake(self.client.log.bytes):
            raise Wrong("the chain does not begin with the log's id")
        self.records += [record for record in batch.records if record.seq >= self.cursor]
        self.cursor, self.chain = batch.last + 1, batch.chain

    def until(self, seq, seconds=WAIT):
        end = time.monotonic() + seconds
        while self.cursor <= seq:
            if self.take(end - time.monotonic()).name in ("END", "LOST"):
                raise Wrong(f"the end, before record {seq}")
        return self.records


class Original:
    """The older system's user or group: one REQ, one text, one answer."""

    def __init__(self, endpoint, key=None, route=None):
        self.socket = CONTEXT.socket(zmq.REQ)
        self.socket.linger, self.socket.rcvtimeo = 0, WAIT * 1000
        if route:
            self.socket.routing_id = route
        connect(self.socket, endpoint, key)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def frames(self, *frames):
        self.socket.send_multipart([frame if isinstance(frame, bytes) else frame.encode() for frame in frames])
        return self.socket.recv_multipart()

    def ask(self, text):
        answer = self.frames(text)
        if len(answer) != 1:
            raise Wrong(f"an answer of {len(answer)} frames")
        return answer[0].decode()


def groups(registry):
    """All rows of a registry's list, by name."""
    rows, after = {}, ""
    with Client(registry, NULL) as client:
        while True:
            page = client.ask("LIST", name=after, limit=0)
            rows |= {row["name"]: row for row in page["rows"]}
            if not page["more"]:
                return rows
            after = page["rows"][-1]["name"]
