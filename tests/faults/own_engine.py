"""An engine of the tests' own: a second dockerd with its own root, socket and network namespace."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import docker
import psutil
from docker.errors import DockerException
from requests import RequestException

START_SECONDS = 60.0
CALL_SECONDS = 120


class OwnEngine:
    """A context. Its data is in memory, as large as its images are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"unix://{folder / 'docker.sock'}"
        self._root = folder / "root"
        self._archive: Path
        self._daemon: subprocess.Popen[bytes]
        #: Holds the network namespace.
        self._holder: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        self._root.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4g", "tmpfs", str(self._root)], check=True)
        self._holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        mine = Path("/proc/self/ns/net").readlink()
        while Path(f"/proc/{self._holder.pid}/ns/net").readlink() == mine:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.run("ip", "link", "set", "lo", "up")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        for container in self.client().containers.list(all=True, ignore_removed=True):
            container.remove(force=True)
        self._daemon.terminate()
        self._daemon.wait(60)
        self._holder.kill()
        self._holder.wait()
        subprocess.run(["umount", "--lazy", str(self._root)], check=True)
        # The daemon leaves the name of its network namespace.
        subprocess.run(["umount", "--lazy", str(self.folder / "exec" / "netns" / "default")], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def prefix(self) -> tuple[str, ...]:
        """The command that starts a program in its network namespace."""
        return ("nsenter", f"--net=/proc/{self._holder.pid}/ns/net")

    def run(self, *command: str) -> None:
        subprocess.run([*self.prefix, *command], check=True)

    def start(self) -> None:
        """Starts it, or starts it again."""
        for file in (self.folder / "pid", self.folder / "exec" / "containerd" / "containerd.pid"):
            file.unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._daemon = subprocess.Popen(
                [
                    *(*self.prefix, "dockerd", "--host", self.address, "--pidfile", str(self.folder / "pid")),
                    *("--data-root", str(self._root), "--exec-root", str(self.folder / "exec")),
                    # The namespace has nothing but its loopback interface.
                    *("--bridge", "none", "--iptables=false", "--ip6tables=false"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.client().ping()
                return
            except (DockerException, RequestException, OSError):
                assert self._daemon.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text()[-2000:]
                time.sleep(0.2)

    def client(self) -> docker.DockerClient:
        return docker.DockerClient(base_url=self.address, timeout=CALL_SECONDS)

    def load(self, images: Sequence[str], archive: Path) -> None:
        """Copies images from the machine's engine."""
        subprocess.run(["docker", "save", "--output", str(archive), *images], check=True)
        self._archive = archive
        self.load_again()

    def load_again(self) -> None:
        """Brings back what was removed."""
        load = ["docker", "--host", self.address, "load", "--quiet", "--input", str(self._archive)]
        subprocess.run(load, check=True, stdout=subprocess.DEVNULL)

    def pids(self) -> list[int]:
        """The daemon, and the containerd that it started."""
        return [self._daemon.pid, *(child.pid for child in psutil.Process(self._daemon.pid).children())]

    def kill(self) -> None:
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        self._daemon.wait()

    def restart(self) -> None:
        """Starts it again where it was killed."""
        if self._daemon.poll() is not None:
            self.start()
