#!/usr/bin/python3
"""Runs the tests with real processes, each in a process group of its own, with a time limit.

    run.py [-b BUILD] [-d FOLDER] [-t SECONDS] [NAME...]     all tests of the folder (this one), or those named

A test is a file *.py or *.sh there (but run.py, release.sh, soak.py, which runs beside all others, and those beginning
with `_` or `lib`); it exits 0, 77 for skipped (its last line says why), else failed. It finds the programs through
ZCHAT_BUILD and has an empty folder of its own as TMPDIR. The last line is `N passed, N failed, N skipped`.
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


def tests(folder):
    found = [path for path in sorted(folder.iterdir()) if path.suffix in (".py", ".sh")]
    return {path.stem: path for path in found
            if path.stem not in ("run", "release", "soak") and not path.stem.startswith(("_", "lib"))}


def run_one(path, build, limit):
    """(exit code or None when the time was up, output). Nothing of its process group is left."""
    home = tempfile.mkdtemp(prefix="zchat-flow-")
    environment = {**os.environ, "ZCHAT_BUILD": str(build), "TMPDIR": home, "HOME": home,
                   "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    for name in ("ZCHAT_REGISTRY", "ZCHAT_IDENTITY", "XDG_CONFIG_HOME"):
        environment.pop(name, None)  # the caller's own
    with open(os.path.join(home, ".output"), "w+b") as output:
        program = "/usr/bin/python3" if path.suffix == ".py" else "/bin/bash"
        child = subprocess.Popen([program, str(path)], stdin=subprocess.DEVNULL, stdout=output,
                                 stderr=subprocess.STDOUT, cwd=home, env=environment, start_new_session=True)
        try:
            code = child.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # all have ended
            child.wait()
        output.seek(0)
        text = output.read().decode(errors="replace")
    shutil.rmtree(home, ignore_errors=True)
    return code, text


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("-b", "--build", default=os.environ.get("ZCHAT_BUILD", ROOT / "build/release"))
    arguments.add_argument("-d", "--folder", type=pathlib.Path, default=HERE)
    arguments.add_argument("-t", "--limit", type=float, default=60, help="seconds for one test")
    arguments.add_argument("names", nargs="*")
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # through run_one, which ends what it started
    known = tests(options.folder.resolve())
    unknown = [name for name in options.names if name not in known]
    if unknown:
        sys.exit(f"run.py: no such test: {' '.join(unknown)} (there are: {' '.join(known)})")
    passed = failed = skipped = 0
    for name in options.names or known:
        begin = time.monotonic()
        code, text = run_one(known[name], pathlib.Path(options.build).resolve(), options.limit)
        took = f"{time.monotonic() - begin:5.1f} s"
        if code == 0:
            passed += 1
            print(f"passed  {took}  {name}", flush=True)
        elif code == SKIPPED:
            skipped += 1
            why = text.strip().splitlines()[-1:] or ["no reason told"]
            print(f"SKIP    {took}  {name}: {why[0]}", flush=True)
        else:
            failed += 1
            why = "time is up" if code is None else f"exit {code}"
            print(f"FAILED  {took}  {name} ({why})\n{text.rstrip()}\n", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed + skipped else 0


if __name__ == "__main__":
    sys.exit(main())
