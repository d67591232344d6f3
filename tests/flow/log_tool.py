#!/usr/bin/python3
"""zchat-log on logs that a real zchat-group wrote: what it says of sound and damaged ones, copies without loss, repair and
accept, and what the group and its clients do with the result."""

import contextlib
import json
import os
import pty
import shutil
import subprocess

from group_log import Segment, put_back, segments, until
from lib_group import BUILD, WAIT, Group, Registry, refused, run, same
from lib_user import User
from lib_zwire import Client, Follower

TOOL = str(BUILD / "zchat-log")


def tool(*words, code=None, data=b""):
    """Runs zchat-log; (exit code, stdout, stderr)."""
    done = subprocess.run([TOOL, *map(str, words)], input=data, capture_output=True, timeout=WAIT, check=False)
    out, err = done.stdout.decode(), done.stderr.decode()
    if code is not None and done.returncode != code:
        raise AssertionError(f"zchat-log {' '.join(map(str, words))}: exit {done.returncode}, wanted {code}\n{out}\n{err}")
    return done.returncode, out, err


@contextlib.contextmanager
def group(text="", registries=()):
    with Group("cats", registries, f"segment = 65536; max_message = 60000; {text}") as server:
        yield server


def filled(server, count=100, size=2000):
    """A member, ann, and what she sent; several segments. The group is stopped then."""
    with server.member("ann") as ann:
        ann.topic("cats and their people")
        for i in range(count):
            ann.send(f"text {i} " + "x" * size)
    server.stop()
    return ann


def files(folder):
    """Name and bytes of each segment, without zeros at its end."""
    return {path.name: path.read_bytes().rstrip(b"\0") for path in folder.glob("*.log")}


def everything(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def read_all(server, who):
    """Records and gaps that a follower from the first record on gets."""
    with server.client(who) as client:
        last = client.ping()["last"]
        follower = Follower(client, 1)
        follower.begin()
        while follower.cursor <= last:
            follower.take()
        return follower.records, follower.gaps


# ---- Usage

def usage():
    for words in ((), ("verify",), ("nonsense", "x"), ("verify", "a", "b"), ("verify", "--yes", "a"), ("-x",), ("import", "--key")):
        code, out, err = tool(*words, code=2)
        assert "usage: zchat-log" in err and not out, (words, out, err)
    for words in (("-h",), ("--help",)):
        _, out, err = tool(*words, code=0)
        for command in ("verify", "show", "export", "import", "repair", "accept"):
            assert f"\n  {command} " in out, out
        same(err, "")
    same(tool("-V", code=0)[1].split()[0], "zchat-log")
    for command in ("verify", "show", "export", "import", "repair", "accept"):
        assert f"usage: zchat-log {command}" in tool(command, "-h", code=0)[1]


def what_cannot_be_read():
    for command in ("verify", "show", "export", "repair", "accept"):
        code, _, err = tool(command, "/nowhere/at/all", code=74)
        assert "/nowhere/at/all" in err, err
    for count, commands in ((5, ("verify", "show", "export")), (100, ("show", "export"))):
        full_disk(count, commands)


def full_disk(count, commands):
    with open("/dev/full", "w", encoding="utf-8") as full, group() as server:
        filled(server, count)
        for command in commands:
            done = subprocess.run([TOOL, command, str(server.log_folder)], stdout=full, stderr=subprocess.PIPE, timeout=WAIT, check=False)
            same((command, done.returncode), (command, 74))
            same(done.stderr.decode(), "zchat-log: standard output: No space left on device\n")


# ---- verify and show

def sound_log_is_verified_and_shown():
    with group() as server:
        ann = filled(server)
        _, out, err = tool("verify", server.log_folder, code=0)
        facts = dict(line.split(None, 1) for line in out.splitlines() if " " in line)
        same((facts["records"], err), ("103 (1 to 103)", ""))
        same(out.splitlines()[-1], "sound")
        assert int(facts["segments"].split(",")[0]) >= 3, out
        newest = Segment(segments(server)[-1])
        same(facts["chain"], newest.batches[-1].chain.hex())
        lines = tool("show", server.log_folder, code=0)[1].splitlines()
        same([int(line.split()[0]) for line in lines], list(range(1, 104)))
        same(lines[1].split()[2:5], ["join", str(ann.who), "ann"])
        same(" ".join(lines[2].split()[5:]), "cats and their people")
        server.start()
        assert server.wait_for("serving")


def running_group_is_verified_at_any_time():
    with group() as server, server.member("ann") as ann:
        for i in range(300):
            ann.say_send("x" * 5000)
            if i % 30 == 0:
                tool("verify", server.log_folder, code=0)
        until(lambda: len(ann.answers) >= 300 or ann.pump(1) and False, "all are answered")
        tool("verify", server.log_folder, code=0)
        same(server.alive(), True)


def unfinished_batch_of_a_running_group_is_left_out():
    with group() as server, server.member("ann") as ann:
        ann.send("hi")
        file = Segment(segments(server)[-1])
        with open(file.path, "r+b") as out:
            out.seek(file.end)
            out.write(b"\0\0\1\0\1")  # a batch that has just begun
        _, out, _ = tool("verify", server.log_folder, code=0)
        assert "sound (a batch being written was left out)" in out, out
        same(tool("repair", server.log_folder, code=0)[1], "nothing to repair\n")
        lines = tool("export", server.log_folder, code=0)[1].splitlines()
        same(json.loads(lines[-1])["end"], file.batches[-1].last)
        server.kill()
        _, _, err = tool("verify", server.log_folder, code=1)
        assert f"torn tail from byte {file.end}" in err, err


def every_damaged_place_is_named():
    with group() as server:
        filled(server)
        every = [Segment(path) for path in segments(server)]
        first, second, newest = every[0], every[1], every[-1]
        for file, batch in ((first, 5), (first, 9), (second, 1), (newest, 1)):
            damage(file, batch)
        second.path.write_bytes(b"?" + second.path.read_bytes()[1:])
        code, out, err = tool("verify", server.log_folder, code=1)
        assert f"segment 1 is damaged at byte {first.offsets[5]}" in err, err
        told = [line.split(None, 1)[1] for line in out.splitlines() if line.startswith("damage ")]
        wanted = [line for file, batch in ((first, 5), (first, 9), (second, 1), (newest, 1)) for line in (
            f"segment {file.first}: bytes {file.offsets[batch]} to {file.offsets[batch + 1] - 1} hold no batch",
            f"segment {file.first}: records {file.batches[batch].first} to {file.batches[batch].last} are lost")]
        wanted.insert(4, f"segment {second.first}: the header is damaged")
        same(told[:-1], wanted)
        same(told[-1], f"{sum(file.batches[at].count for file, at in ((first, 5), (first, 9), (second, 1), (newest, 1)))} records are lost")
        # A line each for a few of many.
        for batch in range(1, len(first.batches) - 1, 2):
            damage(first, batch, 90)
        code, out, err = tool("verify", server.log_folder, code=1)
        told = [line for line in out.splitlines() if line.startswith("damage ")]
        same(len(told), 21)
        assert told[-1].endswith(f" more: see zchat-log repair {server.log_folder}"), told


def trimmed_log_is_sound():
    with group("keep = { count = 60; };") as server, server.member("ann") as ann:
        for i in range(150):
            ann.send("x" * 2000)
        until(lambda: ann.ping()["oldest"] > 60, "trimmed")
        oldest = ann.ping()["oldest"]
        until(lambda: segments(server)[0].name == f"{ann.ping()['oldest']:020}.log", "removed")
        oldest = ann.ping()["oldest"]
        server.stop()
        _, out, _ = tool("verify", server.log_folder, code=0)
        assert f"kept        from record {oldest} on (count)" in out, out
        same(tool("repair", server.log_folder, code=0)[1], "nothing to repair\n")
        # What a crash brought back of it is no damage.
        (server.log_folder / f"{1:020}.log").write_bytes(b"zchatlog" + bytes(200))
        tool("verify", server.log_folder, code=0)
        (server.log_folder / f"{1:020}.log").unlink()
        # But what should be there is.
        segments(server)[0].unlink()
        _, _, err = tool("verify", server.log_folder, code=1)
        assert f"records {oldest} to " in err and "missing" in err, err


def progress_is_for_terminals():
    with group() as server:
        with server.member("ann") as ann:  # more than 16 MiB
            for _ in range(20):
                for tag in [ann.say_send("x" * 59000) for _ in range(20)]:
                    ann.wait(tag)
        server.stop()
        for command in ("verify", "export", "repair"):
            same(tool(command, server.log_folder, code=0)[2], "")
            master, slave = pty.openpty()
            done = subprocess.run([TOOL, command, str(server.log_folder)], stdout=subprocess.DEVNULL, stderr=slave, timeout=WAIT,
                                  check=False)
            os.close(slave)
            seen = os.read(master, 1000)
            os.close(master)
            same((command, done.returncode), (command, 0))
            assert b" %" in seen and b"\n" not in seen, (command, seen)
        progress_of_import(server)


def progress_of_import(server):
    """In percent of a file, in MiB of what comes through a pipe."""
    export = server.folder / "export"
    export.write_text(export_of(server))
    where = server.folder / "copy"
    for command, unit in ((f"{TOOL} import {where} <{export}", b" %"), (f"cat {export} | {TOOL} import {where}", b" MiB")):
        master, slave = pty.openpty()
        done = subprocess.run(command, shell=True, stdout=subprocess.DEVNULL, stderr=slave, timeout=WAIT, check=False)
        os.close(slave)
        seen = os.read(master, 1000)
        os.close(master)
        same((unit, done.returncode), (unit, 0))
        assert unit in seen and b"\n" not in seen, (unit, seen)
        same(tool("import", where, code=1, data=b"")[1:], ("", f"zchat-log: {where} is not empty\n"))
        shutil.rmtree(where)


# ---- export and import

def export_of(server):
    return tool("export", server.log_folder, code=0)[1]


def copy_without_loss():
    with group() as server:
        with server.member("ann") as ann, server.member("b\u00f6b") as bob:
            ann.topic("a \"topic\"\\ \U0001f431")
            for i in range(60):
                ann.send(f"line {i}\n\tnext " + "x" * 3000)
                bob.send(f"\u00e4 {i}")
            bob.leave()
            ann.receipt_before = ann.receipt
            text = export_of(server)  # beside the running group
            history = ann.history()
            where = server.folder / "state/groups/dogs"
            _, out, err = tool("import", where, code=0, data=text.encode())
            assert "a new key was made" in out and not err, (out, err)
            same(files(where), files(server.log_folder))
            same(sorted(path.name for path in where.parent.iterdir()), ["cats", "dogs"])
            same((where / "key").read_bytes()[:16], (server.log_folder / "key").read_bytes()[:16])
            same((where / "key").stat().st_mode & 0o777, 0o600)
            assert (where / "key").read_bytes()[16:] != server.secret()
            same(tool("verify", where, code=0)[1], tool("verify", server.log_folder, code=0)[1])
            same(tool("export", where, code=0)[1], text)
        server.stop()
        shutil.rmtree(server.log_folder)
        where.rename(server.log_folder)
        server.start()
        with server.client(ann.who) as again:
            same(again.history()[:len(history)], history)
            again.ask("PING", follows=0, receipt=ann.receipt_before)  # proves nothing any more
            again.send("it goes on", device=ann.device, counter=61, random=1)
            same(again.ping()["state"], 0)


def lines_are_for_people_too():
    with group() as server:
        ann = filled(server, 2, 10)
        lines = [json.loads(line) for line in export_of(server).splitlines()]
        same((lines[0]["format"], lines[0]["version"], lines[0]["first"]), ("zchat-log", 1, 1))
        records = [line for line in lines if "seq" in line]
        same([record["seq"] for record in records], [1, 2, 3, 4, 5])
        same([record["kind"] for record in records], ["open", "join", "topic", "message", "message"])
        same((records[3]["author"], records[3]["nick"], records[3]["text"]), (str(ann.who), "ann", "text 0 xxxxxxxxxx"))
        same((records[3]["device"], records[3]["counter"]), (ann.device.hex(), 1))
        same(dict(records[0]["options"])["generation"], 1)
        assert records[0]["time"].endswith("Z") and len(records[0]["time"]) == 27, records[0]


def key_can_be_given():
    with group() as server:
        filled(server, 10, 10)
        text = export_of(server).encode()
        where = server.folder / "state/groups/dogs"
        other = server.folder / "key"
        other.write_bytes(bytes(48))
        other.chmod(0o600)
        same("another log" in tool("import", "--key", other, where, code=78, data=text)[2], True)
        same(where.exists(), False)
        tool("import", "--key", server.log_folder / "key", where, code=0, data=text)
        same((where / "key").read_bytes(), (server.log_folder / "key").read_bytes())


def changed_line_is_refused_with_its_number():
    with group() as server:
        filled(server, 40)
        lines = export_of(server).splitlines(keepends=True)
        where = server.folder / "state/groups/dogs"
        before = sorted(path.name for path in where.parent.iterdir())

        def refused_import(changed, part):
            _, out, err = tool("import", where, code=1, data="".join(changed).encode())
            assert part in err and not out, (part, err)
            same(sorted(path.name for path in where.parent.iterdir()), before)
        at = next(i for i, line in enumerate(lines) if "text 17" in line)
        refused_import(lines[:at] + [lines[at].replace("text 17", "text 18")] + lines[at + 1:], f"line {at + 1}: ")
        refused_import(lines[:at] + [lines[at].replace('"time":"2', '"time":"3')] + lines[at + 1:], f"line {at + 1}: ")
        refused_import(lines[:at] + ["nonsense\n"] + lines[at + 1:], f"line {at + 1}: not a JSON object")
        refused_import(lines[:at] + [lines[at].replace('"seq"', '"more":1,"seq"')] + lines[at + 1:], f"line {at + 1}: a key")
        refused_import(lines[:at - 1] + lines[at + 1:], f"line {at + 1}: the batch")  # a batch with its record
        refused_import(lines[:at] + lines[at + 1:], f"line {at + 1}: ")
        refused_import(lines[:-1], f"behind line {len(lines) - 1}: the export is not complete")
        refused_import(lines[:at], f"line {at}: ")
        refused_import(lines + ["{}\n"], f"line {len(lines) + 1}: ")
        refused_import([], "line 0: ")
        refused_import(lines[1:], "line 1: ")
        state = next(i for i, line in enumerate(lines) if '"state-device"' in line)
        refused_import(lines[:state] + [lines[state].replace('"counter":', '"counter":1')] + lines[state + 1:], f"line {state + 1}: ")
        for i, line in enumerate(lines):  # batches: their own lines
            if '"batch"' in line and i < 40:
                refused_import(lines[:i] + [line.replace('"durable":', '"durable":1')] + lines[i + 1:], "line")
        tool("import", where, code=0, data="".join(lines).encode())
        _, _, err = tool("import", where, code=1, data="".join(lines).encode())
        assert "is not empty" in err, err


def import_that_was_killed_leaves_no_log():
    with group() as server:
        filled(server, 40)
        text = export_of(server).encode()
        where = server.folder / "state/groups/dogs"
        child = subprocess.Popen([TOOL, "import", str(where)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        child.stdin.write(text[:len(text) // 2])
        child.stdin.flush()
        until(lambda: (where.parent / ".dogs.import").exists(), "it has begun")
        _, _, err = tool("import", where, code=75, data=text)
        assert "under way" in err, err
        child.kill()
        child.wait(WAIT)
        child.stdin.close()
        same(where.exists(), False)
        tool("import", where, code=0, data=text)  # what it left is in nobody's way
        same(sorted(path.name for path in where.parent.iterdir()), ["cats", "dogs"])


def damaged_log_is_exported_up_to_the_damage():
    with group() as server:
        filled(server)
        file = Segment(segments(server)[1])
        damage(file, 3)
        code, out, err = tool("export", server.log_folder, code=1)
        assert f"segment {file.first} is damaged at byte {file.offsets[3]}" in err, err
        seqs = [record["seq"] for record in map(json.loads, out.splitlines()) if "seq" in record]
        same(seqs, list(range(1, file.batches[3].first)))
        assert '"end"' not in out.splitlines()[-1], out.splitlines()[-1]
        tool("import", server.folder / "x", code=1, data=out.encode())


# ---- repair

def damage(file, batch, at=80):
    data = bytearray(file.path.read_bytes())
    data[file.offsets[batch] + at] ^= 4
    file.path.write_bytes(data)


def repaired(server, lost, ann):
    """Repairs what was damaged. Afterwards all but the lost spans are there, and the group goes on."""
    before, names = everything(server.log_folder), sorted(os.listdir(server.log_folder))
    tool("verify", server.log_folder, code=1)
    _, out, _ = tool("repair", server.log_folder, code=1)
    assert "nothing was changed" in out, out
    for first, last in lost:
        assert f"records {first} to {last} are lost" in out, (lost, out)
    same(everything(server.log_folder), before, "without --yes nothing changes")
    _, out, _ = tool("repair", "--yes", server.log_folder, code=0)
    same(out.splitlines()[-1], "sound", out)
    for first, last in lost:
        assert f"records {first} to {last} were given up by a repair" in out, out
    kept = [path for path in server.log_folder.glob("damaged-*")]
    for path in kept:  # the evidence is what was there
        assert path.read_bytes() in before.values(), path
    assert set(names) <= set(os.listdir(server.log_folder)), "no file is missing"
    same(list(server.log_folder.glob("*.new")), [])
    same(tool("repair", server.log_folder, code=0)[1], "nothing to repair\n")
    server.start()
    server.wait_for("serving")
    records, gaps = read_all(server, ann.who)
    missing = {seq for first, last in lost for seq in range(first, last + 1)}
    last = records[-1].seq
    same([record.seq for record in records], [seq for seq in range(1, last + 1) if seq not in missing])
    same(gaps, list(lost), "gaps")
    texts = [record.text for record in records if record.kind == "message"]
    whole = [f"text {i} " + "x" * 2000 for i in range(100) if i + 4 not in missing]
    same(texts, whole, "every whole record is there")
    with server.original() as original:
        lines = original.ask(f"MESSAGE REQUEST FROM {ann.who} ").splitlines()
        same([line.split(": ", 1)[1] for line in lines], texts)
    with server.client(ann.who) as again:
        same(again.ping()["state"], 0)
        same({row["nick"] for row in again.members().values()}, {"ann"})
        again.send("it goes on", device=ann.device, counter=101, random=1)
        same(again.who_page()["topic"], "cats and their people")
    server.stop()
    tool("verify", server.log_folder, code=0)
    return out


def rot_in_an_older_segment():
    with group() as server:
        ann = filled(server)
        file = Segment(segments(server)[1])
        damage(file, 3)
        damage(file, 4, 2)  # its size
        lost = [(file.batches[3].first, file.batches[4].last)]
        out = repaired(server, lost, ann)
        assert f"bytes {file.offsets[3]} to {file.offsets[5] - 1} hold no batch" in out, out
        # Copies of it are without loss too.
        where = server.folder / "copy"
        tool("import", where, code=0, data=export_of(server).encode())
        same(files(where), files(server.log_folder))


def rot_in_several_places_and_the_newest_segment():
    with group() as server:
        ann = filled(server)
        first, newest = Segment(segments(server)[0]), Segment(segments(server)[-1])
        damage(first, 5)
        damage(first, 9, 30)
        damage(newest, 1)
        server.start()
        server.wait_for("READ ONLY")
        server.stop()
        repaired(server, [(first.batches[5].first, first.batches[5].last), (first.batches[9].first, first.batches[9].last),
                          (newest.batches[1].first, newest.batches[1].last)], ann)


def rot_at_the_beginning_of_any_segment():
    """Header and STATE can be made again without loss; a first batch is lost."""
    for position, places in ((0, ("header", "state", "all")), (1, ("both", "first batch")), (-1, ("header", "both", "all"))):
        for place in places:
            with group() as server:
                ann = filled(server)
                file = Segment(segments(server)[position])
                data = bytearray(file.path.read_bytes())
                lost = []
                if place in ("header", "both", "all"):
                    data[20] ^= 1
                if place in ("state", "both", "all"):
                    data[100] ^= 1
                if place in ("first batch", "all"):
                    data[file.start + 80] ^= 1
                    lost = [(file.batches[0].first, file.batches[0].last)]
                file.path.write_bytes(data)
                repaired(server, lost, ann)


def lost_end_of_an_older_segment():
    with group() as server:
        ann = filled(server)
        file, behind = Segment(segments(server)[1]), Segment(segments(server)[2])
        os.truncate(file.path, file.offsets[-3] + 50)
        repaired(server, [(file.batches[-3].first, behind.first - 1)], ann)


def bytes_behind_an_older_segment():
    with group() as server:
        ann = filled(server)
        with open(segments(server)[1], "ab") as out:
            out.write(b"garbage")
        repaired(server, [], ann)


def missing_segments():
    with group() as server:
        ann = filled(server)
        _, second, third = (Segment(path) for path in segments(server)[:3])
        second.path.unlink()
        repaired(server, [(second.first, third.first - 1)], ann)
    with group() as server:
        ann = filled(server)
        first, second, third = (Segment(path) for path in segments(server)[:3])
        first.path.unlink()
        second.path.unlink()
        out = repaired(server, [(1, third.first - 1)], ann)
        assert "segment 1: missing" in out, out


def torn_tail():
    with group() as server:
        ann = filled(server)
        file = Segment(segments(server)[-1])
        torn = os.urandom(99) + b"\1"
        file.path.write_bytes(file.bytes[:file.end] + torn)
        _, _, err = tool("verify", server.log_folder, code=1)
        assert "torn tail" in err, err
        repaired(server, [], ann)
        same([path.read_bytes() for path in server.log_folder.glob("torn-*")], [torn])


def what_cannot_be_repaired():
    with group() as server, group() as other:
        filled(server)
        filled(other)
        foreign = segments(other)[1].read_bytes()
        segments(server)[1].write_bytes(foreign)
        before = everything(server.log_folder)
        for words in (("repair",), ("repair", "--yes")):
            _, _, err = tool(*words, server.log_folder, code=1)
            assert "cannot be repaired" in err, err
        same(everything(server.log_folder), before)


def running_group_is_not_repaired():
    with group() as server:
        filled(server)
        damage(Segment(segments(server)[-1]), 1)
        server.start()
        _, out, _ = tool("repair", server.log_folder, code=1)
        assert "stop the group first" in out, out
        _, _, err = tool("repair", "--yes", server.log_folder, code=75)
        assert "in use" in err, err


def killed_repair_leaves_old_or_new():
    """Every system call that changes the folder is the last one once."""
    if not shutil.which("strace"):
        print("  strace is not there")
        return
    with group() as server:
        filled(server)
        for path in segments(server)[:3]:
            damage(Segment(path), 2)
        good = server.folder / "damaged"
        shutil.copytree(server.log_folder, good)
        calls = "fsync,linkat,renameat,pwrite64"
        count, ends = 0, 0
        while not ends:
            count += 1
            shutil.rmtree(server.log_folder)
            shutil.copytree(good, server.log_folder)
            done = subprocess.run(["strace", "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e",
                                   f"inject={calls}:signal=KILL:when={count}", TOOL, "repair", "--yes", str(server.log_folder)],
                                  # Leaks cannot be looked for in what is being traced.
                                  env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"),
                                  capture_output=True, timeout=WAIT, check=False)
            ends = done.returncode == 0
            assert ends or done.returncode < 0, done
            if not ends:
                tool("repair", "--yes", server.log_folder, code=0)
            same(tool("verify", server.log_folder, code=0)[1].splitlines()[-1], "sound")
            same(list(server.log_folder.glob("*.new")), [])
        assert count > 10, count


# ---- What clients see

def commands_tell_the_gap_once():
    with Registry() as registry, group(registries=[registry]) as server:
        ann = User(registry, name="ann")
        ann.fine("join", "cats")
        ann.fine("send", "cats", "--lines", stdin="\n".join(f"text {i} {'x' * 300}" for i in range(50)))
        for i in range(20):
            ann.fine("send", "cats", f"more {i}")
        server.stop()
        file = Segment(segments(server)[-1])
        damage(file, -8)
        lost = file.batches[-8]
        tool("repair", "--yes", server.log_folder, code=0)
        server.start()
        done = ann.call("messages", "cats", "--json")
        same(done.code, 1, done)
        seqs = [record["seq"] for record in done.json()]
        assert lost.first not in seqs and lost.last + 1 in seqs and 1 in seqs, seqs
        span = f"#{lost.first} to #{lost.last} "
        same(done.err.count(span), 1, done)
        follow = ann.start("follow", "cats", "--after", "#0", "--json")
        got = []
        while not got or got[-1] < file.batches[-1].last:
            got.append(json.loads(follow.line())["seq"])
        same(got, [seq for seq in range(1, got[-1] + 1) if not lost.first <= seq <= lost.last])
        _, err = follow.end()
        same(err.count(span), 1, err)
        same(ann.fine("send", "cats", "it goes on").err, "")


def receipts_over_a_hole():
    """Receipts for records before, in and behind a hole put nothing in doubt."""
    with group() as server:
        receipts = []
        with server.member("ann") as ann:
            for i in range(100):
                ann.send(f"text {i} " + "x" * 2000)
                receipts.append(ann.receipt)
        server.stop()
        file = Segment(segments(server)[1])
        damage(file, 3)
        damage(Segment(segments(server)[0]), 7)
        segments(server)[2].unlink()
        tool("repair", "--yes", server.log_folder, code=0)
        server.start()
        with server.client(ann.who) as again:
            for receipt in receipts:
                again.ask("PING", follows=0, receipt=receipt)
            again.ping()
            until(lambda: again.page(limit=1).name == "RECORDS", "all were judged")
            same(again.ping()["state"], 0)
            again.send("it goes on", device=ann.device, counter=101, random=1)


# ---- accept

def nothing_to_accept():
    with group() as server:
        filled(server, 5)
        for words in (("accept",), ("accept", "--yes")):
            before = everything(server.log_folder)
            assert "nothing to accept" in tool(*words, server.log_folder, code=0)[1]
            same(everything(server.log_folder), before)
        server.start()
        tool("accept", server.log_folder, code=0)
        _, _, err = tool("accept", "--yes", server.log_folder, code=75)  # it may be in doubt a moment later
        assert "in use" in err, err


def doubt_is_accepted():
    with group() as server, server.member("ann") as ann:
        receipt, last = put_back(server, ann)
        with server.client(ann.who) as again:
            again.ask("PING", follows=0, receipt=receipt)
            until(lambda: again.ping()["state"] == 2, "in doubt")
            head = again.ping()["last"]
        _, _, err = tool("accept", "--yes", server.log_folder, code=75)
        assert "in use" in err, err
        server.stop()
        before = everything(server.log_folder)
        _, out, _ = tool("accept", server.log_folder, code=1)
        assert f"record {last}" in out and "--yes" in out, out
        same(everything(server.log_folder), before)
        tool("verify", server.log_folder, code=0)
        _, out, _ = tool("accept", "--yes", server.log_folder, code=0)
        assert f"behind record {head}" in out, out
        same((server.log_folder / "doubt").exists(), False)
        same([line.split()[2] for line in tool("show", server.log_folder, code=0)[1].splitlines()][head:], ["open", "accept"])
        server.start()
        with server.client(ann.who) as again:
            same(again.ping()["state"], 0)
            again.ask("PING", follows=0, receipt=receipt)
            lost = again.push("LOST")
            same((lost["from"], lost["to"]), (head + 1, last))
            again.send("it goes on", device=os.urandom(8), counter=1, random=1)
        # Later segments know it too.
        with Client(server.endpoint, ann.who) as again:
            device = os.urandom(8)
            for i in range(60):
                again.send("x" * 3000, device=device, counter=i + 1, random=1)
        server.stop()
        assert len(segments(server)) > 1
        server.start()
        with server.client(ann.who) as again:
            again.ask("PING", follows=0, receipt=receipt)
            same(again.push("LOST")["from"], head + 1)
            same(again.ping()["state"], 0)


def commands_tell_the_loss_once():
    with Registry() as registry, group(registries=[registry]) as server:
        ann, bob = User(registry, name="ann"), User(registry, name="bob")
        for user in (ann, bob):
            user.fine("join", "cats")
        for i in range(5):
            ann.fine("send", "cats", f"kept {i}")
        server.stop()
        shutil.copytree(server.log_folder, server.folder / "backup")
        server.start()
        until(lambda: ann.call("messages", "cats").code == 0, "back")
        for i in range(8):
            ann.fine("send", "cats", f"gone {i}")
        server.stop()
        shutil.rmtree(server.log_folder)
        shutil.copytree(server.folder / "backup", server.log_folder)
        server.start()
        until(lambda: ann.call("messages", "cats").code in (0, 1, 75), "seen again")
        until(lambda: ann.call("send", "cats", "x").code == 75, "in doubt")
        server.stop()
        tool("accept", "--yes", server.log_folder, code=0)
        server.start()
        first = until(lambda: (lambda done: done.code != 69 and done)(ann.call("messages", "cats", "--json")), "back")
        same(first.code, 1, first)
        same(first.err.count("lost"), 1, first)
        texts = [record["text"] for record in first.json() if record["kind"] == "message"]
        same(texts, [f"kept {i}" for i in range(5)])
        second = ann.fine("messages", "cats", "--json")  # it was told
        same(second.err, "")
        ann.fine("send", "cats", "it goes on")
        same(bob.fine("messages", "cats", "--limit", "1").out.count("it goes on"), 1)


def damaged_log_cannot_be_accepted():
    with group() as server:
        filled(server)
        damage(Segment(segments(server)[-1]), 1)
        (server.log_folder / "doubt").write_text("a test\n")
        _, _, err = tool("accept", "--yes", server.log_folder, code=1)
        assert "zchat-log repair" in err, err
        same((server.log_folder / "doubt").read_text(), "a test\n")
        tool("repair", "--yes", server.log_folder, code=0)
        tool("accept", "--yes", server.log_folder, code=0)
        server.start()
        with server.client() as client:
            same(client.ping()["state"], 0)
            refused("NOT_MEMBER", client.send, "x")


HELPERS = ("tool", "full_disk", "progress_of_import", "group", "filled", "files", "everything", "read_all", "export_of", "damage", "repaired")
CASES = [value for name, value in list(globals().items()) if callable(value) and getattr(value, "__module__", "") == "__main__"
         and name not in HELPERS]

if __name__ == "__main__":
    run(CASES)
