#!/usr/bin/python3
"""Who may what in a group, over CURVE and plain listeners side by side, against those who try what they may not."""

import contextlib
import ctypes
import os
import random
import struct
import subprocess
import time
import uuid

from lib_group import BUILD, Group, Registry, free_port, refused, run, same, seed
from lib_zwire import Client, Follower, Key, Original, Silence, encode

SODIUM = ctypes.CDLL("libsodium.so.23")
ROLES = ["member", "muted", "operator", "owner"]


# ---- A group with two listeners, and the people

class Guarded(Group):
    """A group with a plain listener (.endpoint) and one over CURVE (.curve), and an owner's key."""

    def __init__(self, text="", operator=None, registries=(), **how):
        self.owner_key, self.operator = Key(), operator or Operator()
        self.ports = free_port(), free_port()
        super().__init__(text=f"""
            listen = ( {{ endpoint = "tcp://127.0.0.1:{self.ports[0]}"; }},
                       {{ endpoint = "tcp://127.0.0.1:{self.ports[1]}"; security = "curve"; }} );
            owners = [ "{self.owner_key.hex()}" ];
            operators = [ "{self.operator.public.hex()}" ];
            {text}""", **how)
        if registries:
            self.config.write_text(self.config.read_text().replace(
                "registries = [  ]", f'registries = [ "{registries[0].endpoint}" ]'))
        self.clients = contextlib.ExitStack()
        self.curve = None

    def start(self):
        super().start()
        self.endpoint = f"tcp://127.0.0.1:{self.ports[0]}"
        key = (self.log_folder / "curve.pub").read_text().strip()
        self.curve = f"tcp://127.0.0.1:{self.ports[1]}?key={key}"
        return self

    def close(self):
        self.clients.close()
        super().close()

    def plain(self, who=None):
        return self.clients.enter_context(Client(self.endpoint, who))

    def over(self, key=None, who=None):
        """A client over CURVE with the key (a new one), for the UUID (the key's)."""
        key = key or Key()
        return self.clients.enter_context(Client(self.curve, who, key=key))

    def joined(self, nick="", key=None, who=None):
        client = self.over(key, who)
        client.join(nick)
        client.ping()
        return client

    def owner(self):
        return self.joined("owner", self.owner_key)


class Operator:
    """Signs invitations, as docs/protocol.md has them."""

    def __init__(self):
        self.public, self.secret = bytes(32), bytes(64)
        public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
        SODIUM.crypto_sign_keypair(public, secret)
        self.public, self.secret = public.raw, secret.raw

    def invite(self, expires=0, uses=0, groups=(), key=None):
        """The bytes; `key`: signed for another operator's key."""
        body = b"\x01" + (key or self.public) + os.urandom(16) + struct.pack(">QI", int(expires), uses)
        body += bytes([len(groups)]) + b"".join(bytes([len(name)]) + name.encode() for name in groups) + b"\0"
        signature = ctypes.create_string_buffer(64)
        over = b"zchat invitation" + body
        SODIUM.crypto_sign_detached(signature, None, over, ctypes.c_ulonglong(len(over)), self.secret)
        return body + signature.raw


def role(client, who):
    return ROLES[client.members()[who]["role"]]


def is_silent(call, *arguments, **values):
    """No answer comes: the handshake does not succeed."""
    try:
        got = call(*arguments, **values)
    except Silence:
        return
    raise AssertionError(f"silence was expected, not {got}")


EVERY = [("JOIN", {"nick": "x"}), ("LEAVE", {}), ("NICK", {"nick": "x"}), ("TOPIC", {"text": "x"}),
         ("WHO", {"limit": 1}), ("SEND", {"device": bytes(8), "counter": 0, "text": "x"}), ("PAGE", {}),
         ("FOLLOW", {"credit": 1 << 20}), ("MANAGE", {"action": 12, "member": uuid.uuid4()})]


def all_refused(client, name, but=()):
    for kind, values in EVERY:
        if kind not in but:
            refused(name, client.ask, kind, **values)
    client.ping()  # an open group answers that to anybody


# ---- Who speaks

def proved_records_are_marked():
    with Guarded() as server:
        ann, bob = server.joined("ann"), server.plain()
        bob.join("bob")
        ann.send("from ann")
        bob.send("from bob")
        records = [record for record in ann.history() if record.author]
        same([(record.nick, record.verified) for record in records],
             [("ann", True), ("bob", False), ("ann", True), ("bob", False)])


def spoofed_uuid_is_refused():
    with Guarded() as server:
        ann = server.joined("ann")
        before = ann.ping()["last"]
        all_refused(server.over(who=ann.who), "WRONG_KEY")
        all_refused(server.plain(ann.who), "KEY_NEEDED")
        with Original(server.endpoint) as old:
            for text in ("JOIN REQUEST FROM {}", "LEAVE REQUEST FROM {}", "MESSAGE REQUEST FROM {}",
                         "MESSAGE SEND FROM {} hi"):
                same(old.ask(text.format(ann.who)), "FAIL")
        same(ann.ping()["last"], before)
        same(list(ann.members()), [ann.who])


def nobody_speaks_for_an_owner_without_the_key():
    with Guarded() as server:
        all_refused(server.plain(server.owner_key.who), "KEY_NEEDED")
        all_refused(server.over(who=server.owner_key.who), "WRONG_KEY")


def device_and_counter_of_another_are_ones_own():
    with Guarded() as server:
        ann, eve = server.joined("ann"), server.joined("eve")
        first = ann.send("one")["seq"]
        # Eve knows ann's device, counter and even the random bytes: it is another author's device.
        eve.device = ann.device
        record = ann.history(before=first + 1)[-1]
        own = eve.send("not yours", counter=1, random=record.random)["seq"]
        assert own > first, own
        refused("OUT_OF_ORDER", eve.send, "ahead", counter=7)
        same(ann.send("one", counter=1, random=record.random)["seq"], first)
        ann.counter = 1
        assert ann.send("two")["seq"] > own
        same([(r.author, r.text) for r in ann.history() if r.kind == "message"],
             [(ann.who, "one"), (eve.who, "not yours"), (ann.who, "two")])


def first_proof_takes_the_uuid_from_the_plain():
    with Guarded() as server:
        key = Key()
        plain = server.plain(key.who)
        plain.ping()
        plain.join("ann")
        follower = Follower(plain)
        follower.begin()
        plain.send("unproved")
        ann = server.joined("other", key)  # a JOIN once more, with the nick it has
        last = ann.ping()["last"]
        follower.until(last)
        end = plain.push("END")
        same(end["why"], 26)  # KEY_NEEDED
        same([(r.kind, r.nick, r.verified) for r in follower.records if r.author],
             [("join", "ann", False), ("message", "ann", False), ("join", "ann", True)])
        all_refused(plain, "KEY_NEEDED")
        same(ann.join("x")["seq"], 0)  # and not a third time
        ann.leave()
        all_refused(plain, "KEY_NEEDED")  # for ever
        server.kill()
        server.start()
        all_refused(server.plain(key.who), "KEY_NEEDED")


def gateway_speaks_for_many():
    key = Key()
    with Guarded(f'gateways = [ "{key.hex()}" ];') as server:
        ann = server.joined("ann")
        gateway = server.over(key)
        people = [uuid.uuid4() for _ in range(50)]
        for number, who in enumerate(people):
            gateway.ask("JOIN", who, nick=f"user{number}")
            gateway.ask("SEND", who, device=bytes(8), counter=0, text=f"hi {number}")
        refused("WRONG_KEY", gateway.ask, "SEND", ann.who, device=bytes(8), counter=0, text="as ann")
        refused("WRONG_KEY", gateway.ask, "JOIN", server.owner_key.who)
        refused("WRONG_KEY", server.over().ask, "JOIN", people[0])  # another key is no gateway
        said = [r for r in ann.history() if r.kind == "message"]
        same([(r.author, r.verified) for r in said], [(who, False) for who in people])
        same(ann.ping()["last"], said[-1].seq)


# ---- Roles

def owner_makes_operators_and_they_look_after_the_group():
    with Guarded() as server:
        owner, ann, bob, eve = server.owner(), server.joined("ann"), server.joined("bob"), server.joined("eve")
        refused("NOT_ALLOWED", ann.manage, "mute", eve.who)
        owner.manage("op", ann.who)
        same([role(bob, one.who) for one in (owner, ann, bob)], ["owner", "operator", "member"])
        same(owner.manage("op", ann.who)["seq"], 0)  # is so already
        ann.manage("mute", eve.who)
        for say in (lambda: eve.send("x"), lambda: eve.nick("adam"), lambda: eve.topic("mine")):
            refused("MUTED", say)
        same(role(bob, eve.who), "muted")
        eve.history()  # reads on
        for action in ("kick", "ban", "mute", "deop", "add-key", "remove-key"):
            refused("NOT_ALLOWED", ann.manage, action, owner.who, bytes(31) + b"1")
        refused("NOT_ALLOWED", ann.manage, "op", bob.who)
        refused("NOT_ALLOWED", bob.manage, "unmute", eve.who)
        ann.manage("unmute", eve.who)
        eve.send("again", device=os.urandom(8), counter=1)
        owner.manage("op", bob.who)
        refused("NOT_ALLOWED", bob.manage, "kick", ann.who)  # one of their own
        owner.manage("deop", ann.who)
        refused("NOT_ALLOWED", ann.manage, "kick", eve.who)
        refused("BAD_REQUEST", owner.ask, "MANAGE", action=9, member=eve.who)
        refused("BAD_REQUEST", owner.ask, "MANAGE", action=200, member=eve.who)
        refused("BAD_REQUEST", owner.manage, "ban", uuid.UUID(int=0))
        acts = [r for r in bob.history() if r.kind in ("op", "deop", "mute", "unmute")]
        same([(r.kind, r.nick, uuid.UUID(bytes=bytes(r.options[9]))) for r in acts],
             [("op", "owner", ann.who), ("mute", "ann", eve.who), ("unmute", "ann", eve.who),
              ("op", "owner", bob.who), ("deop", "owner", ann.who)])
        assert all(r.verified for r in acts)


def kicked_one_sees_the_kick_and_no_more():
    with Guarded() as server:
        owner, eve = server.owner(), server.joined("eve")
        follower = Follower(eve)
        follower.begin()
        second = server.over(eve.key)  # another session of hers
        second.ping()
        other = Follower(second)
        other.begin()
        kick = owner.manage("kick", eve.who)["seq"]
        for number in range(20):
            owner.send(f"behind her back {number}")
        for one in (follower, other):
            one.until(kick)
            same((one.records[-1].kind, one.records[-1].seq), ("kick", kick))
            same(one.client.push("END")["why"], 4)  # NOT_MEMBER
            same(len(one.client.pushed), 0)
        refused("NOT_MEMBER", eve.send, "x")
        refused("NOT_MEMBER", eve.page)
        refused("NOT_MEMBER", eve.follow)
        assert eve.who not in owner.members()
        eve.join("eve")  # the group is open


def banned_one_is_cut_and_stays_out():
    with Guarded() as server:
        owner, eve = server.owner(), server.joined("eve")
        follower = Follower(eve)
        follower.begin()
        ban = owner.manage("ban", eve.who)["seq"]
        owner.send("without her")
        follower.until(ban)
        same(follower.records[-1].kind, "ban")
        same(eve.push("END")["why"], 29)  # BANNED
        all_refused(eve, "BANNED")
        all_refused(server.over(eve.key), "BANNED")
        server.kill()
        server.start()
        all_refused(server.over(eve.key), "BANNED")
        owner = server.owner()
        refused("BANNED", owner.manage, "invite", eve.who)
        owner.manage("unban", eve.who)
        server.joined("eve", eve.key).send("back")
        owner.manage("ban", uuid.uuid4())  # one who never came


def who_never_joined_reads_nothing():
    with Guarded() as server:
        server.joined("ann").send("secret")
        for client in (server.over(), server.plain()):
            for kind in ("WHO", "PAGE", "FOLLOW", "SEND", "NICK", "TOPIC", "LEAVE"):
                refused("NOT_MEMBER", client.ask, kind, **dict(EVERY)[kind])


def topics_of_operators():
    with Guarded('topics = "operators";') as server:
        owner, ann = server.owner(), server.joined("ann")
        refused("NOT_ALLOWED", ann.topic, "mine")
        owner.topic("the owner's")
        owner.manage("op", ann.who)
        ann.topic("ann's")
        same(owner.who_page()["topic"], "ann's")
        ann.leave()
        ann.join("ann")  # an operator no more
        refused("NOT_ALLOWED", ann.topic, "mine")


# ---- Keys

def second_device_and_a_lost_key():
    with Guarded() as server:
        owner, ann = server.owner(), server.joined("ann")
        phone, thief = Key(), Key()
        refused("WRONG_KEY", server.over(phone, ann.who).ask, "SEND", device=bytes(8), counter=0, text="x")
        ann.manage("add-key", ann.who, phone.public)
        same(ann.manage("add-key", ann.who, phone.public)["seq"], 0)
        mobile = server.over(phone, ann.who)
        mobile.ping()
        mobile.send("from the phone")
        follower = Follower(mobile)
        follower.begin()
        at_home = Follower(ann)
        at_home.begin()
        gone = ann.manage("remove-key", ann.who, phone.public)["seq"]
        last = ann.send("the phone is lost")["seq"]
        follower.until(gone)
        same((follower.records[-1].kind, mobile.push("END")["why"]), ("remove-key", 27))  # WRONG_KEY
        same(len(mobile.pushed), 0)
        all_refused(mobile, "WRONG_KEY")
        at_home.until(last)  # the other one goes on
        refused("NOT_ALLOWED", server.joined("eve", thief).manage, "add-key", ann.who, thief.public)
        # The first key is lost too: an operator replaces it.
        fresh = Key()
        owner.manage("add-key", ann.who, fresh.public)
        owner.manage("remove-key", ann.who, ann.key.public)
        all_refused(ann, "WRONG_KEY")
        again = server.over(fresh, ann.who)
        again.ping()
        again.send("it is me")
        all_refused(server.plain(ann.who), "KEY_NEEDED")
        server.kill()
        server.start()
        server.over(fresh, ann.who).send("still me", device=os.urandom(8), counter=1)
        all_refused(server.over(ann.key), "WRONG_KEY")
        all_refused(server.over(phone, ann.who), "WRONG_KEY")


def key_that_is_removed_counts_no_more_in_the_same_turn():
    with Guarded() as server:
        owner, ann = server.owner(), server.joined("ann")
        for _ in range(20):
            phone = Key()
            owner.manage("add-key", ann.who, phone.public)
            mobile = server.over(phone, ann.who)
            mobile.ping()
            tags = [mobile.say_send(f"{number}", device=bytes(8), counter=0) for number in range(5)]
            gone = owner.manage("remove-key", ann.who, phone.public)["seq"]
            for tag in tags:
                try:
                    assert mobile.wait(tag)[1]["seq"] < gone
                except Exception as refusal:  # pylint: disable=broad-except
                    same(getattr(refusal, "name", refusal), "WRONG_KEY")


def other_key_on_the_same_routing_id_is_another_peer():
    with Guarded() as server:
        ann, route = Key(), b"\x01squatted"
        watcher = server.joined("watcher")
        with Client(server.curve, key=ann, route=route) as client:
            client.ping()
            client.join("ann")
            client.follow()
        eve = Key()
        deadline = time.monotonic() + 10
        while True:  # until the connection before is gone for libzmq, whose routing id it is
            with Client(server.curve, key=eve, route=route) as squatter:
                try:
                    squatter.wait(squatter.say("PING", follows=0), 0.3)
                    watcher.send("for members")
                    refused("NO_SESSION", squatter.ping, 1)
                    same([m.name for m in squatter.pushed], [])
                    return
                except Silence:
                    assert time.monotonic() < deadline


# ---- Access and invitations

def invited_group():
    operator, foreign = Operator(), Operator()
    with Guarded('access = "invited";', operator) as server:
        now = time.time() * 1e6
        stranger = server.plain()
        for kind, values in EVERY + [("PING", {"follows": 0})]:
            refused("KEY_NEEDED", stranger.ask, kind, **values)
        with Original(server.endpoint) as old:
            same(old.ask(f"JOIN REQUEST FROM {uuid.uuid4()}"), "FAIL")
        eve = server.over()
        refused("NOT_INVITED", eve.join, "eve")
        good = operator.invite(uses=2, groups=["dogs", "cats"], expires=now + 3600e6)
        flipped = bytearray(good)
        flipped[50] ^= 1
        for bad in (foreign.invite(), foreign.invite(key=operator.public), bytes(flipped), good[:-1],
                    operator.invite(expires=now - 1e6), operator.invite(groups=["dogs"]), b"", os.urandom(200)):
            refused("BAD_INVITATION", eve.join, "eve", bad)
        ann, bob, cat = server.over(), server.over(), server.over()
        refused("NOT_INVITED", ann.ping)
        same(ann.ask("PING", follows=0, invitations=struct.pack(">H", len(good)) + good)["name"], "cats")
        ann.join("ann", foreign.invite(), good)
        ann.ping()
        record = ann.history()[-1]
        same((record.kind, bytes(record.options[11])), ("join", good[33:49]))
        same(ann.join("ann", good)["seq"], 0)  # is a member
        bob.join("bob", good)
        refused("BAD_INVITATION", cat.join, "cat", good)  # used up
        server.kill()
        server.start()
        refused("BAD_INVITATION", server.over(cat.key).join, "cat", good)
        ann, owner = server.over(ann.key), server.owner()
        ann.leave()
        ann.join("ann")  # let in once, back without it
        owner.manage("kick", ann.who)
        refused("NOT_INVITED", ann.join, "ann")
        refused("BAD_INVITATION", ann.join, "ann", good)
        unlimited = operator.invite()
        ann.join("ann", unlimited)
        owner.manage("kick", ann.who)
        refused("BAD_INVITATION", ann.join, "ann", unlimited)  # nor that one again
        owner.manage("invite", ann.who)
        ann.join("ann")


def listed_group():
    operator = Operator()
    with Guarded('access = "listed";', operator) as server:
        owner, ann = server.owner(), server.over()
        refused("NOT_INVITED", ann.join, "ann", operator.invite())
        owner.manage("invite", ann.who)
        ann.join("ann")
        refused("NOT_ALLOWED", ann.manage, "invite", uuid.uuid4())
        owner.manage("kick", ann.who)
        refused("NOT_INVITED", ann.join, "ann")


def closing_a_group_at_a_reload():
    with Guarded() as server:
        plain, ann = server.plain(), server.joined("ann")
        plain.ping()
        plain.join("old")
        plain.follow()
        server.config.write_text(server.config.read_text() + '\naccess = "listed";\n')
        server.process.send_signal(1)
        end = time.monotonic() + 10
        while True:
            try:
                plain.send("x")
            except Exception as refusal:  # pylint: disable=broad-except
                same(getattr(refusal, "name", refusal), "KEY_NEEDED")
                break
            assert time.monotonic() < end
        while plain.push("RECORDS", "END").name != "END":
            pass
        ann.send("a member is one still")
        same(plain.pump(0.1), False)
        refused("NOT_INVITED", server.over().join, "eve")


def closed_group_needs_a_place_where_keys_are_proved():
    for access, right in (("invited", False), ("listed", False), ("open", True)):
        group = Group(text=f'access = "{access}";')
        done = subprocess.run([*group.command[:3], "-t", "cats"], capture_output=True, text=True, check=False)
        same((done.returncode == 0, "nobody could join" in done.stderr), (right, not right), done.stderr)
        group.close()


def hidden_group_is_listed_to_those_who_may_see_it():
    ports = free_port(), free_port()
    with Registry(f"""listen = ( {{ endpoint = "tcp://127.0.0.1:{ports[0]}"; }},
                                 {{ endpoint = "tcp://127.0.0.1:{ports[1]}"; security = "curve"; }} );
                      lease = 1;""") as registry:
        line = registry.wait_for("encrypted: ")
        secure = line.split("encrypted: ")[1].strip()
        registry.endpoint = secure  # the group must be known by its key
        with Guarded('hidden = true; access = "listed";', registries=[registry]) as server:
            owner, ann, phone, eve = server.owner(), Key(), Key(), Key()
            server.wait_for("registered at")

            def sees(key, seconds=10.0, wanted=True):
                """Whether it comes to be so, within some renewals of the lease."""
                end = time.monotonic() + seconds
                with Client(secure if key else f"tcp://127.0.0.1:{ports[0]}", uuid.UUID(int=0), key=key) as client:
                    while True:
                        listed = bool(client.ask("LIST", name="", limit=0)["rows"])
                        if listed == wanted or time.monotonic() > end:
                            return listed

            assert sees(server.owner_key)
            assert not sees(eve, wanted=False) and not sees(ann, wanted=False) and not sees(None, wanted=False)
            with Original(f"tcp://127.0.0.1:{ports[0]}") as old:
                same(old.ask("GROUP LIST REQUEST FROM LOCALHOST:2000 [x]"), "Invalid Request")
                same(old.ask(f"GROUP LIST REQUEST FROM LOCALHOST:2000 [{uuid.uuid4()}]"), "")
            owner.manage("invite", ann.who)
            assert sees(ann)  # who is invited must find it
            member = server.joined("ann", ann)
            member.manage("add-key", ann.who, phone.public)
            assert sees(phone)
            member.manage("remove-key", ann.who, phone.public)
            assert not sees(phone, wanted=False)
            owner.manage("ban", ann.who)
            assert not sees(ann, wanted=False)
            assert not sees(eve, wanted=False)


# ---- What lasts

def all_of_it_survives_kills_segments_retention_and_copies():
    dice = random.Random(seed())
    with Guarded('segment = 65536; keep = { count = 200; }; access = "invited";') as server:
        owner = server.owner()
        people = {name: Key() for name in "muted banned op keyed invited away".split()}
        extra, invitation = Key(), server.operator.invite(uses=6)
        for name, key in people.items():
            if name != "invited":
                server.over(key).join(name, invitation)
        owner.manage("mute", people["muted"].who)
        owner.manage("ban", people["banned"].who)
        owner.manage("op", people["op"].who)
        owner.manage("invite", people["invited"].who)
        server.over(people["keyed"]).manage("add-key", people["keyed"].who, extra.public)
        server.over(people["away"]).leave()

        def check():
            owner = server.owner()
            refused("MUTED", server.over(people["muted"]).send, "x", counter=0)
            refused("BANNED", server.over(people["banned"]).join)
            server.over(people["op"]).manage("mute", people["muted"].who)
            server.over(extra, people["keyed"].who).send("hi", counter=0)
            refused("KEY_NEEDED", server.plain(people["away"].who).join)
            same([role(owner, people[name].who) for name in ("muted", "op", "keyed")],
                 ["muted", "operator", "member"])
        check()
        first = owner.ping()["oldest"]
        for round_ in range(3):
            owner = server.owner()
            tags = [owner.say_send("x" * dice.randrange(500, 1000), counter=0) for _ in range(300)]
            for tag in tags:
                owner.wait(tag)
            if round_ % 2:
                server.stop()
            else:
                server.kill()
            server.start()
            check()
        deadline = time.monotonic() + 20
        while owner.ping()["oldest"] == first and time.monotonic() < deadline:
            owner = server.owner()
        assert server.owner().ping()["oldest"] > 20  # what was said about them is history no more
        check()
        server.joined("invited", people["invited"])
        last = server.over()
        last.join("last", invitation)  # the sixth
        refused("BAD_INVITATION", server.over().join, "seventh", invitation)
        server.stop()
        copied_through_export(server)
        server.start()
        check()
        refused("BAD_INVITATION", server.over().join, "seventh", invitation)


def copied_through_export(server):
    """The log is what an export of it makes."""
    log = str(BUILD / "zchat-log")
    export = subprocess.run([log, "export", server.log_folder], capture_output=True, check=True).stdout
    key = server.folder / "key"
    (server.log_folder / "key").rename(key)
    for file in server.log_folder.iterdir():
        if file.suffix == ".log":
            file.unlink()
        else:
            file.rename(server.folder / file.name)
    subprocess.run([log, "import", "--key", key, server.log_folder], input=export, check=True, capture_output=True)
    (server.folder / "curve").rename(server.log_folder / "curve")
    subprocess.run([log, "verify", server.log_folder], check=True, capture_output=True)


def refusals_do_not_flood_the_log():
    with Guarded() as server:
        ann = server.joined("ann")
        eve = server.over(who=ann.who)
        tags = [eve.say("SEND", device=bytes(8), counter=0, text="x") for _ in range(5000)]
        for tag in tags:
            refused("WRONG_KEY", eve.wait, tag)
        told = [line for line in server.lines if "WRONG_KEY" in line]
        assert 0 < len(told) <= 10 and str(ann.who) in told[0] and "127.0.0.1" in told[0], told
        assert len(server.lines) < 100, len(server.lines)


def key_of_the_connection_counts_and_nothing_else():
    """A UUID made from a key says nothing: only the connection's own key is asked."""
    with Guarded() as server:
        ann = Key()
        eve = server.over()
        eve.socket.send(encode("JOIN", 1, ann.who, nick="ann", key=ann.public))
        refused("WRONG_KEY", eve.wait, 1)
        with Client(server.curve.partition("?")[0] + "?key=" + Key().hex(), key=ann) as stranger:
            is_silent(stranger.wait, stranger.say("PING", follows=0), 0.5)  # another server's key


if __name__ == "__main__":
    run([proved_records_are_marked, spoofed_uuid_is_refused, nobody_speaks_for_an_owner_without_the_key,
         device_and_counter_of_another_are_ones_own, first_proof_takes_the_uuid_from_the_plain, gateway_speaks_for_many,
         owner_makes_operators_and_they_look_after_the_group, kicked_one_sees_the_kick_and_no_more,
         banned_one_is_cut_and_stays_out, who_never_joined_reads_nothing, topics_of_operators, second_device_and_a_lost_key,
         key_that_is_removed_counts_no_more_in_the_same_turn, other_key_on_the_same_routing_id_is_another_peer,
         invited_group, listed_group, closing_a_group_at_a_reload,
         closed_group_needs_a_place_where_keys_are_proved, hidden_group_is_listed_to_those_who_may_see_it,
         all_of_it_survives_kills_segments_retention_and_copies,
         refusals_do_not_flood_the_log, key_of_the_connection_counts_and_nothing_else])
