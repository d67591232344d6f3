#!/usr/bin/python3
"""The manuals agree with the tables in the code. docs/man/zchat.cfg.5.scd tells of every key in the tables of settings:
its default, its range and unit, whether a reload takes it; zchat.1.scd and zchat-log.8.scd of every command; and none
of what is not there."""

import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
TABLES = {"registry.cfg": "daemons/registry/settings.c", "group.cfg": "daemons/group/settings.c",
          "user.cfg": "user/settings.c"}
# manual: the file with the table of commands, and what a row of it looks like
COMMANDS = {"docs/man/zchat.1.scd": ("user/commands.c", r"^    \{\.name = \"(\w+)\""),
            "docs/man/zchat-log.8.scd": ("daemons/group/log_main.c", r"^    \{\"(\w+)\", s_\w+,")}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def defines(*texts):
    """Numbers that have a name."""
    found = {"INT64_MAX": 2**63 - 1}
    for text in texts:
        for name, value in re.findall(r"^#define (\w+) +(?:INT64_C \()?(\d+)", text, re.M):
            found[name] = int(value)
    return found


def value(expression, names):
    """The number that a row's `16 * MIB` is."""
    product = 1
    for factor in expression.split("*"):
        factor = factor.strip()
        product *= names[factor] if factor in names else int(factor)
    return product


def rows(path):
    """The table's rows: path -> what the manual must say of it: (default, how its text begins, is it reloaded)."""
    text = read(path)
    names = defines(text, read("common/record.h"))
    found = {}
    for row in re.findall(r"\{(\.path = .*?)\},?\n", text, re.S):
        field = dict(re.findall(r"\.(\w+) = (\"(?:\\.|[^\"\\])*\"|[^,]+?)(?=,\s*\.|$)", row.strip(), re.S))
        key = field["path"].strip('"')
        standard = field["standard"][1:-1].replace('\\"', '"')
        unit = {"CONF_LISTENERS": "listeners", "CONF_ENDPOINTS": "endpoints",
                "CONF_KEYS": "keys", "CONF_NAMES": "names"}.get(field["type"], field.get("unit", "").strip('"'))
        begin = ""
        if unit:
            low, high = value(field["min"], names), value(field["max"], names)
            begin = f"{low} or more {unit}." if high == names["INT64_MAX"] else f"{low} to {high} {unit}."
        found[key] = (standard, begin, field.get("reload") == "true")
    return found


def section_of(manual, section):
    found = re.search(rf"^# {re.escape(section)}\n(.*?)(?=^# )", read(manual), re.M | re.S)
    return found[1] if found else ""


def told(section):
    """What a section of the manual says: key -> (default, text)."""
    entries = re.findall(r"^\*([\w.]+)\* = (.*);\n((?:\t.*\n)+)", section_of("docs/man/zchat.cfg.5.scd", section), re.M)
    return {key: (standard.replace("\\*", "*"), " ".join(lines.split())) for key, standard, lines in entries}


def differences(section, path):
    table, manual = rows(path), told(section)
    for key in sorted(table.keys() - manual.keys()):
        yield f"{section}: {key} is not in the manual"
    for key in sorted(manual.keys() - table.keys()):
        yield f"{section}: {key} is in the manual but not in {path}"
    for key in sorted(table.keys() & manual.keys()):
        (standard, begin, reload), (shown, text) = table[key], manual[key]
        if shown != standard:
            yield f"{section}: {key} is {standard}, the manual says {shown}"
        if not text.startswith(begin):
            yield f"{section}: {key} does not begin with \"{begin}\""
        if reload != text.endswith("Read again at a reload."):
            yield f"{section}: {key} is {'' if reload else 'not '}taken at a reload"


def command_differences(manual, path, row):
    table = set(re.findall(row, read(path), re.M))
    entries = set(re.findall(r"^\*(\w+)\*", section_of(manual, "COMMANDS"), re.M))
    for name in sorted(table ^ entries):
        yield f"{name} is only in {path if name in table else manual}"
    if not table:
        yield f"{path}: no table of commands"


def main():
    found = [line for section, path in TABLES.items() for line in differences(section, path)]
    found += [line for manual, (path, row) in COMMANDS.items() for line in command_differences(manual, path, row)]
    count = sum(len(rows(path)) for path in TABLES.values())
    print(*found, f"{count} keys, {len(found)} differences", sep="\n")
    return 1 if found or not count else 0


if __name__ == "__main__":
    sys.exit(main())
