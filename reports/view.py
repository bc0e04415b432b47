"""What the templates get: the report as nested frozen data, every number already text."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from harness.record import Missing, Run, TrialResult
from reports import figures
from reports.analysis import Analysis, classes
from reports.environment import Pairs, TargetFacts, environment, target_facts
from reports.figures import Figure, Section
from reports.metrics import BY_ID
from reports.sentences import Span, Verdict, undecidable, verdicts, who_leads
from reports.standings import Entry, Standing
from reports.units import factor, listed, quantity, span


class Cell(Struct, frozen=True):
    """A target's place on an axis. `state`: wins, tie, ranked, unranked."""

    target: str
    value: str
    detail: str
    behind: str
    state: str
    group: int | None


class MatrixRow(Struct, frozen=True):
    """An axis."""

    title: str
    better: str
    lead: tuple[Span, ...]
    cells: tuple[Cell, ...]


class MatrixGroup(Struct, frozen=True):
    """The axes of a profile, or of the whole run."""

    title: str
    question: str
    rows: tuple[MatrixRow, ...]


class Matrix(Struct, frozen=True):
    """The win matrix of one class."""

    target_class: str
    targets: tuple[str, ...]
    groups: tuple[MatrixGroup, ...]


class Problem(Struct, frozen=True):
    """A trial that is not valid."""

    trial: str
    target: str
    profile: str
    block: int
    verdict: str
    throughput: str
    problems: tuple[str, ...]
    logs: tuple[tuple[str, str], ...]


class Summary(Struct, frozen=True):
    """Trials that are not valid, gathered by target, profile and verdict: for the first screen."""

    target: str
    profile: str
    verdict: str
    blocks: str
    reason: str


class View(Struct, frozen=True):
    """The whole report."""

    run: Run
    subtitle: str
    planned: int
    valid: int
    problems: tuple[Problem, ...]
    summaries: tuple[Summary, ...]
    pending: tuple[str, ...]
    complaints: tuple[str, ...]
    undecidable: bool
    several_classes: bool
    verdicts: tuple[Verdict, ...]
    matrices: tuple[Matrix, ...]
    axes: tuple[Section, ...]
    latency: tuple[Figure, ...]
    parts: tuple[Figure, ...]
    over_time: tuple[Section, ...]
    environment: tuple[tuple[str, Pairs], ...]
    images: tuple[tuple[str, str, str], ...]
    targets: tuple[TargetFacts, ...]
    relevance: str
    tail_relevance: str
    confidence: str


def make_view(analysis: Analysis, folder: Path) -> View:
    """All of the report. `folder`: where the record's samples are."""
    run = analysis.run
    profiles = run.plan.profiles
    problems = tuple(_problem(analysis, result) for result in analysis.not_valid)
    return View(
        run=run,
        subtitle=_subtitle(run),
        planned=len(run.plan.trials),
        valid=sum(m.valid for m in analysis.measured),
        problems=problems,
        summaries=_summaries(problems),
        pending=tuple(trial.id for trial in analysis.pending),
        complaints=analysis.complaints,
        undecidable=undecidable(analysis),
        several_classes=len(classes(run)) > 1,
        verdicts=verdicts(analysis),
        matrices=tuple(_matrix(analysis, target_class) for target_class in classes(run)),
        axes=figures.axis_sections(analysis),
        latency=tuple(figures.latency_figure(analysis, p, f"latency-{i}") for i, p in enumerate(profiles)),
        parts=tuple(f for i, p in enumerate(profiles) for f in figures.parts_figures(analysis, p, f"parts-{i}")),
        over_time=tuple(figures.time_section(analysis, p, f"time-{i}", folder) for i, p in enumerate(profiles)),
        environment=environment(analysis),
        images=tuple((name, f"{image.size_bytes / 1e6:,.1f} MB", image.id) for name, image in run.images.items()),
        targets=tuple(target_facts(analysis, target) for target in run.plan.targets),
        relevance=f"{run.configuration.report.relevance_percent:g} %",
        tail_relevance=f"{BY_ID['p99'].relevance_percent(run.configuration.report.relevance_percent):g} %",
        confidence=f"{run.configuration.report.confidence_percent:g} %",
    )


def _problem(analysis: Analysis, result: TrialResult) -> Problem:
    titles = {p.name: p.title for p in analysis.run.plan.profiles}
    found = next((m for m in analysis.measured if m.trial.id == result.trial.id), None)
    trial = result.trial
    return Problem(
        trial=trial.id,
        target=trial.target,
        profile=titles.get(trial.profile, trial.profile),
        block=trial.block,
        verdict=result.verdict.replace("_", " "),
        throughput=figures.throughput_of(found) if found else "nothing measured",
        problems=result.problems,
        logs=tuple(result.logs.items()),
    )


def _subtitle(run: Run) -> str:
    plan = run.plan
    blocks = f"{plan.timing.blocks} block{'s' if plan.timing.blocks > 1 else ''}"
    return f"{len(plan.targets)} targets, {len(plan.profiles)} profiles, {blocks}, {run.started[:10]}"


def _summaries(problems: tuple[Problem, ...]) -> tuple[Summary, ...]:
    gathered: dict[tuple[str, str, str], list[Problem]] = {}
    for problem in problems:
        gathered.setdefault((problem.target, problem.profile, problem.verdict), []).append(problem)
    return tuple(
        Summary(
            target,
            profile,
            verdict,
            f"block{'s' if len(found) > 1 else ''} {listed([str(p.block) for p in found])}",
            found[0].problems[0] if found[0].problems else "no reason was recorded",
        )
        for (target, profile, verdict), found in gathered.items()
    )


def _matrix(analysis: Analysis, target_class: str) -> Matrix:
    run = analysis.run
    targets = tuple(t for t in run.plan.targets if run.targets[t].target_class == target_class)
    mine = [s for s in analysis.standings if s.target_class == target_class]
    groups = [
        MatrixGroup(f"{p.title} load", p.question, tuple(_row(s, targets) for s in mine if s.profile == p.name))
        for p in run.plan.profiles
    ]
    groups.append(
        MatrixGroup(
            "Whole run", "What does it cost to have it at all?", tuple(_row(s, targets) for s in mine if not s.profile)
        )
    )
    return Matrix(target_class, targets, tuple(groups))


def _row(standing: Standing, targets: tuple[str, ...]) -> MatrixRow:
    metric = BY_ID[standing.metric]
    entries = {entry.target: entry for entry in standing.entries}
    return MatrixRow(
        title=metric.title,
        better="higher is better" if metric.direction == "higher" else "lower is better",
        lead=who_leads(standing),
        cells=tuple(_cell(standing, entries[target]) for target in targets),
    )


def _cell(standing: Standing, entry: Entry) -> Cell:
    metric, found = BY_ID[standing.metric], entry.estimate
    if isinstance(found, Missing):
        return Cell(entry.target, "–", found.reason, "", "unranked", None)
    if metric.exact:
        detail = "exact"
    elif found.low is None or found.high is None:
        detail = f"{found.trials} trial{'s' if found.trials > 1 else ''}, no interval"
    else:
        detail = span(found.low, found.high, metric.unit)
    if entry.target == standing.winner:
        state = "wins"
    elif entry.group == 1 and standing.note == "tie":
        state = "tie"
    else:
        state = "ranked"
    group = None if standing.note.startswith("too few") else entry.group
    behind = f"{factor(entry.behind.ahead)} behind" if entry.behind and state == "ranked" and group else ""
    return Cell(entry.target, quantity(found.median, metric.unit), detail, behind, state, group)
