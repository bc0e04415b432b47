"""What a target answers, on a fresh pair of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import checks
import fuzzing
import pytest
from asked import TARGETS
from stand import Pair
from story import LONGEST_WAIT_MS, Told

from harness.record.config import Limits
from harness.record.cpus import count_cpus
from harness.trials.context import meta_of

pytestmark = pytest.mark.containers

GOLDEN = len(checks.golden_cases())


SHOWN = 20


def explain(target: str, problems: checks.Problems, hint: str = "") -> str:
    """All problems, or the first of many, as the message of a failed assertion. `hint`: what to do, after their number."""
    left = len(problems) - SHOWN
    more = [f"... and {left} more"] if left > 0 else []
    return os.linesep.join([f"{target}: {len(problems)} problem(s){hint}", *problems[:SHOWN], *more])


@pytest.mark.essential
def test_golden_cases_get_their_answers(told: Told, target: str) -> None:
    if report := checks.golden_report(told.answers):
        pytest.fail(f"{target}: {report}", pytrace=False)


@pytest.mark.essential
def test_a_thousand_generated_requests_get_the_oracles_answers(told: Told, target: str) -> None:
    found = checks.story_problems(told.answers, GOLDEN, len(told.answers))
    first = checks.story_problems(told.answers, 0, GOLDEN)
    hint = "; fix the golden cases first: these requests follow them on the same database" if first else ""
    assert not found, explain(target, found, hint)


@pytest.mark.essential
def test_all_targets_answer_the_same(told: Told, target: str, tales: Path) -> None:
    tale = [checks.meaning(answer) for answer in told.answers]
    # Its own before it looks at others: of two targets at the same time one sees the other.
    written = tales / f"{target}.part"
    written.write_text(json.dumps(tale))
    written.rename(tales / f"{target}.json")
    found = [
        f"{checks.describe(case)}: {mine[:300]} where {path.stem} answers {theirs[:300]}"
        for path in tales.glob("*.json")
        for case, mine, theirs in zip(checks.story(), tale, json.loads(path.read_text()), strict=True)
        if mine != theirs
    ]
    assert not found, explain(target, found)


@pytest.mark.slow
@pytest.mark.parametrize("label", fuzzing.labels())
def test_whatever_the_openapi_file_allows_is_answered_as_it_says(pair: Pair, target: str, label: str) -> None:
    found = fuzzing.fuzz_problems(pair.port, label)
    assert not found, explain(target, found)


@pytest.mark.essential
def test_bodies_over_a_mebibyte_are_refused_with_and_without_a_length(pair: Pair, target: str) -> None:
    found = checks.size_problems(pair.port)
    assert not found, explain(target, found)


@pytest.mark.essential
def test_a_body_without_a_content_type_is_refused(pair: Pair, target: str) -> None:
    found = checks.media_type_problems(pair.port)
    assert not found, explain(target, found)


@pytest.mark.essential
def test_hostile_requests_break_nothing(pair: Pair, target: str) -> None:
    found = checks.hostile_problems(pair.port)
    assert not found, explain(target, found)


@pytest.mark.essential
def test_a_connection_is_kept_through_answers_of_every_kind(pair: Pair, target: str) -> None:
    found = checks.keep_alive_problems(pair.port)
    assert not found, explain(target, found)


@pytest.mark.essential
def test_waits_last_as_long_as_asked_and_hold_nobody_up(pair: Pair, target: str) -> None:
    found = checks.duration_problems(pair.port)
    assert not found, explain(target, found)


@pytest.mark.essential
def test_meta_tells_the_target_its_versions_and_its_sizes(pair: Pair, target: str) -> None:
    wanted = {
        **meta_of(TARGETS[target]),
        "cpus": count_cpus(pair.service.running.spec.cpus),
        "db_pool_size": Limits().db_pool_size,
    }
    found = checks.meta_problems(pair.port, wanted)
    assert not found, explain(target, found)


@pytest.mark.slow
def test_the_longest_wait_is_answered(told: Told, target: str) -> None:
    answer, seconds = told.longest_wait()
    assert answer.status == 200, target
    assert LONGEST_WAIT_MS / 1000 <= seconds < LONGEST_WAIT_MS / 1000 + 1, f"{target}: {seconds:.3f} s"
