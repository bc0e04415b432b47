"""The load generator's priority is raised from outside, with all its processes and threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.host import priority
from harness.host.priority import PRIORITY, raise_priority

#: A process with a child and a thread, which ends when its input does.
PROGRAM = """
import subprocess, sys, threading
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
threading.Thread(target=threading.Event().wait, args=(60,), daemon=True).start()
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="raising a priority takes root")
def test_all_processes_and_threads_get_it() -> None:
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdin and process.stdout
        child = int(process.stdout.readline())
        assert raise_priority(process.pid)
        threads = [int(each.name) for each in Path(f"/proc/{process.pid}/task").iterdir()]
        assert len(threads) == 2
        assert {os.getpriority(os.PRIO_PROCESS, each) for each in (*threads, child)} == {PRIORITY}
    finally:
        process.communicate()


def test_a_process_that_is_gone_or_may_not_be_raised_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert raise_priority(2**22 + 1) is False

    def refuse(_which: int, _who: int, _priority: int) -> None:
        raise PermissionError

    monkeypatch.setattr(priority.os, "setpriority", refuse)
    assert raise_priority(os.getpid()) is False
