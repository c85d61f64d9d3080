#!/usr/bin/env python3
"""10,000 clients that are connected to the gateway and idle (`make bench-gateway-idle`): none of them is lost, requests
beside them are answered as before, and each costs little memory.

Every connection is opened and asks once; then all are idle while another client asks; then every one asks again. It ends
with 1 when one request failed, or the p99 of the other client is more than HMS_BENCH_SLOWER times what it was alone.

  PROFILE            release, or dev (default); built beforehand
  HMS_BENCH_IDLE     10000; this process and the gateway each need so many open files, and some more
  HMS_BENCH_SLOWER   2
"""

import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "instructions"))

from callgrind import START_SECONDS, Client, free_ports  # noqa: E402
from gateway import serve, settings, token  # noqa: E402
from run import BINARIES  # noqa: E402

IDLE = int(os.environ.get("HMS_BENCH_IDLE", 10_000))
SLOWER = float(os.environ.get("HMS_BENCH_SLOWER", 2))
ASKED = 2_000
PATH = "/api/v1/bench"


def raise_files():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < IDLE + 200:
        sys.exit(f"{IDLE} connections need as many open files; the limit here is {most} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def resident_kb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def await_port(port):
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < until, "the gateway did not start"
            time.sleep(0.05)


def p99_ms(client):
    times = []
    for _ in range(ASKED):
        asked = time.perf_counter()
        client("GET", PATH, 200)
        times.append(time.perf_counter() - asked)
    return sorted(times)[ASKED * 99 // 100] * 1000


def main():
    raise_files()
    service, url = serve(pause=0)
    (port,) = free_ports(1)
    headers = {"authorization": f"Bearer {token()}"}
    with tempfile.TemporaryDirectory(prefix="hms-idle-") as work:
        env = settings(Path(work), url, port) | {"HMS_MAX_CONNECTIONS_PER_ADDRESS": str(IDLE + 100)}
        with (Path(work) / "log").open("wb") as log:
            gateway = subprocess.Popen(
                [BINARIES / "hms-gateway"], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            good = measure(gateway.pid, port, headers)
        finally:
            gateway.terminate()
            gateway.wait(timeout=60)
            service.shutdown()
    sys.exit(0 if good else 1)


def measure(pid, port, headers):
    await_port(port)
    busy = Client(port, headers, pause=0)
    p99_ms(busy)
    alone, before = p99_ms(busy), resident_kb(pid)
    clients = [Client(port, headers, pause=0) for _ in range(IDLE)]
    for client in clients:
        client("GET", PATH, 200)
    each = (resident_kb(pid) - before) / IDLE
    beside = p99_ms(busy)
    for client in clients:
        client("GET", PATH, 200)
    print(f"{IDLE} idle connections, each of which asked before and after; none was lost")
    print(f"memory of the gateway: {before / 1024:.1f} MB without them, {each:.1f} KB more for each")
    print(f"p99 of another client, one request at a time: {alone:.2f} ms alone, {beside:.2f} ms beside them")
    return beside <= alone * SLOWER


if __name__ == "__main__":
    main()
