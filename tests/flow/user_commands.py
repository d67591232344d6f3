"""The commands of zchat against real daemons: what they print, what they say, how they end."""

import contextlib
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import uuid

import zmq

from lib_group import BUILD, Group, Registry, run, same
from lib_user import ZCHAT, User


@contextlib.contextmanager
def world(*groups, text=""):
    """A registry, these groups (cats), ann and bob, who are members of all."""
    with contextlib.ExitStack() as stack:
        registry = stack.enter_context(Registry())
        started = [stack.enter_context(Group(name, [registry], text)) for name in groups or ("cats",)]
        users = [User(registry, name=name) for name in ("ann", "bob")]
        for user in users:
            for group in started:
                user.fine("join", group.name)
        yield registry, started, *users


def texts(done):
    return [record["text"] for record in done.json() if record["kind"] == "message"]


def nobody_joins_by_themselves():
    with Registry() as registry, Group("cats", [registry]):
        eve = User(registry)
        for words in (("send", "cats", "hi"), ("messages", "cats"), ("who", "cats"), ("leave", "cats"),
                      ("nick", "cats", "x"), ("topic", "cats"), ("topic", "cats", "x"), ("follow", "cats")):
            done = eve.call(*words)
            same((words, done.code, done.out), (words, 1, ""))
            assert "not a member of this group" in done.err, done


def join_and_leave():
    with Registry() as registry, Group("cats", [registry]):
        ann, other = User(registry, name="ann"), User(registry, name="Ann")
        done = ann.fine("join", "cats")
        same((done.out, done.err), ("joined cats as ann\n", ""))
        done = other.fine("join", "cats")  # the nick is taken, whatever its case
        same(done.out, "joined cats as Ann-2\n")
        assert "your nick there is Ann-2" in done.err, done
        same(ann.fine("join", "cats").out, "joined cats as ann\n")  # again: nothing changes
        same(ann.fine("leave", "cats").out, "left cats\n")
        same(ann.call("send", "cats", "x").code, 1)
        kinds = [record["kind"] for record in other.fine("messages", "cats", "--json").json()]
        same(kinds, ["open", "join", "join", "leave"])


def record_as_json_and_as_text():
    with world() as (_, _, ann, bob):
        sent = ann.fine("send", "cats", "hi", "there", "--json").out
        same(sent, "#4\n")  # behind the group everything is text
        sent = ann.fine("send", "--json", "cats", "two\nlines\t\u732b").json()[0]
        same(list(sent), ["group", "seq", "time"])
        line = bob.fine("messages", "cats", "--limit", "1", "--json").out
        wanted = {"seq": 5, "time": sent["time"], "group": "cats", "kind": "message", "author": ann.uuid(), "nick": "ann",
                  "text": "two\nlines\t\u732b"}
        same(line, json.dumps(wanted, ensure_ascii=False, separators=(",", ":")) + "\n")
        same(texts(bob.fine("messages", "cats", "--json"))[0], "hi there --json")
        lines = bob.fine("messages", "cats").out.splitlines()
        same([line[9:] for line in lines if line[2:3] == ":" or line[0] == " "],
             ["* the group was started", "* ann joined", "* bob joined", "ann: hi there --json", "ann: two", "lines\t\u732b"])
        assert lines[0].startswith("--- 20"), lines


def texts_from_stdin():
    with world() as (_, _, ann, _):
        ann.fine("send", "cats", "-", stdin="one\n\ntwo\n\n")
        ann.fine("send", "cats", "--", "-")
        ann.fine("send", "cats", "--lines", stdin="a\n\nb\nc")
        same(ann.call("send", "cats", "--lines", stdin="").code, 0)
        same(texts(ann.fine("messages", "cats", "--json")), ["one\n\ntwo\n", "-", "a", "b", "c"])


def lines_are_pipelined_in_order():
    with world() as (_, _, ann, _):
        lines = [f"line {number}" for number in range(5000)]
        done = ann.fine("send", "--json", "cats", "--lines", stdin="\n".join(lines))
        same([row["seq"] for row in done.json()], list(range(4, 5004)))
        same(texts(ann.fine("messages", "cats", "--json")), lines)
        same(texts(ann.fine("messages", "cats", "--json", "--limit", "3")), lines[-3:])


def bad_line_is_named_and_the_others_go_on():
    with world() as (_, _, ann, _):
        done = ann.call("send", "cats", "--lines", stdin="good\nb\x07d\n" + "x" * 70000 + "\n" + "y" * 20000 + "\nfine\n")
        same(done.code, 1)
        said = done.err.splitlines()
        same(len(said), 3)
        same(sorted(line.split(": ")[2] for line in said), ["line 2", "line 3", "line 4"])
        same(texts(ann.fine("messages", "cats", "--json")), ["good", "fine"])


def refused_texts():
    with world() as (_, _, ann, _):
        for text in ("", "b\x1bd", "x" * 16385, "x" * 70000):
            done = ann.call("send", "cats", "-", stdin=text)
            same((text[:3], done.code, done.out), (text[:3], 1, ""))
            assert done.err, text[:3]
        same(texts(ann.fine("messages", "cats", "--json")), [])


def which_messages():
    with world() as (_, _, ann, _):
        ann.fine("send", "cats", "--lines", stdin="a\nb\nc\nd\n")  # 4 to 7
        every = ann.fine("messages", "cats", "--json").json()

        def seqs(*words):
            return [record["seq"] for record in ann.fine("messages", "cats", "--json", *words).json()]
        same(seqs(), list(range(1, 8)))
        same(seqs("--limit", "2"), [6, 7])
        same(seqs("--after", "#3"), [4, 5, 6, 7])
        same(seqs("--after", "seq:3", "--limit", "2"), [4, 5])
        same(seqs("--before", "#3"), [1, 2])
        same(seqs("--before", "#6", "--limit", "2"), [4, 5])
        same(seqs("--after", "#2", "--before", "#5"), [3, 4])
        same(seqs("--after", every[4]["time"])[0], min(row["seq"] for row in every if row["time"] == every[4]["time"]))
        same(seqs("--before", every[1]["time"]), [1])
        same(seqs("--after", "-1h"), list(range(1, 8)))
        same(seqs("--after", "2999-01-01"), [])
        same(seqs("--after", "#7"), [])
        done = ann.call("messages", "cats", "--after", "25:00:00")
        same((done.code, done.err), (2, "zchat: --after '25:00:00': there is no such time of day (see zchat --help)\n"))


def who_nick_topic():
    with world() as (_, _, ann, bob):
        rows = ann.fine("who", "cats", "--json").json()
        same(sorted(row["nick"] for row in rows), ["ann", "bob"])
        same(list(rows[0]), ["uuid", "nick", "online", "role"])
        same({row["nick"]: row["online"] for row in rows}["ann"], True)
        assert ann.uuid() in ann.fine("who", "cats").out
        done = bob.call("nick", "cats", "ANN")
        same(done.code, 1)
        assert "another member has this nick" in done.err, done
        same(bob.call("nick", "cats", "b b").code, 1)
        bob.fine("nick", "cats", "robert")
        bob.fine("topic", "cats", "all", "about cats")
        same(ann.fine("topic", "cats").out, "all about cats\n")
        same(ann.fine("topic", "cats", "--json").json(), [{"group": "cats", "topic": "all about cats"}])
        last = ann.fine("messages", "cats", "--limit", "2", "--json").json()
        same([(row["kind"], row["nick"], row.get("topic")) for row in last],
             [("nick", "robert", None), ("topic", "robert", "all about cats")])


def many_members_are_listed_in_pages():
    with world() as (_, (group,), ann, _):
        others = {f"00000000-0000-4000-8000-{number:012x}" for number in range(1, 1200)}
        client = group.client()
        for other in others:
            client.who = uuid.UUID(other)
            client.join("")
        rows = ann.fine("who", "cats", "--json").json()
        same(len(rows), 1201)
        assert others <= {row["uuid"] for row in rows}


def groups_and_how_they_are_named():
    with world("cats", "dogs") as (registry, (cats, dogs), ann, _):
        rows = ann.fine("groups", "--json").json()
        same([row["name"] for row in rows], ["cats", "dogs"])
        same(list(rows[0]), ["name", "endpoints", "log", "members", "online", "seq", "topic", "state", "conflict"])
        same((rows[0]["state"], rows[0]["conflict"]), ("sound", False))
        same(rows[0]["endpoints"], [cats.endpoint])
        port = cats.endpoint.rsplit(":", 1)[1]
        for name in ("cats", port, cats.endpoint):
            ann.fine("send", name, "via " + name)
            same(ann.fine("messages", name, "--limit", "1", "--json").json()[0]["group"], "cats")
        same(ann.fine("groups", "-r", registry.endpoint, ZCHAT_REGISTRY="tcp://127.0.0.1:1").out.count("\n"), 2)
        same(ann.call("groups", "--timeout", "0.3", ZCHAT_REGISTRY="tcp://127.0.0.1:1").code, 69)
        done = ann.call("messages", "no such")
        same(done.code, 2)
        pathlib.Path(ann.home, "user.cfg").write_text(f'registries = [ "{registry.endpoint}" ];\n', encoding="utf-8")
        del ann.environment["ZCHAT_REGISTRY"]
        same(ann.fine("groups").out.count("\n"), 2)
        dogs.stop()


def group_that_is_not_there():
    with world() as (registry, (group,), ann, _):
        done = ann.call("messages", "nosuch", "--timeout", "0.5")
        same((done.code, done.out), (69, ""))
        assert "nosuch: " in done.err, done
        group.stop()
        done = ann.call("send", "--timeout", "0.5", "cats", "hi")
        same(done.code, 69)
        assert "not stored" in done.err, done
        done = ann.call("follow", "--timeout", "0.5", "cats")
        same(done.code, 69)
        # A name that is not listed yet is asked for again.
        waiting = ann.start("messages", "--timeout", "15", "late")
        with Group("late", [registry]):
            code, said = waiting.wait()
            same(code, 1)
            assert "late: not a member" in said, said


def follow_prints_what_comes():
    with world("cats", "dogs") as (_, _, ann, bob):
        one = ann.start("follow", "cats", "--json", "--count", "2", "--after", "#3")
        bob.fine("send", "cats", "first")
        same(json.loads(one.line())["text"], "first")
        bob.fine("send", "cats", "second")
        same(json.loads(one.line())["seq"], 5)
        same(one.wait(), (0, ""))
        both = ann.start("follow", "cats", "dogs", "--after", "-1h")
        seen = [both.line() for _ in range(9)]
        bob.fine("send", "dogs", "woof")
        assert both.line().endswith(" [dogs] bob: woof")
        same(sum("[cats]" in line for line in seen), 5)
        same(both.end(), (0, ""))


def follow_without_after_begins_with_the_next():
    with world() as (_, _, ann, bob):
        bob.fine("send", "cats", "before")
        following = ann.start("follow", "cats", "--json")
        # It is online once it follows; what is sent then must be the first that it prints.
        while not {row["nick"]: row["online"] for row in bob.fine("who", "cats", "--json").json()}["ann"]:
            pass
        # Present is not yet following: send until it prints.
        bob.fine("send", "cats", "--lines", stdin="a\nb\n")
        while not select.select([following.process.stdout], [], [], 0.05)[0]:
            bob.fine("send", "cats", "again")
        assert json.loads(following.line())["seq"] > 4
        same(following.end(signal.SIGINT), (0, ""))


def follow_from_a_time():
    with world() as (_, _, ann, bob):
        ann.fine("send", "cats", "--lines", stdin="a\nb\nc\n")
        time = ann.fine("messages", "cats", "--after", "#4", "--limit", "1", "--json").json()[0]["time"]
        following = ann.start("follow", "cats", "--json", "--after", time)
        first = json.loads(following.line())
        same(first["time"], time)
        following.end()
        late = ann.start("follow", "cats", "--json", "--after", "2999-01-01T00:00:00Z")
        bob.fine("send", "cats", "too early for that")
        code, said = late.end()
        same((code, said, late.buffer), (0, "", b""))


def follow_ends_quietly_when_nobody_reads():
    with world() as (_, _, ann, bob):
        following = ann.start("follow", "cats", "--after", "#0")
        following.line()
        following.process.stdout.close()  # nothing more needs to come for it to notice
        same(following.process.wait(20), 0)
        same(following.err(), "")


def follow_goes_on_after_a_restart():
    with world() as (_, (group,), ann, bob):
        following = ann.start("follow", "cats", "--json", "--after", "#3")
        bob.fine("send", "cats", "one")
        same(json.loads(following.line())["text"], "one")
        group.kill()
        group.start()
        bob.fine("send", "cats", "two")
        rows = [json.loads(following.line()) for _ in range(2)]
        same([(row["seq"], row["kind"]) for row in rows], [(5, "open"), (6, "message")])
        same(following.end()[0], 0)


def follow_ends_when_one_leaves():
    with world() as (_, _, ann, bob):
        following = ann.start("follow", "cats", "--json", "--after", "#3")
        bob.fine("send", "cats", "one")
        same(json.loads(following.line())["text"], "one")
        ann.fine("leave", "cats")
        same(json.loads(following.line())["kind"], "leave")
        code, said = following.wait()
        same(code, 1)
        assert "cats: " in said, said


def messages_end_quietly_when_nobody_reads():
    with world() as (_, _, ann, _):
        ann.fine("send", "cats", "--lines", stdin="x" * 100 + "\n" + ("y" * 1000 + "\n") * 2000)
        done = subprocess.run(f"{ZCHAT} messages cats | head -n 2", shell=True, env=ann.environment, capture_output=True,
                              timeout=20, check=False)
        same((done.stdout.count(b"\n"), done.stderr), (2, b""))
        with open("/dev/full", "wb") as full:
            done = subprocess.run([ZCHAT, "messages", "cats"], env=ann.environment, stdout=full, stderr=subprocess.PIPE,
                                  timeout=20, check=False)
        same(done.returncode, 75)
        assert b"cannot write" in done.stderr, done


def send_says_what_is_stored_when_its_output_is_lost():
    with world() as (_, _, ann, _):
        def stored():
            return len(texts(ann.fine("messages", "cats", "--json")))

        def send(words, output, data=b""):
            done = subprocess.run([ZCHAT, "send", "cats", *words], env=ann.environment, stdout=output, stderr=subprocess.PIPE,
                                  input=data, timeout=20, check=False)
            return done.returncode, done.stderr.decode().splitlines()
        with open("/dev/full", "wb") as full:
            before = stored()
            same(send(["hi"], full), (75, ["zchat: cannot write: No space left on device", "zchat: the message is stored"]))
            same(stored(), before + 1)
            code, said = send(["--lines"], full, b"a\n" * 5000)
        same((code, said[0]), (75, "zchat: cannot write: No space left on device"))
        known = int(re.fullmatch(r"zchat: (\d+) messages are stored", said[-1])[1])
        assert before + 1 + known <= stored() <= before + 1 + known + 1024, (said, stored() - before)
        reader, writer = os.pipe()
        os.close(reader)
        same(send(["hi"], writer), (0, []))
        code, said = send(["--lines"], writer, b"a\n" * 5000)
        os.close(writer)
        same(code, 75)
        assert "messages are stored" in said[-1], said


def gap_is_told():
    with world(text="keep = { count = 100; };\n") as (_, _, ann, _):
        first = 1
        while first == 1:  # history goes in whole segments, and only behind newer ones
            ann.fine("send", "cats", "--lines", stdin="one\n" * 100)
            done = ann.fine("messages", "cats", "--json", "--after", "#0")
            first = done.json()[0]["seq"]
        same(done.err, f"zchat: cats: #1 to #{first - 1} are not kept any more: there were too many\n")
        same(ann.fine("messages", "cats", "--limit", "5").err, "")


def two_groups_of_one_name_are_a_conflict():
    with Registry() as one, Registry() as two, Group("cats", [one]), Group("cats", [two]):
        ann = User(one, two)
        done = ann.fine("groups")
        same(done.out.count("conflict: "), done.out.count("\n"))
        same(done.out.count("\n"), 2)
        assert "several groups have this name" in done.err, done
        same([row["conflict"] for row in ann.fine("groups", "--json").json()], [True, True])
        done = ann.call("join", "cats", "--timeout", "0.5")
        same((done.code, done.out), (69, ""))
        same(ann.call("join", "cats", "-r", one.endpoint).code, 0)


def restored_log_is_noticed_and_told():
    with world() as (_, (group,), ann, bob):
        ann.fine("send", "cats", "kept")
        group.stop()
        shutil.copytree(group.log_folder, group.folder / "copy")
        group.start()
        ann.fine("send", "cats", "--lines", stdin="one\ntwo\n")  # 5, 6: ann holds a receipt for them
        group.stop()
        shutil.rmtree(group.log_folder)
        shutil.move(group.folder / "copy", group.log_folder)
        group.start()
        same(texts(bob.fine("messages", "cats", "--json")), ["kept"])  # bob cannot know
        ann.call("messages", "cats")  # ann's receipt shows it
        done = bob.call("send", "cats", "more")
        same(done.code, 75)
        assert "in doubt" in done.err, done
        if "accept" not in subprocess.run([str(BUILD / "zchat-log"), "-h"], capture_output=True, text=True, check=False).stdout:
            print("  zchat-log has no accept: what is lost is not told here")
            return
        group.stop()
        subprocess.run([str(BUILD / "zchat-log"), "accept", "--yes", str(group.log_folder)], check=True, capture_output=True)
        group.start()
        done = ann.call("messages", "cats", "--json")
        same((done.code, texts(done)), (1, ["kept"]))
        assert "what of them was acknowledged is lost" in done.err, done
        done = ann.fine("messages", "cats", "--json")  # told once
        same(done.err, "")
        ann.fine("send", "cats", "it goes on")


def one_identity_for_two_first_uses():
    user = User()
    running = [user.start("whoami", "--json") for _ in range(8)]
    same(len({one.line() for one in running}), 1)
    for one in running:
        same(one.wait(), (0, ""))


def without_a_home_reading_works():
    with world() as (registry, _, ann, _):
        closed = {"ZCHAT_IDENTITY": "/dev/null/me"}
        same(ann.fine("groups", **closed).out.count("\n"), 1)
        done = ann.fine("whoami", **closed)
        assert "lasts for this call only" in done.err, done
        same(ann.call("messages", "cats", **closed).code, 1)  # a stranger, so no member
        done = ann.call("join", "cats", **closed)
        same(done.code, 78)
        assert "no identity can be kept" in done.err, done
        who = ann.uuid()
        same(texts(ann.fine("messages", "cats", "--uuid", who, "--json", **closed)), [])
        ann.fine("send", "--uuid", who, "cats", "hi", **closed)
        same(texts(ann.fine("messages", "cats", "--json")), ["hi"])


def key_that_others_can_read_is_refused():
    user = User()
    user.uuid()
    os.chmod(user.home + "/me/key", 0o644)
    done = user.call("whoami")
    same(done.code, 78)
    assert "can be read by others" in done.err, done


def copied_home_never_loses_a_message():
    with world() as (_, _, ann, _):
        ann.fine("send", "cats", "one")
        copy = User()
        copy.environment = {**ann.environment, "ZCHAT_IDENTITY": copy.home + "/copy"}
        subprocess.run(["cp", "-r", ann.home + "/me", copy.home + "/copy"], check=True)
        ann.fine("send", "cats", "two")
        copy.fine("send", "cats", "three")  # under the counter of two: REUSED, a new device
        ann.fine("send", "cats", "four")
        copy.fine("send", "cats", "five")
        same(texts(ann.fine("messages", "cats", "--json")), ["one", "two", "three", "four", "five"])


@contextlib.contextmanager
def send_without_an_answer(group, user):
    """A `send --lines` whose first line was answered, and whose second one is under way to a group that stands still."""
    sending = user.start("send", "cats", "--lines", stdin=True)
    sending.process.stdin.write(b"answered\n")
    sending.process.stdin.flush()
    sending.line()
    pool = next(path for path in pathlib.Path(user.home, "me/logs").glob("*/*") if path.is_dir())
    device = next(pool.iterdir())
    while not device.read_text(encoding="ascii").startswith("clean"):
        pass  # until its program has taken note of the answer
    group.process.send_signal(signal.SIGSTOP)
    sending.process.stdin.write(b"unanswered\n")
    sending.process.stdin.flush()
    while not device.read_text(encoding="ascii").startswith("used"):
        pass
    yield sending, device
    group.process.send_signal(signal.SIGCONT)


def interrupted_send_says_what_may_be():
    with world() as (_, (group,), ann, _):
        with send_without_an_answer(group, ann) as (sending, _):
            code, said = sending.end()
        same(code, 75)
        assert "cats: interrupted: 1 not acknowledged, may be stored" in said, said


def interrupted_send_without_a_connection_stored_nothing():
    with zmq.Context() as context, context.socket(zmq.ROUTER) as registry:
        registry.linger, registry.rcvtimeo = 0, 20000
        port = registry.bind_to_random_port("tcp://127.0.0.1", 20000, 32000)
        sending = User().start("-r", f"tcp://127.0.0.1:{port}", "--timeout", "30", "send", "nowhere", "hi")
        registry.recv_multipart()  # it is asked for the group, and says nothing
        code, said = sending.end()
        same(code, 143)
        assert "nowhere: interrupted: 1 not sent, so not stored" in said, said


def killed_sender_costs_a_device():
    with world() as (_, (group,), ann, _):
        with send_without_an_answer(group, ann) as (sending, device):
            sending.end(signal.SIGKILL)
        ann.fine("send", "cats", "two")
        assert not device.exists() and list(device.parent.iterdir())
        assert texts(ann.fine("messages", "cats", "--json")) in (["answered", "two"], ["answered", "unanswered", "two"])


def wrong_usage_and_configuration():
    user = User()
    for words in (("dance",), ("send", "cats"), ("messages",), ("groups", "--loud"), ("messages", "a", "--limit", "x")):
        done = user.call(*words)
        same((words, done.code, done.out), (words, 2, ""))
        assert done.err.startswith("zchat: "), done
    same(user.fine("--help").out.split("\n")[0], "usage: zchat [OPTION...] [COMMAND [ARGUMENT...]]")
    assert user.fine("send", "--help").out.startswith("usage: zchat send GROUP")
    assert user.fine("--version").out.startswith("zchat ")
    config = pathlib.Path(user.home, "user.cfg")
    config.write_text('colour = "red";\nregistries = [ "nonsense" ];\n', encoding="utf-8")
    done = user.call("groups")
    same(done.code, 78)
    assert f"{config}:1: " in done.err and f"{config}:2: " in done.err, done
    config.unlink()
    done = user.call("groups", ZCHAT_REGISTRY="tcp://127.0.0.1:2000 nonsense")
    same(done.code, 78)
    assert "$ZCHAT_REGISTRY: 'nonsense': " in done.err, done


CASES = [value for name, value in list(globals().items())
         if callable(value) and getattr(value, "__module__", "") == "__main__" and name not in ("world", "texts", "send_without_an_answer")]

if __name__ == "__main__":
    run(CASES)
