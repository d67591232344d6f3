#!/usr/bin/python3
"""Holds README's way of one message against the code: each function named there is defined in the file named before it."""

import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")


def way(readme):
    """(file, function) for each name in the rows of the table under 'The way of one message'."""
    section = readme.split("## The way of one message", 1)[1].split("\n## ", 1)[0]
    file = None
    for row in re.findall(r"^\|(.*?)\|", section, re.M):
        for name in re.findall(r"`([^`]+)`", row):
            if name.endswith(".c"):
                file = name
            else:
                yield file, name


def main():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as text:
        readme = text.read()
    pairs = list(way(readme))
    wrong = 0
    for file, function in pairs:
        path = os.path.join(ROOT, file or "")
        code = open(path, encoding="utf-8").read() if os.path.isfile(path) else ""
        if not re.search(r"^[a-z][^;=\n]*\b%s \([^;]*$" % re.escape(function), code, re.M):
            print(f"README.md: {file} does not define {function}")
            wrong += 1
    for path in re.findall(r"`((?:packaging|docs|tests)/[\w./-]+)`", readme):
        if "<" not in path and not os.path.exists(os.path.join(ROOT, path)) and not path.startswith("build"):
            print(f"README.md: there is no {path}")
            wrong += 1
    if len(pairs) < 20:
        print(f"README.md: only {len(pairs)} functions found in the way of one message")
        wrong += 1
    return wrong > 0


sys.exit(main())
