"""The scripts that CI runs, on real git repositories: what two jobs push at once is all there, nothing is ever forced."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from harness.files import ROOT
from reports.regression.history import HistoryEntry, append, parse

PUSH, GATE = ROOT / "ci/push-history.sh", ROOT / "ci/gate.sh"


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/usr/bin/env bash\nset -euo pipefail\n{text}\n")
    path.chmod(0o755)
    return path


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def entry(run: str) -> HistoryEntry:
    return HistoryEntry(1, run, run, None, "host", "local", 3, "content", {}, {"go|cpu@saturate|p99": 1.0}, {}, 1, 0)


def environment(**changes: str) -> dict[str, str]:
    mine = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "PYTHONPATH": str(ROOT)}
    return {**os.environ, **mine, **changes}


@pytest.fixture
def fitmap(tmp_path: Path) -> Path:
    return script(tmp_path / "fitmap", f'exec {sys.executable} -m harness.cli.main "$@"')


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--bare", "remote")
    return tmp_path / "remote"


def clone(remote: Path, name: str, *runs: str) -> Path:
    folder = remote.with_name(name)
    git(remote.parent, "clone", "--quiet", str(remote), name)
    append(folder / "new.jsonl", [entry(run) for run in runs])
    return folder


def push(folder: Path, fitmap: Path, **changes: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [PUSH, "new.jsonl"], cwd=folder, env=environment(FITMAP=str(fitmap), **changes), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def finished(*jobs: subprocess.Popen[str]) -> list[int]:
    said = [job.communicate(timeout=120)[0] for job in jobs]
    print(*said)
    return [job.returncode for job in jobs]


def runs_in(remote: Path, branch: str = "bench-history") -> list[str]:
    history = parse(git(remote, "show", f"{branch}:history.jsonl").encode(), "history.jsonl")
    assert history.warnings == ()
    return [each.run for each in history.entries]


def test_what_two_jobs_push_at_once_is_all_there(remote: Path, fitmap: Path) -> None:
    # The branch does not exist yet: both try to begin it. Then both add to it.
    for number in ("1", "2"):
        jobs = [push(clone(remote, f"{name}{number}", f"run-{name}{number}"), fitmap) for name in "ab"]
        assert finished(*jobs) == [0, 0]
    assert runs_in(remote) == ["run-a1", "run-a2", "run-b1", "run-b2"]
    assert git(remote, "rev-list", "--count", "bench-history") == "4"


def test_a_job_that_is_overtaken_merges_and_tries_again(remote: Path, fitmap: Path, tmp_path: Path) -> None:
    mine, other = clone(remote, "mine", "run-mine"), clone(remote, "other", "run-other")
    # The other job pushes after mine has read the branch and before it pushes: once.
    slow = script(
        tmp_path / "slow",
        f'if [ ! -e {tmp_path}/once ]; then touch {tmp_path}/once; (unset GIT_INDEX_FILE; cd {other}; '
        f'FITMAP={fitmap} {PUSH} new.jsonl); fi\nexec {fitmap} "$@"',
    )  # fmt: skip
    assert finished(push(mine, slow)) == [0]
    assert runs_in(remote) == ["run-mine", "run-other"]


def test_a_run_is_pushed_once_and_other_files_and_the_work_tree_stay(remote: Path, fitmap: Path) -> None:
    folder = clone(remote, "mine", "run-1")
    git(folder, "checkout", "--quiet", "-b", "bench-history")
    (folder / "README").write_text("what this branch is")
    git(folder, "add", "README")
    git(folder, "-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "--quiet", "-m", "x")
    git(folder, "push", "--quiet", "origin", "bench-history")
    before = git(folder, "status", "--porcelain"), git(folder, "rev-parse", "HEAD")
    assert finished(push(folder, fitmap)) == [0]
    assert finished(push(folder, fitmap)) == [0]
    assert runs_in(remote) == ["run-1"]
    assert git(remote, "show", "bench-history:README") == "what this branch is"
    assert git(remote, "rev-list", "--count", "bench-history") == "2"
    assert (git(folder, "status", "--porcelain"), git(folder, "rev-parse", "HEAD")) == before


def test_a_remote_that_does_not_answer_begins_no_new_history(remote: Path, fitmap: Path, tmp_path: Path) -> None:
    folder = clone(remote, "mine", "run-1")
    job = push(folder, fitmap, FITMAP_REMOTE=str(tmp_path / "nowhere"))
    assert "does not answer" in job.communicate(timeout=120)[0]
    assert job.returncode == 4


def test_the_token_is_for_git_alone(remote: Path, fitmap: Path, tmp_path: Path) -> None:
    seen = script(tmp_path / "seen", f'env >{tmp_path}/environment\nexec {fitmap} "$@"')
    assert finished(push(clone(remote, "mine", "run-1"), seen, FITMAP_TOKEN="secret-4711")) == [0]
    assert runs_in(remote) == ["run-1"]
    told = (tmp_path / "environment").read_text()
    assert "secret-4711" not in told and base64.b64encode(b"fitmap:secret-4711").decode() not in told


def test_git_sends_the_token_to_a_remote_on_the_web(remote: Path, fitmap: Path) -> None:
    sent: list[str | None] = []

    class Host(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent.append(self.headers["Authorization"])
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Host) as host:
        Thread(target=host.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{host.server_port}/fitmap.git"
        job = push(clone(remote, "mine", "run-1"), fitmap, FITMAP_REMOTE=address, FITMAP_TOKEN="secret-4711")
        assert finished(job) == [4]
        host.shutdown()
    assert set(sent) == {"Basic " + base64.b64encode(b"fitmap:secret-4711").decode()}


FAKE = """
echo "$*" >>calls
case "$*" in
doctor) echo good; exit {doctor} ;;
*" gate"*)
  mkdir -p artifacts/runs/one artifacts/runs/again
  if [ {status} != 4 ]; then
    echo '{{"verdict": "{verdict}"}}' >artifacts/runs/one/gate.json
    (cd artifacts/runs/one; touch gate.md gate.junit.xml bencher.json github-action-benchmark-{{bigger,smaller}}.json)
  fi
  exit {status} ;;
esac
"""


def gate(
    tmp_path: Path,
    *arguments: str,
    status: int = 0,
    verdict: str = "fine",
    doctor: int = 0,
    branch: bool = True,
    fake: str = FAKE,
) -> tuple[int, list[str], set[str]]:
    """Exit status, what fitmap was asked for, and what is in artifacts/."""
    folder = tmp_path / "work"
    (folder / "ci").mkdir(parents=True)
    (folder / "ci/gate.sh").symlink_to(GATE)
    (folder / "artifacts").mkdir()
    (folder / "artifacts/gate.md").write_text("of an earlier run")
    git(folder, "init", "--quiet")
    if branch:
        name = ("-c", "user.name=x", "-c", "user.email=x@localhost")
        git(folder, *name, "commit", "--quiet", "--allow-empty", "-m", "x")
        git(folder, "update-ref", "refs/remotes/origin/bench-history", "HEAD")
    program = script(tmp_path / "fake", fake.format(status=status, verdict=verdict, doctor=doctor))
    done = subprocess.run(["ci/gate.sh", *arguments], cwd=folder, env=environment(FITMAP=str(program)), check=False)
    calls = (folder / "calls").read_text().splitlines()
    return done.returncode, calls, {path.name for path in (folder / "artifacts").iterdir()}


FILES = {
    "gate.json", "gate.md", "gate.junit.xml", "bencher.json", "github-action-benchmark-bigger.json",
    "github-action-benchmark-smaller.json", "runs", "doctor.txt", "gate.txt",
}  # fmt: skip


@pytest.mark.parametrize(("status", "verdict"), [(0, "fine"), (0, "learning"), (1, "regressed"), (3, "inconclusive")])
def test_a_nights_run_knows_the_history_and_passes_its_status_on(tmp_path: Path, status: int, verdict: str) -> None:
    code, calls, files = gate(tmp_path, "--target=go", status=status, verdict=verdict)
    assert (code, files) == (status, FILES)
    assert calls == [
        "doctor",
        "history --history artifacts/history.jsonl add --branch refs/remotes/origin/bench-history",
        "--runs artifacts/runs gate --history artifacts/history.jsonl --target=go",
    ]


def test_the_first_run_of_all_has_no_history(tmp_path: Path) -> None:
    code, calls, _ = gate(tmp_path, "--base=HEAD^1", branch=False)
    assert (code, calls) == (0, ["doctor", "--runs artifacts/runs gate --history artifacts/history.jsonl --base=HEAD^1"])


def test_a_harness_that_failed_leaves_no_verdict_of_an_earlier_run(tmp_path: Path) -> None:
    code, _, files = gate(tmp_path, status=4)
    assert (code, files) == (4, {"runs", "doctor.txt", "gate.txt"})


@pytest.mark.parametrize("status", [127, 137, 139])
def test_a_harness_that_was_killed_failed(tmp_path: Path, status: int) -> None:
    assert gate(tmp_path, status=status)[0] == 4


def test_a_machine_that_cant_measure_is_told_before_anything_is_built(tmp_path: Path) -> None:
    code, calls, files = gate(tmp_path, doctor=4)
    assert (code, calls, files) == (4, ["doctor"], {"doctor.txt"})


@pytest.mark.parametrize("status", [0, 1, 3])
def test_artifacts_that_cant_be_written_are_no_regression(tmp_path: Path, status: int) -> None:
    """cp and tee end with 1, as a confirmed regression does."""
    fake = FAKE.replace("touch gate.md", "mkdir gate.md")  # cp without -r refuses a folder
    assert fake != FAKE
    code, _, _ = gate(tmp_path, status=status, fake=fake)
    assert code == 4


def jobs() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load((ROOT / ".github/workflows/bench.yml").read_text())["jobs"]
    return found


def steps(job: str) -> dict[str, Mapping[str, Any]]:
    return {step.get("name", step.get("run", step.get("uses"))): step for step in jobs()[job]["steps"]}


def test_what_may_write_runs_no_code_of_a_pull_request_and_forks_run_nothing() -> None:
    measure, history, comment = (jobs()[name] for name in ("measure", "history", "comment"))
    assert measure["permissions"] == {"contents": "read"}
    assert measure["steps"][0]["with"]["persist-credentials"] is False
    assert "head.repo.full_name == github.repository" in measure["if"]
    assert history["permissions"] == {"contents": "write"}
    assert "pull_request" not in history["if"]
    assert "event_name == 'schedule'" in history["if"] and "event_name == 'workflow_dispatch'" in history["if"]
    assert comment["permissions"] == {"pull-requests": "write"}
    assert not any("checkout" in step.get("uses", "") for step in comment["steps"])


def test_no_expression_reaches_a_shell() -> None:
    for job in ("measure", "history", "comment"):
        for step in steps(job).values():
            assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("known", [True, False])
def test_the_comment_of_before_is_written_anew(tmp_path: Path, known: bool) -> None:
    step = steps("comment")["Write the comment, or write it anew"]
    address = "https://api.example.invalid/repos/o/r/issues/comments/7"
    answer = f'case "$*" in *--jq*) {f"echo {address}; echo {address}1" if known else ":"} ;; *) echo "$*" >>calls ;; esac'
    script(tmp_path / "gh", answer)
    (tmp_path / "gate.md").write_text("<!-- fitmap-gate -->\n")
    env = environment(PATH=f"{tmp_path}:{os.environ['PATH']}", COMMENTS="repos/o/r/issues/1/comments", ONES_OWN="x")
    subprocess.run(["bash", "-eo", "pipefail", "-c", step["run"]], cwd=tmp_path, env=env, check=True)
    there = ("PATCH", address) if known else ("POST", "repos/o/r/issues/1/comments")
    assert (tmp_path / "calls").read_text() == f"api --silent --method {there[0]} {there[1]} --field body=@gate.md\n"


@pytest.mark.parametrize(
    ("status", "setting", "code"),
    [("0", "warn", 0), ("1", "warn", 1), ("2", "warn", 2), ("3", "warn", 0), ("3", "fail", 3), ("4", "warn", 4)],
)
def test_what_could_not_be_judged_is_a_warning_unless_it_is_to_fail(status: str, setting: str, code: int) -> None:
    run = steps("measure")["Verdict"]["run"]
    env = environment(STATUS=status, INCONCLUSIVE=setting)
    done = subprocess.run(["bash", "-eo", "pipefail", "-c", run], env=env, check=False, capture_output=True, text=True)
    assert done.returncode == code
    assert ("::warning" in done.stdout) == (status == "3" and setting == "warn")


def test_the_marker_that_the_comment_is_found_by_is_the_one_that_is_written() -> None:
    from reports.export.gate_markdown import MARKER

    assert json.dumps(MARKER) in steps("comment")["Write the comment, or write it anew"]["env"]["ONES_OWN"]
