"""A stranger's service on the engine: outside the repository, with another port, health path and user, and a secret."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from harness.containers.builder import build_all, choose_set
from harness.containers.engine import connect
from harness.containers.images import graph, project_tag
from harness.containers.lifecycle import leftovers
from harness.files import ROOT
from harness.record.measurement import Measurement, Missing
from harness.record.reader import read_record

SECRET = "correct-horse-battery"

SERVER = """\
import json, os, signal, socket, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/healthz":
            return self.answer(200, {"up": True})
        if self.headers.get("authorization") != "Bearer " + os.environ["SHOP_TOKEN"]:
            return self.answer(401, {"token": os.environ["SHOP_TOKEN"]})
        self.answer(200, {"id": int(self.path.rpartition("/")[2]), "currency": "EUR"})

    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.answer(409 if order["reference"] in SEEN else 201, {"reference": order["reference"]})
        SEEN.add(order["reference"])

    def log_message(self, *_):
        pass

SEEN = set()
open("/data/started", "w").write(str(os.getuid()))
print("the token is", os.environ["SHOP_TOKEN"], flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("127.0.0.1", int(os.environ["SHOP_PORT"])), Shop).serve_forever()
"""

MANIFEST = """\
language = "Python"
class = "own"
keeps = ["drain"]
profiles = ["shop"]
image = {{ build = "image", arguments = {{ BASE = "{base}" }} }}
health = "/healthz"
user = "4711"
writable = ["/data"]
secrets = ["SHOP_TOKEN"]
migrate = [
  "python3", "-c", "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])))", "{{database_port}}"
]
environment = {{ {environment} }}

# The database of the contract is a stranger's here.
[database]
image = "{database}"
environment = {{ PORT = "{{database_port}}", DATABASE_PASSWORD = "{{database_password}}" }}
writable = ["/var/lib/postgresql:uid=999,gid=999", "/var/run/postgresql:uid=999,gid=999"]

[[beside]]
name = "cache"
image = "{base}"
command = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "{{cache_port}}"]
"""

TOLD = 'SHOP_PORT = "{port}"'
#: Its port is another one.
UNTOLD = 'SHOP_PORT = "24999", UNUSED = "{port}"'

PROFILE = """\
title = "Shop"
question = "What does a cart cost?"
connections = 8
levels = ["saturate"]
headers = { authorization = "Bearer ${SHOP_TOKEN}" }
request = [
  { send = "GET /carts/{1..5000}", route = "GET /carts/{id}", weight = 3, answer = { json = { currency = "EUR" } } },
  { send = "POST /orders", body = { reference = "{unique}" }, answer = { status = 201 } },
]
"""

#: One start of the service and one of its twin: a quarter of a minute.
BRIEF = """\
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


@pytest.fixture(scope="module")
def client() -> docker.DockerClient:
    return connect(install=True, say=print)


@pytest.fixture(scope="module")
def base(client: docker.DockerClient) -> str:
    """An image with Python that a run needs anyway."""
    builds = graph(("load", "database"), choose_set("auto", print))
    build_all(client, builds, print)
    return next(build.tag for name, build in builds.items() if name.startswith("PYTHON_IMAGE") and "(pulled)" not in name)


@pytest.fixture
def shop(base: str, tmp_path: Path) -> Path:
    """The folder of the service, outside of fitmap's repository."""
    folder = tmp_path / "elsewhere" / "shop"
    (folder / "image").mkdir(parents=True)
    (folder / "loadtests").mkdir()
    (folder / "image" / "server.py").write_text(SERVER)
    (folder / "image" / "Dockerfile").write_text('ARG BASE\nFROM ${BASE}\nCOPY server.py /\nCMD ["python3", "/server.py"]\n')
    (folder / "service.toml").write_text(MANIFEST.format(base=base, database=project_tag("database"), environment=TOLD))
    (folder / "loadtests" / "shop.toml").write_text(PROFILE)
    return folder


@pytest.fixture(autouse=True)
def nothing_is_left(client: docker.DockerClient) -> Iterator[None]:
    yield
    assert [container.name for container, _ in leftovers(client)] == []


def fitmap(shop: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs fitmap in the folder of the service, as a stranger would. No secret is printed."""
    (shop / "fitmap.toml").write_text(BRIEF)
    command = [sys.executable, "-m", "harness.cli.main", "--config", "fitmap.toml", "--runs", str(shop.parent / "runs")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SHOP_TOKEN": SECRET}
    done = subprocess.run([*command, *words], cwd=shop, env=environment, capture_output=True, text=True, check=False)
    assert SECRET not in done.stdout + done.stderr
    return done


def test_a_strangers_service_is_measured_and_its_secret_is_in_no_file(shop: Path) -> None:
    done = fitmap(shop, "bench", "--services", ".")
    assert done.returncode == 0, done.stderr
    (path,) = (shop.parent / "runs").glob("*/run.json")
    record = read_record(path.parent)
    (result,) = record.results
    found = result.measurement
    assert isinstance(found, Measurement)
    level = found.levels[0]
    assert set(level.routes) == {"GET /carts/{id}", "POST /orders"}
    assert isinstance(level.statements, Missing)
    assert set(level.usage) == {"service", "database", "cache", "generator"}
    assert level.usage["service"].cpu_seconds > 0
    for file in record.folder.rglob("*"):
        assert file.is_dir() or SECRET.encode() not in file.read_bytes(), file
    assert "Beside the service" in (record.folder / "report.html").read_text()


@pytest.mark.beside
def test_check_says_what_holds_what_fails_and_what_to_write(shop: Path) -> None:
    manifest = shop / "service.toml"
    manifest.write_text(manifest.read_text().replace('keeps = ["drain"]\n', ""))
    done = fitmap(shop, "check", ".")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("database", "cache"):
        assert f"holds  shop: {name} listens on 127.0.0.1:" in done.stdout
    assert "holds  shop: it answers 200 on /healthz after" in done.stdout
    assert "holds  shop: shop: GET /carts/{id} is answered as expected" in done.stdout
    assert "note   shop: shop: POST /orders is checked by its status alone" in done.stdout
    assert 'after SIGTERM: write keeps = ["drain"]' in done.stdout
    manifest.write_text(manifest.read_text().replace(TOLD, UNTOLD).replace("/healthz", "/ready") + "")
    told = manifest.read_text().replace('health = "/ready"', 'health = "/ready"\nready_seconds = 2')
    manifest.write_text(told)
    done = fitmap(shop, "check", ".")
    assert done.returncode == 3
    assert "shop listens on 127.0.0.1:24999, not on 127.0.0.1:24080: its environment must set both" in done.stdout
