"""The plan: complete, seeded, random within blocks."""

from __future__ import annotations

import msgspec
import pytest

from harness.files import ROOT
from harness.plan.config_file import PRESETS
from harness.plan.placement import place
from harness.plan.schedule import JIT_SECONDS, TURN_SECONDS, further_pairs, make_pairs, make_plan, timing_of, trials_seconds
from harness.plan.targets import find_targets
from harness.record.cpus import Cpu
from harness.record.plan import Level, Plan, Profile, groups

LEVELS = (Level("saturate", "closed", 32, ("GET /x",)), Level("9/s", "open", 32, ("GET /x",), rate=9.0))
PROFILES = tuple(Profile(name, name, "?", ("GET /x",), 32, LEVELS) for name in ("cpu", "db"))
TARGETS = ("go", "java", "rust")


def plan(seed: int = 1) -> Plan:
    placement = place((Cpu(0, 0, 0), Cpu(1, 0, 1)))
    return make_plan(
        seed=seed, preset="quick", timing=PRESETS["quick"], targets=TARGETS, profiles=PROFILES, placement=placement
    )


def test_every_block_holds_every_cell_once() -> None:
    trials = plan().trials
    for block in range(1, 7):
        cells = [(t.target, t.profile) for t in trials if t.block == block]
        assert sorted(cells) == sorted((t, p.name) for t in TARGETS for p in PROFILES)


def test_what_is_not_measured_in_slices_is_measured_once_for_each_group() -> None:
    placement = place((Cpu(0, 0, 0), Cpu(1, 0, 1)))
    build = Profile("build", "build", "?", (), 0, (), kind="build", most_blocks=2)
    startup = Profile("startup", "startup", "?", ("GET /x",), 32, (), kind="startup")
    made = make_plan(
        seed=1,
        preset="quick",
        timing=PRESETS["quick"],
        targets=(*TARGETS, "go-twin"),
        profiles=(*PROFILES, build, startup),
        placement=placement,
    )
    assert sorted({t.block for t in made.trials if t.profile == "build"}) == [1, 2]
    assert sorted({t.block for t in made.trials if t.profile == "startup"}) == [1, 2, 3]
    assert sorted({t.block for t in made.trials if t.profile == "cpu"}) == [1, 2, 3, 4, 5, 6]
    # A twin would only be started and built twice.
    assert {t.profile for t in made.trials if t.target == "go-twin"} == {"cpu", "db"}
    assert all((t.group > 0) == (t.profile in ("cpu", "db")) for t in made.trials)


def test_two_blocks_are_alive_at_once_with_all_targets_and_profiles() -> None:
    found = groups(plan().trials)
    assert [{t.block for t in trials} for trials in found] == [{1, 2}, {3, 4}, {5, 6}]
    assert all(len(trials) == 2 * len(TARGETS) * len(PROFILES) for trials in found)


WITH_VARIANTS = ("go", "go.tuned", "java", "java.jdk21", "java.tuned", "rust", "rust-twin")


def with_variants(targets: tuple[str, ...] = WITH_VARIANTS, blocks: int = 20) -> Plan:
    build = Profile("build", "build", "?", (), 0, (), kind="build")
    startup = Profile("startup", "startup", "?", ("GET /x",), 32, (), kind="startup")
    return make_plan(
        seed=1,
        preset="quick",
        timing=msgspec.structs.replace(PRESETS["quick"], blocks=blocks),
        targets=targets,
        profiles=(*PROFILES, build, startup),
        placement=place((Cpu(0, 0, 0), Cpu(1, 0, 1))),
    )


def test_a_variant_is_measured_next_to_its_base_in_random_order() -> None:
    made = with_variants()
    starts = [t.target for t in made.trials if t.profile == "startup"]
    for group in range(10):
        mine = starts[6 * group :][:6]
        assert sorted(mine) == sorted(WITH_VARIANTS[:-1])
        java = sorted(mine.index(name) for name in mine if name.startswith("java"))
        assert java[2] - java[0] == 2 and abs(mine.index("go") - mine.index("go.tuned")) == 1
    orders = {tuple(name for name in starts[6 * group :][:6] if name.startswith("go")) for group in range(10)}
    assert orders == {("go", "go.tuned"), ("go.tuned", "go")}
    # In slices they are alive at once.
    assert all({t.target for t in trials} == set(WITH_VARIANTS) for trials in groups(made.trials) if trials[0].group)


def test_variants_are_not_in_profile_build() -> None:
    assert {t.target for t in with_variants().trials if t.profile == "build"} == {"go", "java", "rust"}


def test_variants_change_nothing_in_the_order_of_the_others() -> None:
    bases = tuple(name for name in WITH_VARIANTS if "." not in name)
    alone = [(t.block, t.target, t.profile) for t in with_variants(bases, blocks=2).trials]
    beside = [(t.block, t.target, t.profile) for t in with_variants(blocks=2).trials if "." not in t.target]
    assert sorted(alone) == sorted(beside)


def pairs(*cells: tuple[str, str], blocks: int = 3, twins: bool = True) -> Plan:
    return make_pairs(
        seed=1,
        preset="gate",
        timing=msgspec.structs.replace(PRESETS["gate"], blocks=blocks),
        cells=cells,
        profiles=(*PROFILES, Profile("startup", "startup", "?", ("GET /x",), 32, (), kind="startup")),
        placement=place((Cpu(0, 0, 0), Cpu(1, 0, 1))),
        twins=twins,
    )


def test_base_its_twin_and_head_of_a_target_are_alive_at_once() -> None:
    made = pairs(("go", "cpu"), ("rust", "cpu"), ("go", "db"))
    found = groups(made.trials)
    assert len(found) == 3 * 3
    cpu = [sorted(t.target for t in trials) for trials in found if trials[0].profile == "cpu"]
    assert cpu.count(["go", "go-base", "go-base-twin"]) == cpu.count(["rust", "rust-base", "rust-base-twin"]) == 3
    without = pairs(("go", "cpu"), twins=False)
    assert [sorted(t.target for t in trials) for trials in groups(without.trials)] == [["go", "go-base"]] * 3


def test_versions_of_a_group_start_in_random_order_and_others_in_turn() -> None:
    made = pairs(("go", "cpu"), blocks=20)
    assert len({tuple(t.target for t in trials) for trials in groups(made.trials)}) > 3
    alone = pairs(("go", "startup"), blocks=2)
    assert [t.target for t in alone.trials] == ["go-base", "go", "go-base-twin", "go-base-twin", "go", "go-base"]
    assert [t.block for t in alone.trials] == [1, 1, 1, 2, 2, 2]


def test_blocks_that_are_planned_later_are_those_of_a_longer_plan() -> None:
    cells = (("go", "cpu"), ("go", "db"), ("go", "startup"))
    assert further_pairs(pairs(*cells, blocks=3), cells, 2) == pairs(*cells, blocks=5)
    longer = further_pairs(pairs(*cells, blocks=3), [("go", "db")], 1)
    assert {(t.block, t.profile) for t in longer.trials[27:]} == {(4, "db")}
    assert len({t.id for t in longer.trials}) == len(longer.trials) == 30
    assert len({t.group for t in longer.trials} - {0}) == 7


def test_the_same_seed_gives_the_same_order_and_another_seed_another() -> None:
    assert plan(1) == plan(1)
    # The order within a group is drawn by the load generator, from the same seed.
    assert plan(1).seed != plan(2).seed


def test_trial_ids_are_unique_and_sort_in_the_order_of_the_plan() -> None:
    ids = [trial.id for trial in plan().trials]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids)


def test_what_compiles_while_it_runs_has_a_least_warm_up() -> None:
    services, full = find_targets(ROOT / "services"), PRESETS["full"]
    assert {name for name in services if timing_of(services[name], full) != full} == {"java", "kotlin", "node"}
    warm = timing_of(services["java"], full)
    assert warm == msgspec.structs.replace(full, warmup_seconds=JIT_SECONDS)
    longer = msgspec.structs.replace(full, warmup_seconds=30.0)
    assert timing_of(services["java"], longer) == longer
    short = msgspec.structs.replace(full, warmup_limit_seconds=12.0)
    assert timing_of(services["java"], short).warmup_seconds == 12


def test_where_warm_up_is_not_judged_a_jit_changes_nothing() -> None:
    assert timing_of(find_targets(ROOT / "services")["java"], PRESETS["smoke"]) == PRESETS["smoke"]


def test_a_longer_warm_up_is_in_the_time_that_a_plan_tells() -> None:
    services = find_targets(ROOT / "services")
    with_jit = sum(trials_seconds(plan(), services).values())
    without = sum(trials_seconds(plan(), dict.fromkeys(TARGETS, services["go"])).values())
    # Six starts of Java: ten turns in place of two before each of the two profiles.
    assert with_jit - without == pytest.approx(6 * (8 + 8) * TURN_SECONDS)
