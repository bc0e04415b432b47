"""Which rounds of a group count, and when there are enough of them."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from loadtests.protocol.rounds import HOST_REASONS, MOST_TIMES, Rounds, Seen, in_order, problem, still_warming


def seen(us: float = 100.0, others_ns: int = 0, steal: float = 0.0, other_work: float = 0.0) -> Seen:
    return Seen(
        seconds=0.5,
        requests=5000,
        cost_ns=int(us * 5000 * 1000),
        others_ns=others_ns,
        other_work=other_work,
        steal=steal,
    )


def a_round(speed: float, costs: tuple[float, ...] = (100.0, 130.0, 80.0)) -> Mapping[int, Seen]:
    return {copy: seen(cost * speed) for copy, cost in enumerate(costs)}


def test_a_quiet_slice_counts() -> None:
    assert problem(seen(), copies=3) == ""


def test_a_slice_is_dropped_where_a_service_without_load_worked() -> None:
    # Half a second.
    assert problem(seen(others_ns=20_000_000), copies=2) == ""
    assert "services without load used 6% of a CPU (limit 4%)" in problem(seen(others_ns=30_000_000), copies=2)
    # Idle runtimes have timers, so those of a larger group may use more.
    assert problem(seen(others_ns=30_000_000), copies=10) == ""


def test_a_slice_is_dropped_for_steal() -> None:
    assert problem(seen(steal=0.05), copies=2) == ""
    assert "steal" in problem(seen(steal=0.06), copies=2)


def test_a_slice_is_dropped_for_work_outside_the_group() -> None:
    # Half a second: two ticks of 10 ms are 4 % of it.
    assert problem(seen(other_work=0.09), copies=2) == ""
    assert "other work took 10%" in problem(seen(other_work=0.10), copies=2)


@pytest.mark.parametrize(
    ("slice_", "host"), [(seen(steal=0.5), True), (seen(other_work=0.5), True), (seen(others_ns=10**9), False)]
)
def test_what_the_host_costs_is_told_from_what_the_group_costs(slice_: Seen, host: bool) -> None:
    assert problem(slice_, copies=2).startswith(HOST_REASONS) is host


def warming(rounds: list[Mapping[int, Seen]]) -> tuple[int, ...]:
    return still_warming(dict(enumerate(rounds)), {copy: list(range(len(rounds))) for copy in rounds[0]})


def test_a_machine_that_gets_faster_for_all_is_no_warm_up() -> None:
    assert warming([a_round(1.0 - number / 20) for number in range(9)]) == ()


def test_a_copy_that_gets_faster_than_the_others_is_warming_up() -> None:
    rounds = [a_round(1.0, (100.0, 200.0 - 10 * number, 80.0)) for number in range(9)]
    assert warming(rounds) == (1,)


def test_noise_is_seldom_called_a_warm_up() -> None:
    rng = random.Random(3)
    alarms = sum(
        bool(warming([a_round(1.0, tuple(rng.gauss(c, c * 0.03) for c in (100, 130, 80))) for _ in range(6)]))
        for _ in range(300)
    )
    assert alarms < 30


COPIES = (0, 1, 2)


def measure(rounds: Rounds, costs: Mapping[int, tuple[float, ...]], other: tuple[float, ...]) -> int:
    number = 0
    while not rounds.enough(COPIES, closed=True):
        number += 1
        rounds.add(number, a_round(1.0, costs.get(number, other)))
    return number


def test_a_level_ends_with_the_wanted_rounds() -> None:
    rounds = Rounds(6)
    assert measure(rounds, {}, (100.0, 130.0, 80.0)) == 6
    assert rounds.counting(1) == [1, 2, 3, 4, 5, 6] and rounds.dropped == {}


def test_a_dropped_slice_costs_its_own_service_alone() -> None:
    rounds, number = Rounds(5), 0
    while not rounds.enough(COPIES, closed=True):
        number += 1
        rounds.add(number, {**a_round(1.0), 0: seen(steal=0.5 if number == 2 else 0.0)})
    # Four of five are enough.
    assert number == 5 and rounds.counting(0) == [1, 3, 4, 5] and rounds.counting(1) == [1, 2, 3, 4, 5]


def test_rounds_follow_until_each_service_has_enough_and_are_bounded() -> None:
    rounds, number = Rounds(5), 0
    while not rounds.enough((0, 1), closed=True):
        number += 1
        rounds.add(number, {0: seen(steal=0.5 if number % 2 else 0.0), 1: seen()})
    assert number == 8 and rounds.counting(0) == [2, 4, 6, 8]
    never, number = Rounds(4), 0
    while not never.enough((0,), closed=True):
        number += 1
        never.add(number, {0: seen(steal=0.5)})
    assert never.counting(0) == [] and number == 4 * MOST_TIMES


def test_at_a_rate_a_further_round_is_for_those_that_want_slices() -> None:
    rounds = Rounds(1)
    assert rounds.due([0, 1, 2], closed=False) == [0, 1, 2]
    rounds.add(1, {0: seen(), 1: seen(steal=0.5), 2: seen()})
    assert rounds.due([0, 1, 2], closed=False) == [1]
    # At full load slices of one round are compared with each other.
    assert rounds.due([0, 1, 2], closed=True) == [0, 1, 2]
    # The idle timers of the whole group are allowed, whoever has the load.
    rounds.add(2, {1: seen(others_ns=24_000_000)})
    assert rounds.counting(1) == [2] and rounds.enough([0, 1, 2], closed=False)


def test_slices_in_which_a_service_still_got_faster_become_its_warm_up() -> None:
    rounds = Rounds(6)
    falling = {n: (100.0, 300.0 / n, 80.0) for n in range(1, 4)}
    number = measure(rounds, falling, (100.0, 60.0, 80.0))
    assert 6 < number <= 6 * MOST_TIMES and len(rounds.counting(1)) >= 4 and rounds.warming == ()
    assert rounds.dropped[1][1] == "warm-up: it still got faster" and rounds.dropped.keys() == {1}


def test_a_service_that_never_gets_steady_is_named() -> None:
    rounds = Rounds(3)
    measure(rounds, {n: (100.0, 1000.0 * 0.8**n, 80.0) for n in range(1, 50)}, (1.0, 1.0, 1.0))
    assert rounds.warming == (1,)


def test_copies_of_one_family_are_neighbours_in_random_order() -> None:
    rng = random.Random(1)
    orders = [in_order((0, 1, 2, 3, 4), (0, 0, 2, 3, 3), rng) for _ in range(200)]
    for order in orders:
        assert sorted(order) == [0, 1, 2, 3, 4]
        assert abs(order.index(0) - order.index(1)) == 1 and abs(order.index(3) - order.index(4)) == 1
    # Each comes first about as often as the other, and so does each family.
    assert 60 < sum(order.index(0) < order.index(1) for order in orders) < 140
    assert all(40 < sum(order[0] in family for order in orders) < 95 for family in ((0, 1), (2,), (3, 4)))


def test_without_families_a_seed_gives_the_order_that_it_always_gave() -> None:
    due = [2, 0, 3, 1]
    plain, now = random.Random(7), random.Random(7)
    assert [in_order(due, (0, 1, 2, 3), now) for _ in range(5)] == [plain.sample(due, len(due)) for _ in range(5)]
