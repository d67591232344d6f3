#!/usr/bin/python3
"""The log's system calls fail: all of them in the log alone, on a simulated disk (calls.c), then the important ones in the
real daemon, by strace: how it ends, what its users are told, and what is there after a restart.

    syscalls.py [--seconds N] [--seed N] [CASE...]     a release: --seconds 0 (all there are)
"""

import argparse
import os
import random
import shutil
import subprocess
import sys

import lib_users  # noqa: F401  pylint: disable=unused-import
import lib_zwire
from lib_group import BUILD, Group

SEGMENT = "00000000000000000001.log"


class Injected(Group):
    """A group whose next start is traced: `faults` are strace's, `path` limits them to one file of the log's folder."""

    def run_with(self, path, *faults):
        """Starts it; returns without waiting for READY."""
        plain = self.command
        calls = ",".join(fault.split(":")[0] for fault in faults)
        self.command = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P", str(path), "-e", f"trace={calls}"]
        for fault in faults:
            self.command += ["-e", f"inject={fault}"]
        self.command += plain
        try:
            self.start()
        except AssertionError:
            pass  # it may end at once
        self.command = plain

    def ended(self):
        """Its exit code, and all that it said."""
        code = self.process.wait(20)
        self.wait_for("(end of the log)")
        return code, "\n".join(self.lines)

    def files(self):
        return {path.name: path.read_bytes() for path in self.log_folder.iterdir() if path.suffix == ".log"}


def same(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: {got}, wanted {wanted}")


def talk(group, count):
    """A member says so much; returns {counter: (sequence, text)} of what was acknowledged, and the refusals' names."""
    acknowledged, refusals = {}, []
    with group.client() as client:
        client.ping()
        client.join("ann")
        for number in range(1, count + 1):
            text = f"text {number}"
            while True:
                try:
                    acknowledged[number] = (client.send(text, counter=number, random=number)["seq"], text)
                    break
                except lib_zwire.Refused as refusal:
                    refusals.append(refusal.name)
                    if refusal.name == "SYNC_FAILED":
                        return acknowledged, refusals
                    client.pump(0.3)  # it is tried again after a second
                except lib_zwire.Silence:
                    return acknowledged, refusals
    return acknowledged, refusals


def is_there(group, acknowledged):
    with group.member("judge") as judge:
        stored = {record.seq: record.text for record in judge.history()}
    for seq, text in acknowledged.values():
        same(stored.get(seq), text, f"acknowledged record {seq}")


def failed_sync_ends_the_daemon():
    with Injected() as group:
        before, _ = talk(group, 3)
        group.stop()
        lib_zwire.WAIT = 3
        group.run_with(group.log_folder / SEGMENT, "fdatasync:error=EIO:when=5")
        after, refusals = talk(group, 50)
        code, said = group.ended()
        lib_zwire.WAIT = 20
        same(code, 74, "exit")
        assert "fdatasync" in said and "Input/output error" in said, said
        assert len(after) < 50, "acknowledged after a failed sync"
        same([name for name in refusals if name != "SYNC_FAILED"], [], "refusals")
        group.start()
        is_there(group, before)
        is_there(group, after)


def full_disk_refuses_and_goes_on():
    for fault in ("pwrite64:error=ENOSPC:when=3..4", "pwrite64:error=EDQUOT:when=3..4", "pwrite64:error=EIO:when=3..4"):
        with Injected() as group:
            before, _ = talk(group, 2)
            group.stop()
            group.run_with(group.log_folder / SEGMENT, fault)
            after, refusals = talk(group, 8)
            same(len(after), 8, f"acknowledged in the end ({fault})")
            assert set(refusals) <= {"DISK_FULL", "WRITE_FAILED"}, refusals
            same(group.stop(), 0, "exit")
            group.start()
            is_there(group, before)
            is_there(group, after)


def interrupted_and_short_calls_are_nothing():
    with Injected() as group:
        talk(group, 2)
        group.stop()
        group.run_with(group.log_folder / SEGMENT, "pwrite64:error=EINTR:when=1+3", "pread64:error=EINTR:when=1+2",
                       "ftruncate:error=EINTR:when=1+2")
        after, refusals = talk(group, 20)
        same((len(after), refusals), (20, []), "acknowledged, refused")
        same(group.stop(), 0, "exit")
        group.start()
        is_there(group, after)


def start_fails(code, path, fault, part):
    """It does not start, says why, ends with the code, changes nothing, and starts when the fault is gone."""
    with Injected() as group:
        before, _ = talk(group, 5)
        group.stop()
        files = group.files()
        group.run_with(group.log_folder / path, fault)
        got, said = group.ended()
        same(got, code, f"exit ({fault})")
        assert part in said, said
        same(group.files() == files, True, f"the files are as they were ({fault})")
        group.start()
        is_there(group, before)


def read_error_starts_nothing():
    for when in (1, 2, 3, 5):
        start_fails(74, SEGMENT, f"pread64:error=EIO:when={when}+", "Input/output error")


def sync_error_at_start_starts_nothing():
    start_fails(74, SEGMENT, "fsync:error=EIO:when=1", "Input/output error")
    start_fails(74, "", "fsync:error=EIO:when=1", "Input/output error")


def held_lock_is_told():
    start_fails(75, "", "flock:error=EAGAIN", "in use by another process")


def folder_without_rights_is_told():
    with Injected() as group:
        group.stop()
        shutil.rmtree(group.folder / "state")
        (group.folder / "state").mkdir()
        for error, code in (("EROFS", 78), ("EACCES", 78), ("ENOSPC", 75), ("EIO", 74)):
            group.run_with(group.folder / "state/groups", f"mkdir:error={error}")
            got, said = group.ended()
            same(got, code, f"exit ({error})")
            assert "cannot be made" in said, said
        group.start()


CASES = (failed_sync_ends_the_daemon, full_disk_refuses_and_goes_on, interrupted_and_short_calls_are_nothing,
         read_error_starts_nothing, sync_error_at_start_starts_nothing, held_lock_is_told, folder_without_rights_is_told)


def run_cases(chosen):
    failed = 0
    if not shutil.which("strace"):
        print("left out: the real daemon: strace is not installed")
        return 0
    for case in CASES:
        if chosen and case.__name__ not in chosen:
            continue
        try:
            case()
            print(f"ok     {case.__name__}", flush=True)
        except (AssertionError, subprocess.TimeoutExpired, lib_zwire.Refused) as error:
            failed += 1
            print(f"FAILED {case.__name__}: {error}", flush=True)
    return failed


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=int, default=12)
    arguments.add_argument("--seed", type=int, default=int(os.environ.get("ZCHAT_SEED") or random.randrange(1 << 30)))
    arguments.add_argument("cases", nargs="*")
    options = arguments.parse_args()
    print(f"ZCHAT_SEED={options.seed}", flush=True)
    code = 0
    if not options.cases:
        code = subprocess.run([BUILD / "tests/fault_log", "calls", "--seed", str(options.seed), "--seconds",
                               str(options.seconds)], check=False).returncode
    return 1 if run_cases(options.cases) or code else 0


if __name__ == "__main__":
    sys.exit(main())
