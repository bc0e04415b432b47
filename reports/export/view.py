"""The data of the templates: the report as nested frozen data, with every number already text."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from harness.record.measurement import Missing
from harness.record.method import FULL, HALF
from harness.record.run import Run
from reports.analysis.analysis import Analysis
from reports.analysis.claims import ClaimResult, claim_results, read_claims
from reports.analysis.cost_model import everyday
from reports.analysis.representatives import classes
from reports.comparison.changes import Changes, changes, has_pairs, paired_changes
from reports.export.tables import csv_text, data_address, json_text
from reports.metrics.catalogue import BY_ID
from reports.overview.overview import Overview, make_overview
from reports.sections.beside import beside_sections
from reports.sections.build import build_section
from reports.sections.cost import Advice, advise, bill_terms
from reports.sections.elements import Figure, ProfileAnswer, Row, Section, Table
from reports.sections.environment import Pairs, TargetFacts, calibration_facts, environment, target_facts
from reports.sections.everyday_service import service_answer
from reports.sections.held_requests import waiters_answer
from reports.sections.invalid_trials import (
    NoiseAssessment,
    Problem,
    Summary,
    assess_noise,
    problems_of,
    repeated_trials,
    summaries,
)
from reports.sections.latency import latency_figures
from reports.sections.memory_floor import floor_section
from reports.sections.metric_figures import axis_sections
from reports.sections.scaling import scale_out_section, scale_up_section
from reports.sections.slow_database import downstream_answer
from reports.sections.startup import startup_section
from reports.sections.time_breakdown import limit_tables, parts_sections, route_tables
from reports.sections.timeline import time_sections
from reports.sections.variants import VariantSection, variant_sections
from reports.sections.warmup import warmup_figures
from reports.sections.win_matrix import Matrix, make_matrix


class Download(Struct, frozen=True):
    """A file that is written beside the page, and embedded in it under a `name` of its own."""

    name: str
    text: str
    address: str
    what: str


class Running(Struct, frozen=True):
    """A run that is not over: what is measured now, how much is left, how often the page loads itself again."""

    now: str
    left: str
    reload_seconds: int


class CellTable(Struct, frozen=True):
    """Every estimate as a table that can be sorted: headers, and rows of text and numbers (None: no value)."""

    headers: Row
    rows: tuple[tuple[str | float | None, ...], ...]


class View(Struct, frozen=True):
    """The whole report: one field per part of the page. `ranks`: whether any target is told from another."""

    run: Run
    overview: Overview
    running: Running | None
    ranks: bool
    bill_terms: str
    axis_count: int
    every_cell: CellTable
    subtitle: str
    planned: int
    valid: int
    problems: tuple[Problem, ...]
    summaries: tuple[Summary, ...]
    repeated: Table
    pending: tuple[str, ...]
    warnings: tuple[str, ...]
    several_classes: bool
    matrices: tuple[Matrix, ...]
    variants: tuple[VariantSection, ...]
    changes: Changes | None
    answers: tuple[ProfileAnswer, ...]
    time_breakdown: tuple[Section, ...]
    routes: tuple[Table, ...]
    routes_at_shares: tuple[Table, ...]
    limits: Table
    limit_reasons: Table
    claim_results: tuple[ClaimResult, ...]
    advice: Advice
    latency: tuple[Figure, ...]
    warmup: tuple[Figure, ...]
    over_time: tuple[Section, ...]
    non_load: tuple[Section, ...]
    axes: tuple[Section, ...]
    noise_assessment: NoiseAssessment
    calibration: Pairs
    calibration_problems: bool
    opinions: tuple[Row, ...]
    csv: Download
    json: Download
    environment: tuple[tuple[str, Pairs], ...]
    images: tuple[tuple[str, str, str], ...]
    targets: tuple[TargetFacts, ...]
    relevance: str
    confidence: str
    full: str
    half: str


def _download(name: str, text: str, what: str) -> Download:
    return Download(name, text, data_address(text), what)


def _changes(analysis: Analysis, baseline: Analysis | None) -> Changes | None:
    if baseline:
        return changes(analysis, baseline)
    return paired_changes(analysis) if has_pairs(analysis) else None


def make_view(
    analysis: Analysis,
    folder: Path,
    baseline: Analysis | None = None,
    running: Running | None = None,
    *,
    interactive: bool = False,
) -> View:
    """The view of a record. `folder`: where its samples are; `baseline`: the record to compare it with.

    `running`: what the run that writes the record is doing. `interactive`: with the parts that the interactive page alone
    shows (every axis trial by trial, every cell).
    """
    run = analysis.run
    found = claim_results(analysis, read_claims())
    problems = problems_of(analysis)
    routes, routes_at_shares = route_tables(analysis)
    limits, limit_reasons = limit_tables(analysis)
    noise = assess_noise(analysis)
    overview = make_overview(analysis, found, (noise.noise.word, noise.variation), twins_differ=noise.twins_differ)
    advice = advise(analysis, everyday(analysis))
    return View(
        run=run,
        overview=overview,
        running=running,
        ranks=any(cell.shade is not None for card in overview.cards for row in card.rows for cell in row.cells),
        bill_terms=bill_terms(advice),
        axis_count=len(analysis.rankings),
        every_cell=_every_cell(analysis) if interactive else CellTable((), ()),
        subtitle=_subtitle(analysis),
        planned=len(run.plan.trials),
        valid=len(run.plan.trials) - len(analysis.pending) - len(analysis.not_valid),
        problems=problems,
        summaries=summaries(problems),
        repeated=repeated_trials(analysis),
        pending=tuple(trial.id for trial in analysis.pending),
        warnings=analysis.warnings,
        several_classes=len(classes(run)) > 1,
        matrices=tuple(make_matrix(analysis, target_class) for target_class in classes(run)),
        variants=variant_sections(analysis),
        changes=_changes(analysis, baseline),
        answers=tuple(filter(None, (service_answer(analysis), downstream_answer(analysis), waiters_answer(analysis)))),
        time_breakdown=parts_sections(analysis),
        routes=routes,
        routes_at_shares=routes_at_shares,
        limits=limits,
        limit_reasons=limit_reasons,
        claim_results=found,
        advice=advice,
        latency=latency_figures(analysis),
        warmup=warmup_figures(analysis),
        over_time=time_sections(analysis, folder),
        non_load=(*beside_sections(analysis), *non_load_sections(analysis)),
        axes=axis_sections(analysis) if interactive else (),
        noise_assessment=noise,
        calibration=calibration_facts(run),
        calibration_problems=bool(run.calibration.problems),
        opinions=tuple(
            (o.language, o.hiring or "–", o.learning or "–", o.operations or "–") for o in run.configuration.opinion
        ),
        csv=_download("results.csv.gz", csv_text(analysis), "every estimate: one row per metric, scope and target"),
        json=_download(
            "results.json.gz",
            json_text(analysis, found, overview),
            "the same, with the scorecard, claims and single trials",
        ),
        environment=environment(analysis),
        images=tuple((name, f"{image.size_bytes / 1e6:,.1f} MB", image.id) for name, image in run.images.items()),
        targets=tuple(target_facts(analysis, target) for target in (*run.plan.targets, *analysis.unranked)),
        relevance=_relevance(analysis),
        confidence=f"{run.configuration.report.confidence_percent:g} %",
        full=f"{FULL * 100:g} %",
        half=f"{HALF * 100:g} %",
    )


def _every_cell(analysis: Analysis) -> CellTable:
    """The estimates of all rankings, in the metrics' base units."""
    rows: list[tuple[str | float | None, ...]] = []
    for ranking in analysis.rankings:
        metric, scope = BY_ID[ranking.metric], analysis.scope(ranking)
        for entry in ranking.entries:
            found = entry.estimate
            numbers: tuple[str | float | None, ...] = (
                (None, None, None, None)
                if isinstance(found, Missing)
                else (found.median, found.low, found.high, found.trials)
            )
            rows.append((scope.title, metric.title, entry.target, *numbers, metric.unit, entry.group))
    headers = ("Where", "Metric", "Target", "Median", "Low", "High", "Trials", "Unit", "Tie group")
    return CellTable(headers, tuple(rows))


def _subtitle(analysis: Analysis) -> str:
    plan = analysis.run.plan
    counted = ((len(plan.targets), "target"), (len(analysis.loads), "load"), (plan.timing.blocks, "block"))
    words = [f"{n} {what}{'' if n == 1 else 's'}" for n, what in counted]
    beside = f"; ranked nowhere: {', '.join(analysis.unranked)}" if analysis.unranked else ""
    return f"{', '.join(words)}, {analysis.run.started[:10]}{beside}"


def _relevance(analysis: Analysis) -> str:
    """The relevance bound, with the wider bounds of some metrics."""
    bound = analysis.run.configuration.report.relevance_percent
    wider = [("p99", "p99 and beyond")]
    if any(ranking.metric == "capacity" for ranking in analysis.rankings):
        wider.append(("capacity", "capacity"))
    texts = [f"{BY_ID[metric].relevance_percent(bound):g} % for {words}" for metric, words in wider]
    return f"{bound:g} % ({', '.join(texts)})"


def non_load_sections(analysis: Analysis) -> tuple[Section, ...]:
    """The sections of all non-load profiles."""
    makers = {
        "startup": startup_section,
        "memory-floor": floor_section,
        "scale-up": scale_up_section,
        "scale-out": scale_out_section,
        "build": build_section,
    }
    return tuple(
        makers[p.kind](analysis, p, f"beside-{i}") for i, p in enumerate(analysis.run.plan.profiles) if p.kind in makers
    )
