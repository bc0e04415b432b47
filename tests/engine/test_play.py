"""`make play` on the engine: a browser starts a load in Locust's web UI, the target answers, and no container is left."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import docker
import psutil
import pytest
from browser import CHROMIUM, DRIVER, start_chromium
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness.containers.engine import connect
from harness.containers.lifecycle import clean, leftovers
from harness.files import ROOT

pytestmark = pytest.mark.beside

FITMAP = [sys.executable, "-m", "harness.cli.main"]
WEB_UI = "http://127.0.0.1:8089"
# Images are built before; on a fresh machine Docker Compose is installed.
START_SECONDS = 180
END_SECONDS = 60
LOAD_SECONDS = 5
USERS = 3
CONTAINERS = ["database", "generator", "service"]


@pytest.fixture(scope="module")
def client() -> docker.DockerClient:
    return connect(install=True, say=print)


@pytest.fixture(autouse=True)
def nothing_is_left(client: docker.DockerClient) -> Iterator[None]:
    before = things(client)
    yield
    left = things(client)
    # The next test begins with nothing, whatever this one left.
    clean(client)
    assert left == before


@pytest.fixture
def browser() -> Iterator[webdriver.Chrome]:
    if not (CHROMIUM.exists() and DRIVER.exists()):
        pytest.skip("no chromium with its driver")
    driver = start_chromium()
    # A narrower page hides the button that stops the load in a menu.
    driver.set_window_size(1440, 900)
    yield driver
    driver.quit()


@pytest.fixture
def play(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`make play` in a process group of its own, once its web UI answers."""
    # Under `make test` the environment holds the options of that make.
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}}
    log = tmp_path / "play.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["make", "play", "TARGET=go", "PROFILE=cpu", "ARGS="],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            # A shell lets background processes ignore this signal, and their children inherit that.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )
    try:
        wait_for(lambda: process.poll() is not None or answers(), START_SECONDS)
        assert process.poll() is None, "make play ended before its web UI answered"
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=END_SECONDS)
        # For pytest, which shows it where the test fails.
        print(log.read_text(errors="replace"))


def things(client: docker.DockerClient) -> tuple[list[str], ...]:
    """All containers, volumes and networks of the engine, by id: those that stopped too."""
    containers = client.containers.list(all=True, ignore_removed=True)
    return tuple(
        sorted(str(each.id) for each in kind) for kind in (containers, client.volumes.list(), client.networks.list())
    )


def roles(client: docker.DockerClient) -> list[str]:
    """The roles of those containers that `fitmap clean` sees."""
    return sorted(container.labels["fitmap"] for container, _ in leftovers(client))


def answers() -> bool:
    try:
        with urllib.request.urlopen(WEB_UI, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_for(what: Callable[[], Any], seconds: float) -> Any:
    """What is true before the time is over."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.1)
    return found


def button(browser: webdriver.Chrome, text: str) -> Any:
    """The button with this text, or None."""
    # In one call, as below: the page draws itself again, and elements held in hand go stale.
    script = "return [...document.querySelectorAll('button')].find(each => each.innerText.toLowerCase() === arguments[0])"
    return browser.execute_script(script, text)


def statistics(browser: webdriver.Chrome) -> dict[str, tuple[int, int]]:
    """Requests and failures by the name of the request, as the table of the web UI shows them."""
    script = (
        "return [...document.querySelectorAll('table tr')].map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    )
    head, *rows = browser.execute_script(script) or [[]]
    if "# Fails" not in head:
        return {}
    named = [dict(zip(head, row, strict=True)) for row in rows]
    return {row["Name"]: (number(row["# Requests"]), number(row["# Fails"])) for row in named}


def number(text: str) -> int:
    return int(text.replace(",", "") or 0)


def test_a_load_from_the_web_ui_is_answered_and_ctrl_c_leaves_nothing(
    client: docker.DockerClient, play: subprocess.Popen[bytes], browser: webdriver.Chrome
) -> None:
    assert roles(client) == CONTAINERS
    browser.get(WEB_UI)
    wait_for(lambda: button(browser, "start"), 20)
    for name in ("userCount", "spawnRate"):
        field = browser.find_element(By.NAME, name)
        # Two calls: a modifier is held to the end of one.
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(Keys.BACKSPACE, str(USERS))
    button(browser, "start").click()
    wait_for(lambda: statistics(browser).get("Aggregated", (0, 0))[0], 30)
    time.sleep(LOAD_SECONDS)
    wait_for(lambda: button(browser, "stop"), 20).click()
    wait_for(lambda: button(browser, "new"), 20)

    seen = statistics(browser)
    # A request of the profile costs well under 100 ms: this many are answered on a slow and busy machine too.
    assert seen["Aggregated"][0] > 10 * LOAD_SECONDS, seen
    assert set(seen) == {"GET /cpu/collatz", "POST /cpu/summarize", "Aggregated"}
    assert all(requests > 0 and failures == 0 for requests, failures in seen.values()), seen

    os.killpg(play.pid, signal.SIGINT)
    # make ends itself by the signal once its recipe has ended.
    assert play.wait(timeout=END_SECONDS) == -signal.SIGINT
    assert client.containers.list(all=True, filters={"label": "com.docker.compose.project=fitmap"}) == []


def test_sigterm_leaves_nothing(client: docker.DockerClient, play: subprocess.Popen[bytes]) -> None:
    # To make alone, which passes it on.
    play.send_signal(signal.SIGTERM)
    assert play.wait(timeout=END_SECONDS) == -signal.SIGTERM
    assert client.containers.list(all=True, filters={"label": "com.docker.compose.project=fitmap"}) == []


def test_clean_removes_what_sigkill_leaves(client: docker.DockerClient, play: subprocess.Popen[bytes]) -> None:
    refused = subprocess.run([*FITMAP, "clean"], capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 4 and "another run is measuring" in refused.stderr
    processes = psutil.Process(play.pid).children(recursive=True)
    # Docker Compose is in a session of its own and lives on.
    killed = [each for each in processes if os.getpgid(each.pid) == play.pid]
    os.killpg(play.pid, signal.SIGKILL)
    play.wait()
    assert psutil.wait_procs(killed, timeout=END_SECONDS)[1] == []
    assert roles(client) == CONTAINERS
    cleaned = subprocess.run([*FITMAP, "clean"], capture_output=True, text=True, timeout=60, check=False)
    assert cleaned.stdout == "removed 3 containers\n", cleaned.stderr
    # With its containers gone it ends.
    assert psutil.wait_procs(processes, timeout=END_SECONDS)[1] == []


def test_beside_a_taken_port_it_is_one_sentence() -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 8089))
        listener.listen()
        done = subprocess.run(
            [sys.executable, "-m", "harness.cli.play", "go", "cpu"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 4
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("fitmap: ")]
    assert "port 8089" in line and "web UI" in line
