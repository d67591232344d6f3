#!/usr/bin/python3
"""Makes the seeds of the fuzzers from scratch: tests/fuzz/seeds/<fuzzer>/<name>. They are checked in.

One seed a kind of message, some records, some batches: each a few bytes from everything the format has.
"""

import base64
import pathlib
import struct

SEEDS = pathlib.Path(__file__).resolve().parent / "seeds"
ANN, DEVICE, INSTANCE, HASH = bytes(range(160, 176)), bytes(range(208, 216)), bytes(range(16)), bytes(range(32))
BASE = 1795330800000000


def write(fuzzer, name, data):
    (SEEDS / fuzzer).mkdir(parents=True, exist_ok=True)
    (SEEDS / fuzzer / name).write_bytes(data)


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def sized(data):
    return varint(len(data)) + data


def record(kind, flags, delta, *parts):
    return sized(bytes([kind, flags]) + varint(delta) + b"".join(parts))


def option(kind, data):
    return varint(kind) + sized(data)


RECORDS = {
    "message": record(1, 0x8f, 1000, ANN, DEVICE + varint(300) + b"\xde\xad\xbe\xef", sized(b"ann"), sized(b"hi")),
    "again": record(1, 0x98, 1001, b"\1" + varint(301) + b"\xde\xad\xbe\xef", sized(b"and again")),
    "bare": record(1, 0, 0),
    "join": record(2, 0x85, 300, ANN, sized(b"ann")),
    "leave": record(3, 1, 2**40, ANN),
    "topic": record(5, 9, 5, ANN, sized("größer".encode())),
    "open": record(6, 0, 0, option(1, varint(7)), option(2, INSTANCE)),
    "trim": record(7, 0, 9, option(3, varint(70000)), option(4, b"\1")),
    "hole": record(9, 0, 9, option(5, varint(3)), option(6, varint(2**63))),
    "unknown": record(200, 0x80, 1, option(300, b"\xff"), option(2**63, b"")),
}


def batch(kind, flags, first, base, lag, records, digest=b""):
    body = struct.pack(">QqI", first, base, lag) + HASH + digest + b"".join(records)
    return struct.pack(">IBBHQ", len(body) + 16, kind, flags, len(records), 0) + body


BATCHES = {
    "one": batch(1, 0, 5, BASE, 4, [RECORDS["message"]]),
    "two": batch(1, 0, 5, BASE, 4, [RECORDS["message"], RECORDS["again"]]),
    "opens": batch(1, 1, 1, BASE, 0, [RECORDS["open"], RECORDS["join"], RECORDS["message"]], HASH),
    "state": batch(2, 0, 2**40, BASE, 0, [RECORDS["join"], RECORDS["topic"]]),
    "many": batch(1, 0, 7, 0, 0, [RECORDS["bare"]] * 50),
    "last": batch(1, 0, 2**63 - 1, 2**63 - 1 - 2**41, 2**32 - 1, [RECORDS["leave"]]),
}


def text(data):
    return struct.pack(">H", len(data)) + data


def rows(*parts):
    joined = b"".join(text(part) for part in parts)
    return struct.pack(">I", len(joined)) + joined


def number(*pairs):
    """Numbers of so many bytes: number (1, 4) is 00000001."""
    return b"".join(value.to_bytes(size, "big") for value, size in pairs)


RECEIPT = HASH + HASH
REQUESTS = {
    "ping": (1, b"\1"), "join": (2, text(b"ann")), "leave": (3, b""), "nick": (4, text(b"bob")),
    "topic": (5, text(b"cats and dogs")), "who": (6, ANN + number((1000, 4))),
    "send": (7, DEVICE + number((1, 8), (0xdeadbeef, 4)) + text(b"hi")),
    "sends": (12, DEVICE + rows(number((7, 4), (2, 8), (0xdeadbeef, 4)) + text(b"one"),
                                number((8, 4), (3, 8), (0xdeadbeef, 4)) + text(b"two"))),
    "page": (8, number((1, 1), (7, 8), (2, 1), (BASE, 8), (100, 4))),
    "follow": (9, number((1, 8), (262144, 8))), "credit": (10, number((2**40, 8))),
    "announce": (32, text(b"cats") + ANN + INSTANCE + number((1, 8)) + HASH + number((0, 1), (2, 4), (1, 4), (9, 8))
                 + text(b"topic") + text(b"tcp://127.0.0.1:3000 tcp://[::1]:3000")),
    "withdraw": (33, text(b"cats") + ANN + INSTANCE), "list": (34, text(b"") + number((1000, 4))),
}
REPLIES = {
    "ack": (129, RECEIPT + rows(number((7, 4), (3, 8), (BASE, 8)), number((8, 4), (4, 8), (BASE, 8), (1, 2))
                                + text(b"ann-2"))),
    "error": (130, rows(number((7, 4), (12, 2)) + text(b"busy") + number((9, 2), (4, 2), (50, 4)))),
    "pong": (131, text(b"cats") + ANN + number((1, 8), (0, 1), (1, 8), (0, 1), (9, 8), (BASE, 8), (16384, 4))),
    "members": (132, number((2, 4), (1, 4)) + text(b"topic") + number((0, 1))
                + rows(ANN + text(b"ann") + number((1, 1), (0, 1)))),
    "records": (133, RECEIPT + number((1, 8), (0, 1), (5, 8), (5, 8), (len(BATCHES["one"]), 4)) + BATCHES["one"]),
    "following": (134, number((5, 8), (4, 8), (1, 8), (0, 1))), "gap": (135, number((1, 8), (4, 8), (1, 1))),
    "lost": (136, number((5, 8), (9, 8))), "end": (137, number((4, 1)) + text(b"not a member")),
    "lease": (160, number((10000, 4))),
    "groups": (161, number((1, 1)) + rows(text(b"cats") + ANN + number((1, 8), (0, 1), (2, 4), (1, 4), (9, 8))
                                          + text(b"topic") + text(b"tcp://127.0.0.1:3000"))),
}


PLACE = b"tcp://[::1]:2001?key=" + b"0f" * 32


def invitation(groups, places):
    """Without a right signature: a fuzzer makes none."""
    return (number((1, 1)) + HASH + ANN + number((BASE, 8), (5, 4), (len(groups), 1))
            + b"".join(bytes([len(name)]) + name for name in groups)
            + number((len(places), 1)) + b"".join(text(place) for place in places) + HASH + HASH)


UUID = "12345678-1234-4abc-8def-123456789abc"
TEXTS = {
    "fuzz_endpoint": {
        "ipv4": "tcp://127.0.0.1:2000", "ipv6": "tcp://[::1]:2000", "zone": "tcp://[fe80::1%eth0]:65535", "name": "tcp://chat.example.org:1",
        "any": "tcp://*:*", "mapped": "tcp://[::ffff:127.0.0.1]:80", "key": "tcp://host:2001?key=" + "0f" * 32,
    },
    "fuzz_moment": {
        "time": "07:00:00", "date": "2026-11-22", "both": "2026-11-22 07:00:00", "rfc3339": "2026-11-22T07:00:00.5+01:00",
        "utc": "2026-11-22T07:00:00Z", "seconds": "@1795330800", "ago": "-15m", "record": "#7", "seq": "seq:7", "spring": "2026-03-29 02:30:00",
    },
    "fuzz_original": {
        "join": f"JOIN REQUEST FROM {UUID}", "leave": f"LEAVE REQUEST FROM {UUID}", "send": f"MESSAGE SEND FROM {UUID} JOIN REQUEST\tFROM",
        "all": f"MESSAGE REQUEST FROM {UUID} ", "since": f"MESSAGE REQUEST FROM {UUID} 07:00:00",
        "date": f"MESSAGE REQUEST FROM {UUID} 2026-11-22 07:00:00",
    },
}
CHANGES = {  # what, file, where, size, value: see fuzz_folder.c
    "flip": [(0, 2, 400, 0, 3)], "fill": [(1, 0, 30, 200, 255)], "cut": [(2, 2, 300, 50, 0)], "name": [(3, 1, 0, 0, 9)],
    "misdirected": [(4, 1, 200, 100, 300)], "doubled": [(5, 1 + 4 * 2, 0, 0, 0)], "forged": [(6, 1, 0, 40, 2)],
    "shorter": [(7, 2, 0, 0, 2)], "removed": [(8, 1, 0, 0, 0), (0, 0, 20, 0, 1)],
}


def main():
    for fuzzer, texts in TEXTS.items():
        for name, content in texts.items():
            write(fuzzer, name, content.encode())
    for name, changes in CHANGES.items():
        write("fuzz_folder", name, b"".join(struct.pack(">BBHHH", *change) for change in changes))
    for name, data in RECORDS.items():
        write("fuzz_jsonl", name, b"\0" + data)
    write("fuzz_jsonl", "changed", b"\1\0\x28x" + RECORDS["message"])
    for name, data in (("all", invitation([], [])), ("cats", invitation([b"cats", b"dogs"], [PLACE, PLACE]))):
        write("fuzz_invitation", name, data)
        write("fuzz_invitation", name + "-listed", text(data) + text(b"none") + text(data))
        write("fuzz_invitation", name + "-text", b"zchat1." + base64.urlsafe_b64encode(data).rstrip(b"="))
    for name, data in RECORDS.items():
        write("fuzz_record", name, struct.pack(">q", BASE) + data)
    for name, data in BATCHES.items():
        write("fuzz_batch", name, data)
    for name, (kind, body) in REQUESTS.items():
        write("fuzz_wire", name, b"zC\1" + number((kind, 1), (7, 4)) + ANN + body)
        receipt = number((12, 2), (64, 2)) + RECEIPT
        write("fuzz_wire", name + "-options", b"zC\1" + number((kind, 1), (7, 4)) + ANN + body + receipt
              + number((999, 2), (1, 2), (5, 1)))
    for name, (kind, body) in REPLIES.items():
        write("fuzz_wire", name, b"zC\1" + number((kind, 1), (0, 4)) + body)


if __name__ == "__main__":
    main()
