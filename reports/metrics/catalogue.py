"""The list of all metrics, in the order in which reports show them."""

from __future__ import annotations

from reports.metrics.load import LOAD
from reports.metrics.metric import Metric
from reports.metrics.non_load import NON_LOAD
from reports.metrics.scaling import SCALE

METRICS: tuple[Metric, ...] = (*LOAD, *NON_LOAD, *SCALE)
BY_ID = {metric.id: metric for metric in METRICS}
#: A metric of the gate alone: statements that the database executed for each one that the contract expects.
STATEMENTS = "statements"
#: What [gate] in fitmap.toml may name.
GATED = (*BY_ID, STATEMENTS)
