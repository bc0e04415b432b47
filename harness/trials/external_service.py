"""A service that fitmap did not start, as a group sees it: an address, and nothing known of its containers."""

from __future__ import annotations

from collections.abc import Mapping

from harness.containers.lifecycle import RunningContainer
from harness.errors import TrialError
from harness.evaluation.inputs import DatabaseReading
from harness.evaluation.statements import NO_STATISTICS, Contract
from harness.plan.external import read_ca
from harness.plan.schedule import warmup_turns
from harness.record.external import NOT_STARTED, UNSEEN, External
from harness.record.measurement import Missing
from harness.record.plan import Trial
from harness.trials.context import Setup
from loadtests.protocol import messages
from loadtests.protocol.group_messages import Copy, CopyReady, Turn
from loadtests.protocol.outside import Outside

#: How long it is tried to reach.
REACH_SECONDS = 10.0


def outside_of(external: External, name: str) -> Outside:
    """Where the load generator finds a service, and its fuse. Raises UsageError."""
    return Outside(
        external.host,
        external.port,
        external.url,
        external.secure,
        read_ca(external, name),
        external.most_requests_per_second,
    )


class ExternalService:
    """The steps of `GroupService`, most of which are not fitmap's to take."""

    unseen: Mapping[str, Missing] = UNSEEN
    contract: Contract | Missing | None = NOT_STARTED
    stop_seconds: float | Missing = NOT_STARTED
    exit_status: int | Missing = NOT_STARTED

    def __init__(self, index: int, trial: Trial, external: External, setup: Setup, family: int) -> None:
        """`family`: see `Copy`. Raises UsageError."""
        self.index = index
        self.target, self.block = trial.target, trial.block
        self.fuse = external.most_requests_per_second
        self.copy = Copy(
            port=external.port,
            service=None,
            database=None,
            meta=None,
            warmup_turns=warmup_turns(setup.targets.get(trial.target), setup.plan.timing),
            family=family,
            ready_timeout_seconds=REACH_SECONDS,
            outside=outside_of(external, trial.target),
        )
        self.ready: CopyReady | None = None
        self.lost: TrialError | None = None
        self.readings: list[DatabaseReading] = []
        self.turns: list[Turn] = []

    def wait_beside(self) -> None:
        """Nothing stands beside it that fitmap knows of."""

    def start(self) -> None:
        """It runs already."""

    def widen(self) -> None:
        """Its CPUs are not fitmap's."""

    def narrow(self) -> None:
        """Its CPUs are not fitmap's."""

    def stop(self) -> None:
        """It goes on running."""

    def containers_by_role(self) -> Mapping[str, RunningContainer]:
        """None that is known."""
        return {}

    def logs(self) -> Mapping[str, str]:
        """None that is known."""
        return {}

    def lose(self, error: TrialError) -> None:
        """Keeps the first reason why it can't be measured."""
        self.lost = self.lost or error

    def read(self, answered: Mapping[str, int]) -> None:
        """Nobody counts its statements."""
        self.readings.append(DatabaseReading(answered, NO_STATISTICS))

    def start_time(self, _hello: messages.Hello) -> float | Missing:
        """How long its start took."""
        return NOT_STARTED

    def faults(self, _oom_kills: int) -> tuple[str, ...]:
        """What went wrong in its containers."""
        return ()
