#!/usr/bin/python3
"""Holds the source tree against its floors (docs/architecture.md) and the project's other rules of shape.

    floors.py [ROOT]        check the tree at ROOT (default: the one this file lies in)
    floors.py --self-test   break each rule in a made-up tree and see that it is noticed

Prints `file:line: what` for each breach; exits 1 when there is one.
"""

import os
import re
import sys
import tempfile

PARTS = ("common", "daemons", "user")  # product code
MAX_FILE, MAX_FUNCTION = 600, 60  # lines
MAINS = ("main", "log_main")  # a program's main file: no class

# What only one file (and its own header) may touch, seen in its code without comments and strings.
OWNED = (
    ("libconfig", "common/conf", r"#\s*include\s*<libconfig|\bconfig_(setting|lookup)_\w+"),
    ("syslog", "common/report", r"#\s*include\s*<syslog|\b(v?syslog|openlog|closelog)\s*\("),
    ("zmq frames", "common/frame", r"\b(zmq_msg_\w+|zframe_\w+|zmsg_\w+|zmq_(send|recv)\w*|zstr_(?!free\b)\w+)"),
    ("the log's sync", "daemons/group/writer", r"\b(fdatasync|fsync|syncfs|sync_file_range)\s*\("),
    ("the terminal", "user/terminal", r"#\s*include\s*<(n?curses|termios)|\btc[gs]etattr\b"),
    ("sd_notify", "common/notify", r"#\s*include\s*<systemd/|\bsd_\w*notify\w*"),
)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def sources(root, parts):
    """Paths of all C files below the folders `parts`, sorted."""
    found = []
    for part in parts:
        for folder, _, names in os.walk(os.path.join(root, part)):
            found += [os.path.relpath(os.path.join(folder, name), root) for name in names
                      if name.endswith((".c", ".h"))]
    return sorted(found)


def bare(text):
    """The code without comments and the contents of strings; lines stay where they are."""
    def blank(match):
        piece = match.group()
        return "\n" * piece.count("\n") if piece.startswith("/") else piece[0] + piece[-1]
    return re.sub(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text,
                  flags=re.S)


def floors(root):
    """The table between the two markers in docs/architecture.md: class -> floor."""
    text = read(root, "docs/architecture.md")
    table = re.search(r"<!-- floors -->\n(.*?)<!-- end of floors -->", text, re.S)
    if not table:
        sys.exit("docs/architecture.md: no table between <!-- floors --> and <!-- end of floors -->")
    return {name: int(row[1]) for row in re.finditer(r"^\| *(\d+) *\|(.*)\|$", table[1], re.M)
            for name in re.findall(r"`([\w/]+)`", row[2])}


def part_of(path):
    """common, daemons/registry, daemons/group or user."""
    pieces = path.split("/")
    return "/".join(pieces[:2]) if pieces[0] == "daemons" else pieces[0]


def check_includes(root, path, text, floor):
    own, part = os.path.splitext(path)[0], part_of(path)
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"\s*#\s*include\s*\"([^\"]+)\"", line)
        if not match:
            continue
        target = os.path.splitext(match[1])[0]
        other = part_of(match[1])
        where = f"{path}:{number}"
        if not os.path.exists(os.path.join(root, match[1])):
            yield f"{where}: {match[1]} is not a path from the root of the tree"
        elif part == "common" and other != "common":
            yield f"{where}: common/ includes {match[1]}"
        elif other not in ("common", part):
            yield f"{where}: {part}/ includes {match[1]}"
        elif target != own and own in floor and floor.get(target, 0) >= floor[own]:
            yield f"{where}: floor {floor[own]} includes {match[1]} of floor {floor[target]}"


def check_table(classes, floor):
    for name in sorted(classes - set(floor)):
        yield f"docs/architecture.md: {name} stands on no floor"
    for name in sorted(set(floor) - classes):
        yield f"docs/architecture.md: {name} is on floor {floor[name]} but not in the tree"


def check_tests(root, classes):
    """A class's test is test_<class>.c; where two folders have that class, test_<folder>_<class>.c."""
    names = [name.split("/")[-1] for name in classes]
    for name in sorted(classes):
        *folder, last = name.split("/")
        wanted = [f"tests/test_{folder[-1]}_{last}.c"]
        if names.count(last) == 1:
            wanted.append(f"tests/test_{last}.c")
        if last not in MAINS and not any(os.path.exists(os.path.join(root, path)) for path in wanted):
            yield f"{name}.c: no {wanted[-1]}"


def check_headers(path, text, floor):
    """What a header says of its floor agrees with the table; "Daemon floor 1" is the first above common/'s."""
    own = os.path.splitext(path)[0]
    said = re.search(r"^// (?:.*\b)?(Daemon f|F)loor (\d+)\b", text, re.M)
    if not path.endswith(".h") or not said or own not in floor:
        return
    below = max(number for name, number in floor.items() if name.startswith("common/"))
    number = int(said[2]) + (below if said[1] == "Daemon f" else 0)
    if number != floor[own]:
        yield f"{path}: says {said[0][3:]}, docs/architecture.md says {floor[own]}"


def check_owned(path, code):
    for what, owner, pattern in OWNED:
        if os.path.splitext(path)[0] == owner:
            continue
        for number, line in enumerate(code.splitlines(), 1):
            if re.search(pattern, line):
                yield f"{path}:{number}: {what} belongs to {owner}.c alone"


def check_length(path, text):
    if len(text.splitlines()) > MAX_FILE:
        yield f"{path}: {len(text.splitlines())} lines, more than {MAX_FILE}"


def check_functions(path, text):
    lines = text.splitlines()
    start = None  # a function's braces stand in the first column, and only a function's do
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number - 1  # its head, at least one line
        elif line == "}" and start:
            if number - start + 1 > MAX_FUNCTION:
                yield f"{path}:{start}: a function of {number - start + 1} lines, more than {MAX_FUNCTION}"
            start = None


def check_macros(path, code):
    for number, line in enumerate(code.splitlines(), 1):
        if re.match(r"\s*#\s*define\s+\w+\(", line):
            yield f"{path}:{number}: a function-like macro"


def check(root):
    """All breaches in the tree at root."""
    product = sources(root, PARTS)
    classes = {os.path.splitext(path)[0] for path in product}
    floor = floors(root)
    found = list(check_table(classes, floor))
    found += check_tests(root, {path[:-2] for path in product if path.endswith(".c")})
    for path in product:
        text = read(root, path)
        code = bare(text)
        found += check_includes(root, path, text, floor)
        found += check_headers(path, text, floor)
        found += check_owned(path, code)
        found += check_macros(path, code)
        found += check_length(path, text)
        found += check_functions(path, text)
    for path in sources(root, ("tests",)):
        found += check_functions(path, read(root, path))
    return found


# --- the proof that each rule bites -------------------------------------------------------------

MADE_UP = {
    "docs/architecture.md": "<!-- floors -->\n| floor | files |\n|--|--|\n| 1 | `common/low`, `common/conf` |\n"
                            "| 2 | `common/high`, `common/report` |\n| 3 | `common/frame`, `common/notify` |\n"
                            "| 4 | `daemons/group/writer`, `daemons/registry/directory`, `user/terminal` |\n"
                            "| 5 | `daemons/group/main` |\n<!-- end of floors -->\n",
    "common/low.h": "int low (void);\n",
    "common/low.c": '#include "common/low.h"\n\n// fsync ( ) is only spoken of\nint low (void)\n{\n    return 1;\n}\n',
    "common/high.h": "int high (void);\n",
    "common/high.c": '#include "common/high.h"\n#include "common/low.h"\n\nint high (void)\n{\n    return low ();\n}\n',
    "common/conf.c": "#include <libconfig.h>\n", "common/report.c": "#include <syslog.h>\n",
    "common/frame.c": "zmq_msg_t s_message;\n", "common/notify.c": "#include <systemd/sd-daemon.h>\n",
    "daemons/group/writer.c": "int writer (int fd)\n{\n    return fdatasync (fd);\n}\n",
    "daemons/group/writer.h": "int writer (int fd);\n",
    "daemons/group/main.c": '#include "daemons/group/writer.h"\n#include "common/high.h"\n',
    "daemons/registry/directory.c": '#include "daemons/registry/directory.h"\n',
    "daemons/registry/directory.h": "#define DIRECTORY 1\n",
    "user/terminal.c": '#include <termios.h>\n#include "user/terminal.h"\n', "user/terminal.h": "\n",
    "tests/test_low.c": "\n", "tests/test_high.c": "\n", "tests/test_conf.c": "\n", "tests/test_report.c": "\n",
    "tests/test_frame.c": "\n", "tests/test_notify.c": "\n", "tests/test_writer.c": "\n",
    "tests/test_directory.c": "\n", "tests/test_terminal.c": "\n",
}

# path, text that is added to it (None: the file is removed), the breach that must be told
BREACHES = (
    ("common/low.c", '#include "common/high.h"\n', "floor 1 includes common/high.h of floor 2"),
    ("common/low.h", '#include "common/high.h"\n', "common/low.h:2: floor 1 includes common/high.h"),
    ("common/frame.c", '#include "common/notify.c"\n', "floor 3 includes common/notify.c of floor 3"),
    ("common/low.h", "// Floor 2.\n", "common/low.h: says Floor 2, docs/architecture.md says 1"),
    ("user/terminal.h", "// Daemon floor 2, pure.\n", "user/terminal.h: says Daemon floor 2, docs/architecture.md says 4"),
    ("common/low.c", '#include "high.h"\n', "high.h is not a path from the root"),
    ("common/low.c", '#include "daemons/group/writer.h"\n', "common/ includes daemons/group/writer.h"),
    ("common/low.c", '#include "user/terminal.h"\n', "common/ includes user/terminal.h"),
    ("daemons/group/main.c", '#include "daemons/registry/directory.h"\n', "daemons/group/ includes daemons/registry/"),
    ("daemons/registry/directory.c", '#include "daemons/group/writer.h"\n', "daemons/registry/ includes daemons/group/"),
    ("daemons/group/main.c", '#include "user/terminal.h"\n', "daemons/group/ includes user/terminal.h"),
    ("user/terminal.c", '#include "daemons/group/writer.h"\n', "user/ includes daemons/group/writer.h"),
    ("tests/test_high.c", None, "common/high.c: no tests/test_high.c"),
    ("user/high.c", "\n", "user/high.c: no tests/test_user_high.c"),
    ("user/high.c", "\n", "common/high.c: no tests/test_common_high.c"),
    ("common/high.c", "#include <libconfig.h>\n", "libconfig belongs to common/conf.c"),
    ("common/high.c", "int x = config_setting_type (y);\n", "libconfig belongs to common/conf.c"),
    ("common/high.c", "#include <syslog.h>\n", "syslog belongs to common/report.c"),
    ("common/high.c", "zmq_msg_t message;\n", "zmq frames belongs to common/frame.c"),
    ("common/high.c", "zframe_t *frame;\n", "zmq frames belongs to common/frame.c"),
    ("user/terminal.c", "zmsg_t *message;\n", "zmq frames belongs to common/frame.c"),
    ("user/terminal.c", "int n = zmq_send (socket);\n", "zmq frames belongs to common/frame.c"),
    ("user/terminal.c", "int n = zmq_recv (socket);\n", "zmq frames belongs to common/frame.c"),
    ("user/terminal.c", 'int n = zstr_sendf (socket, "x");\n', "zmq frames belongs to common/frame.c"),
    ("daemons/group/main.c", "int n = fdatasync (1);\n", "the log's sync belongs to daemons/group/writer.c"),
    ("daemons/group/main.c", "int n = fsync (1);\n", "the log's sync belongs to daemons/group/writer.c"),
    ("daemons/group/main.c", "#include <termios.h>\n", "the terminal belongs to user/terminal.c"),
    ("daemons/group/main.c", "int n = sd_notify (0);\n", "sd_notify belongs to common/notify.c"),
    ("common/high.c", "#define TWICE(x) (2 * (x))\n", "a function-like macro"),
    ("common/high.c", "\n" * 600, "lines, more than 600"),
    ("tests/test_high.c", "int long_one (void)\n{\n" + ";\n" * 58 + "}\n", "a function of 61 lines, more than 60"),
    ("common/high.c", "int long_one (void)\n{\n" + ";\n" * 58 + "}\n", "a function of 61 lines, more than 60"),
    ("common/other.c", "\n", "common/other stands on no floor"),
    ("common/frame.c", None, "common/frame is on floor 3 but not in the tree"),
)


def make_up(root):
    for path, text in MADE_UP.items():
        os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as file:
            file.write(text)


def told(path, addition):
    """What is told about the made-up tree with one breach in it."""
    with tempfile.TemporaryDirectory() as root:
        make_up(root)
        if path and addition is None:
            os.remove(os.path.join(root, path))
        elif path:
            with open(os.path.join(root, path), "a", encoding="utf-8") as file:
                file.write(addition)
        return check(root)


def self_test():
    failures = [f"the sound tree: {breach}" for breach in told(None, None)]
    for path, addition, wanted in BREACHES:
        breaches = told(path, addition)
        if not any(wanted in breach for breach in breaches):
            failures.append(f"unnoticed in {path}: {wanted} (told: {breaches})")
    print(*failures, f"{len(BREACHES)} breaches tried, {len(failures)} failures", sep="\n")
    return 1 if failures else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    breaches = check(os.path.abspath(root))
    print(*breaches, sep="\n", end="\n" if breaches else "")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
