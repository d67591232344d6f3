#!/usr/bin/python3
"""The group is killed (SIGKILL) at moments chosen by chance, under load and while it starts; users go on through all of
it, and a ledger of what they were promised and shown is held against the log at the end.

    kill.py [--kills N] [--users N] [--seed N]      a release: --kills 1000
"""

import argparse
import os
import random
import subprocess
import sys
import time

import lib_users
from checker import History, Wrong
from lib_group import BUILD, Group, Registry

LIFE = 50  # kills of one group
STARTS = 4  # one of so many kills is followed by one while the daemon starts


class Killer:
    def __init__(self, server, kills, dice):
        self.server, self.left, self.dice = server, kills, dice
        self.next = time.monotonic() + 0.5

    def strike(self, now):
        if not self.left or now < self.next:
            return
        self.server.kill()
        self.left -= 1
        if self.left and self.dice.randrange(STARTS) == 0:
            self.kill_start()
        self.server.start()
        self.next = time.monotonic() + self.dice.uniform(0.02, 0.7)

    def kill_start(self):
        process = subprocess.Popen(self.server.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            process.wait(self.dice.uniform(0, 0.06))
            raise AssertionError(f"the daemon ended by itself with {process.returncode}")
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.left -= 1


def life(dice, kills, count):
    """A group that is killed so often. Returns what is wrong, its history, and what it did, to be told."""
    history = History()
    with Registry() as registry, Group("cats", [registry], "segment = 262144;") as server:
        log = lib_users.lib_zwire.Client(server.endpoint).ping()["log"]
        users = [lib_users.User(f"u{number}", lambda: server.endpoint, log, history, dice, number % 2 == 0)
                 for number in range(count)]
        killer = Killer(server, kills, dice)

        def work(now):
            for user in users:
                if dice.randrange(2):
                    user.send()
            killer.strike(now)
        lib_users.run(users, lambda: not killer.left, work, 30 + 5 * kills)
        wrong = lib_users.judge(history, users, server.endpoint)
        server.stop()
        verify = subprocess.run([BUILD / "zchat-log", "verify", server.log_folder], capture_output=True, text=True,
                                check=False)
        if verify.returncode != 0:
            wrong.append(Wrong("verify", verify.stderr))
        did = (sum(user.acknowledged for user in users), sum(user.repeats for user in users), len(history.operations),
               len(list(server.log_folder.glob("*.log"))))
    return wrong, history, did


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--users", type=int, default=10)
    arguments.add_argument("--seed", type=int, default=int(os.environ.get("ZCHAT_SEED") or random.randrange(1 << 30)))
    options = arguments.parse_args()
    print(f"ZCHAT_SEED={options.seed}", flush=True)
    dice, done, sums, begin = random.Random(options.seed), 0, (0, 0, 0, 0), time.monotonic()
    while done < options.kills:
        kills = min(LIFE, options.kills - done)
        wrong, history, did = life(dice, kills, options.users)
        done, sums = done + kills, tuple(one + other for one, other in zip(sums, did))
        print(f"{done} of {options.kills} kills in {time.monotonic() - begin:.0f} s, {sums[0]} sends acknowledged, {sums[1]} repeats, "
              f"{sums[2]} operations checked, {sums[3]} segments, {len(wrong)} wrong", flush=True)
        if wrong:
            return lib_users.tell(wrong, history, options.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
