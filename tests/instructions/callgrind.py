"""A program under callgrind, and the client that asks it."""

import fcntl
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import time

# Valgrind makes a program some fifty times slower; a cold start of one takes seconds, and minutes on a busy machine.
START_SECONDS = 180
# The first requests find nothing remembered, and caches empty.
WARM_UP = 15
ROUNDS = 10
TIMES = 8
# Who has nothing left to do has gone to sleep by then, so that what comes next always wakes it.
PAUSE_SECONDS = 0.02


def provide(target):
    """Installs valgrind where it is missing and can be. Of several that come at once, one does."""
    if shutil.which("callgrind_control"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit("valgrind not found; install with: sudo apt-get install -y --no-install-recommends valgrind")
    with (target / "valgrind.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shutil.which("callgrind_control"):
            install = ["apt-get", "install", "-y", "--no-install-recommends", "valgrind"]
            env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            for command in (["apt-get", "update"], install):
                subprocess.run(command, env=env, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


# What a program does of itself, some times a second, are tasks of this runtime; requests have threads of their own.
BACKGROUND = "tokio::runtime::scheduler::multi_thread::worker::run"


def callgrind(out, command, *options):
    """The command that runs this one. Of the threads that wait for their turn the first comes next, or one that waits in a
    loop for another would keep it from running."""
    options = ["--tool=callgrind", "--fair-sched=try", f"--callgrind-out-file={out}", *options]
    return ["valgrind", *options, *map(str, command)]


def total(dump):
    return int(re.search(r"^totals: (\d+)", dump.read_text(), re.MULTILINE)[1])


def of_a_run(work, command):
    """The instructions of a program from its start to its end."""
    out = work / "callgrind.run"
    done = subprocess.run(
        callgrind(out, command), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=START_SECONDS
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return total(out)


def free_ports(count):
    """So many ports of this machine that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Program:
    """A program that runs under callgrind while the block lasts and listens on a port of this machine."""

    def __init__(self, work, command, env, port):
        self.work, self.command, self.env, self.port = work, command, env, port
        self.out = work / f"callgrind.{port}"
        self.log = work / f"log.{port}"

    def __enter__(self):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                callgrind(self.out, self.command, f"--toggle-collect={BACKGROUND}", "--collect-atstart=yes"),
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    self.__exit__()
                    raise SystemExit(f"{self.command[0]} did not start:\n{self.log.read_text()}") from None
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def instructions_of(self, client, ask):
        """What a call of `ask(number)`, which uses the client, costs in the round in which it is least, after calls that warm
        up: what the program does of itself, some times a second, is in some rounds and not in others."""
        for number in range(WARM_UP):
            ask(number)
        return min(self._round(client, ask, WARM_UP + each * TIMES) for each in range(ROUNDS))

    def _round(self, client, ask, first):
        # A connection of its own, of which each call bears its share: meanwhile the service may have taken the one before for
        # idle, and would end it just as the next request comes.
        client.close()
        self._control("--zero")
        for number in range(first, first + TIMES):
            ask(number)
        dumps = set(self.work.glob(f"{self.out.name}.*"))
        self._control("--dump")
        (dump,) = set(self.work.glob(f"{self.out.name}.*")) - dumps
        return total(dump) / TIMES

    def _control(self, what):
        subprocess.run(["callgrind_control", what, str(self.process.pid)], check=True, capture_output=True)


class Client:
    """Asks over one connection, until it is closed; one that the other side has closed is an error."""

    def __init__(self, port, headers, pause=PAUSE_SECONDS):
        self.address, self.headers, self.pause, self.socket = ("127.0.0.1", port), headers, pause, None

    def __call__(self, method, path, expected, body="", headers=None):
        """The body of the answer, whose status must be the expected one."""
        fields = {"host": "%s:%s" % self.address, **self.headers, **(headers or {})}
        if body:
            fields["content-length"] = len(body)
        head = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        self.socket = self.socket or socket.create_connection(self.address, timeout=60)
        time.sleep(self.pause)
        # As one: a body that comes by itself is mostly read by itself, and sometimes not.
        self.socket.sendall("\r\n".join([*head, "", body]).encode())
        answer = http.client.HTTPResponse(self.socket, method=method)
        answer.begin()
        content = answer.read()
        assert answer.status == expected, f"{method} {path}: {answer.status} {content[:300]}"
        return content

    def close(self):
        """The next request makes another connection."""
        if self.socket:
            self.socket.close()
            self.socket = None
