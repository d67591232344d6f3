#!/usr/bin/python3
"""A log whose bytes are not what they were, in every way: see bytes.c, which does the work.

    bytes.py [--every N] [--seed N]     one state of N is tried; a release: --every 1
"""

import argparse
import os
import pathlib
import random
import subprocess
import sys

BUILD = pathlib.Path(os.environ.get("ZCHAT_BUILD") or pathlib.Path(__file__).resolve().parents[2] / "build/release")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--every", type=int, default=32)
    arguments.add_argument("--seed", type=int, default=int(os.environ.get("ZCHAT_SEED") or random.randrange(1 << 30)))
    options = arguments.parse_args()
    print(f"ZCHAT_SEED={options.seed}", flush=True)
    return subprocess.run([BUILD / "tests/fault_log", "bytes", "--seed", str(options.seed), "--budget", str(options.every)],
                          check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
