"""Report section for validity: trials that are not valid, with all reasons, and the noise assessment."""

from __future__ import annotations

from statistics import median

from msgspec import Struct
from scipy.special import bdtrc

from harness.record.measurement import Measurement, Missing
from harness.record.trial_result import TrialResult
from reports.analysis.analysis import Analysis
from reports.analysis.observations import LevelObservation
from reports.comparison.repeatability import scatter, separations
from reports.metrics.catalogue import BY_ID
from reports.metrics.level_stats import throughput
from reports.sections.elements import Row, Table
from reports.units import listed, quantity

#: Coefficients of variation over trials up to which a record counts as quiet, and as noisy; above, very noisy.
QUIET, NOISY = 0.03, 0.08
#: Twins count as different if chance alone explains what was seen with this probability or less.
RARE = 0.001
_NOISE_METRICS = ("throughput", "cpu")


class Fault(Struct, frozen=True):
    """A level that is not valid, or a trial without a measurement. `scope`: title of the load or profile."""

    scope: str
    verdict: str
    achieved: str
    problems: tuple[str, ...]


class Problem(Struct, frozen=True):
    """A trial with at least one level that is not valid."""

    trial: str
    target: str
    block: int
    verdict: str
    faults: tuple[Fault, ...]
    logs: tuple[tuple[str, str], ...]


class Summary(Struct, frozen=True):
    """Faults gathered by target, scope and verdict, for the first screen."""

    target: str
    scope: str
    verdict: str
    blocks: str
    reason: str


def problems_of(analysis: Analysis) -> tuple[Problem, ...]:
    """The problems of every trial that is not valid."""
    faults: dict[str, list[Fault]] = {}
    for m in analysis.measured:
        if not m.valid:
            faults.setdefault(m.trial.id, []).append(_fault(m))
    return tuple(_problem(analysis, result, tuple(faults.get(result.trial.id, ()))) for result in analysis.not_valid)


def repeated_trials(analysis: Analysis) -> Table:
    """The trials repeated because the host disturbed them: first verdict with reasons, and second verdict."""
    then = {result.trial.id: _words(result.verdict) for result in analysis.not_valid}
    return Table(
        "Repeated trials",
        ("Trial", "First attempt", "Second attempt"),
        tuple(
            (result.trial.id, f"{_words(result.verdict)}: {'; '.join(result.problems)}", then.get(result.trial.id, "valid"))
            for result in analysis.superseded
        ),
    )


def _problem(analysis: Analysis, result: TrialResult, faults: tuple[Fault, ...]) -> Problem:
    trial = result.trial
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
            return "measured, but not counted"


def _fault(measured: LevelObservation) -> Fault:
    level = measured.level
    text = f"{quantity(throughput(level), 'requests/s')} answered"
    if measured.load.open:
        text = f"{text} of {quantity(level.rate, 'requests/s')} offered"
    elif level.verdict == "generator_limited":
        # A lower bound: the target could do more than the generator asked for.
        text = f"≥ {text}"
    return Fault(measured.load.title, _words(level.verdict), text, level.problems)


def _words(verdict: str) -> str:
    return verdict.replace("_", " ")


def summaries(problems: tuple[Problem, ...]) -> tuple[Summary, ...]:
    """One summary per target, scope and verdict, in the order of its first trial."""
    gathered: dict[tuple[str, str, str], list[tuple[int, Fault]]] = {}
    for problem in problems:
        for fault in problem.faults:
            gathered.setdefault((problem.target, fault.scope, fault.verdict), []).append((problem.block, fault))
    return tuple(
        Summary(
            target,
            scope,
            verdict,
            f"block{'s' if len(found) > 1 else ''} {listed([str(block) for block, _ in found])}",
            found[0][1].problems[0] if found[0][1].problems else "no reason was recorded",
        )
        for (target, scope, verdict), found in gathered.items()
    )


class Noise(Struct, frozen=True):
    """The assessment's word, and the sentence with the figures behind it."""

    word: str
    sentence: str


class NoiseAssessment(Struct, frozen=True):
    """What the validity section says about noise: the record's, the machine's, and that of twins.

    `variation`: the coefficient of variation between trials, median over targets and loads; None where it is unknown.
    `twins_differ`: whether more twins differ than chance explains.
    """

    noise: Noise
    variation: float | None
    twins_differ: bool
    machine: str
    scatter: Table
    twins: str
    twin_table: Table


def assess_noise(analysis: Analysis) -> NoiseAssessment:
    """The noise assessment of a record."""
    titles = {scope.id or "run": scope.title for scope in analysis.scopes}
    cells = scatter(analysis)
    rows: list[Row] = [
        (titles[c.scope], BY_ID[c.metric].title, c.target, str(c.trials), f"{c.variation:.1%}") for c in cells
    ]
    variations = [c.variation for c in cells if c.metric in _NOISE_METRICS]
    pairs = separations(analysis)
    level = analysis.run.configuration.report.confidence_percent
    twins = (
        "This record has no A/A test: a service that fitmap did not start has no twin."
        if analysis.run.elsewhere
        else "This record has no A/A test. `fitmap bench --twins` measures each target twice under two names, which must "
        "not differ."
    )
    if pairs:
        apart = sum(pair.apart for pair in pairs)
        twins = (
            f"Twins (one image under two names) differ in {apart} of {len(pairs)} comparisons. With {level:g} % intervals, "
            f"about {len(pairs) * (1 - level / 100):.1f} are expected by chance."
        )
    return NoiseAssessment(
        noise=_noise(variations),
        variation=median(variations) if variations else None,
        twins_differ=bool(pairs) and _many(sum(pair.apart for pair in pairs), len(pairs), 1 - level / 100),
        machine=" ".join(filter(None, (_machine(analysis), _rounds(analysis)))),
        scatter=Table(
            "Coefficient of variation over the valid trials",
            ("Where", "Metric", "Target", "Trials", "Variation"),
            tuple(rows),
        ),
        twins=twins,
        twin_table=Table(
            "Ratios of targets to their twins",
            ("Where", "Metric", "Target", "Interval of the ratio", "Differs"),
            tuple(
                (titles[p.scope], BY_ID[p.metric].title, p.target, f"{p.low:.3f}–{p.high:.3f}", "yes" if p.apart else "no")
                for p in pairs
            ),
        ),
    )


def _many(apart: int, pairs: int, chance: float) -> bool:
    """Whether so many of the pairs differ that chance alone gives as many less than once in a thousand times."""
    return apart > 0 and float(bdtrc(apart - 1, pairs, chance)) < RARE


def _machine(analysis: Analysis) -> str:
    """How much the CPU speed probe varied on the service's CPUs."""
    speeds = [m.level.speed["service"] for m in analysis.measured if "service" in m.level.speed]
    if not speeds:
        return "This record does not say how fast the machine was during the trials."
    quickest = min(speed.quick_microseconds for speed in speeds)
    slower = sorted(speed.mean_microseconds / quickest - 1 for speed in speeds)
    return (
        f"CPU speed probe: a fixed piece of work on the service's CPUs took {median(slower):.0%} longer than at its "
        f"quickest in the median window, and {slower[-1]:.0%} longer in the worst. On a dedicated machine both are close "
        "to zero. A noisy neighbour on the other hardware thread of a core costs up to two thirds of the speed. The "
        "figures of this page are as measured. Comparisons of runs and versions correct for it."
    )


def _rounds(analysis: Analysis) -> str:
    """The state of the machine by the rounds of the run; empty where nothing was measured in slices."""
    if not analysis.loud:
        return ""
    dearer = sorted(each.dearer - 1 for each in analysis.loud)
    told = [entry.by_state for ranking in analysis.rankings for entry in ranking.entries if entry.by_state]
    depending = sum(each.depends for each in told)
    return (
        f"Rounds of slices: in the loud third of the rounds a request took {median(dearer):.1%} more CPU time than in the "
        f"quiet third (median over the loads; {dearer[-1]:.1%} at the worst one). Of {len(told)} ratios to a leader "
        f"{depending} differ between the two by more than their intervals."
    )


def _noise(variations: list[float]) -> Noise:
    if not variations:
        return Noise("unknown", "No target has two valid trials at a load, so the noise is unknown.")
    middle = median(variations)
    word = "quiet" if middle <= QUIET else "noisy" if middle <= NOISY else "very noisy"
    advice = {
        "quiet": "With enough blocks, differences of a few percent can be shown.",
        "noisy": "Differences under a tenth need many blocks, and intervals here are wide.",
        "very noisy": "Only large differences can be trusted. See `fitmap doctor` and docs/guide/benchmark-machine.md.",
    }
    return Noise(
        word,
        f"Throughput and CPU per request vary by {middle:.1%} between trials (coefficient of variation, median over targets "
        f"and loads; worst cell {max(variations):.1%}). {advice[word]}",
    )
