"""A program under callgrind, and the client that asks it."""

import http.client
import re
import socket
import subprocess
import time

# Valgrind makes a program some fifty times slower; a cold start of one takes seconds.
START_SECONDS = 120
# The first requests find nothing remembered, and caches empty.
WARM_UP = 50
TIMES = 300


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
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.out}", *map(str, self.command)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
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

    def instructions_of(self, ask, times=TIMES):
        """The mean of so many calls of `ask(number)`, after some that warm up. What the program does beside them, a few
        times a second, is in it too, and is small."""
        for number in range(WARM_UP):
            ask(number)
        self._control("--zero")
        for number in range(WARM_UP, WARM_UP + times):
            ask(number)
        dumps = set(self.work.glob(f"{self.out.name}.*"))
        self._control("--dump")
        (dump,) = set(self.work.glob(f"{self.out.name}.*")) - dumps
        total = re.search(r"^totals: (\d+)", dump.read_text(), re.MULTILINE)
        return int(total[1]) / times

    def _control(self, what):
        subprocess.run(["callgrind_control", what, str(self.process.pid)], check=True, capture_output=True)


class Client:
    """Asks over one connection."""

    def __init__(self, port, headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = headers

    def __call__(self, method, path, expected, body=None, headers=None):
        """The body of the answer, whose status must be the expected one."""
        self.connection.request(method, path, body=body, headers={**self.headers, **(headers or {})})
        answer = self.connection.getresponse()
        content = answer.read()
        assert answer.status == expected, f"{method} {path}: {answer.status} {content[:300]}"
        return content
