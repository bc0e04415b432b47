"""A failure that nobody foresaw is one sentence, a file with the details and exit status 4: never that of a regression."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from docker.errors import DockerException
from requests.exceptions import ReadTimeout
from urllib3.exceptions import ProtocolError

from harness.cli.ending import Interrupted, run
from harness.cli.history import _user
from harness.errors import TrialError, UsageError
from harness.files import ROOT

BY_PROGRAM = (sys.executable, "-m", "harness.cli.main")


def ended(error: BaseException, folder: Path) -> tuple[int, str]:
    """The exit status and what was said of a command that raises an error."""
    said: list[str] = []

    def command() -> int:
        raise error

    status = run(command, said.append, folder, "interrupted")
    return status, "\n".join(said)


def shell(words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs `fitmap WORDS` in a shell, which can close its streams."""
    return subprocess.run(
        f"exec {' '.join(BY_PROGRAM)} {words}",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=60,
        env={**os.environ, **environment},
    )


def test_a_crash_has_a_sentence_a_file_and_status_4(tmp_path: Path) -> None:
    status, said = ended(ZeroDivisionError("float division\nby zero"), tmp_path)
    assert status == 4
    found = re.fullmatch(r"fitmap: .*ZeroDivisionError: float division by zero.* are in (\S+): .*", said)
    assert found, said
    details = Path(found[1])
    assert details.is_relative_to(tmp_path)
    text = details.read_text()
    assert "Traceback" in text and "in command" in text and "fitmap" in text


def test_a_crash_where_no_record_can_be_written_keeps_its_details_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    status, said = ended(ZeroDivisionError("x"), tmp_path / "file")
    assert status == 4
    found = re.search(r"are in (\S+):", said)
    assert found and Path(found[1]).parent.parent == tmp_path and "Traceback" in Path(found[1]).read_text()


def test_a_crash_where_no_file_can_be_written_says_its_details(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    status, said = ended(ZeroDivisionError("x"), tmp_path / "file")
    assert status == 4 and "Traceback" in said and said.startswith("fitmap: ")


@pytest.mark.parametrize("error", [DockerException("gone"), ReadTimeout("slow"), ProtocolError("broken\noff")])
def test_an_engine_that_breaks_off_is_no_crash(error: Exception, tmp_path: Path) -> None:
    status, said = ended(error, tmp_path)
    assert status == 4 and said.startswith("fitmap: the Docker Engine failed (") and "\n" not in said
    assert not list(tmp_path.iterdir())


def test_errors_of_the_user_keep_their_status(tmp_path: Path) -> None:
    assert ended(UsageError("wrong"), tmp_path) == (2, "fitmap: wrong")
    assert ended(KeyboardInterrupt(), tmp_path) == (130, "fitmap: interrupted")
    assert ended(Interrupted(signal.SIGTERM), tmp_path) == (143, "fitmap: interrupted")
    assert ended(TrialError("start", "no"), tmp_path) == (4, "fitmap: no")


def test_a_pipe_to_something_else_than_the_reader_is_a_failure(tmp_path: Path) -> None:
    status, said = ended(BrokenPipeError(errno.EPIPE, "Broken pipe"), tmp_path)
    assert status == 4 and "Broken pipe" in said


def test_closed_streams_change_no_status(tmp_path: Path) -> None:
    runs = f"--runs {tmp_path}"
    assert shell(f"{runs} list >&-").returncode == 0
    assert shell(f"{runs} list 2>&-").returncode == 0
    assert shell(f"{runs} report 2>&- >&- <&-").returncode == 2
    # The numbers of the streams are taken, so that no file of a record gets them.
    assert shell(f"{runs} history --history {tmp_path}/none list >&-").stderr == ""


def test_an_output_that_is_full_is_a_sentence_and_status_4(tmp_path: Path) -> None:
    for words in ("list", "--help"):
        done = shell(f"--runs {tmp_path} {words} >/dev/full", PYTHONUNBUFFERED="")
        assert (done.returncode, done.stderr) == (
            4,
            "fitmap: standard output can't be written (No space left on device): make room, or write it elsewhere\n",
        )
    assert shell(f"--runs {tmp_path} report 2>/dev/full").returncode == 2


def test_a_full_output_without_a_buffer_is_status_4_too(tmp_path: Path) -> None:
    done = shell(f"--runs {tmp_path} list >/dev/full", PYTHONUNBUFFERED="1")
    assert done.returncode == 4 and "No space left" in done.stderr and "Traceback" not in done.stderr


def test_letters_that_the_output_does_not_know_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "µ").mkdir()
    (tmp_path / "µ" / "run.json").write_text("{")
    done = shell(f"--runs {tmp_path} list", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "  ?: " in done.stdout
    assert shell(f"--runs {tmp_path} report µ", PYTHONIOENCODING="ascii").returncode == 2


@pytest.mark.parametrize("host", ["tcp://127.0.0.1:99999", "tcp://127.0.0.1:word", "tcp://::1:2375", "tcp://[::1]:1"])
def test_an_address_of_the_engine_that_is_none_is_a_sentence(host: str, tmp_path: Path) -> None:
    done = shell(f"--runs {tmp_path} build go", DOCKER_HOST=host)
    assert done.returncode == 4
    assert done.stderr.startswith(f"fitmap: no engine answers at DOCKER_HOST={host}") and done.stderr.count("\n") == 1


def test_a_machine_without_git_does_all_that_needs_no_git(tmp_path: Path) -> None:
    """pygount imports GitPython, which refuses to be imported where there is no git."""
    assert shell(f"--runs {tmp_path} list", PATH=str(tmp_path)).returncode == 0
    done = shell(f"--runs {tmp_path} compare HEAD .", PATH=str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "git is not installed, or not on PATH" in done.stderr


def test_a_user_without_a_name_may_accept_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 987_654_321)
    assert _user() == "user 987654321"


def test_a_reader_of_the_messages_that_goes_away_ends_the_command_like_any_reader(tmp_path: Path) -> None:
    process = subprocess.Popen((*BY_PROGRAM, "--runs", str(tmp_path), "report"), stderr=subprocess.PIPE, cwd=ROOT)
    assert process.stderr is not None
    process.stderr.close()
    assert process.wait(30) == 141
