"""What is not valid, by trial and level, with all reasons. Pure."""

from __future__ import annotations

from msgspec import Struct

from harness.record.measurement import Measurement, Missing
from harness.record.trial_result import TrialResult
from reports.analysis.analysis import Analysis
from reports.analysis.observations import Measured
from reports.metrics.level_stats import throughput
from reports.sections.elements import Table
from reports.units import listed, quantity


class Fault(Struct, frozen=True):
    """A level that is not valid, or a trial that came to nothing. `place`: the load's title, or the profile's."""

    place: str
    verdict: str
    achieved: str
    problems: tuple[str, ...]


class Problem(Struct, frozen=True):
    """A trial that is not valid at all of its levels."""

    trial: str
    target: str
    block: int
    verdict: str
    faults: tuple[Fault, ...]
    logs: tuple[tuple[str, str], ...]


class Summary(Struct, frozen=True):
    """Faults gathered by target, place and verdict: for the first screen."""

    target: str
    place: str
    verdict: str
    blocks: str
    reason: str


def problems_of(analysis: Analysis) -> tuple[Problem, ...]:
    """Every trial that is not valid."""
    return tuple(_problem(analysis, result) for result in analysis.not_valid)


def measured_again(analysis: Analysis) -> Table:
    """The trials that were measured again because the machine spoilt them: what was wrong at first, and what came then."""
    then = {result.trial.id: _words(result.verdict) for result in analysis.not_valid}
    return Table(
        "Measured again",
        ("Trial", "First", "Then"),
        tuple(
            (result.trial.id, f"{_words(result.verdict)}: {'; '.join(result.problems)}", then.get(result.trial.id, "valid"))
            for result in analysis.superseded
        ),
    )


def _problem(analysis: Analysis, result: TrialResult) -> Problem:
    trial = result.trial
    faults = tuple(_fault(m) for m in analysis.measured if m.trial.id == trial.id and not m.valid)
    if not faults:
        titles = {p.name: p.title for p in analysis.run.plan.profiles}
        achieved = _achieved(result)
        faults = (Fault(titles.get(trial.profile, trial.profile), _words(result.verdict), achieved, result.problems),)
    return Problem(trial.id, trial.target, trial.block, _words(result.verdict), faults, tuple(result.logs.items()))


def _achieved(result: TrialResult) -> str:
    match result.measurement:
        case Missing():
            return "nothing measured"
        case Measurement():
            return "all its levels are valid"
        case _:
            return "measured, and not counted"


def _fault(measured: Measured) -> Fault:
    level = measured.level
    text = f"{quantity(throughput(level), 'requests/s')} answered"
    if measured.load.open:
        text = f"{text} of {quantity(level.rate, 'requests/s')} offered"
    elif level.verdict == "generator_limited":
        # A lower bound: the target could do more than it was asked for.
        text = f"≥ {text}"
    return Fault(measured.load.title, _words(level.verdict), text, level.problems)


def _words(verdict: str) -> str:
    return verdict.replace("_", " ")


def summaries(problems: tuple[Problem, ...]) -> tuple[Summary, ...]:
    """In the order of the first trial of each."""
    gathered: dict[tuple[str, str, str], list[tuple[int, Fault]]] = {}
    for problem in problems:
        for fault in problem.faults:
            gathered.setdefault((problem.target, fault.place, fault.verdict), []).append((problem.block, fault))
    return tuple(
        Summary(
            target,
            place,
            verdict,
            f"block{'s' if len(found) > 1 else ''} {listed([str(block) for block, _ in found])}",
            found[0][1].problems[0] if found[0][1].problems else "no reason was recorded",
        )
        for (target, place, verdict), found in gathered.items()
    )
