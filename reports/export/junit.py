"""The result of a gate as JUnit XML, which every CI system shows: one suite per target, one case per cell.

The format is that of Jenkins' xUnit plugin (junit-10.xsd). GitLab reads it too.

    regressed                              failure: a confirmed regression
    inconclusive, flagged                  error: the case could not be judged
    learning, not judged;                  skipped
    every cell of an invalid run           skipped
    fine, improved, not regressed, watched passed

A separate case says whether the run as a whole is valid, so that the report of a gate without cells is not empty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from reports.export.gate_markdown import amount, headline, where
from reports.regression.gate import sentence
from reports.regression.gate_result import EvaluatedCell, Gate, State
from reports.regression.screening import MIN_RUNS
from reports.units import clean

_OUTCOME: dict[State, str] = {
    "regressed": "failure",
    "inconclusive": "error",
    "flagged": "error",
}


def junit_xml(gate: Gate) -> bytes:
    """The XML report. Characters that XML forbids are replaced."""
    root = Element("testsuites", {"name": "fitmap gate"})
    whole = _suite(root, gate, "fitmap")
    case = SubElement(whole, "testcase", {"classname": "fitmap", "name": "the run is valid"})
    if gate.verdict == "invalid":
        _outcome(case, "error", "invalid", "; ".join((headline(gate), *gate.reasons)))
    by_target = sorted(gate.cells, key=lambda cell: cell.target)
    for target, found in groupby(by_target, key=lambda cell: cell.target):
        suite = _suite(root, gate, target)
        for cell in found:
            _case(suite, cell, judged=gate.verdict != "invalid")
    for suite in root:
        _count(suite, [suite])
    _count(root, root)
    # The schema has no such count at the root.
    del root.attrib["skipped"]
    indent(root)
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(root: Element, gate: Gate, title: str) -> Element:
    suite = SubElement(root, "testsuite", {"name": clean(title), "timestamp": clean(gate.started)})
    properties = SubElement(suite, "properties")
    told = {"run": gate.run, "revision": gate.revision, "base": gate.base, "verdict": gate.verdict}
    for key, value in told.items():
        if value is not None:
            SubElement(properties, "property", {"name": key, "value": clean(value)})
    return suite


def _case(suite: Element, cell: EvaluatedCell, *, judged: bool) -> None:
    # Jenkins takes the part before the last dot as a package. With the target first, its tree groups by target.
    attributes = {"classname": clean(f"{cell.target}.{where(cell.scope)}"), "name": clean(cell.metric)}
    case = SubElement(suite, "testcase", attributes)
    if not judged:
        _outcome(case, "skipped", "invalid", "the run is invalid")
        return
    values = f"{amount(cell.now, cell.unit)} now, {amount(cell.before, cell.unit)} before"
    if cell.state == "learning":
        _outcome(case, "skipped", cell.state, f"{cell.runs} of {MIN_RUNS} earlier runs", values)
    elif cell.state == "not judged":
        _outcome(case, "skipped", cell.state, sentence(cell))
    elif cell.state in _OUTCOME:
        _outcome(case, _OUTCOME[cell.state], cell.state, sentence(cell), values)
    elif cell.state != "fine":
        SubElement(case, "system-out").text = clean(f"{sentence(cell)}\n{values}")


def _outcome(case: Element, tag: str, kind: str, said: str, values: str = "") -> None:
    SubElement(case, tag, {"type": kind, "message": clean(said)}).text = clean(values)


def _count(element: Element, suites: Iterable[Element]) -> None:
    """Sets the counts of an element over some suites."""
    cases = [case for suite in suites for case in suite.iter("testcase")]
    found = Counter(child.tag for case in cases for child in case)
    element.set("tests", str(len(cases)))
    for name, tag in {"failures": "failure", "errors": "error", "skipped": "skipped"}.items():
        element.set(name, str(found[tag]))
