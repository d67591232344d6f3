"""Runs zchat-registry and zchat-group for a test, in folders of their own, through kills and restarts. Waits for what
their logs say, never for time to pass. Cases are functions; a file runs all of them, or those named."""

import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import lib_zwire

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("ZCHAT_BUILD") or ROOT / "build/release")
WAIT = 20  # seconds


class Daemon:
    """A program with its configuration; start, stop, kill, start again. Its log is in .lines."""

    def __init__(self, program, config, text, *arguments):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zchat-"))
        (self.folder / "etc").mkdir()
        self.config = self.folder / "etc" / config
        self.config.write_text(text.replace("@", str(self.folder)))
        self.command = [str(BUILD / program), "-c", str(self.folder / "etc"), "-f", *arguments]
        self.process, self.lines, self.news, self.endpoint = None, [], threading.Condition(), None

    def start(self):
        with self.news:
            self.lines = []
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE)
        threading.Thread(target=self._follow, args=(self.process, self.lines), daemon=True).start()
        line = self.wait_for("ready: ")
        self.endpoint = next(word for word in line.replace(",", " ").split() if word.startswith("tcp://"))
        return self

    def _follow(self, process, lines):
        for line in process.stderr:
            with self.news:
                lines.append(line.decode("latin-1").rstrip())
                self.news.notify_all()
        with self.news:
            lines.append("(end of the log)")
            self.news.notify_all()

    def wait_for(self, part, seconds=WAIT):
        """The first line of this run that holds the part."""
        end = time.monotonic() + seconds
        with self.news:
            while True:
                found = [line for line in self.lines if part in line]
                if found:
                    return found[0]
                left = end - time.monotonic()
                if left <= 0 or "(end of the log)" in self.lines or not self.news.wait(left):
                    raise AssertionError(f"no line with {part!r} from {self.command[0]}:\n" + "\n".join(self.lines))

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """Ends it as systemd does. Returns its exit code."""
        if self.alive():
            self.process.terminate()
        return self.process.wait(WAIT)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(WAIT)

    def close(self):
        if self.alive():
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()


def free_port():
    """One that no client's connection can be given by chance while a daemon is down."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        lowest = int(file.read().split()[0])
    for port in random.sample(range(min(10000, lowest - 1), lowest), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise AssertionError("no free port")


def listen(text):
    """The key, unless the text has it: the same port at every start, which clients wait for."""
    return "" if "listen" in text else f'listen = ( {{ endpoint = "tcp://127.0.0.1:{free_port()}"; }} );\n'


class Registry(Daemon):
    def __init__(self, text=""):
        super().__init__("zchat-registry", "registry.cfg", f'{listen(text)}{text}\nstate_dir = "@";\n')


class Group(Daemon):
    def __init__(self, name="cats", registries=(), text=""):
        self.name = name
        known = ", ".join(f'"{registry.endpoint}"' for registry in registries)
        super().__init__("zchat-group", "group.cfg",
                         f'{listen(text)}{text}\nregistries = [ {known} ];\nstate_dir = "@/state";\n', name)

    @property
    def log_folder(self):
        return self.folder / "state/groups" / self.name

    def secret(self):
        return (self.log_folder / "key").read_bytes()[16:]

    def client(self, who=None):
        return lib_zwire.Client(self.endpoint, who)

    def member(self, nick="", who=None):
        """A client that has joined."""
        client = self.client(who)
        client.ping()
        client.join(nick)
        return client

    def original(self):
        return lib_zwire.Original(self.endpoint)


def run(cases, limit=120):
    """Runs the cases that sys.argv names, or all. Exits 0, or 1 when one failed."""
    chosen = [case for case in cases if not sys.argv[1:] or case.__name__ in sys.argv[1:]]
    if not chosen:
        sys.exit(f"no such case; there are: {' '.join(case.__name__ for case in cases)}")
    if not (BUILD / "zchat-group").exists():
        sys.exit(f"{BUILD}/zchat-group is not there: build it, or name the build in ZCHAT_BUILD")
    failed = 0
    for case in chosen:
        timer = threading.Timer(limit, lambda name=case.__name__: (print(f"FAILED {name}: {limit} s are over", flush=True),
                                                                   os._exit(1)))
        timer.daemon = True
        timer.start()
        begin = time.monotonic()
        try:
            case()
            print(f"ok     {case.__name__} ({time.monotonic() - begin:.2f} s)", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"FAILED {case.__name__}\n{traceback.format_exc()}", flush=True)
        timer.cancel()
    print(f"{len(chosen) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


def refused(name, call, /, *arguments, **values):
    """The row of a refusal, which must be of this name."""
    try:
        got = call(*arguments, **values)
    except lib_zwire.Refused as refusal:
        if refusal.name != name:
            raise AssertionError(f"{refusal.name} in place of {name}") from refusal
        return refusal.row
    raise AssertionError(f"{name} was expected, not {got}")


def same(got, wanted, what=""):
    if got != wanted:
        raise AssertionError(f"{what or 'got'}: {got!r}, wanted {wanted!r}")


def seed():
    """A number for random.Random: ZCHAT_SEED of the environment, or a new one. Printed."""
    value = int(os.environ.get("ZCHAT_SEED") or int.from_bytes(os.urandom(4), "big"))
    print(f"ZCHAT_SEED={value}", flush=True)
    return value
