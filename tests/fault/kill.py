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


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--users", type=int, default=10)
    arguments.add_argument("--seed", type=int, default=int(os.environ.get("ZCHAT_SEED") or random.randrange(1 << 30)))
    options = arguments.parse_args()
    print(f"ZCHAT_SEED={options.seed}", flush=True)
    dice, history = random.Random(options.seed), History()
    with Registry() as registry, Group("cats", [registry], "segment = 262144;") as server:
        log = lib_users.lib_zwire.Client(server.endpoint).ping()["log"]
        users = [lib_users.User(f"u{number}", lambda: server.endpoint, log, history, dice, number % 2 == 0)
                 for number in range(options.users)]
        killer = Killer(server, options.kills, dice)

        def work(now):
            for user in users:
                if dice.randrange(2):
                    user.send()
            killer.strike(now)
        begin = time.monotonic()
        lib_users.run(users, lambda: not killer.left, work, 30 + 5 * options.kills)
        wrong = lib_users.judge(history, users, server.endpoint)
        took = time.monotonic() - begin
        server.stop()
        verify = subprocess.run([BUILD / "zchat-log", "verify", server.log_folder], capture_output=True, text=True,
                                check=False)
        if verify.returncode != 0:
            wrong.append(Wrong("verify", verify.stderr))
        print(f"{options.kills} kills in {took:.0f} s, {sum(user.acknowledged for user in users)} sends acknowledged, "
              f"{sum(user.repeats for user in users)} repeats, {len(history.operations)} operations checked, "
              f"{len(list(server.log_folder.glob('*.log')))} segments, {len(wrong)} wrong")
    return lib_users.tell(wrong, history, options.seed) if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
