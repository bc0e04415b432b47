"""What CI reads of a gate: well-formed whatever was found, honest about what was not, and names are text everywhere."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from harness.record.plan import TWIN
from harness.record.reader import Record
from reports.analysis.analysis import analyse
from reports.export.ci_files import BENCHER, BIGGER, JUNIT, MARKDOWN, SMALLER, gate_files, intervals, write_gate_files
from reports.export.gate_markdown import LIMIT, MARKER, better_by, gate_markdown
from reports.export.junit import junit_xml
from reports.export.markdown import escaped
from reports.regression.gate_result import Confirmation, EvaluatedCell, Gate, GateVerdict, State
from reports.regression.history import HistoryEntry, entry_of
from reports.units import Unit

HOSTILE = (
    "<script>alert(1)</script>",
    "a|b|c",
    "`x` **bold** [link](javascript:alert(1)) ![i](https://example.invalid/i)",
    "@everyone #1 !2 ~label",
    "line\nfeed\r\x00\x1b[31m\x85\ufffe",
    "]]> --> <!-- fitmap-gate -->",
    "https://example.invalid www.example.invalid",
    "x" * 5000,
)
AGAIN = Confirmation(worse=1.118, low=1.101, high=1.135, pairs=8, p=0.00001, p_adjusted=0.00003)


def judged(state: State, **changes: Any) -> EvaluatedCell:
    cell = EvaluatedCell(
        "go|cpu@saturate|throughput", "go", "Pure CPU, saturated", "Throughput", "requests/s", 11000.0, 12300.0, 0.118, 0.04,
        0.05, 20, state, confirmation=AGAIN if state in ("regressed", "inconclusive", "not regressed") else None,
    )  # fmt: skip
    return msgspec.structs.replace(cell, **changes)


def gate(verdict: GateVerdict, *cells: EvaluatedCell, reasons: tuple[str, ...] = (), **changes: Any) -> Gate:
    found = Gate(1, "20260102T030405Z", "2026-01-02T03:04:05+00:00", "f" * 40, None, verdict, reasons, cells)
    return msgspec.structs.replace(found, **changes)


def entry(cells: dict[str, float]) -> HistoryEntry:
    return HistoryEntry(
        1, "run", "2026-01-02", None, "host", "local", 3, "content", {}, cells, dict.fromkeys(cells, 3), 3, 0
    )


def cases(found: Gate) -> dict[str, ET.Element]:
    return {f"{c.get('classname')} {c.get('name')}": c for c in ET.fromstring(junit_xml(found)).iter("testcase")}


def told(case: ET.Element) -> list[str]:
    return [child.tag for child in case]


# The rules of Jenkins' junit-10.xsd: element -> attributes it must have, may have, children it may have.
SCHEMA: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": ({"name"}, {"time", "classname", "group"}, {"skipped", "error", "failure", "system-out", "system-err"}),
    "failure": (set(), {"type", "message"}, set()),
    "error": (set(), {"type", "message"}, set()),
    "skipped": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}


def assert_schema(root: ET.Element) -> None:
    assert root.tag == "testsuites"
    for element in root.iter():
        must, may, children = SCHEMA[element.tag]
        assert must <= set(element.attrib) <= must | may
        assert {child.tag for child in element} <= children
    for suite in root:
        held = list(suite.iter("testcase"))
        counts = {tag: sum(case.find(tag) is not None for case in held) for tag in ("failure", "error", "skipped")}
        assert suite.get("tests") == str(len(held))
        assert [suite.get(name) for name in ("failures", "errors", "skipped")] == [str(n) for n in counts.values()]
    for name in ("tests", "failures", "errors"):
        assert root.get(name) == str(sum(int(suite.get(name, "")) for suite in root))


def test_a_confirmed_regression_is_told_first_with_its_interval() -> None:
    text = gate_markdown(gate("regressed", judged("fine"), judged("regressed", target="rust"), reasons=("rust is slower",)))
    lines = text.splitlines()
    assert lines[0] == MARKER == "<!-- fitmap-gate -->"
    assert lines[1] == "## Regression\\: 1 cell of 2 regressed"
    shown = MarkdownIt("commonmark").enable("table").render(text)
    for cell in ("rust", "Throughput", "12,300 /s", "11,000 /s", "+11.8 % (+10.1 % to +13.5 %)", "&lt; 0.0001"):
        assert f"<td>{cell}</td>" in shown
    assert text.index("rust is slower") < text.index("| rust |") < text.index("1 cell fine")


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        ("fine", "No regression"),
        ("learning", "Learning"),
        ("inconclusive", "Inconclusive\\: 1 cell of 1 may be slower"),
        ("invalid", "this run can't be used"),
    ],
)
def test_every_verdict_is_in_words(verdict: GateVerdict, says: str) -> None:
    states: dict[GateVerdict, State] = {"learning": "learning", "inconclusive": "inconclusive"}
    assert says in gate_markdown(gate(verdict, judged(states.get(verdict, "fine")))).splitlines()[1]


def test_under_an_invalid_run_no_number_is_shown_and_no_cell_is_judged() -> None:
    found = gate("invalid", judged("regressed"), judged("fine"), reasons=("the A/A arm moved by 9 %",))
    text = gate_markdown(found)
    assert "the A/A arm moved" in text
    assert "11,000" not in text
    assert "2 cells measured, none judged" in text
    by_name = cases(found)
    assert told(by_name.pop("fitmap the run is valid")) == ["error"]
    assert {tuple(told(case)) for case in by_name.values()} == {("skipped",)}


def test_in_junit_a_regression_fails_and_what_is_not_known_is_no_failure() -> None:
    states: dict[State, list[str]] = {
        "regressed": ["failure"], "inconclusive": ["error"], "flagged": ["error"], "learning": ["skipped"], "fine": [],
        "improved": ["system-out"], "not regressed": ["system-out"], "not judged": ["skipped"], "watched": ["system-out"],
    }  # fmt: skip
    assert set(states) == set(get_args(State))
    for state, tags in states.items():
        case = cases(gate("fine", judged(state)))["go.Pure CPU, saturated Throughput"]
        assert told(case) == tags, state
    failure = cases(gate("regressed", judged("regressed", reason="since the new driver")))[
        "go.Pure CPU, saturated Throughput"
    ][0]
    assert failure.get("message") == (
        "go, Pure CPU, saturated: Throughput is +11.8% worse in 8 pairs (+10.1% to +13.5%, p = 3e-05): regressed "
        "(since the new driver)"
    )
    assert failure.text == "11,000\u00a0/s now, 12,300\u00a0/s before"
    learning = cases(gate("learning", judged("learning", before=None, limit=None, runs=3)))[
        "go.Pure CPU, saturated Throughput"
    ][0]
    assert "3 of 10 earlier runs" in learning.get("message", "")


def test_each_target_is_one_suite_whatever_the_order_of_its_cells() -> None:
    found = gate("fine", judged("fine", target="go"), judged("fine", target="rust"), judged("fine", target="go"))
    suites = [(suite.get("name"), suite.get("tests")) for suite in ET.fromstring(junit_xml(found))]
    assert suites == [("fitmap", "1"), ("go", "2"), ("rust", "1")]


def test_a_gate_without_cells_is_no_empty_report() -> None:
    assert list(cases(gate("learning"))) == ["fitmap the run is valid"]


def test_an_improvement_is_told_on_the_values_own_scale() -> None:
    # 100 before, 112.4 now: the ratio that counts as worse is 100 / 112.4.
    text = gate_markdown(gate("fine", judged("improved", before=100.0, now=112.4, change=100 / 112.4 - 1)))
    assert "Better by" in text
    assert "\\+12.4 %" in text
    assert better_by(judged("improved", change=-1.0)) == "∞"


def test_one_endless_name_pushes_no_other_cell_out() -> None:
    text = gate_markdown(gate("regressed", judged("regressed", target="x" * 60_000), judged("regressed", target="rust")))
    assert "| rust |" in text
    assert len(text) < 2_000


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name: str) -> None:
    found = gate(
        "regressed", judged("regressed", target=name, scope=name, metric=name, unit=name, reason=name),
        judged("improved", target=name), reasons=(name,), run=name, revision=name, base=name, started=name,
    )  # fmt: skip
    plain = name.replace("|", "/")
    values = entry({f"{plain}|cpu@saturate|throughput": 1.0, f"go|{plain}|p99": 2.0, f"go||{plain}": 3.0})
    files = gate_files(found, msgspec.structs.replace(values, run=name, revision=name))
    root = ET.fromstring(files[JUNIT])
    assert_schema(root)
    assert len(list(root.iter("testcase"))) == 3
    for data in (BENCHER, BIGGER, SMALLER):
        json.loads(files[data])
    shown = MarkdownIt("commonmark", {"html": True}).enable("table").render(files[MARKDOWN].decode())
    # Our own marker is all the HTML there is.
    rest = shown.removeprefix(MARKER)
    for markup in ("<script", "<a ", "<img", "<code>", "<strong>", "<!--"):
        assert markup not in rest
    # One row a cell, seven columns each, two tables with one head each.
    assert (rest.count("<tr>"), rest.count("<td>"), rest.count("<th>")) == (4, 14, 14)
    assert len(files[MARKDOWN].decode()) < LIMIT


def test_mentions_and_references_are_broken_up_in_the_text_as_shown() -> None:
    shown = MarkdownIt("commonmark").render(escaped("@everyone closes #12 in acme/shop#3, cpu@saturate, see !4"))
    assert "@\u200beveryone closes #\u200b12 in acme/shop#\u200b3, cpu@saturate, see !\u200b4" in shown


FINITE = st.floats(1e-9, 1e12)
ANY = st.floats(-1, 1e9) | st.just(math.inf)
NAMES = st.sampled_from(("go", "rust", "", *HOSTILE)) | st.text(max_size=20)
CONFIRMATIONS = st.builds(
    Confirmation, worse=ANY, low=ANY, high=ANY, pairs=st.integers(0, 99), p=st.floats(0, 1), p_adjusted=st.floats(0, 1)
)
CELLS = st.builds(
    EvaluatedCell, cell=NAMES, target=NAMES, scope=NAMES, metric=NAMES,
    unit=NAMES | st.sampled_from(get_args(Unit)), now=FINITE,
    before=st.none() | FINITE, change=ANY, limit=st.none() | ANY, bound=FINITE, runs=st.integers(0, 99),
    state=st.sampled_from(get_args(State)), reason=NAMES, confirmation=st.none() | CONFIRMATIONS,
)  # fmt: skip
GATES = st.builds(
    Gate, schema=st.just(1), run=NAMES, started=NAMES, revision=st.none() | NAMES, base=st.none() | NAMES,
    verdict=st.sampled_from(get_args(GateVerdict)), reasons=st.lists(NAMES, max_size=30).map(tuple),
    cells=st.lists(CELLS, max_size=12).map(tuple),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(GATES)
def test_whatever_a_gate_found_its_files_are_well_formed(found: Gate) -> None:
    root = ET.fromstring(junit_xml(found))
    assert_schema(root)
    assert len(list(root.iter("testcase"))) == len(found.cells) + 1
    text = gate_markdown(found)
    assert len(text) < LIMIT
    assert text.startswith(MARKER)
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.replace("\\\\", "").replace("\\|", "").count("|") == 8


@pytest.mark.parametrize("state", get_args(State))
def test_five_thousand_cells_fit_in_a_comment_and_the_worst_are_in_it(state: State) -> None:
    many = [judged(state, target="@" * 90, change=i / 5000, confirmation=None) for i in range(4999)]
    worst = judged(state, target="the-worst", change=9.0 if state != "improved" else -0.9, confirmation=None)
    found = gate("regressed", *many, worst, reasons=("@" * 5000,) * 5000)
    text = gate_markdown(found)
    assert len(text) < LIMIT
    if state in ("regressed", "inconclusive", "flagged", "improved"):
        assert "the\\-worst" in text
        assert "more in gate.json" in text
    assert len(cases(found)) <= 5001


def test_the_exports_of_a_real_run_hold_its_values_and_intervals(real: Record, tmp_path: Path) -> None:
    analysis = analyse(real)
    values, known = entry_of(analysis), intervals(analysis)
    write_gate_files(gate("fine"), values, tmp_path, known)
    bencher = json.loads((tmp_path / BENCHER).read_text())
    assert sum(map(len, bencher.values())) == len(values.cells)
    found = bencher["go cpu@saturate"]["throughput"]
    assert found["value"] == values.cells["go|cpu@saturate|throughput"]
    assert (found["lower_value"], found["upper_value"]) == known["go|cpu@saturate|throughput"]
    assert found["lower_value"] < found["value"] < found["upper_value"]
    assert "go whole run" in bencher
    actions = {name: json.loads((tmp_path / name).read_text()) for name in (BIGGER, SMALLER)}
    assert {row["name"].rsplit(" ", 1)[1] for row in actions[BIGGER]} == {"throughput"}
    assert {"database-cpu", "cpu", "statements"} <= {row["name"].rsplit(" ", 1)[1] for row in actions[SMALLER]}
    assert len(actions[BIGGER]) + len(actions[SMALLER]) == len(values.cells)
    row = next(row for row in actions[BIGGER] if row["name"] == "go cpu@saturate throughput")
    assert (row["unit"], row["value"]) == ("requests/s", found["value"])
    assert set(row) == {"name", "unit", "value", "range", "extra"}
    assert real.run.id in row["extra"]


def test_what_is_no_number_or_no_interval_is_left_out() -> None:
    values = entry({"go|cpu@saturate|p99": math.inf, "go|cpu@saturate|p50": 5.0, "go|cpu@saturate|unheard-of": 1.0})
    values = msgspec.structs.replace(values, cells={**values.cells, f"go{TWIN}|cpu@saturate|p50": 5.0})
    files = gate_files(gate("fine"), values, {"go|cpu@saturate|p50": (6.0, 7.0)})
    # An interval beside its value would be drawn as if it held it.
    assert json.loads(files[BENCHER]) == {"go cpu@saturate": {"p50": {"value": 5.0}}}
    (row,) = json.loads(files[SMALLER])
    assert "range" not in row
