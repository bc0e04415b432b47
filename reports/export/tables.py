"""Every number of the report as CSV and JSON: one row per metric, scope and target."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import msgspec
import pandas as pd

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis
from reports.analysis.claims import ClaimResult
from reports.metrics.catalogue import BY_ID
from reports.overview.overview import Overview

COLUMNS = (
    "run", "class", "profile", "level", "metric", "unit", "direction", "target", "median", "low", "high", "trials",
    "interval", "group", "wins", "behind", "missing",
)  # fmt: skip


def frame(analysis: Analysis) -> pd.DataFrame:
    """The rankings as a data frame. A missing value is empty, never 0, and `missing` has the reason."""
    rows = []
    for ranking in analysis.rankings:
        metric, scope = BY_ID[ranking.metric], analysis.scope(ranking)
        for entry in ranking.entries:
            found = entry.estimate
            known: dict[str, Any] = {"missing": found.reason} if isinstance(found, Missing) else {
                "median": found.median, "low": found.low, "high": found.high, "trials": found.trials,
                "interval": found.method,
            }  # fmt: skip
            rows.append(
                {
                    "run": analysis.run.id,
                    "class": ranking.target_class,
                    "profile": scope.profile,
                    "level": scope.level,
                    "metric": metric.id,
                    "unit": metric.unit,
                    "direction": metric.direction,
                    "target": entry.target,
                    "group": entry.group,
                    "wins": entry.target == ranking.winner,
                    "behind": entry.behind.ahead if entry.behind else None,
                }
                | known
            )
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"trials": "Int64", "group": "Int64"})


def csv_text(analysis: Analysis) -> str:
    """The table as CSV, with a line feed at the end of each line."""
    text: str = frame(analysis).to_csv(index=False, lineterminator="\n")
    return text


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
    body = {"standings": table, "claims": claims, "trials": trials} | overview_data(overview)
    # The standard library's encoder is slow where it indents: ten thousand trials take seconds.
    return msgspec.json.format(msgspec.json.encode(head | body), indent=1).decode() + "\n"


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
