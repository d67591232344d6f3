#!/usr/bin/python3
"""Line and branch coverage of the classes that everything rests on, by their own tests: every line and every branch, or it fails.

    cmake --preset coverage && cmake --build --preset coverage --target coverage

    coverage.py [-b BUILD] [-v] [CLASS...]      all classes of the list, or those named; -v: each uncovered place

Two things do not count, and each is visible in the source: the failing side of an assertion, and lines with the comment
`// uncovered: <reason>`, which say why no test can get there. A class's own tests are test_<class> and test_<class>_<what>.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLASSES = ["common/codec", "common/record", "common/batch", "common/wire", "common/cursor", "common/request", "daemons/registry/legacy",
           "daemons/group/hole", "daemons/group/jsonl", "daemons/group/log", "daemons/group/original", "daemons/group/recovery",
           "daemons/group/roster", "daemons/group/segment"]
ASSERTION = re.compile(r"^\s*assert \(")
EXCUSE = re.compile(r"// uncovered: \S")


def tests_of(name, build):
    """Its test programs: test_<class> and test_<class>_<what>."""
    test = "test_" + name.split("/")[-1]
    found = [path for path in sorted((build / "tests").glob(f"{test}*")) if path.is_file() and os.access(path, os.X_OK)]
    return [path for path in found if path.name == test or path.name.startswith(test + "_")]


def object_of(name, build):
    found = list(build.glob(f"CMakeFiles/*.dir/{name}.c.gcno"))
    if len(found) != 1:
        sys.exit(f"{build}: no object of {name} made for coverage")
    return found[0]


def run_tests(programs):
    environment = dict(os.environ)
    if os.access("/dev/shm", os.W_OK):  # no disk has to be waited for
        environment["TMPDIR"] = "/dev/shm"
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda path: subprocess.run([path], env=environment, capture_output=True, check=False), programs))
    for path, result in zip(programs, done):
        if result.returncode != 0:
            sys.exit(f"{path.name} failed:\n{result.stdout.decode(errors='replace')}")


def lines_of(name, gcno):
    """What gcov counted of the class's own file."""
    out = subprocess.run(["gcov", "--json-format", "--branch-probabilities", "--stdout", str(gcno)], capture_output=True, check=True,
                         cwd=gcno.parent).stdout
    lines = {}
    for report in out.decode().splitlines():
        for file in json.loads(report)["files"]:
            if file["file"].endswith(f"{name}.c"):
                for line in file["lines"]:
                    lines.setdefault(line["line_number"], []).append(line)
    return lines


def statement_is_assertion(source, number):
    """The line is part of an assertion, which may go over several lines."""
    while number > 1 and not re.search(r"[;{}]\s*(//.*)?$", source[number - 2]):
        number -= 1
    return ASSERTION.match(source[number - 1]) is not None


def judge(name, build, verbose):
    """Uncovered lines and branches."""
    source = (ROOT / f"{name}.c").read_text(encoding="utf-8").split("\n")
    counted = {"line": [0, 0], "branch": [0, 0]}
    for number, found in sorted(lines_of(name, object_of(name, build)).items()):
        if EXCUSE.search(source[number - 1]):
            continue
        hits = sum(line["count"] for line in found)
        counted["line"][0] += hits > 0
        counted["line"][1] += 1
        branches = [branch["count"] for line in found for branch in line["branches"] if not branch["throw"]]
        if statement_is_assertion(source, number):
            branches = []
        counted["branch"][0] += sum(count > 0 for count in branches)
        counted["branch"][1] += len(branches)
        if verbose and (hits == 0 or 0 in branches):
            missed = "never run" if hits == 0 else f"branches {[i for i, count in enumerate(branches) if count == 0]} never taken"
            print(f"{name}.c:{number}: {missed}: {source[number - 1].strip()}")
    (lines, all_lines), (branches, all_branches) = counted["line"], counted["branch"]
    print(f"{name:24} lines {lines} of {all_lines}, branches {branches} of {all_branches}")
    return all_lines - lines + all_branches - branches


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("-b", "--build", type=pathlib.Path, default=ROOT / "build/coverage")
    arguments.add_argument("-v", "--verbose", action="store_true")
    arguments.add_argument("classes", nargs="*", metavar="CLASS")
    options = arguments.parse_args()
    names = [name for name in CLASSES if not options.classes or name.split("/")[-1] in options.classes]
    build = options.build.resolve()
    for path in build.rglob("*.gcda"):
        path.unlink()
    programs = {path: None for name in names for path in tests_of(name, build)}
    run_tests(list(programs))
    missed = sum(judge(name, build, options.verbose) for name in names)
    print(f"{missed} places are not covered")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
