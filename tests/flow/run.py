#!/usr/bin/python3
"""Runs the tests with real processes, each in a process group of its own, with a time limit.

    run.py [-b BUILD] [-d FOLDER] [-t SECONDS] [-j TESTS] [NAME...]     all tests of the folder (this one), or those named

A test is a file *.py or *.sh there (but run.py, release.sh, soak.py, which runs beside all others, and those beginning
with `_` or `lib`); it exits 0, 77 for skipped (its last line says why), else failed. It finds the programs through
ZCHAT_BUILD, has an empty folder of its own as TMPDIR, and a network of its own (alone.sh). So many TESTS run at once
(1). The last line is `N passed, N failed, N skipped`.
"""

import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SKIPPED = 77
LOOK = 0.05  # seconds between looks at whether one has ended


def tests(folder):
    found = [path for path in sorted(folder.iterdir()) if path.suffix in (".py", ".sh")]
    return {path.stem: path for path in found
            if path.stem not in ("run", "release", "soak") and not path.stem.startswith(("_", "lib"))}


class Run:
    """A test under way."""

    def __init__(self, path, build, limit):
        self.name, self.limit, self.begin = path.stem, limit, time.monotonic()
        self.home = tempfile.mkdtemp(prefix="zchat-flow-")
        environment = {**os.environ, "ZCHAT_BUILD": str(build), "TMPDIR": self.home, "HOME": self.home,
                       "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
        for name in ("ZCHAT_REGISTRY", "ZCHAT_IDENTITY", "XDG_CONFIG_HOME"):
            environment.pop(name, None)  # the caller's own
        self.output = open(os.path.join(self.home, ".output"), "w+b")
        program = "/usr/bin/python3" if path.suffix == ".py" else "/bin/bash"
        self.child = subprocess.Popen([ROOT / "tests/alone.sh", program, str(path)], stdin=subprocess.DEVNULL,
                                      stdout=self.output, stderr=subprocess.STDOUT, cwd=self.home, env=environment,
                                      start_new_session=True)

    def seconds(self):
        return time.monotonic() - self.begin

    def is_over(self):
        return self.child.poll() is not None or self.seconds() > self.limit

    def end(self):
        """(exit code or None when the time was up, output). Nothing of its process group is left."""
        code = self.child.poll()
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # all have ended
        self.child.wait()
        self.output.seek(0)
        text = self.output.read().decode(errors="replace")
        self.output.close()
        shutil.rmtree(self.home, ignore_errors=True)
        return code, text


def tell(run):
    """Ends it; True: passed, None: skipped, False: failed."""
    took = f"{run.seconds():5.1f} s"
    code, text = run.end()
    if code == 0:
        print(f"passed  {took}  {run.name}", flush=True)
        return True
    if code == SKIPPED:
        why = text.strip().splitlines()[-1:] or ["no reason told"]
        print(f"SKIP    {took}  {run.name}: {why[0]}", flush=True)
        return None
    why = "time is up" if code is None else f"exit {code}"
    print(f"FAILED  {took}  {run.name} ({why})\n{text.rstrip()}\n", flush=True)
    return False


def run_all(paths, build, limit, at_once):
    """What became of each."""
    waiting, under_way, results = list(paths), [], []
    try:
        while waiting or under_way:
            while waiting and len(under_way) < at_once:
                under_way.append(Run(waiting.pop(0), build, limit))
            for run in [run for run in under_way if run.is_over()]:
                under_way.remove(run)
                results.append(tell(run))
            time.sleep(LOOK)
    finally:
        for run in under_way:
            run.end()
    return results


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("-b", "--build", default=os.environ.get("ZCHAT_BUILD", ROOT / "build/release"))
    arguments.add_argument("-d", "--folder", type=pathlib.Path, default=HERE)
    arguments.add_argument("-t", "--limit", type=float, default=60, help="seconds for one test")
    arguments.add_argument("-j", "--jobs", type=int, default=1, help="tests at once")
    arguments.add_argument("names", nargs="*")
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # through run_all, which ends what it started
    known = tests(options.folder.resolve())
    unknown = [name for name in options.names if name not in known]
    if unknown:
        sys.exit(f"run.py: no such test: {' '.join(unknown)} (there are: {' '.join(known)})")
    results = run_all([known[name] for name in options.names or known], pathlib.Path(options.build).resolve(),
                      options.limit, options.jobs)
    passed, failed, skipped = results.count(True), results.count(False), results.count(None)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed + skipped else 0


if __name__ == "__main__":
    sys.exit(main())
