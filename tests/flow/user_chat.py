"""The conversation on a terminal: typed, shown, and the terminal given back in every way out."""

import contextlib
import signal

from lib_group import Group, Registry, run, same
from lib_user import User


@contextlib.contextmanager
def talk(*words, columns=80):
    """Ann's conversation in cats, and bob."""
    with Registry() as registry, Group("cats", [registry]):
        ann, bob = User(registry, name="ann"), User(registry, name="bob")
        ann.fine("join", "cats")
        bob.fine("join", "cats")
        terminal = ann.terminal("chat", *(words or ("cats",)), columns=columns)
        terminal.wait_for_prompt("cats> ")
        yield terminal, ann, bob


def typed_line_is_sent_and_shown():
    with talk() as (terminal, ann, bob):
        terminal.wait_for("* bob joined")
        terminal.type("hello all\r")
        terminal.wait_for(" ann: hello all\n")
        terminal.wait_for_prompt("cats> ")
        same(bob.fine("messages", "cats", "--limit", "1", "--json").json()[0]["text"], "hello all")


def what_comes_does_not_break_what_is_typed():
    with talk() as (terminal, ann, bob):
        terminal.type("half a li")
        terminal.wait_for_prompt("cats> half a li")
        bob.fine("send", "cats", "first")
        bob.fine("send", "cats", "second\nline")
        terminal.wait_for(" bob: second\n         line\ncats> half a li")
        same(terminal.cursor(), ("cats> half a li", len("cats> half a li")))
        terminal.type("ne\r")
        terminal.wait_for(" ann: half a line\n")
        same(terminal.screen().count("half a li"), 1)


def line_is_edited():
    with talk() as (terminal, ann, bob):
        terminal.type("one two\x1b[D\x1b[D\x1b[D\x17X \x05!")  # left three times, kill a word, the end
        terminal.wait_for_prompt("cats> X two!")
        terminal.type("\x15")
        terminal.wait_for_prompt("cats> ")
        terminal.type("first\r")
        terminal.wait_for(" ann: first\n")
        terminal.type("\x1b[A")
        terminal.wait_for_prompt("cats> first")
        terminal.type("\x03")
        terminal.wait_for_prompt("cats> ")


def long_line_scrolls_within_the_terminal():
    with talk(columns=30) as (terminal, ann, bob):
        text = "0123456789" * 5
        terminal.type(text)
        terminal.wait_for_prompt("cats> " + text[-23:])
        terminal.type("\x01")
        terminal.wait_for(lambda _: terminal.cursor()[1] == 6)
        same(terminal.cursor()[0].rstrip(), "cats> " + text[:23])
        terminal.type("\r")
        terminal.wait_for(f" ann: {text[:16]}\n         {text[16:37]}\n         {text[37:]}\n")


def commands():
    with talk() as (terminal, ann, bob):
        terminal.type("/who\r")
        terminal.wait_for(f"online   {ann.uuid()}")
        terminal.type("/nick anna\r")
        terminal.wait_for("* ann is now anna")
        terminal.type("/topic all about cats\r")
        terminal.wait_for("* anna set the topic: all about cats")
        terminal.type("/topic\r")
        terminal.wait_for("\ncats: all about cats")
        terminal.type("//shrug\r")
        terminal.wait_for(" anna: /shrug\n")
        terminal.type("/dance\r")
        terminal.wait_for("there is no /dance, see /help")
        terminal.type("/help\r")
        terminal.wait_for("/quit ")
        terminal.type("/groups\r")
        terminal.wait_for(" members, ")
        terminal.type("/nick bob\r")
        terminal.wait_for("another member has this nick")
        terminal.type("/messages 1\r")
        terminal.wait_for(lambda screen: screen.count("anna: /shrug") == 2)
        terminal.type("/quit\r")
        same(terminal.wait(), 0)


def several_groups():
    with Registry() as registry, Group("cats", [registry]), Group("dogs", [registry]):
        ann, bob = User(registry, name="ann"), User(registry, name="bob")
        for user in (ann, bob):
            user.fine("join", "cats")
        bob.fine("join", "dogs")
        terminal = ann.terminal("chat", "cats")
        terminal.wait_for_prompt("cats> ")
        terminal.type("/join dogs\r")
        terminal.wait_for_prompt("dogs> ")
        terminal.wait_for("[dogs] * ann joined")
        terminal.type("woof\r")
        terminal.wait_for("[dogs] ann: woof")
        bob.fine("send", "cats", "meow?")
        terminal.wait_for("[cats] bob: meow?")
        terminal.type("\t")
        terminal.wait_for_prompt("cats> ")
        terminal.type("meow\r")
        terminal.wait_for("[cats] ann: meow\n")
        terminal.type("/group dogs\r")
        terminal.wait_for_prompt("dogs> ")
        terminal.type("/leave\r")
        terminal.wait_for_prompt("cats> ")
        terminal.type("/group dogs\r")
        terminal.wait_for("dogs is not open here")
        terminal.type("/quit\r")
        same(terminal.wait(), 0)
        same(ann.call("messages", "dogs").code, 1)
        # The next time it goes on where it was.
        again = ann.terminal()
        again.wait_for_prompt("cats> ")
        again.wait_for(" ann: meow\n")
        again.type("\x04")
        same(again.wait(), 0)


def joins_only_when_the_user_says_so():
    with Registry() as registry, Group("cats", [registry]):
        ann = User(registry, name="ann")
        terminal = ann.terminal("chat", "cats")
        terminal.wait_for_prompt("You are no member of cats. Join? (y/n) ")
        terminal.type("hello?\r")
        terminal.wait_for_prompt("You are no member of cats. Join? (y/n) ")
        terminal.type("n\r")
        terminal.wait_for_prompt("> ")
        same(ann.call("messages", "cats").code, 1)
        terminal.type("/quit\r")
        same(terminal.wait(), 0)
        terminal = ann.terminal("chat", "cats")
        terminal.wait_for_prompt("You are no member of cats. Join? (y/n) ")
        terminal.type("y\r")
        terminal.wait_for("* ann joined")
        terminal.wait_for_prompt("cats> ")
        terminal.type("\x04")
        same(terminal.wait(), 0)
        same(ann.call("messages", "cats").code, 0)


def pasted_lines_are_one_message():
    with talk() as (terminal, ann, bob):
        terminal.type("\x1b[200~one\r\ttwo\x03\x1b[201~")
        terminal.wait_for_prompt("cats> one\u21b5 two")
        terminal.type("\r")
        terminal.wait_for(" ann: one\n")
        same(ann.fine("messages", "cats", "--limit", "1", "--json").json()[0]["text"], "one\n\ttwo")


def others_cannot_forge_lines():
    with talk(columns=40) as (terminal, ann, bob):
        bob.fine("send", "cats", "x" + " " * 60 + "07:00:00 ann: I quit\n07:00:00 ann: really\u202e")
        terminal.wait_for("really\\u{202e}")
        lines = [line for line in terminal.screen().split("\n") if "ann: " in line]
        assert lines and all(line.startswith(" ") for line in lines), terminal.screen()


def group_that_stops_and_comes_back():
    with Registry() as registry, Group("cats", [registry]) as group:
        ann = User(registry, name="ann")
        ann.fine("join", "cats")
        terminal = ann.terminal("chat", "cats")
        terminal.wait_for_prompt("cats> ")
        group.stop()
        terminal.wait_for_prompt("cats (offline)> ")
        terminal.type("are you there?\r")
        group.start()
        terminal.wait_for(" ann: are you there?\n")
        terminal.wait_for_prompt("cats> ")
        same(ann.fine("messages", "cats", "--json").out.count("are you there?"), 1)
        terminal.type("\x04")
        same(terminal.wait(), 0)


def terminal_is_given_back():
    with talk() as (terminal, ann, bob):
        assert terminal.is_raw()
        terminal.type("/quit\r")
        same(terminal.wait(), 0)
        assert not terminal.is_raw()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            terminal = ann.terminal("chat", "cats")
            terminal.wait_for_prompt("cats> ")
            before = terminal.settings()
            terminal.type("half")
            terminal.wait_for_prompt("cats> half")
            terminal.signal(number)
            same(terminal.wait(), 128 + number)
            assert not terminal.is_raw() and before[3] != terminal.settings()[3]


def stopped_and_continued():
    with talk() as (terminal, ann, bob):
        for stop in (lambda: terminal.type("\x1a"), lambda: terminal.signal(signal.SIGTSTP)):
            terminal.type("x")
            terminal.wait_for(lambda _: terminal.cursor()[0].endswith("x"))
            stop()
            terminal.wait_until_stopped()
            assert not terminal.is_raw()
            terminal.signal(signal.SIGCONT)
            terminal.wait_for(lambda _: terminal.is_raw() and terminal.cursor()[0].endswith("x"))
        terminal.type("\r")
        terminal.wait_for(" ann: xx\n")


def without_a_terminal_lines_are_read_plainly():
    with talk() as (terminal, ann, bob):
        terminal.type("\x04")
        terminal.wait()
        done = ann.fine("chat", "cats", stdin="from a pipe\n/who\n\nlast without a newline")
        texts = [line.split(" ", 1)[1] for line in done.out.splitlines() if line[2:3] == ":"]
        same(texts[-2:], ["ann: from a pipe", "ann: last without a newline"])
        assert "\x1b" not in done.out and "online" in done.out, done
        stranger = User(name="eve")
        stranger.environment["ZCHAT_REGISTRY"] = ann.environment["ZCHAT_REGISTRY"]
        done = stranger.call("chat", "cats", stdin="hi\n")
        same(done.code, 1)
        assert "not a member" in done.err, done


if __name__ == "__main__":
    run([typed_line_is_sent_and_shown, what_comes_does_not_break_what_is_typed, line_is_edited,
         long_line_scrolls_within_the_terminal, commands, several_groups, joins_only_when_the_user_says_so,
         pasted_lines_are_one_message, others_cannot_forge_lines, group_that_stops_and_comes_back,
         terminal_is_given_back, stopped_and_continued, without_a_terminal_lines_are_read_plainly])
