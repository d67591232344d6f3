#!/usr/bin/python3
"""hardened.py PROGRAM...: each is position independent, with read-only relocations, all of them bound at
the start, a stack that is not executable, and guards in its frames."""

import subprocess
import sys


def readelf(option, program):
    return subprocess.run(["readelf", "-W", option, program], capture_output=True, text=True, check=True).stdout


def lacks(program):
    """What one program lacks."""
    segments = readelf("-l", program)
    stack = [line for line in segments.splitlines() if "GNU_STACK" in line]
    facts = {
        "position independence": "DYN (Position-Independent" in readelf("-h", program),
        "read-only relocations": "GNU_RELRO" in segments,
        "binding at the start": "BIND_NOW" in readelf("-d", program) or "NOW" in readelf("-d", program),
        "a stack without code": bool(stack) and "RWE" not in stack[0],
        "guarded frames": "__stack_chk_fail" in readelf("--dyn-syms", program),
    }
    return [name for name, there in facts.items() if not there]


def main():
    missing = {program: lacks(program) for program in sys.argv[1:]}
    for program, names in missing.items():
        print(f"{program}: {'lacks ' + ', '.join(names) if names else 'hardened'}")
    return 1 if any(missing.values()) or not missing else 0


if __name__ == "__main__":
    sys.exit(main())
