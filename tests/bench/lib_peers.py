"""The servers that zchat is compared with: how each is configured, started and stopped, and what it has promised when it
acknowledges. Everything lies in one folder, on one disk, and listens on the loopback alone."""

import glob
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import time

WAIT = 60  # seconds


def free_port():
    """One below the range that clients' connections are given."""
    for port in random.sample(range(20000, 32000), 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise SystemExit("no free port between 20000 and 32000")


def find(program):
    """Its path, or None."""
    places = [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", *sorted(glob.glob("/usr/lib/postgresql/*/bin"))]
    return shutil.which(program, path=":".join(places))


def is_root():
    return os.geteuid() == 0


class Server:
    """One that is compared with. Subclasses say `needs` (program and apt package), `protocol`, `promise`, and `command`."""

    name = protocol = promise = ""
    needs = ()  # (program, package)
    setup = None

    def __init__(self, bench, folder):
        self.bench, self.folder = bench, pathlib.Path(folder) / self.name
        self.port, self.process, self.key = free_port(), None, ""

    @classmethod
    def missing(cls):
        return [package for program, package in cls.needs if not find(program)]

    def command(self):
        raise NotImplementedError

    def prepare(self):
        """Writes its configuration into an empty folder."""

    def start(self, keep=False, wait=True):
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            self.prepare()
        log = open(self.folder.parent / f"{self.name}.log", "ab")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if self.key else log,
                                        stderr=log, cwd=self.folder, text=bool(self.key))
        log.close()
        if wait:
            self.await_port()
            if not keep and self.setup:
                self.setup()
        return self

    def await_port(self):
        end = time.monotonic() + WAIT
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError as cause:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise SystemExit(f"{self.name} does not start: see {self.folder}.log") from cause
                time.sleep(0.002)

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(WAIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def words(self):
        return ["--group", f"tcp://127.0.0.1:{self.port}{self.key}", "--protocol", self.protocol, "--pid",
                str(self.process.pid)]

    def disk_bytes(self):
        return sum(os.stat(path).st_blocks * 512 for path in self.folder.rglob("*") if path.is_file())

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)


# ---- Limits

class Tcp(Server):
    mode = ""
    protocol = "raw"

    def command(self):
        words = [str(self.bench.tools / "zchat-bench-tcp"), str(self.port), self.mode]
        return words + ([str(self.folder / "log")] if self.mode == "durable" else [])


class TcpDurable(Tcp):
    name, mode, promise = "tcp-durable", "durable", "on disk; sockets alone, no order of messages, no members"


class TcpFan(Tcp):
    name, mode, protocol, promise = "tcp-fan", "fan", "raw-fan", "nothing: written to the readers' sockets as it came"


class Zmq(Server):
    mode = ""
    protocol = "bare"

    def command(self):
        words = [str(self.bench.tools / "zchat-bench-zmq"), str(self.port), self.mode]
        return words + ([] if self.mode == "echo" else [str(self.folder / "log")])


class ZmqEcho(Zmq):
    name, mode, promise = "zmq-echo", "echo", "nothing: an echo"


class ZmqStore(Zmq):
    name, mode, promise = "zmq-store", "store", "on disk; libzmq alone, no members, no retries, no checksums"


class ZmqFull(Zmq):
    name, mode, promise = "zmq-full", "full", "on disk, then pushed; libzmq alone, no members, no credit"


# ---- Peers

class Redis(Server):
    needs = (("redis-server", "redis-server"),)
    protocol = "redis"
    sync = ""

    def prepare(self):
        self.write("redis.conf", f"""bind 127.0.0.1
port {self.port}
dir {self.folder}
daemonize no
save ""
appendonly yes
appendfsync {self.sync}
auto-aof-rewrite-percentage 0
tcp-backlog 4096
maxclients 12000
client-output-buffer-limit pubsub 0 0 0
""")

    def command(self):
        return [find("redis-server"), str(self.folder / "redis.conf")]


class RedisAlways(Redis):
    name, sync, promise = "redis-always", "always", "on disk (appendfsync always)"


class RedisEverysec(Redis):
    name, sync, promise = "redis-everysec", "everysec", "in memory; on disk within about a second"


class RedisBoth(Redis):
    name, sync, protocol, promise = "redis-both", "always", "redis-both", "XADD on disk (always); PUBLISH to who listens, once"


class RedisPublish(Redis):
    name, sync, protocol, promise = "redis-publish", "everysec", "redis-publish", "nothing: sent to who listens, nothing stored"


class Nats(Server):
    name, protocol, promise = "nats", "nats", "nothing: sent to who listens, nothing stored, no ack"
    needs = (("nats-server", "nats-server"),)
    stored = ""

    def prepare(self):
        self.write("nats.conf", f"""listen: 127.0.0.1:{self.port}
max_connections: 20000
write_deadline: "60s"
max_pending: 1GB
{self.stored}
""")

    def command(self):
        return [find("nats-server"), "-c", str(self.folder / "nats.conf")]


class JetStream(Nats):
    name, protocol, promise = "jetstream", "jetstream", "written to a file; synced every two minutes"

    def prepare(self):
        self.stored = f'jetstream {{ store_dir: "{self.folder}/js", max_mem: 1GB, max_file: 40GB }}'
        super().prepare()

    def ask(self, subject, body):
        with socket.create_connection(("127.0.0.1", self.port), 10) as sock, sock.makefile("rb") as lines:
            lines.readline()
            text = json.dumps(body) if body is not None else ""
            sock.sendall(f'CONNECT {{"verbose":false}}\r\nSUB I 1\r\nPUB {subject} I {len(text)}\r\n{text}\r\n'.encode())
            while True:
                words = lines.readline().split()
                if words and words[0] == b"MSG":
                    return json.loads(lines.read(int(words[-1])))
                if not words or words[0] == b"-ERR":
                    raise SystemExit(f"jetstream: {words}")

    def setup(self):
        answer = self.ask("$JS.API.STREAM.CREATE.S", {
            "name": "S", "subjects": ["s.m"], "storage": "file", "retention": "limits", "num_replicas": 1, "max_msgs": -1,
            "max_bytes": -1, "max_age": 0, "max_consumers": -1, "discard": "old", "duplicate_window": 120000000000})
        if "error" in answer:
            raise SystemExit(f"jetstream: {answer}")

    def bytes_per_message(self):
        return self.disk_bytes() / max(1, self.ask("$JS.API.STREAM.INFO.S", None)["state"]["messages"])


class Mosquitto(Server):
    name, protocol, promise = "mosquitto", "mqtt", "in memory (QoS 1), kept for a session that is away"
    needs = (("mosquitto", "mosquitto"),)

    def prepare(self):
        self.write("m.conf", f"""listener {self.port} 127.0.0.1
allow_anonymous true
{"user root" if is_root() else ""}
persistence true
persistence_location {self.folder}/
autosave_interval 0
max_inflight_messages 0
max_queued_messages 0
max_queued_bytes 0
set_tcp_nodelay true
max_connections -1
""")

    def command(self):
        return [find("mosquitto"), "-c", str(self.folder / "m.conf")]

    def setup(self):
        """A persistent session that is away: the broker keeps every message for it."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as sock:
            sock.sendall(b"\x10\x0f\x00\x04MQTT\x04\x00\x00\x00\x00\x03off")
            sock.recv(4)
            sock.sendall(b"\x82\x06\x00\x01\x00\x01c\x01")
            sock.recv(5)
            sock.sendall(b"\xe0\x00")


class Ngircd(Server):
    name, protocol, promise = "ngircd", "irc", "nothing: no ack, nothing stored"
    needs = (("ngircd", "ngircd"),)

    def prepare(self):
        self.write("n.conf", f"""[Global]
Name = irc.local
Info = bench
Listen = 127.0.0.1
Ports = {self.port}
{"ServerUID = root" if is_root() else ""}
{"ServerGID = root" if is_root() else ""}
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxPenaltyTime = 0
PingTimeout = 3600
PongTimeout = 600
[Options]
DNS = no
Ident = no
PAM = no
MorePrivacy = no
PredefChannelsOnly = no
""")

    def command(self):
        return [find("ngircd"), "-n", "-f", str(self.folder / "n.conf")]


class Postgres(Server):
    name, protocol, promise = "postgres", "postgres", "on disk (synchronous_commit, fdatasync); one INSERT, prepared"
    needs = (("initdb", "postgresql-15"), ("postgres", "postgresql-15"))

    def as_user(self, *words):
        user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] if is_root() else []
        return [*user, *words]

    def tool(self, name):
        return os.path.join(os.path.dirname(os.path.realpath(find("initdb"))), name)

    def prepare(self):
        if is_root():
            shutil.chown(self.folder, "postgres", "postgres")
            for parent in self.folder.parents:
                if not parent.stat().st_mode & 0o001:
                    parent.chmod(parent.stat().st_mode | 0o011)
        self.folder.chmod(0o700)
        subprocess.run(self.as_user(self.tool("initdb"), "-D", str(self.folder), "-U", "bench", "-A", "trust", "-E", "UTF8",
                                    "--locale=C", "-N"), check=True, stdout=subprocess.DEVNULL, cwd="/")
        with open(self.folder / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write(f"""listen_addresses = '127.0.0.1'
port = {self.port}
unix_socket_directories = ''
max_connections = 300
shared_buffers = 512MB
fsync = on
synchronous_commit = on
full_page_writes = on
wal_sync_method = fdatasync
max_wal_size = 8GB
checkpoint_timeout = 30min
autovacuum = off
""")

    def command(self):
        return self.as_user(self.tool("postgres"), "-D", str(self.folder))

    def sql(self, text, database="bench"):
        end = time.monotonic() + WAIT
        while True:
            done = subprocess.run([self.tool("psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "bench", "-qAt", "-d",
                                   database, "-c", text], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return done.stdout
            if "starting up" not in done.stderr or time.monotonic() > end:
                raise SystemExit(f"postgres: {done.stderr}")
            time.sleep(0.01)

    def setup(self):
        self.sql("CREATE DATABASE bench", "postgres")
        self.sql("CREATE TABLE m (id bigserial, ts bigint NOT NULL, body text NOT NULL); CREATE INDEX m_ts ON m (ts)")

    def fill(self, count):
        self.sql(f"INSERT INTO m (ts, body) SELECT n::bigint * 1000, repeat ('x', 100) FROM generate_series (0, {count - 1}) n")
        self.sql("VACUUM ANALYZE m")
        self.sql("CHECKPOINT")

    def stop(self, how=signal.SIGINT):
        super().stop(signal.SIGINT if how == signal.SIGTERM else how)


class PostgresSimple(Postgres):
    name, protocol, promise = "postgres-simple", "postgres-simple", "on disk; one INSERT as a text"


ALL = (TcpDurable, TcpFan, ZmqEcho, ZmqStore, ZmqFull, RedisAlways, RedisEverysec, RedisBoth, RedisPublish, Nats, JetStream,
       Mosquitto, Ngircd, Postgres, PostgresSimple)
