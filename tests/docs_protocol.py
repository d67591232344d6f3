#!/usr/bin/python3
"""Holds docs/protocol.md against the code, in both directions.

    docs_protocol.py PRINT_TABLES [DOCUMENT]     PRINT_TABLES: the program that prints what the code knows
    docs_protocol.py PRINT_TABLES --self-test    change the document in many ways and see that it is noticed

What the code prints and what is read out of the document's tables, headings and examples are made into the same
lines; each line that only one of them has is a failure.
"""

import pathlib
import re
import subprocess
import sys

DOCUMENT = pathlib.Path(__file__).resolve().parent.parent / "docs/protocol.md"
KIND = re.compile(r"^Kind (0x[0-9a-f]{2}), (a reply|to a group or a registry|to a group|to a registry)"
                  r"(, from (?:members|anybody))?[.:]")


def section(text, heading):
    """The lines of one section of the second level."""
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return found[1].split("\n") if found else []


def rows(lines):
    """The cells of each row of the tables, without heads."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [row for row in cells if not set("".join(row)) <= set("-:")]


def read_message(name, lines):
    kind = next((KIND.match(line) for line in lines if KIND.match(line)), None)
    told = {f"message {name}: {kind[1]}, {kind[2]}{kind[3] or ''}" if kind else f"message {name}"}
    for line in lines:
        told |= {f"rows {name}: {match[1]}" for match in re.finditer(r"Rows: (row of [A-Z]+)\.", line)}
    order = []
    for cells in rows(lines):
        match = re.match(r"^(option )?(\d+) ([a-z-]+)$", cells[0])
        if match:
            what = "option" if match[1] else "field"
            order.append(f"{what} {name}: {match[2]} {match[3]} {cells[1]}")
    return told | set(order), {name: [line for line in order if line.startswith("field")]}


def read_messages(text):
    told, orders = set(), {}
    parts = re.split(r"^### (row of [A-Z]+|[A-Z]+)\n", text, flags=re.M)[1:]
    for name, body in zip(parts[::2], parts[1::2]):
        body = re.split(r"^##+ ", body, flags=re.M)[0]
        lines, order = read_message(name, body.split("\n"))
        told |= lines
        orders |= order
    return told, orders


def read_examples(text):
    told = set()
    for name, block in re.findall(r"<!-- example (\w+) -->\n```\n(.*?)```", text, re.S):
        digits = "".join(re.split(r"\s{3,}(?=\S)", line)[0] if not line.startswith(" ") else "?"
                         for line in block.split("\n"))
        told.add(f"example {name}: " + digits.replace(" ", ""))
    return told


def read_document(text):
    told, orders = read_messages(text)
    told |= {f"number {cells[0]}: {cells[1]} {cells[2]}" for cells in rows(section(text, "Fields")) if cells[0].isdigit()}
    told |= {f"error {cells[0]}: {cells[1]}, {cells[2]}, exit {cells[3]}" for cells in rows(section(text, "Errors"))
             if cells[0].isdigit()}
    records = "\n".join(section(text, "Batches and records"))
    kinds = re.search(r"^\| kind \|.*?(?=^$)", records, re.M | re.S)
    told |= {f"record {cells[0]}: {cells[1]}" for cells in rows(kinds[0].split("\n") if kinds else [])
             if cells[0].isdigit()}
    return told | read_examples(text), orders


def read_code(program):
    lines = subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()
    orders = {}
    for line in lines:
        match = re.match(r"message (row of [A-Z]+|[A-Z]+)", line)
        if match:
            orders[match[1]] = []
        elif line.startswith("field "):
            orders[line[6:].split(":")[0]].append(line)
    return set(lines), orders


def differences(code, document):
    (in_code, code_orders), (in_document, document_orders) = code, document
    told = [f"the code, but not the document: {line}" for line in sorted(in_code - in_document)]
    told += [f"the document, but not the code: {line}" for line in sorted(in_document - in_code)]
    told += [f"the order of the fields of {name} differs" for name in code_orders
             if code_orders[name] != document_orders.get(name, [])]
    return told


CHANGES = (
    ("Kind 0x07", "Kind 0x17"), ("from members. Answer: an ACK row; NICK", "from anybody. NICK"),
    ("| 3 device | DEVICE |", "| 3 device | U64 |"), ("| 4 counter | U64 | 0: no", "| 5 counter | U64 | 0: no"),
    ("| option 20 credit | U64 | as", "| 20 credit | U64 | as"), ("| 42 lease | U32 | the entry", "| the entry"),
    ("### LOST\n", "### LOOSED\n"), ("Rows: row of GROUPS.", "Rows of groups."), ("| 44 | max-message |", "| 44 | maximum |"),
    ("| 12 | BUSY |", "| 13 | BUSY |"), ("| 9 | hole |", "| 9 | gap |"), ("| 23 | SUPER", "| 23 | SUBER"),
    ("deadbeef                              random", "deadbeee                              random"),
    ("18 02 85 ac02", "18 02 84 ac02"), ("not a member of this group: join it first |", "no member |"),
    ("| 13 oldest | U64 | |\n| 14 why | U8 | |\n| 16 last", "| 14 why | U8 | |\n| 13 oldest | U64 | |\n| 16 last"),
)


def self_test(code, text):
    failures = []
    changes = [(old, new) for old, new in CHANGES if old in text]
    for old, new in changes:
        if not differences(code, read_document(text.replace(old, new, 1))):
            failures.append(f"unnoticed: {old!r} -> {new!r}")
    if len(changes) < len(CHANGES) - 2:
        failures.append("the document has changed: most of the changes to try are not in it")
    print(*failures, f"{len(changes)} changes tried, {len(failures)} failures", sep="\n")
    return 1 if failures else 0


def main():
    code = read_code(sys.argv[1])
    path = sys.argv[2] if len(sys.argv) > 2 and sys.argv[2] != "--self-test" else DOCUMENT
    text = pathlib.Path(path).read_text(encoding="utf-8")
    if sys.argv[2:] == ["--self-test"]:
        return self_test(code, text)
    told = differences(code, read_document(text))
    print(*told, sep="\n", end="\n" if told else "")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
