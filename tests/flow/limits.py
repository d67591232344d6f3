#!/usr/bin/python3
"""Those who ask for too much, over encrypted connections: they are told which limit they met and how long to wait, and
the others hardly notice."""

import contextlib
import pathlib
import resource
import socket
import time
import uuid

from lib_group import BUILD, run, same
from lib_zwire import Client, Refused
from roles import Guarded, Key

COUNT = 1000


def memory(server):
    """Bytes of the group's own memory (not of files that it maps)."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) * 1024


def flooder_is_told_to_wait():
    with Guarded("rate = { send = 50; send_burst = 100; };") as server:
        flooder, other = server.joined("flooder"), server.joined("other")
        begin, tags = time.monotonic(), []
        for number in range(900):
            tags.append(flooder.say("SEND", device=bytes(8), counter=0, random=0, text=f"flood {number}"))
        for number in range(20):
            other.send(f"calm {number}")
        stored = 0
        for tag in tags:
            try:
                flooder.wait(tag)
                stored += 1
            except Refused as refusal:
                same(refusal.name, "RATE")
                row = refusal.row
                assert "rate.send" in row["text"] and 0 < row["wait"] <= 1000, row
        stored_in_order = 0
        for tag in flooder.say_sends([f"flood {number}" for number in range(900, 1800)])[:-1]:
            try:
                flooder.wait(tag)
                stored += 1
                stored_in_order += 1
            except Refused as refusal:
                assert refusal.name in ("RATE", "OUT_OF_ORDER"), refusal
        least, most = 99, 101 + 50 * (time.monotonic() - begin)
        assert least <= stored <= most, (stored, least, most)
        time.sleep(0.1)
        flooder.counter = stored_in_order
        flooder.send("after the wait")
        texts = [record.text for record in other.history() if record.kind == "message"]
        same(sum(text.startswith("flood") for text in texts), stored)
        same(sum(text.startswith("calm") for text in texts), 20)


def connections_with_one_key_are_counted():
    with Guarded("max_sessions_per_key = 5; max_sessions_per_address = 8;") as server:
        ann, bob = Key(), Key()
        followers = []
        with contextlib.ExitStack() as stack:
            server.joined("ann", ann)
            server.joined("bob", bob)
            refusals = []
            for key in [ann] * 8 + [bob] * 8:
                client = stack.enter_context(Client(server.curve, key=key))
                try:
                    client.ask("FOLLOW", credit=1 << 20)
                    followers.append(client)
                except Refused as refusal:
                    refusals.append(refusal.row)
            texts = {row["text"] for row in refusals}
            assert any("max_sessions_per_key" in text for text in texts), texts
            assert any("max_sessions_per_address" in text for text in texts), texts
            assert all(row["wait"] > 0 for row in refusals), refusals
            assert 5 <= len(followers) <= 8, len(followers)


def all_find_room_when_their_connections_broke():
    """More than half of max_sessions: the group does not know yet that the old connections are closed."""
    with Guarded("max_sessions = 20;") as server, contextlib.ExitStack() as stack:
        keys = [Key() for _ in range(16)]
        with contextlib.ExitStack() as first:
            for key in keys:
                client = first.enter_context(Client(server.curve, key=key))
                client.join()
                client.ping()
                client.ask("FOLLOW", credit=1 << 20)
        for key in keys:  # nobody is refused
            stack.enter_context(Client(server.curve, key=key)).ask("FOLLOW", credit=1 << 20)


def script_of_one_connection_after_the_other_goes_on():
    """Each leaves a connection that the group does not know to be closed."""
    with Guarded("max_sessions_per_key = 5;") as server:
        key = Key()
        server.joined("ann", key)
        for number in range(30):
            with Client(server.curve, key=key) as client:
                deadline = time.monotonic() + 20
                while True:
                    try:
                        client.send(f"text {number}")
                        break
                    except Refused as refusal:
                        assert refusal.name == "LIMIT" and time.monotonic() < deadline, refusal
                        client.counter = 0
                        time.sleep(refusal.row["wait"] / 1000)
        same(len([record for record in server.joined("ann", key).history() if record.kind == "message"]), 30)


def silent_connections_cost_little():
    """A thousand that say nothing, and a thousand in the middle of a handshake."""
    with Guarded("handshake = 30000;") as server:
        ann = server.joined("ann")
        ann.send("before")
        port = int(server.curve.split("?")[0].rsplit(":", 1)[1])
        begin = memory(server)
        with contextlib.ExitStack() as stack:
            for number in range(2 * COUNT):
                raw = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                if number % 2:
                    raw.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00CURVE" + bytes(15) + b"\x00" + bytes(31))
            ann.send("in the middle of it")
            deadline = time.monotonic() + 3
            each = 0
            while time.monotonic() < deadline:
                each = max(each, (memory(server) - begin) / (2 * COUNT))
                time.sleep(0.1)
            print(f"  {each / 1024:.1f} KiB for each")
            sanitized = b"__asan_init" in (BUILD / "zchat-group").read_bytes()  # which takes memory of its own
            assert each <= (2 if sanitized else 1) * 16384, each
        ann.send("after")


def thousand_come_back_at_once():
    """Over the few connections of a gateway, after the group was killed: everybody is a member and present again."""
    gateway = Key()
    with Guarded(f'gateways = [ "{gateway.hex()}" ];') as server:
        people = [uuid.uuid4() for _ in range(COUNT)]

        def all_join():
            clients = [server.over(gateway, people[0]) for _ in range(8)]
            tags = [(clients[i % 8], clients[i % 8].say("JOIN", who, nick=f"n{i}")) for i, who in enumerate(people)]
            for client, tag in tags:
                client.wait(tag)
            return clients[0]
        same(all_join().ask("WHO", people[0], limit=1)["members"], COUNT)
        server.kill()
        server.start()
        client = all_join()
        answer = client.ask("WHO", people[0], limit=1)
        same((answer["members"], answer["online"]), (COUNT, COUNT))
        answer = client.ask("WHO", people[0], limit=0)
        same((len(answer["rows"]), answer["more"]), (500, 1))  # whatever is asked: nobody else is served meanwhile
        same(len(client.members()), COUNT)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, max(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    run([flooder_is_told_to_wait, connections_with_one_key_are_counted,
         all_find_room_when_their_connections_broke, script_of_one_connection_after_the_other_goes_on, silent_connections_cost_little,
         thousand_come_back_at_once])
