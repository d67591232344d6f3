#!/usr/bin/python3
"""A log whose bytes are not what they were, in every way: see bytes.c and states.c, which do the work.

    bytes.py [--seconds N] [--seed N]     a release: --seconds 0 (all there are)
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
    arguments.add_argument("--seconds", type=int, default=30)
    arguments.add_argument("--seed", type=int, default=int(os.environ.get("ZCHAT_SEED") or random.randrange(1 << 30)))
    options = arguments.parse_args()
    print(f"ZCHAT_SEED={options.seed}", flush=True)
    return subprocess.run([BUILD / "tests/fault_log", "bytes", "--seed", str(options.seed), "--seconds", str(options.seconds)],
                          check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
