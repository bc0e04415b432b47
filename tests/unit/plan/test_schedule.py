"""The plan: complete, seeded, random within blocks."""

from __future__ import annotations

import msgspec

from harness.files import ROOT
from harness.plan.config_file import PRESETS
from harness.plan.placement import place
from harness.plan.schedule import JIT_SECONDS, make_plan, timing_of, trials_seconds
from harness.plan.targets import find_targets
from harness.record.cpus import Cpu
from harness.record.plan import Level, Plan, Profile

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
    for block in (1, 2, 3):
        cells = [(t.target, t.profile) for t in trials if t.block == block]
        assert sorted(cells) == sorted((t, p.name) for t in TARGETS for p in PROFILES)


def test_a_profile_can_stop_after_some_blocks() -> None:
    placement = place((Cpu(0, 0, 0), Cpu(1, 0, 1)))
    profiles = (*PROFILES, Profile("build", "build", "?", (), 0, (), kind="build", most_blocks=2))
    made = make_plan(
        seed=1, preset="quick", timing=PRESETS["quick"], targets=TARGETS, profiles=profiles, placement=placement
    )
    assert sorted({t.block for t in made.trials if t.profile == "build"}) == [1, 2]
    assert sorted({t.block for t in made.trials if t.profile == "cpu"}) == [1, 2, 3]


def test_blocks_are_done_one_after_the_other() -> None:
    blocks = [trial.block for trial in plan().trials]
    assert blocks == sorted(blocks)


def test_the_same_seed_gives_the_same_order_and_another_seed_another() -> None:
    assert plan(1) == plan(1)
    assert [t.target for t in plan(1).trials] != [t.target for t in plan(2).trials]


def test_the_order_differs_between_blocks() -> None:
    trials = plan().trials
    orders = {tuple((t.target, t.profile) for t in trials if t.block == block) for block in (1, 2, 3)}
    assert len(orders) > 1


def test_trial_ids_are_unique_and_sort_in_the_order_of_the_plan() -> None:
    ids = [trial.id for trial in plan().trials]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids)


def test_what_compiles_while_it_runs_has_a_least_warm_up() -> None:
    services, full = find_targets(ROOT / "services"), PRESETS["full"]
    assert {name for name in services if timing_of(services[name], full) != full} == {"java", "kotlin"}
    warm = timing_of(services["java"], full)
    assert warm == msgspec.structs.replace(full, warmup_seconds=JIT_SECONDS)
    longer = msgspec.structs.replace(full, warmup_seconds=30.0)
    assert timing_of(services["java"], longer) == longer
    short = msgspec.structs.replace(full, warmup_limit_seconds=12.0)
    assert timing_of(services["java"], short).warmup_seconds == 12


def test_where_warm_up_is_not_judged_a_jit_changes_nothing() -> None:
    assert timing_of(find_targets(ROOT / "services")["java"], PRESETS["smoke"]) == PRESETS["smoke"]


def test_a_longer_warm_up_is_in_the_time_that_a_plan_tells() -> None:
    services = {name: target for name, target in find_targets(ROOT / "services").items() if name in TARGETS}
    each = trials_seconds(plan(), services)
    seconds = {trial.target: each[trial.id] for trial in plan().trials if trial.profile == "cpu"}
    assert seconds["java"] - seconds["go"] == JIT_SECONDS - PRESETS["quick"].warmup_seconds
    assert seconds["rust"] == seconds["go"]
