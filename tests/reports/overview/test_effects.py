"""Does the language matter for a service? Each answer with a small record that makes its sentence."""

from __future__ import annotations

import msgspec
from report_records import run_of
from small import Values, around, card_of, scattered, small

from reports.overview.effects import Effect, make_effects

RATE, CPU = "cpu@saturate throughput", "cpu@saturate cpu"
P99, P50, DBCPU = "service@500/s GET /products/{id} p99", "service@500/s p50", "service@500/s cpu"
LEVEL = {"rust": scattered(3500, 0), "go": scattered(3600, 1), "python": scattered(4300, 2)}


def effect(values: Values) -> Effect:
    analysis = small(values)
    (found,) = make_effects(analysis, card_of(analysis)[0])
    return found


def row(**values: float) -> dict[str, tuple[float, ...]]:
    return {target: around(value) for target, value in values.items()}


def test_speed_and_cpu() -> None:
    found = effect({RATE: row(rust=5200, go=2600, python=170), CPU: row(rust=190, go=380, python=5800)})
    assert found.answer == "speed and CPU"
    assert found.limit == "The service’s core is full."
    assert found.sentence == "Rust answers 31 times as many requests as Python, on the same cores."
    assert [line.words for line in found.lines] == ["×31", "×31"]


def test_speed_alone() -> None:
    found = effect({RATE: row(rust=5200, go=2600), CPU: {"rust": scattered(190, 0), "go": scattered(200, 1)}})
    assert (found.answer, found.lines[1].words) == ("speed", "no difference")


def test_cpu_and_not_speed() -> None:
    found = effect({P99: LEVEL, DBCPU: row(rust=130, go=250, python=390)})
    assert found.answer == "CPU, not speed"
    assert (
        found.sentence == "All answer GET /products/{id} alike (3.5 to 4.3\u00a0ms); Python takes 3 times the CPU of Rust."
    )
    assert [line.words for line in found.lines] == ["no difference", "×3.0"]


def test_latency_is_told_by_the_percentile_that_the_record_has() -> None:
    late = row(rust=300, go=400, python=4000)
    assert (
        effect({P50: late, DBCPU: late}).sentence == "A typical answer takes 300\u00a0µs in Rust and 4.0\u00a0ms in Python."
    )
    assert effect({P99: late, P50: LEVEL, DBCPU: late}).sentence == (
        "99 of 100 answers to GET /products/{id} come within 300\u00a0µs in Rust and 4.0\u00a0ms in Python."
    )


def test_held_requests_cost_memory() -> None:
    wait = {"rust": scattered(1.003, 0, 0.001), "go": scattered(1.004, 1, 0.001)}
    found = effect({"waiters@4000/held wait": wait, "waiters@4000/held waiter-memory": row(rust=11e3, go=33e3)})
    assert found.answer == "memory, not speed"
    assert found.sentence.endswith("Go takes 3 times the memory of Rust.")


def test_late_answers_of_held_requests() -> None:
    wait = row(rust=1.0, go=1.5)
    found = effect({"waiters@4000/held wait": wait, "waiters@4000/held waiter-memory": row(rust=11e3, go=33e3)})
    assert (found.answer, found.sentence) == ("speed", "Answers come 1.5 times as late in Go as in Rust.")


def test_nothing_told_apart_is_neither() -> None:
    wide = {"rust": scattered(3500, 0, 0.5), "go": scattered(5600, 1, 0.5)}
    found = effect({P99: wide, DBCPU: LEVEL})
    assert found.answer == "neither, as far as can be told"
    assert (
        found.sentence == "The differences seen lie within this machine’s noise. Left out for want of valid trials: Python."
    )
    assert found.lines[0].words == "not told apart"


def test_a_difference_under_a_quarter_decides_nothing() -> None:
    found = effect({RATE: row(rust=1100, go=1000), CPU: row(rust=190, go=200)})
    assert found.answer == "neither, as far as can be told"
    assert [line.words for line in found.lines] == ["under ×1.25", "under ×1.25"]


def test_too_few_trials_leave_it_open() -> None:
    few = {"rust": (5200.0, 5300.0), "go": (2600.0, 2700.0)}
    for taken in (row(rust=190, go=380), few):
        found = effect({RATE: few, CPU: taken})
        assert (found.answer, found.sentence) == ("open", "Too few trials are valid to rank what a client sees.")
        assert found.lines[0].words == "too few trials"


def test_of_held_requests_four_thousand_stand_for_all() -> None:
    both = {
        f"waiters@{n}/held {metric}": row(rust=11e3, go=33e3)
        for n in (250, 1000, 4000)
        for metric in ("wait", "waiter-memory")
    }
    assert effect(both).title == "Waiters, 4,000 requests held"


def test_cores_are_counted() -> None:
    analysis = small({RATE: row(rust=5200, go=2600), CPU: row(rust=190, go=380)})
    replace = msgspec.structs.replace
    plan = replace(analysis.run.plan, placement=replace(analysis.run.plan.placement, service="0-1"))
    two = replace(analysis, run=replace(run_of(("go", "rust"), 3, {}, plan.profiles), plan=plan))
    assert make_effects(two, card_of(two)[0])[0].limit == "The service’s cores are full."
