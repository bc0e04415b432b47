"""Counters from cgroup files, v1 and v2, as kernels write them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.host.cgroup import Cgroup, CgroupGone
from harness.host.counters import from_stats
from harness.host.processes import Seen, look
from harness.record.samples import Counters


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def status(kibibytes: int) -> str:
    return f"Name:\tjava\nVmRSS:\t 900 kB\nRssAnon:\t 800 kB\nRssFile:\t {kibibytes} kB\nRssShmem:\t 1 kB\n"


def test_version_1_with_controllers_of_their_own(tmp_path: Path) -> None:
    group = "docker/abc"
    write(
        tmp_path / "cg",
        {
            f"cpuacct/{group}/cpuacct.usage": "123456789\n",
            f"cpu/{group}/cpu.stat": "nr_periods 9\nnr_throttled 2\nthrottled_time 77\n",
            f"memory/{group}/memory.usage_in_bytes": "1000\n",
            f"memory/{group}/memory.max_usage_in_bytes": "1500\n",
            f"memory/{group}/memory.stat": "cache 5\ntotal_inactive_file 300\ntotal_rss 600\n"
            "total_shmem 70\ntotal_mapped_file 90\n",
            f"memory/{group}/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
            f"memory/{group}/cgroup.procs": "7\n12\n13\n",
        },
    )
    lines = [f"4:memory:/{group}", f"3:cpuacct:/{group}", f"2:cpu:/{group}", "0::/unrelated"]
    write(tmp_path / "proc", {"7/cgroup": "\n".join(lines) + "\n", "7/status": status(3), "12/status": status(5)})
    counters = Cgroup(7, tmp_path / "proc", tmp_path / "cg").read()
    assert counters == Counters(123456789, 1000, 300, 670, 1500, 2, 1, 5 * 1024)


def test_version_1_with_controllers_mounted_together(tmp_path: Path) -> None:
    write(
        tmp_path / "cg",
        {
            "cpuacct/d/x/cpuacct.usage": "5",
            "cpu/d/x/cpu.stat": "nr_throttled 0\n",
            "memory/d/x/memory.usage_in_bytes": "10",
            "memory/d/x/memory.stat": "total_inactive_file 1\ntotal_rss 2\n",
            "memory/d/x/memory.oom_control": "under_oom 0\n",
        },
    )
    write(tmp_path / "proc", {"8/cgroup": "5:cpu,cpuacct:/d/x\n4:memory:/d/x\n"})
    assert Cgroup(8, tmp_path / "proc", tmp_path / "cg").read() == Counters(5, 10, 1, 2, None, 0, None)


def test_version_2(tmp_path: Path) -> None:
    folder = "system.slice/docker-abc.scope"
    write(
        tmp_path / "cg",
        {
            f"{folder}/cpu.stat": "usage_usec 2500\nuser_usec 2000\nnr_throttled 3\n",
            f"{folder}/memory.current": "4096\n",
            f"{folder}/memory.peak": "8192\n",
            f"{folder}/memory.stat": "anon 1024\nfile 3072\ninactive_file 2048\nshmem 512\nfile_mapped 500\n",
            f"{folder}/memory.events": "low 0\noom 0\noom_kill 0\n",
            f"{folder}/cgroup.procs": "9\n",
        },
    )
    write(tmp_path / "proc", {"9/cgroup": f"0::/{folder}\n", "9/status": status(4)})
    cgroup = Cgroup(9, tmp_path / "proc", tmp_path / "cg")
    assert cgroup.read() == Counters(2_500_000, 4096, 2048, 1524, 8192, 3, 0, 4096)
    cgroup.close()
    cgroup.close()
    with pytest.raises(CgroupGone):
        cgroup.read()


def test_of_several_processes_the_one_that_has_mapped_the_most_of_files_counts(tmp_path: Path) -> None:
    """They share the pages of their program. One has ended, and one is a zombie, which has no memory."""
    zombie = "Name:\tjava\nState:\tZ (zombie)\n"
    write(tmp_path, {"procs": "3\n4\n5\n6\n", "3/status": status(10), "4/status": status(12), "6/status": zombie})
    assert look(tmp_path / "procs", tmp_path) == Seen(12 * 1024)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_a_process_that_is_stopped_is_seen(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        write(tmp_path, {"procs": f"{os.getpid()}\n{process.pid}\n"})
        assert not look(tmp_path / "procs").stopped
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        assert look(tmp_path / "procs").stopped
        process.kill()


@pytest.mark.parametrize("procs", ["", "3\n", "0\n"])
def test_processes_that_are_hidden_are_not_known(tmp_path: Path, procs: str) -> None:
    assert look(tmp_path / "procs", tmp_path) == Seen()
    write(tmp_path, {"procs": procs})
    assert look(tmp_path / "procs", tmp_path) == Seen()


def test_mapped_files_are_counted_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter((10.0, 10.9, 11.0))
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    files = {"cpu.stat": "usage_usec 1\n", "memory.current": "1\n", "memory.events": "oom_kill 0\n", "cgroup.procs": "9\n"}
    write(tmp_path / "cg/x", {**files, "memory.stat": "anon 1\ninactive_file 0\nshmem 0\nfile_mapped 0\n"})
    write(tmp_path / "proc/9", {"cgroup": "0::/x\n", "status": status(4)})
    cgroup = Cgroup(9, tmp_path / "proc", tmp_path / "cg")
    found = []
    for kibibytes in (4, 5, 6):
        write(tmp_path / "proc/9", {"status": status(kibibytes)})
        found.append(cgroup.read().mapped_file_bytes)
    cgroup.close()
    assert found == [4096, 4096, 6144]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_a_cgroup_without_all_its_files_leaves_none_open(tmp_path: Path) -> None:
    write(tmp_path / "cg", {"x/cpu.stat": "usage_usec 1\n", "x/memory.current": "1\n"})
    write(tmp_path / "proc", {"9/cgroup": "0::/x\n"})
    before = open_files()
    with pytest.raises(CgroupGone):
        Cgroup(9, tmp_path / "proc", tmp_path / "cg")
    assert open_files() == before


def test_the_cgroup_of_a_container_that_has_ended_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CgroupGone):
        Cgroup(1, tmp_path, tmp_path)


def test_the_engines_stats_of_cgroup_v1_leave_shared_memory_out_of_which_the_lists_of_pages_know() -> None:
    detail = {
        "total_rss": 3_000_000,
        "total_active_anon": 1_000_000,
        "total_inactive_anon": 62_000_000,
        "total_mapped_file": 65_000_000,
        "total_inactive_file": 0,
    }
    stats = {"cpu_stats": {"cpu_usage": {"total_usage": 1}}, "memory_stats": {"usage": 70_000_000, "stats": detail}}
    assert from_stats(stats).anonymous_bytes == 63_000_000
