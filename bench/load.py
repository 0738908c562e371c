"""A bounded load of POST requests from threads of one process, and the CPU that a tree of processes spent."""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles


@dataclass(frozen=True, slots=True)
class Load:
    """What a load measured: latencies in milliseconds, requests per second, answers that were not 200."""

    p50: float
    p99: float
    per_second: float
    failures: int


def load(port: int, path: str, body: Callable[[], bytes], *, clients: int, requests: int) -> Load:
    """Send `requests` fresh bodies over `clients` kept-alive connections as fast as they are answered."""
    latencies: list[float] = []
    failures: list[int] = []
    bodies = [body() for _ in range(requests)]

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for mine in bodies[number::clients]:
            started = time.perf_counter()
            connection.request("POST", path, mine, {"Content-Type": "application/fhir+json"})
            reply = connection.getresponse()
            reply.read()
            latencies.append((time.perf_counter() - started) * 1000)
            if reply.status != 200:
                failures.append(reply.status)
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - started
    cuts = quantiles(latencies, n=100)
    return Load(cuts[49], cuts[98], requests / took, len(failures))


def cpu_seconds(root: int) -> float:
    """CPU seconds that a process and its living descendants spent so far (Linux; elsewhere 0)."""
    proc = Path("/proc")
    if not proc.exists():
        return 0.0
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for entry in proc.iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
            ticks[int(entry.name)] = int(fields[11]) + int(fields[12])
    tree, grew = {root}, True
    while grew:
        more = {pid for pid, parent in parents.items() if parent in tree} - tree
        tree |= more
        grew = bool(more)
    return sum(ticks.get(pid, 0) for pid in tree) / os.sysconf("SC_CLK_TCK")
