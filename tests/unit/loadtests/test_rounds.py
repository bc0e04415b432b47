"""Which rounds of a group count, and when there are enough of them."""

from __future__ import annotations

import random
from collections.abc import Mapping

from loadtests.protocol.rounds import MOST_TIMES, Rounds, Seen, problem, still_warming

NAMES = ("go", "java", "rust")


def seen(us: float = 100.0, others_ns: int = 0, steal: float = 0.0, other_work: float = 0.0) -> Seen:
    return Seen(
        seconds=0.5,
        requests=5000,
        service_cpu_ns=int(us * 5000 * 1000),
        others_ns=others_ns,
        other_work=other_work,
        steal=steal,
    )


def a_round(speed: float, costs: tuple[float, ...] = (100.0, 130.0, 80.0)) -> Mapping[int, Seen]:
    return {copy: seen(cost * speed) for copy, cost in enumerate(costs)}


def test_a_quiet_round_counts() -> None:
    assert problem(a_round(1.0)) == ""


def test_a_round_is_dropped_where_a_service_without_load_worked() -> None:
    assert problem({0: seen(), 1: seen(others_ns=2_000_000)}) == ""
    assert "services without load used 1.0%" in problem({0: seen(), 1: seen(others_ns=5_000_000)})
    # Idle runtimes have timers, so a larger group may use more.
    assert problem({copy: seen(others_ns=5_000_000) for copy in range(10)}) == ""


def test_a_round_is_dropped_for_steal() -> None:
    assert problem({0: seen(steal=0.05)}) == ""
    assert "steal" in problem({0: seen(steal=0.06)})


def test_a_round_is_dropped_for_work_outside_the_group() -> None:
    # Half a second: two ticks of 10 ms are 4 % of it.
    assert problem({0: seen(other_work=0.09)}) == ""
    assert "other work took 10%" in problem({0: seen(other_work=0.10)})


def test_a_machine_that_gets_faster_for_all_is_no_warm_up() -> None:
    assert still_warming([a_round(1.0 - number / 20) for number in range(9)]) == ()


def test_a_copy_that_gets_faster_than_the_others_is_warming_up() -> None:
    rounds = [a_round(1.0, (100.0, 200.0 - 10 * number, 80.0)) for number in range(9)]
    assert still_warming(rounds) == (1,)


def test_noise_is_seldom_called_a_warm_up() -> None:
    rng = random.Random(3)
    alarms = sum(
        bool(still_warming([a_round(1.0, tuple(rng.gauss(c, c * 0.03) for c in (100, 130, 80))) for _ in range(6)]))
        for _ in range(300)
    )
    assert alarms < 30


def measure(rounds: Rounds, costs: Mapping[int, tuple[float, ...]], other: tuple[float, ...]) -> int:
    number = 0
    while not rounds.enough(NAMES, closed=True):
        number += 1
        rounds.add(number, a_round(1.0, costs.get(number, other)))
    return number


def test_a_level_ends_with_the_wanted_rounds() -> None:
    rounds = Rounds(6)
    assert measure(rounds, {}, (100.0, 130.0, 80.0)) == 6
    assert rounds.counting() == [1, 2, 3, 4, 5, 6] and rounds.dropped == {}


def test_dropped_rounds_are_measured_again_and_bounded() -> None:
    rounds, number = Rounds(4), 0
    while not rounds.enough(NAMES, closed=True):
        number += 1
        rounds.add(number, {0: seen(steal=0.5 if number % 2 else 0.0), 1: seen()})
    assert number == 8 and rounds.counting() == [2, 4, 6, 8]
    never = Rounds(4)
    while not never.enough(NAMES, closed=True):
        never.add(len(never.dropped) + 1, {0: seen(steal=0.5)})
    assert never.counting() == [] and len(never.dropped) == 4 * MOST_TIMES


def test_rounds_in_which_a_copy_still_got_faster_become_warm_up() -> None:
    rounds = Rounds(6)
    falling = {n: (100.0, 300.0 / n, 80.0) for n in range(1, 4)}
    number = measure(rounds, falling, (100.0, 60.0, 80.0))
    assert 6 < number <= 6 * MOST_TIMES and len(rounds.counting()) == 6 and rounds.warming == ()
    assert rounds.dropped[1] == "warm-up: java still got faster"


def test_a_copy_that_never_gets_steady_is_named() -> None:
    rounds = Rounds(3)
    measure(rounds, {n: (100.0, 1000.0 * 0.8**n, 80.0) for n in range(1, 50)}, (1.0, 1.0, 1.0))
    assert rounds.warming == (1,)
