#!/usr/bin/python3
"""The operator's page of docs/security.md, word for word, and what comes of it: who gets in by an invitation, and who does not."""

import base64
import contextlib
import pathlib
import re
import signal
import subprocess

from curve import Asker
from lib_group import BUILD, Group, Registry, free_port, run, same
from lib_user import User

PAGE = (pathlib.Path(__file__).resolve().parents[2] / "docs/security.md").read_text().split("## Letting people in: the operator's page")[1]
BLOCKS = [re.sub("^    ", "", block, flags=re.M) for block in re.findall(r"\n\n((?:    .*\n)+)", PAGE)]


class World:
    """A machine on which an operator did what the page says, up to the last line of it."""

    def __init__(self, stack, more):
        self.operator, self.ports = User(name="op"), {port: str(free_port()) for port in ("2000", "2001", "2010")}
        self.operator.environment["ZCHAT_REGISTRY"] = f"tcp://127.0.0.1:{self.ports['2000']}"  # the default has the port 2000
        commands = BLOCKS[0].splitlines()
        same([line.split("#")[0].strip() for line in commands], ["zchat invitation --key", "zchat whoami"])
        line = self.operator.fine("invitation", "--key").out
        self.key = re.fullmatch(r'operators = \[ "([0-9a-f]{64})" \];\n', line)[1]
        self.owner = self.operator.fine("whoami", "--json").json()[0]["key"]
        self.registry = stack.enter_context(Registry(self.configuration(BLOCKS[1])))
        registries = [Asker(self.operator.environment["ZCHAT_REGISTRY"])]  # the default
        self.group = stack.enter_context(Group("cats", registries, self.configuration(BLOCKS[2]) + more))
        self.group.wait_for("registered at")
        for word in ("zchat-registry", "zchat-group"):
            daemon = self.registry if word == "zchat-registry" else self.group
            same(subprocess.run([BUILD / word, "-t", "-c", daemon.config.parent, *(["cats"] if daemon is self.group else [])],
                                check=False).returncode, 0)
        same(BLOCKS[3].splitlines()[2], "zchat join cats")
        self.operator.fine("join", "cats")

    def configuration(self, block):
        """The page's, on ports of this test and on loopback alone."""
        for port, free in self.ports.items():
            block = block.replace(":" + port, ":" + free)
        return (block.replace("tcp://*:2", "tcp://127.0.0.1:2").replace("tcp://*:", "tcp://127.0.0.1:")
                .replace("chat.example.org", "127.0.0.1").replace("OPERATOR", self.key).replace("OWNER", self.owner))

    def invitation(self, *words):
        return self.operator.fine("invitation", *words).out.strip()


@contextlib.contextmanager
def world(more=""):
    """With more configuration of the group."""
    with contextlib.ExitStack() as stack:
        yield World(stack, more)


def stranger(name):
    """A user who knows no registry but that of this machine, where there is none."""
    user = User(name=name)
    user.environment["ZCHAT_REGISTRY"] = ""
    (pathlib.Path(user.home) / "user.cfg").write_text(f'registries = [ "tcp://127.0.0.1:{free_port()}" ];\n')
    return user


def operators_page_word_for_word():
    with world() as here:
        words = BLOCKS[3].splitlines()[3].split()
        same(words[:2], ["zchat", "invitation"])
        done = here.operator.fine(*words[1:])
        same(done.out.count("\n"), 1)
        same(BLOCKS[4].splitlines(), ["zchat trust INVITATION", "zchat join cats"])
        ann = stranger("ann")
        same(ann.call("join", "cats", "--timeout", "0.5").code, 69)
        trusted = ann.fine("trust", done.out.strip())
        assert trusted.out.startswith("trusted the invitation to cats, until "), trusted
        assert trusted.out.endswith(f", for 5 people\nregistry tcp://127.0.0.1:{here.ports['2001']}\n"), trusted
        same([row["name"] for row in ann.fine("groups", "--json").json()], ["cats"])
        same(ann.fine("join", "cats").out, "joined cats as ann\n")
        ann.fine("send", "cats", "hello")
        last = here.operator.fine("messages", "cats", "--limit", "1", "--json").json()[0]
        same((last["nick"], last["text"], last["verified"]), ("ann", "hello", True))
        same({row["nick"]: row["role"] for row in ann.fine("who", "cats", "--json").json()}, {"op": "owner", "ann": "member"})


def strangers_get_nothing_but_an_error():
    with world() as here:
        eve = stranger("eve")
        key = (here.registry.folder / "registry/curve.pub").read_text().strip()
        secure = f"tcp://127.0.0.1:{here.ports['2001']}?key={key}"
        for command in (["groups"], ["join", "cats"], ["messages", "cats"]):
            done = eve.call("-r", secure, *command)
            same((done.code, done.out), (1, ""))
            assert "an invitation is needed here" in done.err, done
        row = here.operator.fine("groups", "--json").json()[0]
        endpoint = next(endpoint for endpoint in row["endpoints"] if "?key=" in endpoint)
        for command in (["join", endpoint], ["messages", endpoint], ["who", endpoint]):
            done = eve.call(*command)
            same((done.code, done.out), (1, ""))
        done = eve.call("join", endpoint)
        assert "an invitation is needed here: ask one of its operators for an invitation, and give it to zchat trust" in done.err, done
        plain = next(endpoint for endpoint in row["endpoints"] if "?key=" not in endpoint)
        done = eve.call("join", plain)
        same(done.code, 1)
        assert "a key must be proved" in done.err and "zchat trust" in done.err, done
        same(len(here.operator.fine("who", "cats", "--json").json()), 1)


def twice_is_once_and_from_stdin():
    with world() as here:
        ann, text = stranger("ann"), here.invitation("--group", "cats")
        ann.fine("trust", "-", stdin=text[:40] + "\n" + text[40:] + "\n")
        done = ann.fine("trust", text)
        assert done.out.startswith("known already: the invitation to cats\n"), done
        same(len(list((pathlib.Path(ann.home) / "me/invitations").iterdir())), 1)
        same((pathlib.Path(ann.home) / "me/registries").read_text().count("\n"), 1)
        ann.fine("join", "cats")
        same(ann.fine("join", "cats", "--json").json()[0]["seq"], None)


def used_up():
    with world() as here:
        text = here.invitation("--uses", "1")
        ann, bob = stranger("ann"), stranger("bob")
        for user in (ann, bob):
            user.fine("trust", text)
        ann.fine("join", "cats")
        ann.fine("join", "cats")  # the same person, the same use
        done = bob.call("join", "cats")
        same((done.code, done.out), (1, ""))
        assert "ask one of its operators for a new one" in done.err, done
        # A new one is shown first.
        bob.fine("trust", here.invitation("--uses", "1"))
        bob.fine("join", "cats")


def expired():
    with world() as here:
        text = here.invitation("--expires", "+2s")
        ann = stranger("ann")
        ann.fine("trust", text)
        done = None
        while not done or done.code == 0:  # the daemons judge by their own clock
            done = stranger("eve").call("trust", text)
        assert "the invitation is expired" in done.err, done
        done = ann.call("join", "cats")
        same((done.code, done.out), (1, ""))
        assert "an invitation is needed here, and yours is expired: ask one of its operators for a new one" in done.err, done


def altered():
    with world() as here:
        text = here.invitation("--group", "dogs", "--uses", "1")
        raw = bytearray(base64.urlsafe_b64decode(text[7:] + "=" * (-len(text[7:]) % 4)))
        for at in (40, 60, 63, len(raw) - 1):  # id, uses, group, signature
            other = bytearray(raw)
            other[at] ^= 1
            done = stranger("ann").call("trust", "zchat1." + base64.urlsafe_b64encode(other).decode().rstrip("="))
            same((done.code, done.out), (1, ""))
            assert "altered" in done.err or "no whole" in done.err, done


def of_another_operator_or_for_another_group():
    with world() as here:
        mallory, ann, bob = User(name="mallory"), stranger("ann"), stranger("bob")
        key = (here.registry.folder / "registry/curve.pub").read_text().strip()
        ann.fine("trust", mallory.fine("invitation", "--at", f"tcp://127.0.0.1:{here.ports['2001']}?key={key}").out.strip())
        done = ann.call("join", "cats")
        same((done.code, done.out), (1, ""))
        bob.fine("trust", here.invitation("--group", "dogs"))
        same([row["name"] for row in bob.fine("groups", "--json").json()], ["cats"])  # the registry lets them in
        done = bob.call("join", "cats")
        same((done.code, done.out), (1, ""))
        assert "ask one of its operators" in done.err, done


def who_was_removed_stays_out():
    with world() as here:
        ann = stranger("ann")
        ann.fine("trust", here.invitation())
        ann.fine("join", "cats")
        same(here.operator.fine("kick", "cats", "ANN").out, "kicked ANN out of cats\n")
        same(ann.call("messages", "cats").code, 1)
        done = ann.call("join", "cats")
        same(done.code, 1)
        ann.fine("trust", here.invitation())
        ann.fine("join", "cats")
        here.operator.fine("ban", "cats", "ann")
        done = ann.call("join", "cats")
        same(done.code, 1)
        assert "zchat unban" in done.err, done
        here.operator.fine("unban", "cats", ann.uuid())
        here.operator.fine("invite", "cats", ann.uuid())
        ann.fine("join", "cats")
        here.operator.fine("mute", "cats", "ann")
        done = ann.call("send", "cats", "hi")
        same(done.code, 1)
        assert "muted" in done.err and "you may read on" in done.err, done
        here.operator.fine("unmute", "cats", "ann")
        here.operator.fine("op", "cats", "ann")
        same({row["nick"]: row["role"] for row in ann.fine("who", "cats", "--json").json()}["ann"], "operator")
        done = ann.call("deop", "cats", "op")
        same(done.code, 1)
        said = here.operator.fine("messages", "cats").out
        for deed in ("removed ann from the group", "banned ann", "lifted the ban on ann", "invited ann", "muted ann", "unmuted ann",
                     "made ann an operator"):
            assert f"* op {deed}" in said, (deed, said)
        kinds = [row["kind"] for row in here.operator.fine("messages", "cats", "--json").json()]
        assert {"kick", "ban", "unban", "invite", "mute", "unmute", "op"} <= set(kinds), kinds


def several_registries_in_one_invitation():
    with world() as here:
        key = (here.registry.folder / "registry/curve.pub").read_text().strip()
        gone = f"tcp://127.0.0.1:{free_port()}?key={'ab' * 32}"
        text = here.invitation("--at", gone, "--at", f"tcp://127.0.0.1:{here.ports['2001']}?key={key}")
        ann = stranger("ann")
        same(ann.fine("trust", text).out.count("registry tcp://"), 2)
        ann.fine("join", "cats")


def unproved_messages_are_marked():
    with world() as here:
        same(here.operator.fine("send", "cats", "mine").code, 0)
        assert " op: mine\n" in here.operator.fine("messages", "cats").out
    cats = World.configuration

    def open_to_all(self, block):
        return cats(self, block).replace('access = "invited"', 'access = "open"')
    World.configuration = open_to_all
    try:
        with world() as here:
            plain = next(line for line in here.operator.fine("groups", "--json").json()[0]["endpoints"] if "?key" not in line)
            eve = stranger("eve")
            eve.fine("join", plain)
            eve.fine("send", plain, "who am I")
            here.operator.fine("send", "cats", "it is me")
            said = here.operator.fine("messages", "cats").out
            assert " eve (unverified): who am I\n" in said and " op: it is me\n" in said, said
    finally:
        World.configuration = cats


def wait_that_a_limit_asks_for_is_kept():
    with world("rate = { send = 10; send_burst = 5; };\n") as here:
        ann = stranger("ann")
        ann.fine("trust", here.invitation())
        ann.fine("join", "cats")
        done = ann.fine("send", "cats", "--lines", stdin="".join(f"{n}\n" for n in range(20)))  # 1.5 s of waiting
        same(done.out.count("#"), 20)
        texts = [row["text"] for row in ann.fine("messages", "cats", "--json").json() if row["kind"] == "message"]
        same(texts, [str(n) for n in range(20)])
        # Each has its time from the one before on: more lines than the limit lets through within the time-out.
        same(ann.fine("--timeout", "1", "send", "cats", "--lines", stdin="y\n" * 25).out.count("#"), 25)
        here.group.config.write_text(here.group.config.read_text().replace("send = 10; send_burst = 5", "send = 1; send_burst = 1"))
        here.group.process.send_signal(signal.SIGHUP)
        here.group.wait_for("was read again")
        done = ann.call("--timeout", "0.3", "send", "cats", "--lines", stdin="x\n" * 3)
        same(done.code, 75)
        assert "it was tried for as long as --timeout allows" in done.err and "is not stored" in done.err, done


def second_key_and_a_lost_one():
    with world() as here:
        ann, laptop, new = stranger("ann"), stranger("laptop"), stranger("new")
        for user in (ann, laptop, new):
            user.fine("trust", here.invitation())
        ann.fine("join", "cats")
        uuid = ann.uuid()
        laptop_key, new_key, old_key = (user.fine("whoami", "--json").json()[0]["key"] for user in (laptop, new, ann))
        laptop.fine("key", "use", uuid)
        done = laptop.call("send", "cats", "hi")
        same(done.code, 1)
        assert "this key does not speak for this UUID" in done.err and "zchat key add" in done.err, done
        ann.fine("key", "add", "cats", laptop_key)
        laptop.fine("send", "cats", "from the laptop")
        last = here.operator.fine("messages", "cats", "--limit", "1", "--json").json()[0]
        same((last["author"], last["text"], last["verified"]), (uuid, "from the laptop", True))
        ann.fine("key", "remove", "cats", laptop_key)
        same(laptop.call("send", "cats", "hi").code, 1)
        here.operator.fine("key", "replace", "cats", "ann", old_key, new_key)
        same(ann.call("send", "cats", "the finder").code, 1)
        new.fine("key", "use", uuid)
        new.fine("send", "cats", "it is me again")


if __name__ == "__main__":
    run([operators_page_word_for_word, strangers_get_nothing_but_an_error, twice_is_once_and_from_stdin, used_up, expired, altered,
         of_another_operator_or_for_another_group, who_was_removed_stays_out, several_registries_in_one_invitation,
         unproved_messages_are_marked, wait_that_a_limit_asks_for_is_kept, second_key_and_a_lost_one])
