"""Encrypted listeners with real processes: who gets in, who does not, whose key is taken for whose."""

import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import uuid

import zmq
from zmq.utils import z85
from lib_group import Group, Registry, free_port, listen, refused, run, same
from lib_user import ZCHAT, User
from lib_zwire import CONTEXT, Client, encode, groups

NOTHING = 700  # ms in which one that is not let in gets no answer


class Curve:
    """A daemon with these listeners; .key is its public one, .secure its endpoint with it."""

    def read_key(self, folder):
        self.key = (folder / "curve.pub").read_text().strip()
        line = self.wait_for("encrypted: ")
        self.secure = line.split("encrypted: ")[1].strip()
        same(self.secure.split("?key=")[1], self.key)


class CurveRegistry(Registry, Curve):
    def __init__(self, text="", plain=True):
        self.secure_port = free_port()
        both = f'{{ endpoint = "tcp://127.0.0.1:{free_port()}"; }}, ' if plain else ""
        super().__init__(f'listen = ( {both} {{ endpoint = "tcp://127.0.0.1:{self.secure_port}"; '
                         f'security = "curve"; }} );\n{text}')

    def start(self):
        super().start()
        self.read_key(self.folder / "registry")
        return self


class CurveGroup(Group, Curve):
    def __init__(self, name="cats", registries=(), plain=False, text="", endpoints=None):
        both = f'{{ endpoint = "tcp://127.0.0.1:{free_port()}"; }}, ' if plain else ""
        super().__init__(name, (), f'listen = ( {both} {{ endpoint = "tcp://127.0.0.1:{free_port()}"; '
                         f'security = "curve"; }} );\n{text}')
        told = endpoints or [registry.secure for registry in registries]
        self.config.write_text(self.config.read_text().replace(
            "registries = [  ];", "registries = [ %s ];" % ", ".join(f'"{one}"' for one in told)))

    def start(self):
        super().start()
        self.read_key(self.log_folder)
        return self


class Asker:
    """Somebody who asks a registry, or is asked by users instead of $ZCHAT_REGISTRY's."""

    def __init__(self, endpoint):
        self.endpoint = endpoint


def client(endpoint, keys=None, who=None):
    """A Client over CURVE; its UUID is that of its key unless another is given."""
    address, key = endpoint.split("?key=")
    public, secret = keys or zmq.curve_keypair()
    self = Client.__new__(Client)
    connect = zmq.Socket.connect

    def with_keys(sock, to):
        sock.curve_serverkey = z85.encode(bytes.fromhex(key))
        sock.curve_publickey, sock.curve_secretkey = public, secret
        return connect(sock, to)
    zmq.Socket.connect = with_keys
    try:
        self.__init__(address, who or uuid_of(public))
    finally:
        zmq.Socket.connect = connect
    return self


def uuid_of(public):
    """The UUID that a key proves: version 8, of BLAKE2b."""
    import hashlib
    digest = bytearray(hashlib.blake2b(z85.decode(public), digest_size=32).digest()[:16])
    digest[6] = digest[6] & 0x0f | 0x80
    digest[8] = digest[8] & 0x3f | 0x80
    return uuid.UUID(bytes=bytes(digest))


def answers(sock, message, wait=NOTHING):
    sock.linger, sock.sndtimeo = 0, wait
    try:
        sock.send(message)
    except zmq.Again:
        return False  # it was refused so soon that there is nobody left to send to
    return bool(sock.poll(wait))


def ping(tag=1):
    return encode("PING", tag, uuid.UUID(int=0), follows=0)


def plain_of(endpoint):
    return endpoint.split("?")[0]


def end_to_end():
    """Registry and group on CURVE alone; a user needs the registry's endpoint and nothing else."""
    with CurveRegistry(plain=False) as registry, CurveGroup(registries=[registry]) as group:
        group.wait_for("registered at")
        user = User(Asker(registry.secure), name="ann")
        rows = user.fine("groups", "--json").json()
        same([row["name"] for row in rows], ["cats"])
        same(rows[0]["endpoints"], [group.secure])
        user.fine("join", "cats")
        user.fine("send", "cats", "hello")
        follower = user.start("follow", "cats", "--after", "#1", "--json")
        assert '"text":"hello"' in [follower.line() for _ in range(2)][1]
        user.fine("send", "cats", "again")
        assert '"text":"again"' in follower.line()
        same(follower.end()[0], 0)
        same(user.fine("-r", registry.secure, "messages", "cats", "--limit", "1").code, 0)
        # by its endpoint, with the key in it
        user.fine("send", group.secure, "direct")
        for daemon, words in ((registry, []), (group, ["cats"])):
            done = subprocess.run([*daemon.command[:3], "--ping", *words], check=False)
            same(done.returncode, 0, "--ping")


def only_the_right_clients_are_served():
    with CurveGroup() as group:
        where = plain_of(group.secure)
        server = z85.encode(bytes.fromhex(group.key))
        with client(group.secure) as fine:
            fine.ask("PING", follows=0)
        sock = CONTEXT.socket(zmq.DEALER)  # no mechanism at all
        sock.connect(where)
        assert not answers(sock, ping()), "a plain client was served"
        sock.close()
        sock = CONTEXT.socket(zmq.DEALER)
        sock.plain_username, sock.plain_password = b"ann", b"secret"
        sock.connect(where)
        assert not answers(sock, ping()), "a PLAIN client was served"
        sock.close()
        sock = CONTEXT.socket(zmq.DEALER)  # a wrong server's key
        sock.curve_serverkey = zmq.curve_keypair()[0]
        sock.curve_publickey, sock.curve_secretkey = zmq.curve_keypair()
        sock.connect(where)
        assert not answers(sock, ping()), "a client with the key of another server was served"
        sock.close()
        sock = CONTEXT.socket(zmq.DEALER)  # a public key without its secret
        sock.curve_serverkey = server
        sock.curve_publickey, sock.curve_secretkey = zmq.curve_keypair()[0], zmq.curve_keypair()[1]
        sock.connect(where)
        assert not answers(sock, ping()), "a client without the secret of its key was served"
        sock.close()
        sock = CONTEXT.socket(zmq.REQ)  # the original system's
        sock.connect(where)
        assert not answers(sock, f"JOIN REQUEST FROM {uuid.uuid4()}".encode())
        sock.close()
        with client(group.secure) as fine:
            fine.ask("PING", follows=0)


def plain_listener_serves_no_curve():
    with Group() as group:
        sock = CONTEXT.socket(zmq.DEALER)
        sock.curve_serverkey = zmq.curve_keypair()[0]
        sock.curve_publickey, sock.curve_secretkey = zmq.curve_keypair()
        sock.connect(group.endpoint)
        assert not answers(sock, ping())
        sock.close()


def followers_come_back():
    """A client's socket that was refused is of no more use; a restart must cost nobody a record."""
    with CurveRegistry(plain=False) as registry, CurveGroup(registries=[registry]) as group:
        group.wait_for("registered at")
        user, other = User(Asker(registry.secure), name="ann"), User(Asker(registry.secure), name="bob")
        user.fine("join", "cats")
        other.fine("join", "cats")
        follower = user.start("follow", "cats", "--json", "--after", "#0")  # however late it is there
        other.fine("send", "cats", "one")
        while '"one"' not in follower.line():
            pass
        group.kill()
        registry.kill()
        registry.start()
        group.start()
        group.wait_for("registered at")
        other.fine("send", "cats", "two")
        seen = [json.loads(follower.line()) for _ in range(2)]  # the opening, and it
        same([record.get("text") for record in seen], [None, "two"])
        same(follower.end()[0], 0)


def half_a_handshake_is_dropped():
    """`handshake` milliseconds after it began."""
    with CurveGroup(text="handshake = 300;") as group:
        host, port = plain_of(group.secure)[6:].split(":")
        begin = time.monotonic()
        with socket.create_connection((host, int(port))) as raw:
            raw.settimeout(10)
            while raw.recv(1000):
                pass
        took = time.monotonic() - begin
        assert 0.2 < took < 5, took


def loopback_and_network_side_by_side():
    with CurveGroup(plain=True) as group:
        with group.client() as plain, client(group.secure) as keyed:
            plain.ask("JOIN", nick="plain")
            keyed.ask("JOIN", nick="keyed")
            plain.send("one")
            keyed.send("two")


def routing_ids_cannot_be_had():
    """A peer that takes another's routing id, or all ids around its own, stops nobody."""
    with CurveGroup(plain=True) as group:
        sockets = []
        for number in range(60):  # ids as a ROUTER makes them: a zero and four bytes
            sock = CONTEXT.socket(zmq.DEALER)
            sock.linger = 0
            sock.routing_id = b"x%04d" % (number % 20)  # three peers want each
            sock.connect(group.endpoint)
            sock.send(ping())
            sockets.append(sock)
        served = sum(bool(sock.poll(2000 if i < 20 else 50)) for i, sock in enumerate(sockets))
        assert served >= 20, served
        for sock in sockets:
            sock.close()
        for number in range(300):  # raw peers with ids of the server's own kind
            raw = zmtp_peer(group.endpoint, b"\0" + struct.pack(">I", number))
            if raw:
                raw.close()
        with group.client() as plain:
            plain.ask("PING", follows=0)
        assert group.alive()


def zmtp_peer(endpoint, identity):
    """A raw NULL peer with this Identity; a library would not let one begin with zero."""
    host, port = endpoint[6:].split(":")
    raw = socket.create_connection((host, int(port)))
    raw.settimeout(5)
    ready = b"\5READY" + b"\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
    ready += b"\x08Identity" + struct.pack(">I", len(identity)) + identity
    greeting = b"\xff" + bytes(7) + b"\1\x7f\3\0NULL" + bytes(16) + b"\0" + bytes(31)
    raw.sendall(greeting + b"\4" + bytes([len(ready)]) + ready)
    try:
        raw.recv(200)
    except OSError:
        raw.close()
        return None
    return raw


def user_key_of_the_data_frame_counts():
    """A plain peer that brings a property User-Id of its own proves nothing by it (see test_authenticator)."""
    with CurveGroup(plain=True) as group:
        keys = zmq.curve_keypair()
        with client(group.secure, keys) as keyed:
            keyed.ask("JOIN", nick="ann")
        with group.client(uuid_of(keys[0])) as plain:
            refused("KEY_NEEDED", plain.ask, "JOIN", nick="eve")


def change_key(group):
    """As one who restores a copy without it, or somebody else who takes its place."""
    group.stop()
    (group.log_folder / "curve").unlink()
    group.start()
    group.wait_for("registered at")


def accept(user, key, was):
    """What the operator said is right."""
    same(user.fine("trust", "--accept", "cats", "--json").json(), [{"group": "cats", "key": key, "was": was}])


def changed_key_is_refused_and_explained():
    with CurveRegistry() as registry, CurveGroup(registries=[registry]) as group:
        group.wait_for("registered at")
        user = User(Asker(registry.secure), name="ann")
        user.fine("join", "cats")
        user.fine("send", "cats", "one")
        old = group.key
        same(pathlib.Path(user.home, "me/servers/cats").read_text(), f"key {old}\n")
        shutil.rmtree(registry.folder / "registry/x", ignore_errors=True)
        registry.kill()  # it has forgotten who had the name
        group.stop()
        (group.log_folder / "curve").unlink()
        registry.start()
        group.start()
        group.wait_for("registered at")
        assert group.key != old
        for words in (["send", "cats", "two"], ["messages", "cats"], ["follow", "cats"]):
            done = user.call(*words)
            same(done.code, 1, done)
            assert "the key of cats changed" in done.err and "zchat trust --accept cats" in done.err, done
            assert old in done.err.replace("\n       ", "") and group.key in done.err.replace("\n       ", ""), done
        accept(user, group.key, old)
        user.fine("send", "cats", "two")


def key_that_is_gone_is_refused():
    """A downgrade: the name is offered without a key, by the same log even."""
    with CurveRegistry() as registry, CurveGroup(registries=[registry]) as group:
        group.wait_for("registered at")
        user = User(Asker(registry.secure), name="ann")
        user.fine("join", "cats")
        group.stop()
        registry.kill()
        registry.start()
        with Group("cats", [registry]) as other:
            other.wait_for("registered at")
            done = user.call("send", "cats", "secret")
            same(done.code, 1, done)
            assert "offered without one" in done.err, done
            accept(user, None, group.key)
            user.fine("join", "cats")


def registry_with_another_key_is_not_asked():
    with CurveRegistry() as registry:
        user = User(Asker(plain_of(registry.secure) + "?key=" + os.urandom(32).hex()))
        done = user.call("groups", "--timeout", "1")
        same(done.code, 69, done)


def announcement(name="cats", log=None, generation=1, endpoints="tcp://127.0.0.1:4000", instance=None):
    return {"name": name, "log": log or uuid.uuid4(), "instance": instance or uuid.uuid4(), "generation": generation,
            "claim": bytes(32), "state": 0, "members": 0, "online": 0, "seq": 0, "topic": "",
            "endpoints": endpoints}


def secure(port, public):
    return f"tcp://127.0.0.1:{port}?key={z85.decode(public).hex()}"


def listed(registry, name="cats"):
    with client(registry.secure) as asker:
        rows = {row["name"]: row for row in asker.ask("LIST", name="", limit=0)["rows"]}
    return rows[name]["endpoints"] if name in rows else None


def name_is_kept_from_strangers():
    """While it is held: neither another log, nor another key with the log's id and a higher generation, takes or ends
    it; what a stranger says of itself is its own key only."""
    with CurveRegistry("lease = 3600;") as registry, CurveGroup(registries=[registry]) as group:
        group.wait_for("registered at")
        with client(registry.secure) as any_one:
            log = any_one.ask("LIST", name="", limit=0)["rows"][0]["log"]
        stranger = zmq.curve_keypair()
        with client(registry.secure, stranger) as eve, Client(plain_of(registry.endpoint)) as local:
            mine = secure(4000, stranger[0])
            refused("NAME_TAKEN", eve.ask, "ANNOUNCE", **announcement(endpoints=mine))
            refused("NAME_TAKEN", eve.ask, "ANNOUNCE", **announcement(log=log, generation=2**40, endpoints=mine))
            refused("NAME_TAKEN", local.ask, "ANNOUNCE", **announcement(log=log, generation=2**40, endpoints=mine))
            refused("WRONG_KEY", eve.ask, "ANNOUNCE",
                    **announcement("dogs", endpoints=secure(4000, zmq.curve_keypair()[0])))
            refused("WRONG_KEY", eve.ask, "ANNOUNCE", **announcement("dogs", endpoints=group.secure))
            eve.ask("WITHDRAW", name="cats", log=log, instance=uuid.uuid4())
        same(listed(registry), group.secure)
        registry.wait_for("127.0.0.1 and others that want the name are refused")
        said = [line for line in registry.lines if "and others that want" in line]
        same(len(said), 1, said)


def stranger_that_was_first_deceives_no_one():
    """After the end of a lease, or a restart of the registry, a stranger may be first. Those who know the group are not
    deceived, with the stranger's key or without one, with the log's id or another."""
    with CurveRegistry() as registry, CurveGroup(registries=[registry]) as group:
        group.wait_for("registered at")
        user = User(Asker(registry.secure), name="ann")
        user.fine("join", "cats")
        with client(registry.secure) as any_one:
            log = any_one.ask("LIST", name="", limit=0)["rows"][0]["log"]
        group.stop()  # it said goodbye; a lease that ran out is the same
        stranger = zmq.curve_keypair()
        trap = CONTEXT.socket(zmq.ROUTER)  # what eve would hear
        trap.curve_server, trap.curve_secretkey = True, stranger[1]
        port = trap.bind_to_random_port("tcp://127.0.0.1")
        for again in (False, True):
            if again:
                registry.kill()
                registry.start()
            with client(registry.secure, stranger) as eve:
                eve.ask("ANNOUNCE", **announcement(log=log, generation=2**40, endpoints=secure(port, stranger[0])))
                done = user.call("send", "cats", "secret")
                same(done.code, 1, done)
                assert "the key of cats changed" in done.err, done
                assert not trap.poll(300), "something was sent to a stranger"
        trap.close()


def owner_takes_its_name_back():
    with CurveRegistry() as registry, CurveGroup(registries=[registry]) as group:
        group.wait_for("registered at")
        group.stop()
        registry.stop()
        registry.config.write_text(registry.config.read_text() +
                                   f'\nnames = ( {{ name = "cats"; key = "{group.key}"; }} );\n')
        registry.start()
        stranger = zmq.curve_keypair()
        with client(registry.secure, stranger) as eve, Client(registry.endpoint) as local:
            refused("NAME_TAKEN", eve.ask, "ANNOUNCE", **announcement(endpoints=secure(4000, stranger[0])))
            refused("NAME_TAKEN", local.ask, "ANNOUNCE", **announcement(endpoints=group.secure))
        old = CONTEXT.socket(zmq.REQ)
        old.connect(registry.endpoint)
        old.send(b"JOIN REQUEST FROM 5001 [cats]")
        same(old.recv(), b"FAIL")
        old.close()
        registry.wait_for("the name has an owner; 127.0.0.1")
        same(len([line for line in registry.lines if "has an owner" in line]), 1)
        same(listed(registry), None)
        # a name that a stranger holds already, when its owner is named
        registry.config.write_text(registry.config.read_text().replace('"cats"', '"dogs"'))
        registry.process.send_signal(1)  # SIGHUP
        registry.wait_for("the configuration was read again")
        with client(registry.secure, stranger) as eve:
            eve.ask("ANNOUNCE", **announcement(endpoints=secure(4000, stranger[0])))
            registry.config.write_text(registry.config.read_text().replace('"dogs"', '"cats"'))
            registry.process.send_signal(1)
            group.start()
            group.wait_for("registered at")
            same(listed(registry), group.secure)


def one_caller_has_its_share():
    with CurveRegistry("max_groups_per_caller = 3;") as registry:
        with client(registry.secure) as eve:
            for number in range(3):
                eve.ask("ANNOUNCE", **announcement(f"g{number}"))
            row = refused("LIMIT", eve.ask, "ANNOUNCE", **announcement("g3"))
            assert "max_groups_per_caller" in row["text"] and row["wait"] > 0, row
        with client(registry.secure) as other:
            other.ask("ANNOUNCE", **announcement("g3"))


def invited_registry_answers_the_invited():
    with CurveRegistry('access = "invited";') as registry:
        member = zmq.curve_keypair()
        with client(registry.secure) as eve, Client(registry.endpoint) as local, \
                client(registry.secure, member) as ann:
            refused("NOT_INVITED", eve.ask, "PING", follows=0)
            refused("NOT_INVITED", eve.ask, "LIST", name="", limit=0)
            refused("NOT_INVITED", eve.ask, "ANNOUNCE", **announcement())
            refused("NOT_INVITED", eve.ask, "WITHDRAW", name="cats", log=uuid.uuid4(), instance=uuid.uuid4())
            refused("NOT_INVITED", ann.ask, "LIST", name="", limit=0)
            local.ask("LIST", name="", limit=0)
            registry.config.write_text(registry.config.read_text() +
                                       f'\nmembers = [ "{z85.decode(member[0]).hex()}" ];\n')
            registry.process.send_signal(1)
            registry.wait_for("the configuration was read again")
            ann.ask("LIST", name="", limit=0)
            refused("NOT_INVITED", eve.ask, "LIST", name="", limit=0)


def callers_from_elsewhere_get_no_loopback():
    """From a network namespace of its own, over a veth pair; needs root."""
    if os.geteuid() != 0:
        return
    name = f"zc{os.getpid()}"
    outer, inner, ours, theirs = name + "a", name + "b", "10.213.77.1", "10.213.77.2"

    def ip(*words):
        subprocess.run(["ip", *words], check=True, capture_output=True)
    try:
        ip("netns", "add", name)
        ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name)
        ip("addr", "add", ours + "/30", "dev", outer)
        ip("link", "set", outer, "up")
        ip("-n", name, "addr", "add", theirs + "/30", "dev", inner)
        ip("-n", name, "link", "set", inner, "up")
    except (subprocess.CalledProcessError, FileNotFoundError) as why:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        print(f"    no network namespace here, left out: {why}")
        return
    ports = [free_port() for _ in range(4)]
    try:
        with Registry(f'listen = ( {{ endpoint = "tcp://127.0.0.1:{ports[0]}"; }}, '
                      f'{{ endpoint = "tcp://*:{ports[1]}"; security = "curve"; }} );\n') as registry:
            key = (registry.folder / "registry/curve.pub").read_text().strip()
            with Group("cats", [registry],
                       f'listen = ( {{ endpoint = "tcp://127.0.0.1:{ports[2]}"; }}, '
                       f'{{ endpoint = "tcp://{ours}:{ports[3]}"; security = "curve"; }} );\n') as group:
                group.wait_for("registered at")
                there = f"tcp://{ours}:{ports[1]}?key={key}"
                user, stranger = User(Asker(registry.endpoint), name="ann"), User(Asker(there), name="bob")
                secure_one = f"tcp://{ours}:{ports[3]}?key={(group.log_folder / 'curve.pub').read_text().strip()}"
                rows = user.fine("groups", "--json").json()
                same(rows[0]["endpoints"], [secure_one, f"tcp://127.0.0.1:{ports[2]}"])

                def away(*words):
                    return subprocess.run(["ip", "netns", "exec", name, ZCHAT, "-c", stranger.home, *words],
                                          env=stranger.environment, capture_output=True, text=True, timeout=20, check=False)
                done = away("groups", "--json")
                same([row["endpoints"] for row in map(json.loads, done.stdout.splitlines())], [[secure_one]], done)
                for words in (["join", "cats"], ["send", "cats", "from afar"]):
                    done = away(*words)
                    same(done.returncode, 0, done)
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", outer], check=False, capture_output=True)


def key_that_others_can_read_is_refused():
    for daemon, folder in ((CurveRegistry(), "registry"), (CurveGroup(), "state/groups/cats")):
        with daemon:
            daemon.stop()
            os.chmod(daemon.folder / folder / "curve", 0o640)
            done = subprocess.run(daemon.command, capture_output=True, text=True, timeout=20, check=False)
            same(done.returncode, 78, done.stderr)
            assert "can be read by others" in done.stderr and "chmod 600" in done.stderr, done.stderr
            secret = (daemon.folder / folder / "curve").read_text().split()[3]
            assert secret not in done.stderr and secret not in "\n".join(daemon.lines)


def credential_takes_the_files_place():
    with CurveGroup() as group:
        group.stop()
        given = group.folder / "given"
        given.mkdir()
        (group.log_folder / "curve").rename(given / "curve")
        before = group.key
        os.environ["CREDENTIALS_DIRECTORY"] = str(given)
        try:
            group.start()
        finally:
            del os.environ["CREDENTIALS_DIRECTORY"]
        same(group.key, before)
        assert not (group.log_folder / "curve").exists()


def plain_beyond_loopback_is_said():
    """Refused, or with allow_plain warned of at each start. 0.0.0.0 is beyond loopback."""
    for make, name in ((Registry, []), (Group, ["cats"])):
        daemon = make(text=f'listen = ( {{ endpoint = "tcp://0.0.0.0:{free_port()}"; }} );\n')
        done = subprocess.run(daemon.command, capture_output=True, text=True, timeout=20, check=False)
        same(done.returncode, 78, done.stderr)
        assert "allow_plain" in done.stderr, done.stderr
        text = daemon.config.read_text().replace("; } );", "; allow_plain = true; } );", 1)
        daemon.config.write_text(text)
        for _ in range(2):
            daemon.start()
            daemon.wait_for("is plain and open to the network")
            daemon.stop()
        daemon.close()


def daemons_leave_no_core():
    """One that would leave none belongs to root in /proc, whoever runs it. Needs root."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        return
    nobody = 65534
    os.chmod(tempfile.gettempdir(), 0o711)
    for daemon in (CurveRegistry(), CurveGroup()):
        subprocess.run(["chown", "-R", str(nobody), daemon.folder], check=True)
        daemon.command = ["setpriv", f"--reuid={nobody}", "--clear-groups", *daemon.command]
        with daemon:
            same(os.stat(f"/proc/{daemon.process.pid}/stat").st_uid, 0)
            sleeper = subprocess.Popen(["setpriv", f"--reuid={nobody}", "--clear-groups", "sleep", "60"])
            try:
                while b"sleep" not in pathlib.Path(f"/proc/{sleeper.pid}/cmdline").read_bytes().split(b"\0")[0]:
                    pass
                same(os.stat(f"/proc/{sleeper.pid}/stat").st_uid, nobody)  # as others do
            finally:
                sleeper.kill()
                sleeper.wait()


if __name__ == "__main__":
    run([end_to_end, only_the_right_clients_are_served, plain_listener_serves_no_curve,
        followers_come_back, half_a_handshake_is_dropped, loopback_and_network_side_by_side, user_key_of_the_data_frame_counts, daemons_leave_no_core, routing_ids_cannot_be_had,
        changed_key_is_refused_and_explained, key_that_is_gone_is_refused,
        name_is_kept_from_strangers, stranger_that_was_first_deceives_no_one, owner_takes_its_name_back,
        one_caller_has_its_share, invited_registry_answers_the_invited, callers_from_elsewhere_get_no_loopback,
        registry_with_another_key_is_not_asked, key_that_others_can_read_is_refused,
        credential_takes_the_files_place, plain_beyond_loopback_is_said])
