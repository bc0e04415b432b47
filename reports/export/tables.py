"""Every number of the report as CSV and JSON: one row per metric, scope and target."""

from __future__ import annotations

import base64
import gzip
import json
from itertools import product
from typing import Any

import msgspec
import pandas as pd

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis
from reports.analysis.claims import ClaimResult
from reports.analysis.reported import reported
from reports.analysis.variants import comparisons, value_of, variants_in
from reports.metrics.catalogue import BY_ID
from reports.metrics.metric import Metric
from reports.metrics.scopes import Scope
from reports.overview.overview import Overview
from reports.stats.intervals import Estimate

COLUMNS = (
    "run", "class", "profile", "level", "metric", "unit", "direction", "target", "median", "low", "high", "trials",
    "interval", "group", "wins", "behind", "missing", "language", "stack", "runtime", "base",
)  # fmt: skip
#: Of a variant: its value divided by its base's, with the interval, on the headline axes.
RATIO = ("ratio", "ratio_low", "ratio_high")


def frame(analysis: Analysis) -> pd.DataFrame:
    """The rankings as a data frame. A missing value is empty, never 0, and `missing` has the reason."""
    about = _about(analysis)
    rows = []
    for ranking in analysis.rankings:
        metric, scope = BY_ID[ranking.metric], analysis.scope(ranking)
        for entry in ranking.entries:
            standing = {
                "group": entry.group,
                "wins": entry.target == ranking.winner,
                "behind": entry.behind.ahead if entry.behind else None,
            }
            rows.append(_row(analysis, metric, scope, entry.target, entry.estimate) | standing | about[entry.target])
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"trials": "Int64", "group": "Int64"})


def unranked_frame(analysis: Analysis) -> pd.DataFrame:
    """The values of variants, and of targets for which another stands, with the same columns and the ratio to the base."""
    about = _about(analysis)
    ratios = {
        (row.variant, row.metric, row.scope.id): (row.ratio.ahead, row.ratio.low, row.ratio.high)
        for found in comparisons(analysis)
        for row in found.rows
        if row.ratio
    }
    axes = dict.fromkeys((ranking.metric, ranking.scope) for ranking in analysis.rankings)
    scopes = {scope.id: scope for scope in analysis.scopes}
    rows = []
    for (name, place), target in product(axes, analysis.unranked):
        metric, scope = BY_ID[name], scopes[place]
        ratio = ratios.get((target, name, place), (None, None, None))
        found = value_of(analysis, metric, target, scope)
        values = _row(analysis, metric, scope, target, found) | {"wins": False} | about[target]
        rows.append(values | dict(zip(RATIO, ratio, strict=True)))
    table = pd.DataFrame(rows, columns=[*COLUMNS, *RATIO])
    return table.astype({"trials": "Int64", "group": "Int64"})


def _about(analysis: Analysis) -> dict[str, dict[str, Any]]:
    """What each target is, for the rows of its values."""
    meta = reported(analysis)
    return {
        name: {
            "language": target.language,
            "stack": ", ".join(part for part in (target.framework, target.driver) if part or not target.of_team),
            "runtime": meta.get(name, {}).get("runtime"),
            "base": target.variant.base if target.variant else None,
        }
        for name, target in analysis.run.targets.items()
    }


def _row(analysis: Analysis, metric: Metric, scope: Scope, target: str, found: Estimate | Missing) -> dict[str, Any]:
    known: dict[str, Any] = {"missing": found.reason} if isinstance(found, Missing) else {
        "median": found.median, "low": found.low, "high": found.high, "trials": found.trials,
        "interval": found.method,
    }  # fmt: skip
    return {
        "run": analysis.run.id,
        "class": analysis.run.targets[target].target_class,
        "profile": scope.profile,
        "level": scope.level,
        "metric": metric.id,
        "unit": metric.unit,
        "direction": metric.direction,
        "target": target,
    } | known


def csv_text(analysis: Analysis) -> str:
    """The table as CSV, with a line feed at the end of each line. What is ranked nowhere stands at its end."""
    standings, others = frame(analysis).reindex(columns=[*COLUMNS, *RATIO]), unranked_frame(analysis)
    text: str = standings.to_csv(index=False, lineterminator="\n")
    return text + str(others.to_csv(index=False, header=False, lineterminator="\n")) if len(others) else text


def json_text(analysis: Analysis, found: tuple[ClaimResult, ...], overview: Overview) -> str:
    """The table, the claims, the verdict of each trial, and the page's overview as JSON, without NaN, which JSON lacks."""
    table = json.loads(frame(analysis).to_json(orient="records"))
    trials = [
        {
            "trial": m.trial.id, "target": m.trial.target, "block": m.trial.block, "load": m.load.id,
            "verdict": m.level.verdict,
            "problems": list(m.level.problems),
            "values": {name: value for name, value in m.values.items() if not isinstance(value, Missing)},
        }
        for m in analysis.measured
    ] + [
        {
            "trial": s.trial.id, "target": s.trial.target, "block": s.trial.block, "load": s.trial.profile,
            "verdict": s.result.verdict,
            "problems": list(s.result.problems),
            "values": {name: value for name, value in s.values.items() if not isinstance(value, Missing)},
        }
        for s in analysis.singles
    ]  # fmt: skip
    claims = [
        {
            "id": f.id, "says": f.says, "verdict": f.verdict, "figures": list(f.figures),
            "tests": [msgspec.to_builtins(test) for test in f.tests],
        }
        for f in found
    ]  # fmt: skip
    run = analysis.run
    head = {"run": run.id, "started": run.started, "schema": run.schema, "method": run.method, "host": run.host.name}
    body = {"standings": table, "claims": claims, "trials": trials} | overview_data(overview) | _unranked(analysis)
    # The standard library's encoder is slow where it indents: ten thousand trials take seconds.
    return msgspec.json.format(msgspec.json.encode(head | body), indent=1).decode() + "\n"


def _unranked(analysis: Analysis) -> dict[str, Any]:
    """What is ranked nowhere: the manifests of variants, and all values, with the ratio of a variant to its base."""
    if not analysis.unranked:
        return {}
    return {
        "variants": {name: msgspec.to_builtins(variant) for name, variant in variants_in(analysis)},
        "unranked": json.loads(unranked_frame(analysis).to_json(orient="records")),
    }


def overview_data(overview: Overview) -> dict[str, Any]:
    """The overview as plain data: headline, scorecards, effects, parts, bills."""
    return {
        "headline": list(overview.headline.sentences),
        "scorecard": [
            {
                "class": card.target_class, "group": row.row.group, "title": row.row.title, "place": row.row.place,
                "metric": row.row.metric, "level": row.level,
                "cells": [
                    {
                        "target": cell.target, "state": cell.state, "value": cell.value, "factor": cell.factor,
                        "at": cell.at, "low": cell.low, "high": cell.high, "trials": cell.trials,
                        "missing": cell.why or None,
                    }
                    for cell in row.cells
                ],
            }
            for card in overview.cards
            for row in card.rows
        ],
        "matters": [
            {
                "load": effect.title, "answer": effect.answer, "limit": effect.limit, "says": effect.sentence,
                "lines": [
                    {"metric": line.title, "most": line.most, "matters": line.matters, "words": line.words}
                    for line in effect.lines
                ],
            }
            for effect in overview.effects
        ],
        "parts": [
            {"load": each.title, "says": each.sentence, "parts": [msgspec.to_builtins(part) for _, part in each.parts]}
            for each in overview.parts
        ],
        "bills": [
            {
                "id": bill.id, "level": bill.level, "need": msgspec.to_builtins(bill.need),
                "says": bill.sentence(overview.names),
                "costs": [msgspec.to_builtins(cost) for cost in bill.costs],
            }
            for bill in overview.bills.bills
        ],
    }  # fmt: skip


def data_address(text: str) -> str:
    """The text as a compressed data address: a download without script or network. The same text gives the same bytes."""
    packed = gzip.compress(text.encode(), compresslevel=9, mtime=0)
    return f"data:application/gzip;base64,{base64.b64encode(packed).decode('ascii')}"
