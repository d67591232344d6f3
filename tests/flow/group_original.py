#!/usr/bin/python3
"""The original system's users against a group: every row of its wire, byte for byte."""

import contextlib
import datetime
import re
import time
import uuid

import lib_zwire
from lib_group import Group, Registry, run, same
from lib_zwire import groups

ANN, BOB = str(uuid.UUID(int=0xa11)), str(uuid.UUID(int=0xb0b))
INVALID = "Invalid Request"


@contextlib.contextmanager
def group(*members, text=""):
    """A running group, and a REQ socket to it. These have joined."""
    with Group("cats", text=text) as server, server.original() as user:
        for member in members:
            same(user.ask(f"JOIN REQUEST FROM {member}"), "SUCCESS")
        yield server, user


def lines(user, who=ANN, since=" "):
    """(time, uuid, text) of each line of a history."""
    answer = user.ask(f"MESSAGE REQUEST FROM {who}{since}")
    found = [re.fullmatch(r"(\d\d:\d\d:\d\d) - ([0-9a-f-]{36}): (.*)", line, re.S) for line in answer.split("\n")] if answer else []
    assert all(found), answer
    return [match.groups() for match in found]


def texts(user, who=ANN, since=" "):
    return [text for _, _, text in lines(user, who, since)]


def joining_succeeds_again_and_again():
    with group() as (_, user):
        for _ in range(3):
            same(user.ask(f"JOIN REQUEST FROM {ANN}"), "SUCCESS")
        same(user.ask(f"JOIN REQUEST FROM {ANN.upper()}"), "SUCCESS")


def leaving_succeeds_once():
    with group(ANN) as (_, user):
        same(user.ask(f"LEAVE REQUEST FROM {BOB}"), "FAIL")
        same(user.ask(f"LEAVE REQUEST FROM {ANN}"), "SUCCESS")
        same(user.ask(f"LEAVE REQUEST FROM {ANN}"), "FAIL")
        same(user.ask(f"MESSAGE SEND FROM {ANN} hi"), "FAIL")
        same(user.ask(f"JOIN REQUEST FROM {ANN}"), "SUCCESS")


def messages_come_back_as_lines():
    with group(ANN, BOB) as (_, user):
        same(user.ask(f"MESSAGE REQUEST FROM {ANN} "), "", "no message yet")
        same(user.ask(f"MESSAGE SEND FROM {ANN} hi"), "SUCCESS")
        same(user.ask(f"MESSAGE SEND FROM {BOB} several words, with more: than one"), "SUCCESS")
        before = datetime.datetime.now()
        got = lines(user)
        same([(who, text) for _, who, text in got], [(ANN, "hi"), (BOB, "several words, with more: than one")])
        for clock, _, _ in got:
            then = datetime.datetime.combine(before.date(), datetime.time.fromisoformat(clock))
            assert abs((before - then).total_seconds()) < 60 or before.hour in (0, 23), (clock, before)
        same(lines(user, BOB, ""), got, "without the trailing blank")
        same(user.ask(f"MESSAGE REQUEST FROM {uuid.uuid4()} "), "FAIL", "no member")
        same(user.ask(f"MESSAGE REQUEST FROM {ANN.upper()} ").count("\n"), 1)


def words_of_requests_are_text():
    said = [f"JOIN REQUEST FROM {BOB}", "LEAVE REQUEST", "MESSAGE SEND FROM me x", " a blank before and behind ", "  ", "größer \U0001f431"]
    with group(ANN) as (_, user):
        for text in said:
            same(user.ask(f"MESSAGE SEND FROM {ANN} {text}"), "SUCCESS", text)
        same(texts(user), said)
        same(user.ask(f"LEAVE REQUEST FROM {BOB}"), "FAIL", "a text made nobody join")


def lines_cannot_be_forged():
    with group(ANN) as (_, user):
        same(user.ask(f"MESSAGE SEND FROM {ANN} a\n00:00:00 - {BOB}: forged\tor not"), "SUCCESS")
        same(lines(user)[0][1:], (ANN, f"a 00:00:00 - {BOB}: forged or not"))
        same(len(lines(user)), 1)


def bad_texts_fail_and_are_not_stored():
    with group(ANN, text="max_message = 1000;") as (server, user):
        for text in (b"", b"\x00", b"a\rb", b"\x1b[2J", b"\x7f", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"x" * 1001):
            same(user.frames(b"MESSAGE SEND FROM " + ANN.encode() + b" " + text), [b"FAIL"], repr(text))
        same(user.ask(f"MESSAGE SEND FROM {BOB} not a member"), "FAIL")
        same(user.ask(f"MESSAGE SEND FROM {ANN} " + "x" * 1000), "SUCCESS")
        same(texts(user), ["x" * 1000])
        with server.client() as client:
            same(client.ping()["last"], 3)  # open, join, one message


def times_filter():
    with group(ANN) as (_, user):
        for text in ("one", "two"):
            user.ask(f"MESSAGE SEND FROM {ANN} {text}")
        clock = lines(user)[0][0]
        today = datetime.date.today()
        if datetime.datetime.now().strftime("%H:%M") in ("23:59", "00:00"):
            return  # midnight: "today" may be another day at the next request
        same(texts(user, since=f" {clock}")[:2], ["one", "two"], "at or after")
        same(texts(user, since=" 00:00:00"), ["one", "two"])
        same(texts(user, since=" 23:59:59"), [])
        same(texts(user, since=f" {today} {clock}")[:2], ["one", "two"])
        same(texts(user, since=f" {today - datetime.timedelta(days=1)} 23:59:59"), ["one", "two"])
        same(texts(user, since=f" {today + datetime.timedelta(days=1)} 00:00:00"), [])
        same(texts(user, since=" 1970-01-01 00:00:00"), ["one", "two"])
        while datetime.datetime.now().strftime("%H:%M:%S") <= clock:  # the next second, awaited by asking
            user.ask(f"MESSAGE REQUEST FROM {ANN} ")
        user.ask(f"MESSAGE SEND FROM {ANN} three")
        later = lines(user)[2][0]
        same(texts(user, since=f" {later}"), ["three"])


def anything_else_is_an_invalid_request():
    bad = ["", " ", "hello", "JOIN REQUEST", "JOIN REQUEST FROM ", "JOIN REQUEST FROM x", f"JOIN REQUEST FROM {ANN} ",
           f"JOIN REQUEST FROM {ANN}x", f"JOIN REQUEST FROM  {ANN}", f"join request from {ANN}", f" JOIN REQUEST FROM {ANN}",
           f"JOIN REQUEST FROM {ANN[:-1]}", f"JOIN REQUEST FROM {ANN[:-1]}g", f"JOIN REQUEST FROM {{{ANN}}}", f"JOIN REQUEST FROM {ANN}\n",
           "JOIN REQUEST FROM 5001 [cats]", f"LEAVE REQUEST FROM {ANN} now", "LEAVE REQUEST FROM ",
           f"MESSAGE REQUEST FROM {ANN}  ", f"MESSAGE REQUEST FROM {ANN} 1", f"MESSAGE REQUEST FROM {ANN} 24:00:00",
           f"MESSAGE REQUEST FROM {ANN} 12:60:00", f"MESSAGE REQUEST FROM {ANN} 1:00:00", f"MESSAGE REQUEST FROM {ANN} 12:00:00 ",
           f"MESSAGE REQUEST FROM {ANN} 2026-13-01 00:00:00", f"MESSAGE REQUEST FROM {ANN} 2026-02-30 00:00:00",
           f"MESSAGE REQUEST FROM {ANN} 2026-01-01T00:00:00", f"MESSAGE REQUEST FROM {ANN} 2026-01-01",
           f"MESSAGE REQUEST FROM {ANN}12:00:00", "MESSAGE REQUEST FROM", "MESSAGE SEND FROM ", "MESSAGE SEND FROM x hi",
           f"MESSAGE SEND FROM {ANN}hi", f"GROUP LIST REQUEST FROM {ANN}", "\x00" * 100, "x" * 100000]
    with group(ANN) as (server, user):
        for text in bad:
            same(user.ask(text), INVALID, repr(text[:80]))
        for frames in (("JOIN REQUEST FROM " + BOB, ""), ("a", "b", "c"), (b"x",) * 500, ("", "")):
            same(user.frames(*frames), [INVALID.encode()])
        with server.client() as client:
            same(client.ping()["last"], 2, "nothing of it is in the log")


def text_of_nothing_fails():
    """A member's empty text: with and without the blank."""
    with group(ANN) as (_, user):
        same(user.ask(f"MESSAGE SEND FROM {ANN} "), "FAIL")
        assert user.ask(f"MESSAGE SEND FROM {ANN}") in ("FAIL", INVALID)


def newest_messages_that_fit():
    with group(ANN, text="max_reply = 4096;") as (_, user):
        for i in range(200):
            user.ask(f"MESSAGE SEND FROM {ANN} text {i} " + "x" * (i % 50))
        answer = user.ask(f"MESSAGE REQUEST FROM {ANN} ")
        got = texts(user)
        assert 4096 - 120 < len(answer.encode()) <= 4096, len(answer)
        same(got, [f"text {i} " + "x" * (i % 50) for i in range(200 - len(got), 200)])


def history_over_many_segments_is_the_newest():
    with group(ANN, text="segment = 65536; max_message = 60000; max_reply = 100000;") as (_, user):
        for i in range(20):
            same(user.ask(f"MESSAGE SEND FROM {ANN} {i} " + "x" * 30000), "SUCCESS")
        same([text.split()[0] for text in texts(user)], ["17", "18", "19"])


def messages_outlive_kill_and_stop():
    with group(ANN, BOB) as (server, user):
        user.ask(f"MESSAGE SEND FROM {ANN} before")
        before = lines(user)
        for end in (server.kill, server.stop):
            end()
            server.start()
            with server.original() as again:
                same(lines(again, BOB), before)
                same(again.ask(f"MESSAGE SEND FROM {BOB} hi"), "SUCCESS")
                before = lines(again)
        same(len(before), 3)


def both_wires_see_the_same_group():
    with group(ANN) as (server, user), server.member("bob") as bob:
        follower = lib_zwire.Follower(bob, 1)
        follower.begin()
        same(user.ask(f"MESSAGE SEND FROM {ANN} from the old system"), "SUCCESS")
        ack = bob.send("from the new one")
        same([(who, text) for _, who, text in lines(user)],
             [(ANN, "from the old system"), (str(bob.who), "from the new one")])
        records = follower.until(ack["seq"])
        old = [record for record in records if record.author == uuid.UUID(ANN)]
        same([(record.kind, record.text, record.nick, record.counter, record.verified) for record in old],
             [("join", None, None, 0, False), ("message", "from the old system", None, 0, False)])
        same(bob.members()[uuid.UUID(ANN)]["nick"], "")
        same(user.ask(f"LEAVE REQUEST FROM {bob.who}"), "SUCCESS", "over plain nobody proves anything")
        while (message := follower.take()).name != "END":
            pass
        same(message["why"], 4)


def many_users_at_once():
    with group() as (server, _), contextlib.ExitStack() as stack:
        users = [(str(uuid.uuid4()), stack.enter_context(server.original())) for _ in range(50)]
        for who, user in users:
            user.socket.send(f"JOIN REQUEST FROM {who}".encode())
        same({user.socket.recv() for _, user in users}, {b"SUCCESS"})
        for turn in range(10):
            for who, user in users:
                user.socket.send(f"MESSAGE SEND FROM {who} {turn}".encode())
            same({user.socket.recv() for _, user in users}, {b"SUCCESS"})
        got = [(who, text) for _, who, text in lines(users[0][1], users[0][0])]
        for who, _ in users:
            same([text for author, text in got if author == who], [str(turn) for turn in range(10)])


def requests_are_logged_as_the_original_does():
    with group(ANN) as (server, user):
        user.ask(f"MESSAGE SEND FROM {ANN} hi")
        user.ask(f"MESSAGE REQUEST FROM {ANN} ")
        user.ask(f"LEAVE REQUEST FROM {ANN}")
        for what in ("JOIN REQUEST", "MESSAGE SEND", "MESSAGE REQUEST", "LEAVE REQUEST"):
            line = server.wait_for(f"{what} FROM {ANN}")
            assert line.endswith(ANN), f"a text in the log: {line}"


def found_through_the_registry_by_an_original_user():
    with Registry() as registry, Group("cats", [registry]) as server, lib_zwire.Original(registry.endpoint) as user:
        end = time.monotonic() + 20
        while not (answer := user.ask(f"GROUP LIST REQUEST FROM LOCALHOST:2000 [{ANN}]")):
            assert time.monotonic() < end and server.alive()
        match = re.fullmatch(r"\[cats\] - (\d+)", answer)
        assert groups(registry.endpoint)["cats"]["endpoints"] == server.endpoint
        with lib_zwire.Original(f"tcp://127.0.0.1:{match[1]}") as old:
            same(old.ask(f"JOIN REQUEST FROM {ANN}"), "SUCCESS")


CASES = [value for name, value in list(globals().items()) if callable(value)
         and getattr(value, "__module__", "") == "__main__" and name not in ("group", "lines", "texts")]

if __name__ == "__main__":
    run(CASES)
