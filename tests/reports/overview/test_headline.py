"""The headline and the sentences below it: each rule with a small record that makes its sentence."""

from __future__ import annotations

import msgspec
import pytest
from small import Values, around, card_of, scattered, small

from reports.overview.bills import Bills
from reports.overview.headline import make_headline, make_trust

CPU, P99, RATE = "cpu@saturate cpu", "service@500/s GET /products/{id} p99", "service@saturate throughput"
SLOW, MEMORY, DBCPU = "downstream@saturate throughput", "service@500/s working-set", "service@500/s cpu"
LEVEL = {"rust": scattered(3500, 0), "go": scattered(3600, 1), "python": scattered(4300, 2)}


def said(values: Values) -> tuple[str, ...]:
    analysis = small(values)
    card, bills = card_of(analysis)
    return make_headline(analysis, card, bills).sentences


def lede(values: Values) -> tuple[str, ...]:
    analysis = small(values)
    card, bills = card_of(analysis)
    return make_headline(analysis, card, bills).lede


@pytest.mark.parametrize(
    ("cpu", "sentence"),
    [
        (
            {"rust": around(63), "go": around(132), "python": around(2060)},
            "On pure CPU work Rust does 2.1 to 33 times as much per core as the others.",
        ),
        ({"rust": around(63), "go": around(132)}, "On pure CPU work Rust does 2.1 times as much per core as Go."),
        (
            {"rust": around(63), "go": around(132), "java": around(132)},
            "On pure CPU work Rust does 2.1 times as much per core as the others.",
        ),
        (
            {"rust": around(63), "go": around(63.2), "java": around(650), "python": around(2080)},
            "On pure CPU work Go and Rust do 10 to 33 times as much per core as the others.",
        ),
        (
            {"rust": around(63), "go": around(63.2), "java": around(63.1), "python": around(2060)},
            "On pure CPU work 1 of 4 languages falls behind, by up to 33 times per core; the rest are level.",
        ),
        (
            {
                "rust": around(63), "go": around(63.2), "java": around(63.1), "kotlin": around(126), "python": around(2060),
            },
            "On pure CPU work 2 of 5 languages fall behind, by up to 33 times per core; the rest are level.",
        ),
        ({"rust": scattered(63, 0), "go": scattered(70, 1)}, "On pure CPU work no language is told from another."),
    ],
)  # fmt: skip
def test_pure_work(cpu: dict[str, tuple[float, ...]], sentence: str) -> None:
    assert said({CPU: cpu}) == (sentence,)


def test_behind_a_database_nobody_is_faster_and_what_differs_is_named() -> None:
    level = {P99: LEVEL, RATE: LEVEL, SLOW: LEVEL}
    apart = {"rust": around(100), "go": around(200), "python": around(300)}
    head = "Behind a database no language is measurably faster"
    # What was not measured is not said to be equal.
    assert said(level) == (f"{head}.",)
    assert said({**level, DBCPU: LEVEL}) == (f"{head}.",)
    assert said({**level, DBCPU: LEVEL, MEMORY: LEVEL}) == (f"{head}, and neither CPU nor memory differs.",)
    assert said(level | {DBCPU: apart}) == (f"{head}. Only CPU differs.",)
    assert said(level | {MEMORY: apart}) == (f"{head}. Only memory differs.",)
    assert said(level | {DBCPU: apart, MEMORY: apart}) == (f"{head}: what differs is CPU and memory.",)


def test_behind_a_database_a_difference_in_speed_is_told_first() -> None:
    apart = {"rust": around(1500), "go": around(1450), "python": around(700)}
    assert said({P99: LEVEL, RATE: apart}) == ("Behind a database Rust answers 2.1 times as many requests as Python.",)
    late = {"rust": around(3500), "go": around(3600), "python": around(9000)}
    assert said({P99: late, RATE: LEVEL}) == (
        "Behind a database the slowest product reads of Python take 2.6 times as long as those of Rust.",
    )


def test_without_any_main_axis_the_headline_counts() -> None:
    assert said({" image": {"rust": (1e6,), "go": (2e6,)}}) == ("2 languages, 1 load.",)


def test_a_run_without_loads_says_the_first_difference_it_found() -> None:
    edits = {"build edit": {"rust": around(1.8), "go": around(0.8), "java": around(4.0)}}
    apart = msgspec.structs.replace(small(edits), loads=())
    card, bills = card_of(apart)
    assert make_headline(apart, card, bills).sentences == ("Edit to running: Go is best; Java is 5 times behind.",)
    level = msgspec.structs.replace(small({" image": {"rust": (1e6,), "go": (1e6,)}}), loads=())
    card, bills = card_of(level)
    assert make_headline(level, card, bills).sentences == ("2 languages, no load.",)


def test_the_lede_says_what_a_client_sees_and_what_it_takes() -> None:
    found = lede(
        {
            P99: LEVEL,
            DBCPU: {"rust": around(100), "go": around(190), "python": around(300)},
            MEMORY: {"rust": around(2.5e6), "go": around(9e6), "python": around(150e6)},
        }
    )
    assert found == (
        "At 500 requests/s of an everyday mix, 99 of 100 product reads come within 3.5 to 4.3\u00a0ms in every language.",
        "What differs is what that takes: up to 3 times the CPU and 60 times the memory.",
    )


def test_the_lede_names_neither_where_nothing_differs() -> None:
    assert len(lede({P99: LEVEL, DBCPU: LEVEL})) == 1
    some = lede({"db@1000/s GET /products/{id} p99": LEVEL | {"java": "no valid trial (unstable)"}})
    assert some == (
        "At 1,000 requests/s of database work, 99 of 100 product reads come within 3.5 to 4.3\u00a0ms in 3 of 4.",
    )


def test_no_sentence_is_longer_than_25_words() -> None:
    apart = {"rust": around(1), "go": around(2), "java": around(3), "kotlin": around(4), "python": around(5)}
    analysis = small({CPU: apart, P99: LEVEL, DBCPU: apart, MEMORY: apart})
    card, bills = card_of(analysis)
    head = make_headline(analysis, card, bills)
    assert all(len(sentence.split()) <= 25 for sentence in (*head.sentences, *head.lede))


def test_the_line_of_facts_says_machine_trials_and_noise() -> None:
    analysis = small({CPU: {"rust": around(63), "go": around(130)}})
    card, _ = card_of(analysis)
    facts = make_trust(analysis, card, ("very noisy", 0.087), twins_differ=False).facts
    assert facts == (
        "1 January 2020", "2 CPUs (Synthetic CPU), 1 for the service", "0 of 0 trials valid",
        "very noisy (8.7 % between trials), so small differences stay ties",
    )  # fmt: skip
    assert make_trust(analysis, card, ("quiet", 0.012), twins_differ=False).facts[-1] == "quiet (1.2 % between trials)"
    once = small({CPU: {"rust": (63.0,), "go": (130.0,)}}, blocks=1)
    found = make_trust(once, card_of(once)[0], ("unknown", None), twins_differ=False)
    assert found.facts[-1] == "one block: values, no ranking"


def test_only_real_trouble_makes_the_box() -> None:
    analysis = small({CPU: {"rust": around(63), "go": around(130)}})
    card, _ = card_of(analysis)
    replace = msgspec.structs.replace

    def reasons(changed: object = analysis, *, twins: bool = False) -> tuple[str, ...]:
        return make_trust(changed, card, ("quiet", 0.01), twins_differ=twins).reasons  # type: ignore[arg-type]

    assert reasons() == ()
    assert reasons(twins=True) == ("Two copies of one image differ by more than chance explains.",)
    assert reasons(replace(analysis, warnings=("a file is missing",))) == ("The record is damaged.",)
    run = replace(analysis.run, calibration=replace(analysis.run.calibration, problems=("p99 is late",)))
    assert reasons(replace(analysis, run=run)) == ("The load generator’s calibration is out of bounds.",)
    smoke = replace(analysis.run, plan=replace(analysis.run.plan, preset="smoke"))
    assert "rehearsal" in reasons(replace(analysis, run=smoke))[0]
    none = small({CPU: {"rust": around(63), "go": around(130), "python": "no valid trial (failed)"}})
    found = make_trust(none, card_of(none)[0], ("quiet", 0.01), twins_differ=False)
    assert found.reasons == ("Python has no valid trial on a main axis.",)
    few = small({P99: {"rust": around(3000), "go": around(3100), "python": "only 15 of 1,500 requests lie beyond it"}})
    assert make_trust(few, card_of(few)[0], ("quiet", 0.01), twins_differ=False).reasons == ()


def test_without_a_bill_the_lede_is_silent_on_money() -> None:
    analysis = small({P99: LEVEL})
    assert not any("bill" in sentence for sentence in make_headline(analysis, card_of(analysis)[0], Bills(())).lede)
