#!/usr/bin/python3
"""Runs every mode of zchat-bench for a moment, against a group of its own and against the bare servers, and looks at what
it says: figures that are there and make sense, refusals that are told, nothing left behind.

    smoke.py BUILD      the build's folder (zchat-group in it, the rest in tests/bench)
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

MOMENT = ["--seconds", "0.3", "--warm", "0.1", "--json"]


class Bench:
    def __init__(self, build, folder):
        self.build, self.folder = pathlib.Path(build), folder
        self.tool = str(self.build / "tests/bench/zchat-bench")

    def run(self, *words):
        return subprocess.run([self.tool, *words], capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "TMPDIR": self.folder})

    def figures(self, *words):
        done = self.run(*words, *MOMENT)
        if done.returncode:
            raise AssertionError(f"{' '.join(words)}: exit {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)

    def left_behind(self):
        return [name for name in os.listdir(self.folder) if name.startswith("zchat-bench-")]


class Bare:
    """One of the bare servers on a free port."""

    def __init__(self, bench, program, *words):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen([str(bench.build / "tests/bench" / program), str(self.port), *words],
                                        stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                if time.monotonic() > end:
                    raise

    def words(self, protocol, key=""):
        return ["--group", f"tcp://127.0.0.1:{self.port}{key}", "--protocol", protocol, "--pid", str(self.process.pid)]

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def positive(figures, *names):
    for name in names:
        if not figures[name] > 0:
            raise AssertionError(f"{name} is {figures[name]} in {figures}")


def send(bench):
    figures = bench.figures("send", "--clients", "4", "--window", "8")
    positive(figures, "acks", "rate", "p50_us", "p99_us", "p999_us", "max_us", "server_rss_kb", "server_pss_kb")
    assert figures["p50_us"] <= figures["p99_us"] <= figures["max_us"] * 1.01, figures


def send_keeps_a_rate(bench):
    figures = bench.figures("send", "--clients", "4", "--rate", "200", "--size", "1000")
    assert 100 < figures["rate"] < 300, figures


def send_original(bench):
    positive(bench.figures("send", "--protocol", "original", "--clients", "2"), "rate")


def send_encrypted(bench):
    positive(bench.figures("send", "--curve", "--clients", "4", "--window", "8"), "rate")


def fanout_encrypted(bench):
    positive(bench.figures("fanout", "--curve", "--readers", "18"), "rate", "p50_us")


def fanout(bench):
    positive(bench.figures("fanout", "--readers", "10"), "messages", "rate", "p50_us")


def fanout_keeps_a_rate(bench):
    figures = bench.figures("fanout", "--readers", "5", "--rate", "100", "--credit", "20000")
    assert 50 < figures["messages"] < 150, figures


def history(bench):
    figures = bench.figures("history", "--fill", "3000", "--queries", "20")
    positive(figures, "page_records", "page_p50_us", "rate")
    assert figures["scan_records"] >= 3000, figures


def idle(bench):
    positive(bench.figures("idle", "--members", "50"), "rss_per_member_kb", "server_descriptors")


def restart(bench):
    for how in ([], ["--kill"]):
        figures = bench.figures("restart", "--fill", "2000", *how)
        positive(figures, "first_answer_s", "log_bytes_per_message", "disk_bytes_per_message")


def reconnect(bench):
    for how in ([], ["--curve"]):
        figures = bench.figures("reconnect", "--members", "20", "--readers", "5", *how)
        positive(figures, "rounds", "follow_p50_us", "whole_p50_us", "stayed_p50_us")
        assert figures["follow_p50_us"] <= figures["whole_p50_us"], figures


def scale(bench):
    """All of its rows in small, the table, and the drawing."""
    here, out = pathlib.Path(__file__).resolve().parent, f"{bench.folder}/scale.jsonl"
    done = subprocess.run([str(here / "scale"), "-b", str(bench.build), "--quick", "--out", out, "--folder", bench.folder],
                          capture_output=True, text=True, timeout=100, check=False)
    if done.returncode or done.stdout.count("What bounds it: ") != 4 or "failed" in done.stdout:
        raise AssertionError(f"scale --quick: exit {done.returncode}: {done.stdout}{done.stderr}")
    drawn = subprocess.run([str(here / "chart"), "--scale", out], capture_output=True, text=True, timeout=30, check=True).stdout
    assert drawn.startswith("<svg ") and drawn.count("<polyline ") >= 16, drawn[:500]


def mixed(bench):
    figures = bench.figures("mixed", "--clients", "2", "--readers", "3", "--rate", "100", "--pagers", "1", "--fill", "2000",
                            "--behind")
    positive(figures, "acks", "rate", "ack_p50_us", "p50_us", "page_p50_us", "behind_rate")


def disk(bench):
    positive(bench.figures("disk"), "rate", "p50_us")


def bare_sockets(bench):
    with Bare(bench, "zchat-bench-tcp", "echo") as server:
        positive(bench.figures("send", *server.words("raw")), "rate")
    with Bare(bench, "zchat-bench-tcp", "fan") as server:
        positive(bench.figures("fanout", "--readers", "5", *server.words("raw-fan")), "rate")
    with Bare(bench, "zchat-bench-tcp", "durable", f"{bench.folder}/tcp.log") as server:
        positive(bench.figures("send", *server.words("raw")), "rate")


def bare_zmq(bench):
    with Bare(bench, "zchat-bench-zmq", "echo") as server:
        positive(bench.figures("send", *server.words("bare")), "rate")
        positive(bench.figures("first", *server.words("bare")), "first_answer_s")
    with Bare(bench, "zchat-bench-zmq", "full", f"{bench.folder}/zmq.log") as server:
        positive(bench.figures("fanout", "--readers", "5", *server.words("bare")), "rate")
    with Bare(bench, "zchat-bench-zmq", "full", f"{bench.folder}/curve.log", "curve") as server:
        key = "?key=" + server.process.stdout.readline().strip()
        positive(bench.figures("fanout", "--readers", "18", *server.words("bare", key)), "rate")


def mistakes_are_told(bench):
    for words in ([], ["sing"], ["send", "--clients"], ["send", "--size", "x"], ["send", "--nonsense", "1"],
                  ["send", "--window", "2000"], ["send", "--protocol", "redis"]):
        done = bench.run(*words)
        assert done.returncode == 2 and done.stderr.startswith("zchat-bench: "), (words, done)
    done = bench.run("send", "--group", "tcp://127.0.0.1:1")
    assert done.returncode == 1 and "127.0.0.1:1" in done.stderr, done
    done = bench.run("send", "--daemon", "/bin/false")
    assert done.returncode == 1 and "/bin/false" in done.stderr, done
    assert "fanout" in bench.run("-h").stdout


def a_signal_ends_it_cleanly(bench):
    with subprocess.Popen([bench.tool, "send", "--seconds", "60"], env={**os.environ, "TMPDIR": bench.folder},
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 20
        while not bench.left_behind() and time.monotonic() < end:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) != 0


CASES = (send, send_keeps_a_rate, send_original, send_encrypted, fanout, fanout_encrypted, fanout_keeps_a_rate, history, idle,
         restart, reconnect, scale, mixed, disk, bare_sockets, bare_zmq, mistakes_are_told, a_signal_ends_it_cleanly)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(sys.argv[1], folder)
        for case in [case for case in CASES if not sys.argv[2:] or case.__name__ in sys.argv[2:]]:
            begin = time.monotonic()
            case(bench)
            if bench.left_behind():
                raise AssertionError(f"{case.__name__} left {bench.left_behind()}")
            print(f"ok {case.__name__} ({time.monotonic() - begin:.2f} s)", flush=True)


if __name__ == "__main__":
    main()
