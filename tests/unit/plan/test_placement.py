"""CPU placement from the topology."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.plan.placement import for_cores, for_replicas, place
from harness.record.cpus import Cpu, count_cpus, cpu_list


def machine(cores: int, threads: int = 1) -> tuple[Cpu, ...]:
    """Logical CPUs as Linux numbers them: first one thread of every core, then the second ones."""
    return tuple(Cpu(thread * cores + core, 0, core) for thread in range(threads) for core in range(cores))


def cpus(text: str) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def test_two_cores_give_the_service_one_and_say_who_shares_the_other() -> None:
    placement = place(machine(2))
    assert (placement.service, placement.database, placement.generator) == ("1", "0", "0")
    assert placement.shared == ("database", "generator")


@pytest.mark.parametrize(("cores", "threads"), [(4, 1), (4, 2), (8, 2), (16, 1)])
def test_with_four_cores_or_more_nobody_shares(cores: int, threads: int) -> None:
    placement = place(machine(cores, threads))
    sets = [cpus(placement.service), cpus(placement.database), cpus(placement.generator)]
    assert placement.shared == ()
    assert not sets[0] & sets[1] and not sets[0] & sets[2] and not sets[1] & sets[2]
    assert all(sets)


def test_hyper_threads_of_one_core_stay_together() -> None:
    assert place(machine(4, threads=2)).service == "3,7"


def test_the_service_never_shares_a_core() -> None:
    for cores in range(2, 9):
        placement = place(machine(cores))
        assert not cpus(placement.service) & (cpus(placement.database) | cpus(placement.generator))


def test_one_core_is_refused_with_what_to_do() -> None:
    with pytest.raises(UsageError, match="at least two cores"):
        place(machine(1, threads=2))


def test_cpu_lists_are_in_the_form_of_the_kernel() -> None:
    assert cpu_list([5, 0, 1, 2]) == "0-2,5"
    assert count_cpus("0-2,5") == 4


def test_more_cores_for_a_service_as_far_as_one_is_left() -> None:
    assert [count for count, _ in for_cores(machine(8))] == [1, 2, 4, 7]
    assert [count for count, _ in for_cores(machine(5))] == [1, 2, 4]
    for count, placement in for_cores(machine(8, threads=2)):
        assert count_cpus(placement.service) == 2 * count
        assert not cpus(placement.service) & (cpus(placement.database) | cpus(placement.generator))


def test_on_two_cores_the_second_point_shares_and_says_so() -> None:
    (one, alone), (two, both) = for_cores(machine(2))
    assert (one, alone.service, two, both.service) == (1, "1", 2, "0-1")
    assert (both.database, both.generator) == ("0", "0")
    assert "service" in both.shared and "service" not in alone.shared


def test_replicas_on_two_cores_share_the_services_and_the_proxy_the_generators() -> None:
    placement, each = for_replicas(machine(2), 4)
    assert (placement.service, placement.generator, placement.proxy) == ("1", "0", "0")
    assert each == ("1", "1", "1", "1")
    assert set(placement.shared) == {"database", "generator", "proxy", "replicas"}
    assert "replicas" not in for_replicas(machine(2), 1)[0].shared


@pytest.mark.parametrize("cores", [4, 6, 8, 16])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_replicas_never_share_with_the_rest_and_what_is_shared_is_said(cores: int, count: int) -> None:
    placement, each = for_replicas(machine(cores), count)
    rest = [cpus(placement.database), cpus(placement.generator), cpus(placement.proxy)]
    assert len(each) == count
    assert set().union(*map(cpus, each)) == cpus(placement.service)
    assert not any(cpus(placement.service) & other for other in rest)
    assert (len(set(each)) < count) == ("replicas" in placement.shared)
    assert (placement.proxy == placement.generator) == ("proxy" in placement.shared)


def test_eight_cores_give_each_of_four_replicas_its_own_and_the_proxy_too() -> None:
    placement, each = for_replicas(machine(8), 4)
    assert len(set(each)) == 4
    assert placement.shared == ()
