"""Claims: supported only by a whole interval, and never where the record lacks what they are about."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from markupsafe import escape
from report_records import PROFILES, make_record

from harness.record.reader import Record
from reports.analysis.analysis import Analysis, analyse
from reports.analysis.claims import Claim, ClaimResult, Condition, claim_results, read_claims

PURE_WORK = {"metric": "cpu", "scope": "cpu@saturate"}


def judge(analysis: Analysis, *tests: dict[str, object]) -> ClaimResult:
    claim = Claim("one", "Something is so.", "So it is", tuple(msgspec.convert(test, Condition) for test in tests))
    (found,) = claim_results(analysis, (claim,))
    return found


@pytest.fixture(scope="module")
def clear(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """Rust does 5,200 requests/s on cpu, go 4,300, java 4,900, kotlin 4,000, python 90."""
    return analyse(make_record(tmp_path_factory.mktemp("claims"), blocks=4, noise=0.005))


def test_the_shipped_claims_are_ten_at_least_and_each_has_a_bound() -> None:
    claims = read_claims()
    assert len(claims) >= 10
    assert len({claim.id for claim in claims}) == len(claims)
    assert all(claim.test and claim.says.endswith(".") for claim in claims)


def test_a_claim_holds_where_the_whole_interval_keeps_its_bound(clear: Analysis) -> None:
    found = judge(clear, PURE_WORK | {"of": ["Rust"], "over": ["Go"], "at_most": 0.97})
    assert found.verdict == "supported"
    ratio = re.search(r"rust ÷ go = ([\d.]+) \(([\d.]+)–([\d.]+)\); claimed at most 0.970", found.figures[0])
    assert ratio, found.figures
    assert float(ratio[1]) == pytest.approx(4300 / 5200, rel=0.03)


def test_a_claim_breaks_where_the_whole_interval_breaks_its_bound(clear: Analysis) -> None:
    assert judge(clear, PURE_WORK | {"of": ["Rust"], "over": ["Go"], "at_least": 1.0}).verdict == "contradicted"
    assert judge(clear, PURE_WORK | {"of": ["Go"], "at_most": 100.0}).verdict == "contradicted"
    assert judge(clear, PURE_WORK | {"of": ["Go"], "at_most": 300.0}).verdict == "supported"


def test_a_bound_within_the_interval_decides_nothing(tmp_path: Path) -> None:
    noisy = analyse(make_record(tmp_path, blocks=3, noise=0.2))
    for bound in ("at_most", "at_least"):
        assert judge(noisy, PURE_WORK | {"of": ["Rust"], "over": ["Go"], bound: 4300 / 5200}).verdict == "inconclusive"


def test_two_blocks_decide_nothing(tmp_path: Path) -> None:
    few = analyse(make_record(tmp_path, blocks=2))
    found = judge(few, PURE_WORK | {"of": ["Python"], "over": ["Rust"], "at_least": 2.0})
    assert (found.verdict, "too few trials" in found.figures[0]) == ("inconclusive", True)


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        (
            {"metric": "p99", "scope": "service@500/s", "of": ["Python"], "at_most": 5e4},
            "service@500/s is not in this record",
        ),
        (PURE_WORK | {"of": ["Zig"], "over": ["Go"], "at_most": 1.0}, "no valid value of Zig"),
        (PURE_WORK | {"of": ["Go"], "over": ["Zig"], "at_most": 1.0}, "no valid value of Zig"),
    ],
)
def test_what_the_record_lacks_is_not_measured(clear: Analysis, test: dict[str, object], reason: str) -> None:
    found = judge(clear, test)
    assert found.verdict == "not measured"
    assert reason in found.figures[0]
    # A good companion does not turn it green.
    assert judge(clear, PURE_WORK | {"of": ["Rust"], "over": ["Go"], "at_most": 0.97}, test).verdict == "not measured"


def test_trials_that_are_not_valid_support_nothing(tmp_path: Path) -> None:
    analysis = analyse(make_record(tmp_path, blocks=3, verdicts={"-rust-cpu": "unstable", "-go-db": "unstable"}))
    assert judge(analysis, PURE_WORK | {"of": ["Rust"], "over": ["Go"], "at_most": 0.97}).verdict == "not measured"
    share = {"metric": "database-share", "scope": "db@1000/s", "at_least": 0.0001}
    assert judge(analysis, share | {"of": ["Go"]}).verdict == "not measured"
    assert judge(analysis, share | {"of": ["Rust"]}).verdict == "supported"


def test_others_are_all_the_rest_and_the_best_of_them_counts(clear: Analysis) -> None:
    best = judge(clear, PURE_WORK | {"of": ["Python"], "over": ["others"], "at_least": 5.0})
    assert "python ÷ rust" in best.figures[0]
    worst = judge(clear, PURE_WORK | {"of": ["Java"], "over": ["Rust", "Go"], "which": "worst", "at_least": 0.1})
    assert "java ÷ go" in worst.figures[0]


def test_every_means_each_target_by_itself(clear: Analysis) -> None:
    found = judge(clear, {"metric": "database-share", "scope": "db@1000/s", "of": ["every"], "at_least": 0.0001})
    assert (found.verdict, len(found.figures)) == ("supported", 5)
    # All of the database's CPU time, not that of the executor alone (140 us).
    share = re.search(r"go ([\d.]+) \(", found.figures[1])
    part = next(part for part in clear.parts if (part.target, part.load) == ("go", "db@1000/s"))
    assert share and float(share[1]) == pytest.approx(0.6e6 / 3050 / part.response, rel=0.02)


def test_twins_and_tuned_targets_stand_for_no_language(tmp_path: Path) -> None:
    analysis = analyse(
        make_record(tmp_path, targets=("go", "go-twin", "rust"), classes={"rust": "tuned"}, profiles=PROFILES[:1], blocks=3)
    )
    assert judge(analysis, PURE_WORK | {"of": ["Rust"], "over": ["Go"], "at_most": 0.97}).verdict == "not measured"
    assert len(judge(analysis, PURE_WORK | {"of": ["every"], "at_most": 1e9}).figures) == 1


@pytest.mark.parametrize(
    "test",
    [
        {"of": ["Go"]},
        {"of": ["Go"], "at_least": 1.0, "at_most": 2.0},
        {"metric": "speed", "of": ["Go"], "at_most": 2.0},
        {"of": ["Go"], "at_mots": 2.0},
    ],
)
def test_a_claim_that_makes_no_sense_is_refused(tmp_path: Path, test: dict[str, object]) -> None:
    path = tmp_path / "claims.toml"
    fields = "\n".join(f"{key} = {msgspec.json.encode(value).decode()}" for key, value in (PURE_WORK | test).items())
    path.write_text(f'[[claim]]\nid = "x"\nsays = "So."\n[[claim.test]]\n{fields}\n')
    with pytest.raises(msgspec.ValidationError):
        read_claims(path)


def test_the_page_shows_each_claim_with_its_verdict(mixed: Record, page: str) -> None:
    shown = claim_results(analyse(mixed), read_claims())
    assert {finding.verdict for finding in shown} >= {"supported", "not measured"}
    for finding in shown:
        says = str(escape(finding.says))
        assert f'<span class="badge {finding.verdict.replace(" ", "-")}">{finding.verdict}</span> {says}' in page
