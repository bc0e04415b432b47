"""Why an own service is not ready, ends wrongly, or has nothing to talk to: one sentence that says what to change."""

from __future__ import annotations

import os
import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.containers.lifecycle import RunningContainer
from harness.errors import TrialError
from harness.trials import own_readiness
from harness.trials.group_service import NO_DRAIN, GroupService
from harness.trials.own_readiness import migrate, wait_until_listening, why_not_ready


def container(log: str = "one\n  two \n", *, runs: bool = True, status: int | None = 0, pid: int = 0) -> RunningContainer:
    made = SimpleNamespace(
        state=lambda: {"Running": runs}, log_tail=lambda: log, pid=pid, start=lambda: None, wait=lambda _seconds: status
    )
    return cast("RunningContainer", made)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_service_that_listens_elsewhere_is_told_where() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        said = why_not_ready(container(pid=os.getpid()), "checkout", 1, "/health did not answer")
        assert said.startswith("checkout listens on ") and f"127.0.0.1:{port}" in said
        assert said.endswith(", not on 127.0.0.1:1: its environment must set both")


def test_a_service_that_does_not_answer_is_told_with_its_last_lines() -> None:
    assert why_not_ready(container(), "checkout", 1, "/health did not answer 200 within 30 s (status 503)") == (
        "checkout: /health did not answer 200 within 30 s (status 503); its last lines: one / two"
    )
    assert why_not_ready(container(""), "checkout", 1, "x").endswith("its last lines: (it printed nothing)")


def test_what_stands_beside_a_service_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wait_until_listening(container(), "redis", listener.getsockname()[1])
    port = free_port()
    with pytest.raises(TrialError, match=r"^redis ended while it started; its last lines: one / two$"):
        wait_until_listening(container(runs=False), "redis", port)
    monkeypatch.setattr(own_readiness, "LISTEN_SECONDS", 0.0)
    with pytest.raises(TrialError) as refused:
        wait_until_listening(container(), "redis", port)
    assert refused.value.reason == (
        f"redis did not listen on 127.0.0.1:{port} within 0 s: its environment or command must set that port; "
        "its last lines: one / two"
    )


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(3, "migrate ended with status 3; its last lines: one / two"), (None, "migrate did not end within 300 s; its last")],
)
def test_a_migration_that_fails_is_told(status: int | None, sentence: str) -> None:
    migrate(container(status=0))
    with pytest.raises(TrialError) as refused:
        migrate(container(status=status))
    assert refused.value.reason.startswith(sentence)


def test_a_clean_stop_is_judged_where_the_manifest_keeps_it() -> None:
    def faults(own: Any, status: int) -> tuple[str, ...]:
        service = GroupService.__new__(GroupService)
        service.target, service.own, service.lost, service.started_ns = "checkout", own, None, 0
        service.exit_status, service._oom_killed = NO_DRAIN, False
        service.container = cast("RunningContainer", SimpleNamespace(stop=lambda _seconds: (status, False)))
        service.stop()
        return service.faults(0)

    assert faults(SimpleNamespace(keeps=("drain",)), 143) == (
        'checkout keeps "drain" but ended with status 143: mend it or take it out of keeps',
    )
    assert faults(SimpleNamespace(keeps=()), 137) == ()
    assert faults(None, 1) == ("the service ended with status 1 after SIGTERM, not 0",)
    assert faults(None, 0) == ()
