"""The cost model against sums done by hand."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from report_records import PROFILES, make_record, profile

from reports.analysis.analysis import analyse
from reports.analysis.cost_model import CostInputs, Interval, Rates, Requirements, answer, cost_inputs, everyday
from reports.sections.cost import advise

MIB = 2**20


def band(value: float) -> Interval:
    return Interval(value, value, value)


FAST = Rates("fast", band(100), band(60), None, band(150), band(10 * MIB), None)
SLOW = Rates("slow", band(1000), band(240), None, band(150), band(200 * MIB), None)
BASIS = CostInputs((FAST, SLOW), statements=1.5, cores=1, connections=32)
NEED = Requirements(rps=500, cpu_ms=0.2, queries=2, wait_ms=0, core_price=30, memory_price=3, reference="fast")


def test_a_bill_is_the_sum_that_the_docstring_says() -> None:
    fast, slow = answer(BASIS, NEED).bills
    # 200 us of work + 2 queries x 60 / 1.5 us = 280 us; x 500/s = 0.14 cores; at 60 % use 0.2333.
    assert fast.cores == pytest.approx(0.14 / 0.6)
    assert (fast.instances, fast.memory_gib) == (2, pytest.approx(2 * 1.5 * 10 / 1024))
    # 2,000 us of work + 320 us of queries = 1.16 cores; / 0.6 = 1.933: two instances.
    assert slow.cores == pytest.approx(1.16 / 0.6)
    assert slow.instances == 2
    # The database: 2 x 150 / 1.5 us x 500/s = 0.1 cores; / 0.6.
    assert fast.database_money == slow.database_money == pytest.approx(0.1 / 0.6 * 30)
    assert slow.total == pytest.approx(1.16 / 0.6 * 30 + 2 * 1.5 * 200 / 1024 * 3 + 0.1 / 0.6 * 30)


def test_what_the_language_decides_is_what_the_cheapest_choice_saves() -> None:
    found = answer(BASIS, NEED)
    assert found.decided == pytest.approx(1 - found.bills[0].total / found.bills[-1].total)
    same = CostInputs((FAST, msgspec.structs.replace(FAST, target="same")), 1.5, 1, 32)
    assert answer(same, NEED).decided == pytest.approx(0)


def test_instances_grow_with_the_cores_that_are_needed() -> None:
    many = answer(BASIS, msgspec.structs.replace(NEED, rps=5000.0))
    assert [bill.instances for bill in many.bills] == [3, 20]


def test_an_idle_service_still_pays_for_its_smallest_instances() -> None:
    idle = answer(BASIS, msgspec.structs.replace(NEED, rps=0.0))
    assert [bill.core_money for bill in idle.bills] == [pytest.approx(2 * 0.1 * 30)] * 2
    assert idle.bills[1].memory_money > idle.bills[0].memory_money


def test_work_is_scaled_from_where_it_was_measured() -> None:
    on_slow = answer(BASIS, msgspec.structs.replace(NEED, reference="slow", queries=0.0))
    assert [bill.cores for bill in on_slow.bills] == [pytest.approx(0.01 / 0.6), pytest.approx(0.1 / 0.6)]


def test_what_an_answer_costs_apart_from_work_and_queries_is_counted_once_where_it_was_measured() -> None:
    known = CostInputs((msgspec.structs.replace(FAST, base=band(15)),), 1.5, 1, 32)
    (bill,) = answer(known, NEED).bills
    assert bill.cores == pytest.approx(500 * (200 + 15 + 2 * (60 - 15) / 1.5) / 1e6 / 0.6)
    assert not answer(known, NEED).warnings


def test_waiters_beyond_the_measured_connections_take_memory_or_a_warning() -> None:
    waiting = msgspec.structs.replace(NEED, wait_ms=2000.0)
    assert any("up to 500 wait in an instance" in warning for warning in answer(BASIS, waiting).warnings)
    known = CostInputs((msgspec.structs.replace(FAST, base=band(15), waiter=band(MIB)),), 1.5, 1, 32)
    found = answer(known, waiting)
    assert not found.warnings
    assert found.bills[0].memory_gib == pytest.approx(2 * 1.5 * (10 + 500 - 32) / 1024)


def test_far_beyond_what_was_measured_is_a_warning() -> None:
    assert any("pure work" in w for w in answer(BASIS, msgspec.structs.replace(NEED, cpu_ms=5.0)).warnings)
    assert any("statements" in w for w in answer(BASIS, msgspec.structs.replace(NEED, queries=40.0)).warnings)


def test_what_was_not_measured_is_not_priced() -> None:
    blind = CostInputs((FAST, msgspec.structs.replace(SLOW, cpu=None)), 1.5, 1, 32)
    found = answer(blind, NEED)
    assert [bill.target for bill in found.bills] == ["fast"]
    assert found.unpriced == (("slow", "no valid trial of profile cpu, saturated"),)
    assert found.decided is None


def test_bounds_come_from_the_ends_of_the_intervals() -> None:
    wide = CostInputs((FAST, msgspec.structs.replace(SLOW, cpu=Interval(900, 1000, 1200))), 1.5, 1, 32)
    fast, slow = answer(wide, NEED).bills
    assert slow.low < slow.total < slow.high
    # What the reader measured on the reference has no interval of ours.
    own = CostInputs((msgspec.structs.replace(FAST, cpu=Interval(90, 100, 120)), SLOW), 1.5, 1, 32)
    fast, slow = answer(own, NEED).bills
    assert fast.low == fast.total == fast.high


def test_the_basis_is_what_the_record_measured(tmp_path: Path) -> None:
    ping = profile("ping", "Nothing", "What does an answer cost?", ("GET /ping",), "saturate")
    analysis = analyse(make_record(tmp_path, targets=("go", "python"), noise=0.0, profiles=(*PROFILES, ping)))
    basis = cost_inputs(analysis)
    go = basis.rates[0]
    assert go.cpu and go.db and go.base and go.memory
    # made_level: 0.97 s of CPU / rate.
    assert go.cpu.mid == pytest.approx(0.97 / 4300 * 1e6, rel=0.01)
    assert go.db.mid == pytest.approx(0.97 / 3050 * 1e6, rel=0.01)
    assert go.memory.mid == pytest.approx(21 * MIB, rel=0.01)
    assert basis.statements == pytest.approx(1.0, rel=0.01)
    assert (basis.cores, basis.connections) == (1, 32)


def test_the_page_asks_only_what_the_record_can_price(tmp_path: Path) -> None:
    analysis = analyse(make_record(tmp_path, profiles=PROFILES[:1]))
    need = everyday(analysis)
    assert (need.queries, need.cpu_ms) == (0.0, 0.2)
    assert len(advise(analysis, need).answer.bills) == 5
