"""The columns: order, names, marks."""

from __future__ import annotations

import msgspec
import pytest
from report_records import run_of, target_of
from small import around, card_of, small

from harness.record.plan import Target
from reports.charts.marks import mark_at
from reports.overview.columns import column_names, columns_of, kind_of, read_languages

CPU = "cpu@saturate cpu"


def named(name: str, language: str) -> Target:
    return msgspec.structs.replace(target_of(name, "standard"), language=language)


def test_compiled_managed_interpreted_and_inside_by_tie_group() -> None:
    values = {"python": around(1), "java": around(90), "kotlin": around(60), "go": around(130), "rust": around(63)}
    card, _ = card_of(small({CPU: values}))
    assert [column.target for column in card.columns] == ["rust", "go", "kotlin", "java", "python"]


def test_without_pure_work_the_order_inside_a_kind_is_by_name() -> None:
    card, _ = card_of(small({" image": dict.fromkeys(("rust", "go", "kotlin", "java"), (1000000.0,))}))
    assert [column.target for column in card.columns] == ["go", "rust", "java", "kotlin"]


def test_a_manifest_says_its_kind_and_older_records_are_known_by_language() -> None:
    target = named("x", "Python")
    assert kind_of(target) == "interpreted"
    assert kind_of(msgspec.structs.replace(target, kind="managed")) == "managed"
    assert kind_of(named("x", "Nobody's")) == "compiled"


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        ({"go": "Go"}, ["Go"]),
        ({"go": "Go", "go-twin": "Go"}, ["Go", "Go twin"]),
        ({"java": "Java", "java.jdk21": "Java"}, ["Java", "Java jdk21"]),
        ({"checkout": "Go", "go": "Go"}, ["Go checkout", "Go"]),
        ({"a": "x" * 40, "b": "y"}, ["x" * 15 + "…", "y"]),
        ({"a": "long" * 9, "b": "long" * 9 + "er"}, ["longlonglonglon…", "longlonglong… 2"]),
        ({"a": " \n "}, ["a"]),
    ],
)
def test_names_are_languages_and_stay_distinct(targets: dict[str, str], names: list[str]) -> None:
    found = column_names([named(name, language) for name, language in targets.items()])
    assert list(found.values()) == names


def test_twelve_targets_have_twelve_marks() -> None:
    assert len({str(mark_at(number, 0, 0, 5)) for number in range(10)}) == 10


def test_default_targets_keep_their_marks_where_others_are_measured_too() -> None:
    every = run_of(("node", "rust", "go"), 3, {}, ())
    node = msgspec.structs.replace(every.targets["node"], default=False)
    runs = run_of(("rust", "go"), 3, {}, ()), msgspec.structs.replace(every, targets={**every.targets, "node": node})
    analysis = small({CPU: {"rust": around(63), "go": around(130)}})
    alone, beside = (
        {c.target: c.mark for c in columns_of(msgspec.structs.replace(analysis, run=run), "standard", {})} for run in runs
    )
    assert alone == {"go": 0, "rust": 1}
    assert beside == {**alone, "node": 2}


def test_a_mark_belongs_to_a_target_whatever_the_order() -> None:
    run = run_of(("rust", "go"), 3, {}, ())
    analysis = msgspec.structs.replace(small({CPU: {"rust": around(63), "go": around(130)}}), run=run)
    first = {c.target: c.mark for c in columns_of(analysis, "standard", {"rust": 1, "go": 2})}
    assert first == {c.target: c.mark for c in columns_of(analysis, "standard", {"rust": 2, "go": 1})}


def test_bets_and_the_articles_map_are_known_by_language() -> None:
    assert read_languages()["rust"].bet == "One box, pushed hard, for years"
    assert all(-1 <= (language.across or 0) <= 1 for language in read_languages().values())
