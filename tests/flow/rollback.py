#!/usr/bin/python3
"""A group's folder is put back from a backup while its members know more: nothing that is in the log then is missed by anybody, what
is lost is told once, and the next time is noticed too."""

import json
import shutil
import signal

from group_log import until
from lib_group import Registry, run, same
from lib_user import User
from log_tool import group, tool


def lines(user, what, count):
    user.fine("send", "cats", "--lines", stdin="".join(f"{what} {i}\n" for i in range(count)))


def back_up(server, name="backup"):
    shutil.copytree(server.log_folder, server.folder / name)


def put_back(server, name="backup"):
    server.stop()
    shutil.rmtree(server.log_folder)
    shutil.copytree(server.folder / name, server.log_folder)
    server.start()


def start_again(server, times=1):
    for _ in range(times):
        server.stop()
        server.start()
        server.wait_for("serving")


def accept(server):
    server.stop()
    tool("accept", "--yes", server.log_folder, code=0)
    server.start()


def is_in_doubt(user):
    said = until(lambda: (lambda call: call.code == 75 and call)(user.call("send", "cats", "x")), "in doubt")
    assert "IN DOUBT" in said.err, said


def read_to(follow, text, seen):
    while True:
        record = json.loads(follow.line())
        seen.setdefault(record["seq"], []).append(record)
        if record.get("text") == text:
            return


def follower_is_shown_what_took_the_place(batched=True, before=0, opened=0):
    with Registry() as registry, group(registries=[registry]) as server:
        ann, bob = User(registry, name="ann"), User(registry, name="bob")
        for user in (ann, bob):
            user.fine("join", "cats")
        lines(ann, "old", 20)
        back_up(server)
        start_again(server, before)  # opened more often than what is put back
        seen = {}
        follow = ann.start("follow", "cats", "--after", "#0", "--json")
        read_to(follow, "old 19", seen)
        lines(ann, "gone", 30)
        read_to(follow, "gone 29", seen)
        follow.process.send_signal(signal.SIGSTOP)
        put_back(server)
        start_again(server, opened)
        if batched:
            lines(bob, "new", 60)
        else:
            for i in range(40):
                bob.fine("send", "cats", f"new {i}")
        follow.process.send_signal(signal.SIGCONT)
        follow.wait_for_err("IN DOUBT")
        is_in_doubt(ann)
        call = ann.call("messages", "cats", "--limit", "1")
        assert "IN DOUBT" in call.err, call
        accept(server)
        until(lambda: bob.call("send", "cats", "after").code == 0, "goes on")
        read_to(follow, "after", seen)
        code, said = follow.end()
        same((code, said.count("acknowledged is lost")), (0, 1), said)
        log = bob.fine("messages", "cats", "--json").json()
        missed = [record["seq"] for record in log if record not in seen.get(record["seq"], [])]
        same(missed, [], said)


def follower_is_shown_what_was_sent_one_by_one():
    follower_is_shown_what_took_the_place(batched=False)


def follower_is_shown_what_took_the_place_of_a_later_opening():
    follower_is_shown_what_took_the_place(before=1)
    follower_is_shown_what_took_the_place(before=3, opened=1)


def loss_is_told_once():
    with Registry() as registry, group(registries=[registry]) as server:
        ann = User(registry, name="ann")
        ann.fine("join", "cats")
        lines(ann, "old", 5)
        back_up(server)
        start_again(server, 2)
        lines(ann, "gone", 9)
        put_back(server)
        is_in_doubt(ann)
        accept(server)
        first = until(lambda: (lambda call: call.code == 1 and call)(ann.call("messages", "cats")), "told")
        same(first.err.count("acknowledged is lost"), 1, first)
        for _ in range(2):
            again = ann.call("messages", "cats")
            same((again.code, again.err), (0, ""))


def second_time_is_noticed_too():
    with Registry() as registry, group(registries=[registry]) as server:
        ann = User(registry, name="ann")
        ann.fine("join", "cats")
        lines(ann, "old", 20)
        back_up(server)
        lines(ann, "gone", 30)
        put_back(server)
        is_in_doubt(ann)
        accept(server)
        until(lambda: ann.call("groups").code == 0, "back")
        server.stop()
        back_up(server, "second")
        server.start()
        for i in range(5):  # far below what was lost
            until(lambda: ann.call("send", "cats", f"important {i}").code == 0, "sent")
        put_back(server, "second")
        is_in_doubt(ann)


HELPERS = ("lines", "back_up", "put_back", "start_again", "accept", "is_in_doubt", "read_to")
CASES = [value for name, value in list(globals().items()) if callable(value) and getattr(value, "__module__", "") == "__main__"
         and name not in HELPERS]

if __name__ == "__main__":
    run(CASES)
