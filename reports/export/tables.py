"""Every number of the report as CSV and JSON: one row per metric, scope and target."""

from __future__ import annotations

import base64
import json
from typing import Any

import pandas as pd

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis
from reports.analysis.claims import ClaimResult
from reports.metrics.catalogue import BY_ID

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
                    "level": scope.load.level if scope.load else None,
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


def json_text(analysis: Analysis, found: tuple[ClaimResult, ...]) -> str:
    """The table, the claims and the verdict of each trial as JSON, without NaN, which JSON lacks."""
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
    claims = [{"id": f.id, "says": f.says, "verdict": f.verdict, "figures": list(f.figures)} for f in found]
    run = analysis.run
    head = {"run": run.id, "started": run.started, "schema": run.schema, "method": run.method, "host": run.host.name}
    return json.dumps(head | {"standings": table, "claims": claims, "trials": trials}, indent=1, ensure_ascii=True) + "\n"


def data_address(media_type: str, text: str) -> str:
    """The text as a data address: a download without script or network."""
    return f"data:{media_type};base64,{base64.b64encode(text.encode()).decode('ascii')}"
