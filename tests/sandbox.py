#!/usr/bin/python3
"""The units' sandbox is no weaker than it was: `systemd-analyze security` says at most 1.3 of each."""

import glob
import os
import re
import shutil
import subprocess
import sys

WORST = 1.3
UNITS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../systemd/*.service")


def exposure(unit):
    """The overall exposure level of one unit file, 0 (none) to 10."""
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", os.path.abspath(unit)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    level = re.search(r"Overall exposure level .*: ([\d.]+)", answer.stdout)
    if not level:
        sys.exit(f"{unit}: {answer.stderr or answer.stdout or 'systemd-analyze says nothing'}")
    return float(level[1])


def main():
    if not shutil.which("systemd-analyze"):
        print("no systemd-analyze here")
        return 77
    units = sorted(glob.glob(UNITS))
    levels = {unit: exposure(unit) for unit in units}
    for unit, level in levels.items():
        print(f"{os.path.basename(unit)}: {level} (at most {WORST})")
    return 0 if units and max(levels.values()) <= WORST else 1


if __name__ == "__main__":
    sys.exit(main())
