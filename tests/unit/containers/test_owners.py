"""A process keeps its name whatever the clock says, and counts as gone only if that is certain."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from harness.containers import owners
from harness.containers.owners import FIRST_NAMESPACE, Owner, owner, pid_of, state
from harness.files import ROOT


def name(**changes: str) -> str:
    """The name of this process with something changed."""
    return str(msgspec.structs.replace(Owner(*owner().split(".")), **changes))


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def started(pid: int) -> str:
    return owners._ticks(str(pid)) or ""


def test_a_process_lives_until_it_ends(child: subprocess.Popen[bytes]) -> None:
    assert state(owner()) == "lives" and pid_of(owner()) == str(os.getpid())
    mine = name(pid=str(child.pid), ticks=started(child.pid))
    assert state(mine) == "lives"
    child.kill()
    # Dead, but its parent has not asked for its status yet.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert state(mine) in {"gone", "unknown"}
    child.wait()
    assert state(mine) == "gone"


def test_a_later_process_with_the_same_number_is_another(child: subprocess.Popen[bytes]) -> None:
    assert state(name(pid=str(child.pid), ticks="1")) == "gone"


def test_a_process_of_another_namespace_or_machine_may_live_whatever_number_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(owners, "FIRST_NAMESPACE", "1")
    for number in (str(os.getpid()), "1", "2147483647"):
        assert state(name(namespace="4026539999", pid=number)) == "unknown"
        assert state(name(boot="12345678", machine="12345678", pid=number)) == "unknown"


def test_after_a_reboot_of_this_machine_nothing_of_before_lives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    monkeypatch.setattr(owners, "MACHINE_ID", tmp_path / "machine-id")
    mine = Owner(*owner().split("."))
    assert "0123456789abcdef" not in str(mine)
    before = msgspec.structs.replace(mine, boot="12345678")
    assert state(str(before)) == ("gone" if mine.namespace == FIRST_NAMESPACE else "unknown")
    # In a container the id may be that of the image, which another machine runs too.
    monkeypatch.setattr(owners, "FIRST_NAMESPACE", "1")
    assert state(str(before)) == "unknown"
    monkeypatch.undo()
    monkeypatch.setattr(owners, "MACHINE_ID", tmp_path / "none")
    assert state(name(boot="12345678")) == "unknown"


@pytest.mark.parametrize(
    "word", ["", "4711:1700000000.00", "a.b.c.d.e", "a.b.c.0.1", "a.b.c.-1.1", "a.b.c.1", "..1..1", "µ"]
)
def test_what_is_no_name_may_be_anybodys(word: str) -> None:
    assert state(word) == "unknown"


def test_a_process_that_proc_hides_may_live(monkeypatch: pytest.MonkeyPatch, child: subprocess.Popen[bytes]) -> None:
    hidden = name(pid=str(child.pid), ticks="1")
    ticks = owners._ticks
    monkeypatch.setattr(owners, "_ticks", lambda pid: None if pid == str(child.pid) else ticks(pid))
    assert state(hidden) == "unknown"


def test_without_proc_nobody_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mine = owner()
    monkeypatch.setattr(owners, "PROC", tmp_path)
    assert state(mine) == "unknown"


def test_a_name_is_a_word_of_a_tag() -> None:
    assert len(owner()) < 60 and set(owner()) <= set("0123456789abcdef.")


INSIDE = """
from harness.containers.owners import owner, state
import sys
print(owner(), state(sys.argv[1]), flush=True)
input()
"""


def test_two_real_namespaces_take_each_other_for_gone_only_when_that_is_certain() -> None:
    process = subprocess.Popen(
        ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", INSIDE, owner()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if line:
        other, seen = line.split()
        assert (seen, state(other)) == ("unknown", "unknown")
    _, error = process.communicate("\n")
    if process.returncode:
        assert "Operation not permitted" in error
        pytest.skip("this user may not make a PID namespace")
    # From the first namespace root sees that the other one is empty, unless a process is closed even to root.
    first = Owner(*owner().split(".")).namespace == FIRST_NAMESPACE
    assert state(other) == ("gone" if first and owners._is_empty("1") else "unknown")


def test_a_namespace_is_empty_if_every_process_can_be_seen_and_none_is_in_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(owners, "PROC", tmp_path)
    for number in ("1", "22"):
        (tmp_path / number / "ns").mkdir(parents=True)
        (tmp_path / number / "ns" / "pid").touch()
    (tmp_path / "333").mkdir()  # it has just ended
    busy = str((tmp_path / "22" / "ns" / "pid").stat().st_ino)
    assert (owners._is_empty(busy), owners._is_empty("1")) == (False, True)
    (tmp_path / "4").mkdir()
    (tmp_path / "4" / "ns").touch()  # what can't be read may be in it
    assert owners._is_empty("1") is False


def test_who_does_not_see_all_processes_knows_of_no_empty_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert state(name(namespace="4026539999")) == "unknown"
