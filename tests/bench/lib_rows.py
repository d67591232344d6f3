"""The rows of the comparison: the work, who does it, and what zchat should reach."""

import dataclasses


@dataclasses.dataclass
class Goal:
    against: str  # a server
    what: str  # what is compared, for people
    key: str  # the figure; "server<figure" takes zchat's side from that server
    floor: float
    goal: float
    lower: bool = False  # less is better


@dataclasses.dataclass
class Row:
    name: str
    title: str
    kind: str  # send, fanout, history, idle, restart, behind
    words: list  # of zchat-bench
    servers: list
    goals: list = dataclasses.field(default_factory=list)
    main: str = "rate"  # the figure that is shown
    fresh: bool = False  # each run has a new server
    stored: bool = False  # zchat's own group is filled first
    subject: str = "zchat"


CPU = "server_cpu_s_per_million"


def send(name, clients, window, goals, extra=()):
    servers = ["zchat", "zchat-curve", "redis-always", "redis-everysec", "postgres", "postgres-simple", "jetstream", "mosquitto",
               "tcp-durable", "zmq-store", "zmq-echo", *extra]
    title = f"{clients} client{'s' if clients > 1 else ''}" + (f" x {window} in flight" if window > 1 else "")
    return Row(name, title, "send", ["send", "--clients", str(clients), "--window", str(window)], servers, goals)


def fanout(name, readers, goals):
    servers = ["zchat", "zchat-curve", "redis-both", "redis-publish", "jetstream", "nats", "mosquitto", "ngircd", "tcp-fan",
               "zmq-full"]
    return Row(name, f"{readers} readers", "fanout", ["fanout", "--readers", str(readers)], servers, goals, fresh=True)


def against(server, floor, goal, what="rate", key="rate", lower=False):
    return Goal(server, what, key, floor, goal, lower)


ROWS = [
    send("W1-1", 1, 1, [against("redis-always", 0.85, 1.0), against("tcp-durable", 0.5, 0.65),
                        against("jetstream", 1.8, 1.6, "bytes on disk a message", "log_bytes_per_message", True)], ("disk",)),
    send("W1-16", 16, 1, [against("redis-always", 1.45, 1.7), against("postgres", 2.2, 2.5),
                          against("zchat", 0.85, 0.9, "CURVE, rate", "zchat-curve<rate")]),
    send("W1-128", 128, 1, [against("redis-always", 1.5, 1.8), against("postgres", 5, 6), against("jetstream", 1.6, 2),
                            against("mosquitto", 1.0, 1.25), against("zmq-echo", 0.8, 0.9),
                            against("redis-always", 1.15, 1.0, "server CPU", CPU, True),
                            against("zchat", 0.6, 0.65, "CURVE, rate", "zchat-curve<rate"),
                            against("jetstream", 1.2, 1.1, "bytes on disk a message", "log_bytes_per_message", True)]),
    send("W1-4x256", 4, 256, [against("redis-always", 2.5, 3), against("jetstream", 2.5, 3),
                              against("redis-always", 0.55, 0.45, "server CPU", CPU, True),
                              against("zchat", 0.4, 0.45, "CURVE, rate", "zchat-curve<rate")]),
    fanout("W2-10", 10, [against("redis-both", 1.8, 2.6)]),
    fanout("W2-100", 100, [against("redis-both", 2.0, 2.8), against("redis-publish", 1.0, 1.2),
                           against("jetstream", 1.1, 1.3, "CURVE against plain, rate", "zchat-curve<rate")]),
    fanout("W2-1000", 1000, [against("redis-both", 1.7, 2.2), against("redis-publish", 1.4, 1.6), against("jetstream", 3, 3.5),
                             against("nats", 3, 3.5), against("ngircd", 3, 3.5), against("tcp-fan", 0.45, 0.6),
                             against("jetstream", 1.1, 1.3, "CURVE against plain, rate", "zchat-curve<rate")]),
    Row("W2-rate", "100 readers, 100 messages a second", "fanout", ["fanout", "--readers", "100", "--rate", "100"],
        ["zchat", "redis-both", "jetstream", "mosquitto", "ngircd"],
        [against("redis-both", 1.4, 1.0, "p50", "p50_us", True)], main="p50_us", fresh=True),
    Row("W3", "pages of 100 after a time, and a scan", "history", ["history", "--queries", "2000"],
        ["zchat", "redis-always", "postgres", "jetstream"],
        [against("redis-always", 0.75, 0.6, "p50 of a page", "page_p50_us", True),
         against("postgres", 1.0, 0.85, "p50 of a page", "page_p50_us", True),
         against("jetstream", 0.05, 0.015, "p50 of a page", "page_p50_us", True),
         against("redis-always", 8, 13, "scan"), against("postgres", 5, 8, "scan (COPY)")], main="page_p50_us", stored=True),
    Row("W4", "10,000 idle members", "idle", ["idle", "--members", "10000"], ["zchat", "zmq-echo"],
        [against("zmq-echo", 1.15, 1.05, "memory a member", "rss_per_member_kb", True)], main="rss_per_member_kb", fresh=True),
    Row("W5", "killed, and started again", "restart", ["restart", "--kill"], ["zchat", "redis-always"],
        [against("redis-always", 0.1, 0.03, "to the first answer", "first_answer_s", True)], main="first_answer_s", stored=True),
    Row("catching-up", "100 read live while one reads all", "behind",
        ["mixed", "--readers", "100", "--clients", "1", "--rate", "100"], ["zchat", "zchat-control"],
        [against("zchat-control", 1.5, 1.2, "p50 of the live readers", "p50_us", True),
         against("zchat-control", 1.5, 1.2, "p99 of the live readers", "p99_us", True)], main="p50_us", stored=True),
]
