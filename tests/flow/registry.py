#!/usr/bin/python3
"""zchat-registry speaks the original system's wire byte for byte, and answers whatever comes."""

import os
import random
import re
import socket
import struct
import unittest
import uuid

import lib_daemon
import zmq

ANN = "6f1c2d3e-0000-4000-8000-00000000000a"


class OriginalWire(unittest.TestCase):
    def setUp(self):
        self.registry = lib_daemon.Registry()
        self.addCleanup(lambda: self.registry.stop())

    def ask(self, *frames):
        return self.registry.ask(*frames)

    def listed(self):
        return self.ask(f"GROUP LIST REQUEST FROM LOCALHOST:2000 [{ANN}]")

    def test_no_group_is_an_empty_frame(self):
        self.assertEqual(self.listed(), [b""])

    def test_registering_succeeds_and_is_listed(self):
        self.assertEqual(self.ask("JOIN REQUEST FROM 5001 [cats]"), [b"SUCCESS"])
        self.assertEqual(self.listed(), [b"[cats] - 5001"])

    def test_list_is_in_the_order_of_registration(self):
        for port, name in ((5003, "zebras"), (5001, "Cats"), (5002, "1dog.a_b-c")):
            self.assertEqual(self.ask(f"JOIN REQUEST FROM {port} [{name}]"), [b"SUCCESS"])
        self.assertEqual(self.listed(), [b"[zebras] - 5003\n[Cats] - 5001\n[1dog.a_b-c] - 5002"])

    def test_registering_again_overwrites_and_keeps_its_place(self):
        self.ask("JOIN REQUEST FROM 5001 [cats]")
        self.ask("JOIN REQUEST FROM 5002 [dogs]")
        self.assertEqual(self.ask("JOIN REQUEST FROM 5009 [cats]"), [b"SUCCESS"])
        self.assertEqual(self.listed(), [b"[cats] - 5009\n[dogs] - 5002"])

    def test_siblings_ask_with_the_uuid_alone(self):
        self.ask("JOIN REQUEST FROM 5001 [cats]")
        self.assertEqual(self.ask(f"GROUP LIST REQUEST FROM {ANN}"), [b"[cats] - 5001"])
        self.assertEqual(self.ask(f"GROUP LIST REQUEST FROM {ANN.upper()}"), [b"[cats] - 5001"])

    def test_anything_else_is_an_invalid_request(self):
        for text in ("", " ", "hello", "JOIN REQUEST", "JOIN REQUEST FROM ", "JOIN REQUEST FROM 5001",
                     "JOIN REQUEST FROM 5001 cats", "JOIN REQUEST FROM 5001 []", "JOIN REQUEST FROM 0 [a]",
                     "JOIN REQUEST FROM 65536 [a]", "JOIN REQUEST FROM 99999999999999999999 [a]",
                     "JOIN REQUEST FROM -1 [a]", "JOIN REQUEST FROM 05 [a]", "JOIN REQUEST FROM 5001 [a] ",
                     "JOIN REQUEST FROM 5001 [a b]", "JOIN REQUEST FROM 5001 [a\n[b] - 1]",
                     "JOIN REQUEST FROM 5001 [" + "a" * 49 + "]", "JOIN REQUEST FROM 5001  [a]",
                     "JOIN REQUEST FROM 5001 [.a]", "join request from 5001 [a]",
                     " JOIN REQUEST FROM 5001 [a]", "x JOIN REQUEST FROM 5001 [a]",
                     f"JOIN REQUEST FROM {ANN}", "GROUP LIST REQUEST FROM ", "GROUP LIST REQUEST FROM x",
                     f"GROUP LIST REQUEST FROM {ANN}x", f"GROUP LIST REQUEST FROM {ANN} ",
                     f"GROUP LIST REQUEST FROM LOCALHOST:2000 {ANN}",
                     "GROUP LIST REQUEST FROM LOCALHOST:2000 []", "GROUP LIST REQUEST FROM LOCALHOST:2000 [",
                     f"MESSAGE SEND FROM {ANN} hi"):
            self.assertEqual(self.ask(text), [b"Invalid Request"], text)
        self.assertEqual(self.listed(), [b""])

    def test_more_than_one_text_frame_is_an_invalid_request(self):
        self.assertEqual(self.ask("JOIN REQUEST FROM 5001 [cats]", "x"), [b"Invalid Request"])
        self.assertEqual(self.ask(*["x"] * 1000), [b"Invalid Request"])
        self.assertEqual(self.listed(), [b""])

    def test_a_running_zchat_group_holds_its_name(self):
        self.assertEqual(self.registry.announce("cats", port=4001), "LEASE")
        self.assertEqual(self.ask("JOIN REQUEST FROM 5001 [cats]"), [b"FAIL"])
        self.assertEqual(self.listed(), [b"[cats] - 4001"])

    def test_a_zchat_group_takes_a_name_over(self):
        self.ask("JOIN REQUEST FROM 5001 [cats]")
        self.ask("JOIN REQUEST FROM 5002 [dogs]")
        self.assertEqual(self.registry.announce("cats", port=4001), "LEASE")
        self.assertEqual(self.listed(), [b"[cats] - 4001\n[dogs] - 5002"])

    def test_a_group_with_a_curve_listener_alone_is_not_listed(self):
        key = "ab" * 32
        self.assertEqual(self.registry.announce("cats", endpoints=f"tcp://127.0.0.1:4001?key={key}"),
                         "LEASE")
        self.assertEqual(self.listed(), [b""])
        self.registry.announce("cats", endpoints=f"tcp://127.0.0.1:4001?key={key} tcp://127.0.0.1:4002")
        self.assertEqual(self.listed(), [b"[cats] - 4002"])

    def test_a_silent_zchat_group_disappears_an_original_one_stays(self):
        self.registry.stop()
        self.registry = lib_daemon.Registry("lease = 1;")
        self.registry.announce("cats", port=4001)
        self.ask("JOIN REQUEST FROM 5001 [dogs]")
        self.registry.wait_for_log("group cats: silent")
        self.assertEqual(self.listed(), [b"[dogs] - 5001"])
        self.assertEqual(self.ask("JOIN REQUEST FROM 5001 [cats]"), [b"SUCCESS"])

    def test_requests_are_logged_as_the_original_does(self):
        self.ask("JOIN REQUEST FROM 5001 [cats]")
        self.listed()
        self.ask(f"GROUP LIST REQUEST FROM {ANN}")
        self.registry.wait_for_log("JOIN REQUEST FROM 127.0.0.1:5001")
        self.registry.wait_for_log(f"GROUP LIST REQUEST FROM {ANN}")


class HostileInput(unittest.TestCase):
    def setUp(self):
        self.registry = lib_daemon.Registry(options=["-vv"])
        self.addCleanup(lambda: self.registry.stop())

    def still_answers(self):
        self.assertEqual(self.registry.ask("JOIN REQUEST FROM 5001 [cats]"), [b"SUCCESS"])
        self.assertEqual(self.registry.native(lib_daemon.PING)[0], lib_daemon.PONG)
        self.assertIsNone(self.registry.process.poll())

    def test_random_bytes_as_text_and_natively(self):
        seed = os.environ.get("ZCHAT_SEED") or str(int.from_bytes(os.urandom(4), "big"))
        print("ZCHAT_SEED =", seed)
        source = random.Random(seed)
        dealer = self.registry.dealer()
        for _ in range(2000):
            body = source.randbytes(source.randrange(200))
            self.assertEqual(self.registry.ask(body), [b"Invalid Request"])
            kind = source.choice((1, 0x20, 0x21, 0x22, 0x81, 0xff))
            dealer.send(b"zC\x01" + bytes([kind]) + source.randbytes(source.randrange(1, 400)))
            self.assertTrue(dealer.recv())  # each gets an answer
        self.still_answers()

    def test_a_native_message_cut_at_every_byte(self):
        whole = self.registry.announcement("cats", endpoints="tcp://127.0.0.1:4001")
        dealer = self.registry.dealer()
        for size in range(1, len(whole)):
            dealer.send(whole[:size])
            self.assertEqual(dealer.recv()[3], lib_daemon.ERROR, size)
        self.still_answers()

    def test_many_frames(self):
        dealer = self.registry.dealer()
        for count in (2, 3, 100, 5000):
            dealer.send_multipart([b"zC\x01\x01" + bytes(21)] * count)
            self.assertEqual(dealer.recv()[3], lib_daemon.ERROR)
            dealer.send_multipart([b""] * count)
            self.assertEqual(dealer.recv_multipart(), [b"", b"Invalid Request"])
        self.still_answers()

    def test_a_frame_of_a_megabyte_is_answered_one_of_more_is_dropped(self):
        self.assertEqual(self.registry.ask(b"x" * (1 << 20)), [b"Invalid Request"])
        sock = self.registry.context.socket(zmq.REQ)
        sock.linger = 0
        sock.connect(self.registry.endpoint)
        sock.send(b"x" * ((1 << 20) + 1))
        self.still_answers()
        sock.close()

    def test_bytes_that_are_no_zmtp(self):
        port = int(self.registry.endpoint.rsplit(":", 1)[1])
        for body in (b"GET / HTTP/1.0\r\n\r\n", b"\xff" * 100, b"\x00" * 5000, b""):
            with socket.create_connection(("127.0.0.1", port)) as plain:
                plain.sendall(body)
        self.still_answers()

    def test_askers_that_never_read_or_leave_at_once(self):
        for _ in range(100):
            sock = self.registry.context.socket(zmq.DEALER)
            sock.linger = 0
            sock.connect(self.registry.endpoint)
            for _ in range(50):
                sock.send_multipart([b"", f"GROUP LIST REQUEST FROM {ANN}".encode()])
            sock.close()
        self.still_answers()

    def test_controls_do_not_reach_the_log(self):
        self.registry.ask("\x1b[31m evil\nline \u202e")
        self.registry.wait_for_log(r"\x1b[31m evil\x0aline")
        self.assertTrue(re.fullmatch(r"[\x20-\x7e\n]*", self.registry.log()))


class Native(unittest.TestCase):
    def setUp(self):
        self.registry = lib_daemon.Registry()
        self.addCleanup(lambda: self.registry.stop())

    def test_unknown_versions_and_kinds_are_answered(self):
        kind, tag, body = self.registry.raw(b"zC\x09\x01" + struct.pack(">I", 7) + bytes(17))
        self.assertEqual((kind, tag), (lib_daemon.ERROR, 7))
        self.assertEqual(lib_daemon.error_number(body), 2)
        kind, tag, body = self.registry.raw(b"zC\x01\x07" + struct.pack(">I", 8) + bytes(100))
        self.assertEqual((kind, tag), (lib_daemon.ERROR, 8))

    def test_another_log_is_refused_the_name(self):
        log = uuid.uuid4()
        self.assertEqual(self.registry.announce("cats", log=log, port=4001), "LEASE")
        self.assertEqual(self.registry.announce("cats", log=uuid.uuid4(), port=4002), 21)
        self.assertEqual(self.registry.announce("cats", log=log, port=4001), "LEASE")

    def test_the_later_opening_of_a_log_supersedes_the_earlier(self):
        log, old, new = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
        self.assertEqual(self.registry.announce("cats", log=log, instance=old, generation=3), "LEASE")
        self.assertEqual(self.registry.announce("cats", log=log, instance=new, generation=4,
                                                claim=b"C" * 32), "LEASE")
        kind, _, body = self.registry.raw(self.registry.announcement("cats", log=log, instance=old,
                                                                     generation=3))
        self.assertEqual((kind, lib_daemon.error_number(body)), (lib_daemon.ERROR, 22))
        self.assertIn(b"C" * 32, body)
        self.assertIn(new.bytes, body)

    def test_withdrawing_removes_only_its_own_instance(self):
        log, mine = uuid.uuid4(), uuid.uuid4()
        self.registry.announce("cats", log=log, instance=mine)
        self.registry.withdraw("cats", log, uuid.uuid4())
        self.assertEqual(len(self.registry.groups()), 1)
        self.registry.withdraw("cats", log, mine)
        self.assertEqual(self.registry.groups(), [])

    def test_the_list_comes_in_pages_by_name(self):
        for name in ("dogs", "cats", "ants", "bees", "eels"):
            self.registry.announce(name)
        first, more = self.registry.page("", 2)
        self.assertEqual(([row["name"] for row in first], more), (["ants", "bees"], True))
        second, more = self.registry.page("bees", 3)
        self.assertEqual(([row["name"] for row in second], more), (["cats", "dogs", "eels"], False))

    def test_a_big_directory_is_listed_whole(self):
        topic = "t" * 30000
        for i in range(60):
            self.assertEqual(self.registry.announce(f"g{i:03}", topic=topic), "LEASE")
        self.assertEqual([row["name"] for row in self.registry.groups()],
                         [f"g{i:03}" for i in range(60)])

    def test_a_star_host_becomes_the_callers_address(self):
        self.registry.announce("cats", endpoints="tcp://*:4001")
        self.assertEqual(self.registry.groups()[0]["endpoints"], "tcp://127.0.0.1:4001")

    def test_ping_answers_while_it_runs(self):
        self.assertEqual(self.registry.program("--ping").returncode, 0)
        with socket.create_server(("127.0.0.1", 0)) as deaf:  # the port is in use, nobody answers
            cfg = self.registry.cfg.read_text()
            self.registry.cfg.write_text(
                cfg.replace(self.registry.endpoint, "tcp://127.0.0.1:%d" % deaf.getsockname()[1]))
            self.assertEqual(self.registry.program("--ping").returncode, 69)


if __name__ == "__main__":
    unittest.main(verbosity=2)
