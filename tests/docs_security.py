#!/usr/bin/python3
"""Holds docs/security.md against the tests that its table of threats names: they must be there.

    docs_security.py [DOCUMENT]
    docs_security.py --self-test    take away a test in many ways and see that it is noticed
"""

import pathlib
import re
import sys

TESTS = pathlib.Path(__file__).resolve().parent
DOCUMENT = TESTS.parent / "docs/security.md"


def told(text):
    """(file or folder, case or "") of each test in the table's last column; a case may end with … for the rest of its name."""
    for line in text.splitlines():
        if not re.match(r"^\| (stranger|member|local|removed|whoever)", line):
            continue
        cell = line.strip().strip("|").split("|")[-1]
        for part in cell.split(";"):
            file, _, cases = part.strip().partition(": ")
            for name in re.findall(r"`([^`]+)`", file):
                yield name, ""
                for case in re.findall(r"[a-z_]{4,}…?", cases):
                    yield name, case


def missing(text):
    wrong, count = [], 0
    for name, case in told(text):
        count += 1
        path = TESTS / name
        if not path.exists():
            wrong.append(f"{name} is not there")
        elif case and not re.search(rf"^def {re.escape(case.rstrip('…'))}{'' if case.endswith('…') else '[(]'}", path.read_text(), re.M):
            wrong.append(f"{name} has no case {case}")
    return wrong if count > 20 else wrong + [f"only {count} tests are named: the table cannot be read"]


def self_test():
    text = DOCUMENT.read_text()
    for old, new in (("flow/curve.py", "flow/gone.py"), ("spoofed_uuid_is_refused", "spoofed_uuid_is_welcome"), ("kicked_one_…", "kicked_two_…")):
        assert old in text, old
        assert missing(text.replace(old, new)), old
    assert missing("| stranger | nothing | at all | `flow/curve.py` |")


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    wrong = missing(pathlib.Path(sys.argv[1] if sys.argv[1:] and sys.argv[1] != "--self-test" else DOCUMENT).read_text())
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
