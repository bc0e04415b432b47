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


def test_a_process_of_another_namespace_or_machine_may_live_whatever_number_it_has() -> None:
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


def test_two_real_namespaces_do_not_take_each_other_for_gone() -> None:
    inside = "from harness.containers.owners import owner, state; import sys; print(owner(), state(sys.argv[1]), flush=True)"
    done = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", f"{inside}; input()", owner()],
        input="\n",
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if done.returncode and "Operation not permitted" in done.stderr:
        pytest.skip("this user may not make a PID namespace")
    other, seen = done.stdout.split()
    assert (seen, state(other)) == ("unknown", "unknown")
