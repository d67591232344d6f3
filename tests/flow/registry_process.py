#!/usr/bin/python3
"""zchat-registry as a process: what it tells its manager, signals, exit codes."""

import os
import signal
import socket
import subprocess
import tempfile
import unittest

import lib_daemon

ANN = "6f1c2d3e-0000-4000-8000-00000000000a"


class Process(unittest.TestCase):
    def registry(self, cfg="", **more):
        registry = lib_daemon.Registry(cfg, **more)
        self.addCleanup(registry.stop)
        return registry

    def manager(self):
        """A socket that hears what a service manager would."""
        heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(heard.close)
        heard.settimeout(lib_daemon.WAIT)
        path = os.path.join(tempfile.mkdtemp(), "notify")
        heard.bind(path)
        os.environ["NOTIFY_SOCKET"] = path
        self.addCleanup(os.environ.pop, "NOTIFY_SOCKET", None)
        return heard

    def test_it_is_ready_when_it_answers_and_says_that_it_stops(self):
        heard = self.manager()
        registry = self.registry()
        self.assertEqual(heard.recv(500).decode(),
                         f"READY=1\nSTATUS=listening on {registry.endpoint}")
        self.assertEqual(registry.ask("x"), [b"Invalid Request"])
        self.assertEqual(registry.stop(), 0)
        self.assertEqual(heard.recv(500), b"STOPPING=1\nSTATUS=stopping")

    def test_the_watchdog_hears_of_it(self):
        heard = self.manager()
        os.environ["WATCHDOG_USEC"] = "200000"
        self.addCleanup(os.environ.pop, "WATCHDOG_USEC")
        self.registry()
        heard.recv(500)
        self.assertEqual([heard.recv(500) for _ in range(3)], [b"WATCHDOG=1"] * 3)

    def test_a_port_in_use_is_75(self):
        first = self.registry()
        second = subprocess.run([*first.command, "-f"], capture_output=True, text=True,
                                timeout=lib_daemon.WAIT)
        self.assertEqual(second.returncode, 75)
        self.assertIn(f"cannot listen on {first.endpoint}: Address already in use", second.stderr)

    def test_hangup_reads_the_configuration_again(self):
        registry = self.registry("lease = 10;")
        right = registry.cfg.read_text()
        registry.announce("cats")
        registry.cfg.write_text("laese = 1;\n" + right.replace("lease = 10", "lease = 0"))
        registry.process.send_signal(signal.SIGHUP)
        registry.wait_for_log("the running one stays")
        registry.wait_for_log(f"{registry.cfg}:1: laese: unknown key")
        registry.wait_for_log("lease: 0 is not within 1 to 3600")
        self.assertEqual(registry.lease(), 10000)
        registry.cfg.write_text(right.replace("lease = 10", "lease = 7"))
        registry.process.send_signal(signal.SIGHUP)
        registry.wait_for_log("the configuration was read again")
        self.assertEqual(registry.lease(), 7000)

    def test_all_errors_come_in_one_run(self):
        registry = self.registry()
        registry.cfg.write_text("lease = 3000000000;\n\nfoo = { bar = 1; };\nstate_dir = 5;\n"
                                "listen = ( { endpoint = \"tcp://0.0.0.0:2000\"; } );\n")
        result = registry.program("-t")
        self.assertEqual(result.returncode, 78)
        lines = result.stderr.splitlines()
        self.assertEqual([line.split(": ")[0] for line in lines],
                         [f"{registry.cfg}:{number}" for number in (1, 3, 4, 5)])
        self.assertEqual(registry.program().returncode, 78)

    def test_ipv6_listens_too(self):
        if not socket.has_ipv6:
            self.skipTest("no IPv6")
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            self.skipTest("no IPv6 loopback")
        registry = self.registry('listen = ( { endpoint = "tcp://[::1]:*"; } );')
        self.assertEqual(registry.ask("JOIN REQUEST FROM 5001 [cats]"), [b"SUCCESS"])
        registry.wait_for_log("JOIN REQUEST FROM [::1]:5001")
        self.assertEqual(registry.ask(f"GROUP LIST REQUEST FROM {ANN}"), [b"[cats] - 5001"])
        self.assertEqual(registry.groups()[0]["endpoints"], "tcp://[::1]:5001")

    def test_interrupt_ends_it_with_0_too(self):
        registry = self.registry()
        registry.process.send_signal(signal.SIGINT)
        self.assertEqual(registry.process.wait(lib_daemon.WAIT), 0)

    def test_it_never_forks_and_logs_nothing_to_stderr_without_f(self):
        registry = self.registry()
        registry.stop()
        quiet = subprocess.Popen(registry.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            registry.context = lib_daemon.zmq.Context()
            self.assertEqual(registry.ask("x"), [b"Invalid Request"])
        finally:
            quiet.terminate()
        output, _ = quiet.communicate(timeout=lib_daemon.WAIT)
        self.assertEqual((quiet.returncode, output), (0, b""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
