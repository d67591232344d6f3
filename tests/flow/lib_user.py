"""Runs zchat as a user would: commands with their output, commands that go on, and the conversation on a terminal.
Nothing here sleeps: every wait is for something to be seen, with a limit."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time

from lib_group import BUILD, WAIT

ZCHAT = str(BUILD / "zchat")


class Done:
    """What a command that ended has left."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def json(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def __repr__(self):
        return f"exit {self.code}\nstdout:\n{self.out}\nstderr:\n{self.err}"


class Running:
    """A command that goes on; its stdout is read by lines."""

    def __init__(self, command, environment, stdin):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=self.errors,
                                        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL)
        self.buffer = b""

    def line(self):
        """The next line of stdout, without its newline."""
        end = time.monotonic() + WAIT
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            more = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not more:
                raise AssertionError(f"no more lines; stderr: {self.err()}")
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode()

    def err(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def wait_for_err(self, part):
        end = time.monotonic() + WAIT
        while part not in self.err():
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"no {part!r} on stderr: {self.err()}")
            select.select([], [], [], 0.01)  # a file cannot be waited for

    def end(self, number=signal.SIGTERM):
        """Ends it by a signal; the exit code and all of stderr."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self):
        code = self.process.wait(WAIT)
        self.process.stdout.close()
        if self.process.stdin:
            self.process.stdin.close()
        return code, self.err()


class User:
    """Somebody with an identity of their own, asking these registries."""

    def __init__(self, *registries, name=None):
        self.home = tempfile.mkdtemp(prefix="zchat-user-")
        self.environment = {**os.environ, "HOME": self.home, "ZCHAT_IDENTITY": self.home + "/me", "TZ": "UTC",
                            "ZCHAT_REGISTRY": " ".join(registry.endpoint for registry in registries)}
        for variable in ("XDG_CONFIG_HOME",):
            self.environment.pop(variable, None)
        if name:  # the nick stands in the key's file: there is one login name for all here
            self.call("whoami")
            key = self.home + "/me/key"
            with open(key, encoding="utf-8") as file:
                text = file.read()
            with open(key, "w", encoding="utf-8") as file:
                file.write(re.sub(r"nick .*", f"nick {name}", text))

    def call(self, *words, stdin="", **environment):
        """Runs a command to its end."""
        done = subprocess.run([ZCHAT, "-c", self.home, *words], env={**self.environment, **environment}, input=stdin.encode(),
                              capture_output=True, timeout=WAIT, check=False)
        return Done(done.returncode, done.stdout.decode(errors="surrogateescape"),
                    done.stderr.decode(errors="replace"))

    def fine(self, *words, **options):
        """The same; it must exit with 0."""
        done = self.call(*words, **options)
        if done.code != 0:
            raise AssertionError(f"zchat {' '.join(words)}: {done}")
        return done

    def start(self, *words, stdin=False):
        return Running([ZCHAT, "-c", self.home, *words], self.environment, stdin)

    def uuid(self):
        return self.fine("whoami", "--json").json()[0]["uuid"]

    def terminal(self, *words, columns=80):
        return Terminal([ZCHAT, "-c", self.home, *words], self.environment, columns)


class Terminal:
    """A program on a terminal of its own: keys go in, `screen` is what a user would see."""

    ROWS = 200  # more than a test writes, so nothing scrolls away

    def __init__(self, command, environment, columns):
        self.columns = columns
        self.lines, self.row, self.column = [""], 0, 0
        self.rest = b""
        self.master, self.slave = pty.openpty()  # the slave stays open here, to look at its settings
        self.resize(columns)
        self.child = subprocess.Popen(command, env={**environment, "TERM": "xterm"}, stdin=self.slave, stdout=self.slave,
                                      stderr=self.slave, start_new_session=True,
                                      preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.process = self.child.pid

    def resize(self, columns):
        self.columns = columns
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", self.ROWS, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def screen(self):
        return "\n".join(line.rstrip() for line in self.lines)

    def cursor(self):
        """(the line the cursor stands in, its column)"""
        return self.lines[self.row], self.column

    def _put(self, char):
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self.row += 1
            if self.row == len(self.lines):
                self.lines.append("")
        elif char >= " ":
            if self.column == self.columns:
                self._put("\r")
                self._put("\n")
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[:self.column] + char + line[self.column + 1:]
            self.column += 1

    def _control(self, sequence):
        count = int(sequence[2:-1] or 1) if sequence[2:-1].isdigit() or sequence[2:] == sequence[-1] else 0
        if sequence[-1] == "J" and not sequence[2:-1]:
            self.lines[self.row] = self.lines[self.row][:self.column]
            del self.lines[self.row + 1:]
        elif sequence[-1] == "C":
            self.column += count
        elif sequence[-1] == "J":
            self.lines, self.row, self.column = [""], 0, 0
        elif sequence[-1] not in "Hhl":
            raise AssertionError(f"a sequence that the test does not know: {sequence!r}")

    def _show(self, data):
        text = self.rest + data
        at = 0
        while at < len(text):
            if text[at] == 0x1b:
                match = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]").match(text, at)
                if not match:
                    break
                self._control(match[0].decode())
                at = match.end()
                continue
            size = 1 if text[at] < 0x80 else 2 if text[at] < 0xe0 else 3 if text[at] < 0xf0 else 4
            if at + size > len(text):
                break
            self._put(text[at:at + size].decode())
            at += size
        self.rest = text[at:]

    def read(self, seconds):
        """Shows what the program writes; False when it wrote nothing."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        self._show(os.read(self.master, 65536))
        return True

    def wait_for(self, what):
        """Until the screen holds the text, or the function of it says so."""
        seen = what if callable(what) else lambda screen: what in screen
        end = time.monotonic() + WAIT
        while not seen(self.screen()):
            if self.child.poll() is not None and not self.read(0):
                raise AssertionError(f"it ended ({self.child.returncode}) without {what!r} on the screen:\n{self.screen()}")
            if time.monotonic() > end:
                raise AssertionError(f"{what!r} is not on the screen:\n{self.screen()}")
            self.read(0.1)

    def wait_for_prompt(self, text):
        """Until the line of the cursor is this one."""
        self.wait_for(lambda _: self.cursor()[0].rstrip() == text.rstrip())

    def settings(self):
        return termios.tcgetattr(self.slave)

    def is_raw(self):
        return not self.settings()[3] & termios.ICANON

    def signal(self, number):
        os.kill(self.process, number)

    def wait(self):
        """Its end: the exit code, or minus the signal."""
        end = time.monotonic() + WAIT
        while self.child.poll() is None:
            if time.monotonic() > end:
                raise AssertionError(f"it does not end:\n{self.screen()}")
            self.read(0.01)
        while self.read(0):
            pass
        return self.child.returncode

    def wait_until_stopped(self):
        end = time.monotonic() + WAIT
        while True:
            pid, status = os.waitpid(self.process, os.WNOHANG | os.WUNTRACED)
            if pid and os.WIFSTOPPED(status):
                return
            if pid or time.monotonic() > end:
                raise AssertionError("it does not stop")
            self.read(0.01)
