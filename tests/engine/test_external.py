"""A service that fitmap did not start: the test starts it, over TLS on loopback, and it counts what it gets."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.files import ROOT
from harness.record.external import NOT_STARTED
from harness.record.measurement import Measurement, Missing
from harness.record.reader import read_record

PORT = 24443
MOST, MOST_CONNECTIONS = 60, 4
SECRET = "correct-horse-battery"
INSTRUMENTS = ROOT / "loadtests" / "calibration"

SERVER = """\
import json, os, signal, ssl, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TIMES, HOSTS, OPEN, MOST_OPEN = [], set(), 0, 0

class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def setup(self):
        global OPEN, MOST_OPEN
        OPEN += 1
        MOST_OPEN = max(OPEN, MOST_OPEN)
        super().setup()

    def finish(self):
        global OPEN
        OPEN -= 1
        super().finish()

    def do_GET(self):
        TIMES.append(time.monotonic())
        HOSTS.add(self.headers["host"])
        status = 200 if self.headers.get("authorization") == "Bearer " + os.environ["SHOP_TOKEN"] else 401
        # More than a record of TLS holds.
        body = json.dumps({"currency": "EUR", "lines": "x" * 40_000}).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

def end(*_):
    times, most, first = sorted(TIMES), 0, 0
    for last, at in enumerate(times):
        while at - times[first] >= 1.0:
            first += 1
        most = max(most, last - first + 1)
    print(json.dumps({"requests": len(times), "second": most, "open": MOST_OPEN, "hosts": sorted(HOSTS)}), flush=True)
    os._exit(0)

port, certificate, key = int(sys.argv[1]), *sys.argv[2:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server = ThreadingHTTPServer(("127.0.0.1", port), Shop)
server.daemon_threads = True
# The handshake is each connection's own thread's.
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
signal.signal(signal.SIGTERM, end)
print("listens", flush=True)
server.serve_forever()
"""

TARGET = """\
[targets.staging]
url = "https://127.0.0.1:{port}"
language = "Python"
profiles = ["steady", "full"]
i_may_load_it = true
most_requests_per_second = {most}
most_connections = {connections}
{ca}

# One block, and short ones.
[run]
preset = "smoke"
[ports]
service = 24080
database = 24432
[generator]
port = 24557
[timing]
rounds = 4
warmup_seconds = 1
warmup_limit_seconds = 1
"""

PROFILE = """\
title = "{title}"
question = "What does a cart cost?"
connections = {connections}
levels = ["{level}"]
headers = {{ authorization = "Bearer ${{SHOP_TOKEN}}" }}
request = [
  {{ send = "GET /carts/{{1..5000}}", route = "GET /carts/{{id}}", answer = {{ json = {{ currency = "EUR" }} }} }},
]
"""


@pytest.fixture
def service() -> Iterator[subprocess.Popen[str]]:
    """The service, which prints at its end what it got."""
    files = [str(INSTRUMENTS / name) for name in ("null.crt", "null.key")]
    started = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(PORT), *files],
        env={**os.environ, "SHOP_TOKEN": SECRET},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert started.stdout and started.stdout.readline() == "listens\n"
        # Where there are two CPUs the load generator has the last one.
        os.sched_setaffinity(started.pid, {0})
        yield started
    finally:
        started.kill()
        started.wait()


def got(service: subprocess.Popen[str]) -> dict[str, object]:
    """Ends the service, and returns what it got."""
    service.send_signal(signal.SIGTERM)
    assert service.stdout
    found: dict[str, object] = json.loads(service.stdout.readline())
    return found


def write(folder: Path, ca: str = f'ca = "{INSTRUMENTS / "null.crt"}"') -> None:
    (folder / "loadtests").mkdir(exist_ok=True)
    (folder / "fitmap.toml").write_text(TARGET.format(port=PORT, most=MOST, connections=MOST_CONNECTIONS, ca=ca))
    for title, level in (("Steady", "30/s"), ("Full", "saturate")):
        text = PROFILE.format(title=title, level=level, connections=MOST_CONNECTIONS)
        (folder / "loadtests" / f"{title.lower()}.toml").write_text(text)


def fitmap(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs fitmap in a folder of its own."""
    command = [sys.executable, "-m", "harness.cli.main", "--config", "fitmap.toml", "--runs", "runs", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SHOP_TOKEN": SECRET}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert SECRET not in done.stdout + done.stderr
    return done


def test_a_service_elsewhere_is_measured_over_tls_and_the_fuse_holds(service: subprocess.Popen[str], tmp_path: Path) -> None:
    write(tmp_path)
    done = fitmap(tmp_path, "bench", "--target", "staging")
    # A level that the fuse held back is not valid.
    assert done.returncode == 3, done.stderr
    counted = got(service)
    assert isinstance(counted["second"], int) and isinstance(counted["requests"], int)
    assert MOST / 2 < counted["second"] <= MOST
    # The connection by which it was reached, and those of a profile.
    assert counted["open"] <= MOST_CONNECTIONS
    assert counted["hosts"] == [f"127.0.0.1:{PORT}"]
    (path,) = (tmp_path / "runs").glob("*/run.json")
    record = read_record(path.parent)
    results = {result.trial.profile: result for result in record.results}
    steady = results["steady"].measurement
    assert results["steady"].verdict == "valid", results["steady"].problems
    assert isinstance(steady, Measurement)
    (level,) = steady.levels
    assert set(level.usage) == {"generator"}
    assert level.unseen == {"service": NOT_STARTED, "database": NOT_STARTED}
    assert (steady.start_seconds, steady.stop_seconds, steady.exit_status) == (NOT_STARTED,) * 3
    assert (level.statements, level.host, level.bottleneck) == (NOT_STARTED, NOT_STARTED, "unknown")
    assert all(each.service_cpu_ns is None and each.database_cpu_ns is None for each in level.slices)
    assert level.routes["GET /carts/{id}"].requests > 30
    assert results["full"].verdict == "generator_limited"
    assert f"the fuse of {MOST} requests/s held back" in results["full"].problems[0]
    assert sum(steady.answered.values()) <= counted["requests"]
    page = (path.parent / "report.html").read_text()
    assert "fitmap did not start it" in page
    assert "its interval knows windows, not starts" in page
    rows = list(csv.DictReader((path.parent / "results.csv").open()))
    assert {row["metric"] for row in rows if row["median"]} >= {"p50"}
    assert not [row for row in rows if row["metric"] in ("cpu", "working-set", "start", "image") and row["median"]]
    for file in record.folder.rglob("*"):
        assert file.is_dir() or SECRET.encode() not in file.read_bytes(), file


@pytest.mark.beside
def test_check_reaches_it_verifies_its_certificate_and_tries_each_request(
    service: subprocess.Popen[str], tmp_path: Path
) -> None:
    write(tmp_path)
    done = fitmap(tmp_path, "check", "--target", "staging")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "holds  the entry in fitmap.toml and 2 profiles can be read" in done.stdout
    assert f"holds  staging: https://127.0.0.1:{PORT} is reached in " in done.stdout
    assert "ms, and its certificate is verified" in done.stdout
    assert "holds  staging: full: GET /carts/{id} is answered as expected" in done.stdout
    assert "note   staging: its CPU, memory, database, statements, start and stop are not known" in done.stdout
    write(tmp_path, ca="")
    done = fitmap(tmp_path, "check", "--target", "staging")
    assert done.returncode == 3
    assert f"fails  staging: the certificate of https://127.0.0.1:{PORT} is not trusted: self-signed" in done.stdout
    # Three of each profile, and none before the certificate was verified.
    assert got(service)["requests"] == 6


@pytest.mark.beside
def test_what_can_not_be_reached_fails_the_trial_with_the_reason(tmp_path: Path) -> None:
    write(tmp_path)
    done = fitmap(tmp_path, "bench", "--target", "staging", "--profile", "steady")
    assert done.returncode == 3, done.stderr
    (path,) = (tmp_path / "runs").glob("*/run.json")
    (result,) = read_record(path.parent).results
    assert isinstance(result.measurement, Missing)
    assert result.measurement.reason == f"can't connect to https://127.0.0.1:{PORT}: Connection refused"
