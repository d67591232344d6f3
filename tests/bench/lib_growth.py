"""The rows of `scale`: what grows, in which steps, which figures are told of each step, and what bounds them; and the panels that
`chart --scale` draws of them."""

import dataclasses


@dataclasses.dataclass
class Figure:
    key: str
    title: str  # with its unit
    factor: float = 1  # from the unit of zchat-bench to the one shown


@dataclasses.dataclass
class Growth:
    name: str
    title: str
    of: str  # what grows
    steps: list
    quick: list
    figures: list
    commands: str  # of zchat-bench, for people; N: the step
    bound: str  # what sets the figures, where it was looked at
    series: list = dataclasses.field(default_factory=lambda: [None])  # a second quantity, each with every step
    quick_series: list = dataclasses.field(default_factory=lambda: [None])
    series_of: str = ""

    def points(self, quick):
        steps, series = (self.quick, self.quick_series) if quick else (self.steps, self.series)
        return [(step, other) for step in steps for other in series]


MS, S_MS, MIB = 1e-3, 1e3, 1 / 1024  # from µs, s, KiB

# A bench's share of the two cores is told beside every row: a driver near one core would be the limit itself.
CORES = [Figure("server_cpu", "server, cores"), Figure("driver_cpu", "driver, cores")]

GROWTHS = [
    Growth("members", "Members of one group", "members", [100, 1000, 10000], [10, 20],
           [Figure("joins_per_s", "joins a second"), Figure("rss_per_member_kb", "memory a member, KiB"),
            Figure("silent_cpu", "all are silent: CPU, cores"),
            Figure("last_p50_us", "a push until the last has it, p50, ms", MS),
            Figure("last_p99_us", "p99, ms", MS), Figure("whole_p50_us", "1,000 come back (or all), ms", MS),
            Figure("stayed_p99_us", "meanwhile to those who stayed, p99, ms", MS), *CORES],
           "`fanout --readers N --window 1`, `idle --members N`, `reconnect --members 1000 --readers N-1000`",
           "One I/O thread of libzmq, nine tenths of the group's CPU. A push is one `send` a member. Joins wait for "
           "the driver's handshakes, one after the other. Silent members cost a PING each 8 s."),
    Growth("messages", "Messages stored", "messages", [10000, 100000, 1000000, 10000000], [2000, 4000],
           [Figure("fill_rate", "stored a second"), Figure("first_answer_s", "killed: to the first answer, ms", S_MS),
            Figure("page_p50_us", "page after a random time, p50, µs"), Figure("rate", "read a second, scan"),
            Figure("server_rss_kb", "memory, MiB", MIB), Figure("disk_mb", "on disk, MB"),
            Figure("trim_s", "keep.count to a tenth: done, ms", S_MS),
            Figure("trim_ack_max_us", "slowest ack meanwhile, ms", MS), *CORES],
           "`restart --fill N --kill`, `history --fill N`; SIGHUP with keep.count N/10 under `send --clients 1 --rate 200`",
           "A start reads the newest segment alone (64 MiB at most); a page is found by the index, whatever lies before it; a "
           "scan follows from the beginning; memory holds no messages. Retention looks each second, and removes whole files (none "
           "below 64 MiB); a thread of its own gives their blocks back, and the disk's syncs wait for that, in part."),
    Growth("groups", "Groups at one registry, clients that list them all at once", "groups", [1, 10, 100, 1000], [1, 20],
           [Figure("p50_us", "list p50, ms", MS), Figure("p99_us", "p99, ms", MS), Figure("rate", "lists a second"),
            Figure("server_cpu_s_per_million", "registry's CPU a list, µs"), Figure("list_bytes", "bytes of a list"),
            Figure("server_rss_kb", "registry's memory, MiB", MIB), *CORES],
           "`list --protocol registry --groups N --clients M`",
           "The registry's one loop, which puts the rows together anew for each list and sends them: 0.2 µs a group; "
           "the last of a thousand waits for the lists of all others.",
           series=[1, 100, 1000], quick_series=[1, 10], series_of="clients"),
    Growth("size", "Size of a text, 16 clients", "bytes", [100, 1024, 4096, 16384], [100, 4096],
           [Figure("rate", "sends a second"), Figure("mb_per_s", "MB a second"), Figure("p50_us", "p50, µs"),
            Figure("log_bytes_per_message", "bytes on disk a message"), *CORES],
           "`send --clients 16 --size N`",
           "The disk: the group takes a part of a core and waits for `fdatasync` the rest of the time. A text is stored as "
           "it is, with 40 bytes around it."),
]


@dataclasses.dataclass
class Panel:
    row: str
    title: str
    lines: list  # (key, label); one line each, or one for each of the row's series
    factor: float = 1


PANELS = [
    Panel("members", "memory a member, KiB", [("rss_per_member_kb", "")]),
    Panel("members", "all are silent: CPU, cores", [("silent_cpu", "")]),
    Panel("members", "a push until the last has it, ms", [("last_p50_us", "p50"), ("last_p99_us", "p99")], MS),
    Panel("members", "1,000 come back (or all), ms", [("whole_p50_us", "")], MS),
    Panel("messages", "killed: to the first answer, ms", [("first_answer_s", "")], S_MS),
    Panel("messages", "page after a random time, µs", [("page_p50_us", "p50"), ("page_p99_us", "p99")]),
    Panel("messages", "read a second, scan", [("rate", "")]),
    Panel("messages", "memory, MiB", [("server_rss_kb", "")], MIB),
    Panel("groups", "list p50, ms, by clients at once", [("p50_us", "")], MS),
    Panel("groups", "list p99, ms", [("p99_us", "")], MS),
    Panel("groups", "registry's CPU a list, µs", [("server_cpu_s_per_million", "")]),
    Panel("groups", "registry's memory, MiB", [("server_rss_kb", "")], MIB),
    Panel("size", "sends a second", [("rate", "")]),
    Panel("size", "MB a second", [("mb_per_s", "")]),
    Panel("size", "p50 of a send, µs", [("p50_us", "")]),
    Panel("size", "bytes on disk a message", [("log_bytes_per_message", "")]),
]


def named(name):
    return next(row for row in GROWTHS if row.name == name)
