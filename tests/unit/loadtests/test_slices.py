"""A slice as the rules of rounds look at it: what a service costs, where its counter can be read and where not."""

from __future__ import annotations

from msgspec import structs

from loadtests.generator.slices import joined, seen_of, unanswered
from loadtests.protocol.group_messages import PartResult, SliceEvent
from loadtests.protocol.rounds import Rounds


def event(number: int, answers_us: int, cpu_ns: int | None, shares: float | None) -> SliceEvent:
    return SliceEvent(
        copy=0,
        profile="x",
        level="saturate",
        round=number,
        start_ns=0,
        end_ns=250_000_000,
        requests=1000,
        failures=0,
        sum_microseconds=answers_us * 1000,
        paced_requests=900,
        paced_ns=200_000_000,
        busy_seconds=1.0,
        service_cpu_ns=cpu_ns,
        database_cpu_ns=None,
        generator_cpu_ns=0,
        others_ns=0,
        other_work=shares,
        steal=shares,
    )


def level(answers_us: list[int], cpu_ns: int | None, shares: float | None = None) -> Rounds:
    rounds = Rounds(len(answers_us))
    for number, each in enumerate(answers_us, 1):
        rounds.add(number, {0: seen_of(event(number, each, cpu_ns, shares))})
    rounds.enough([0], closed=True)
    return rounds


def test_a_service_without_a_counter_is_warm_when_its_answers_take_no_less_time() -> None:
    falling, level_times = [200, 150, 120, 101, 100, 100, 99, 100, 100], [100, 101, 100, 99, 100, 101, 100, 100, 99]
    assert level(falling, None).warming == (0,)
    assert level(level_times, None).warming == ()
    # Where there is a counter, it decides.
    assert level(falling, 100_000_000, 0.0).warming == ()


def test_what_happens_on_another_machine_costs_no_slice() -> None:
    assert level([100] * 5, None).dropped == {}
    assert set(level([100] * 5, 100_000_000, 0.5).dropped[0]) == {1, 2, 3, 4, 5}


def test_a_turn_in_which_no_request_was_due_is_no_failure_of_the_service() -> None:
    part = PartResult(1, 0, 1, 0, 0, 0, 0, 0, 0.0)
    assert not unanswered(part)
    assert unanswered(structs.replace(part, failures=1))
    assert not unanswered(structs.replace(part, failures=1, requests=1))


def test_what_each_worker_held_back_adds_up() -> None:
    part = PartResult(1, 0, 1, 10, 0, 0, 0, 0, 0.0, held=3)
    assert joined((part, part)).held == 6
