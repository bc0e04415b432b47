"""The plan: complete, seeded, random within blocks."""

from __future__ import annotations

from harness.config import PRESETS
from harness.model import Level, Plan, Profile
from harness.placement import Cpu, place
from harness.plan import make_plan

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
