"""How far the numbers can be believed: noise over trials, and twins that must not differ. Pure."""

from __future__ import annotations

from statistics import median

from msgspec import Struct

from reports.analysis.analysis import Analysis
from reports.comparison.repeatability import scatter, separations
from reports.metrics.catalogue import BY_ID
from reports.sections.elements import Row, Table

#: Coefficients of variation over trials up to which a record counts as quiet, and as noisy; above, very noisy.
QUIET, NOISY = 0.03, 0.08
_JUDGED_BY = ("throughput", "cpu")


class Noise(Struct, frozen=True):
    """The badge: the word, and the sentence that says what it rests on."""

    word: str
    sentence: str


class Trust(Struct, frozen=True):
    """What the validity section says beside the trials that are not valid."""

    noise: Noise
    machine: str
    scatter: Table
    twins: str
    twin_table: Table


def trust_of(analysis: Analysis) -> Trust:
    """All of it."""
    titles = {place.id or "run": place.title for place in analysis.places}
    cells = scatter(analysis)
    rows: list[Row] = [
        (titles[c.place], BY_ID[c.metric].title, c.target, str(c.trials), f"{c.variation:.1%}") for c in cells
    ]
    pairs = separations(analysis)
    level = analysis.run.configuration.report.confidence_percent
    twins = (
        "Not in this record: `fitmap bench --twins` measures each target twice under two names (A/A), which must not differ."
    )
    if pairs:
        apart = sum(pair.apart for pair in pairs)
        twins = (
            f"Twins (one image under two names): {apart} of {len(pairs)} axes tell them apart, and intervals of {level:g} % "
            f"allow about {len(pairs) * (1 - level / 100):.1f}."
        )
    return Trust(
        noise=_noise([c.variation for c in cells if c.metric in _JUDGED_BY]),
        machine=_machine(analysis),
        scatter=Table(
            "Coefficient of variation over the valid trials", ("Where", "Axis", "Target", "Trials", "Variation"), tuple(rows)
        ),
        twins=twins,
        twin_table=Table(
            "Ratios of targets to their twins",
            ("Where", "Axis", "Target", "Interval of the ratio", "Told apart"),
            tuple(
                (titles[p.place], BY_ID[p.metric].title, p.target, f"{p.low:.3f}–{p.high:.3f}", "yes" if p.apart else "no")
                for p in pairs
            ),
        ),
    )


def _machine(analysis: Analysis) -> str:
    """How busy the neighbours of the service's CPUs were."""
    speeds = [m.level.speed["service"] for m in analysis.measured if "service" in m.level.speed]
    if not speeds:
        return "How fast the machine was meanwhile is not in this record."
    quickest = min(speed.quick_microseconds for speed in speeds)
    slower = sorted(speed.mean_microseconds / quickest - 1 for speed in speeds)
    return (
        f"A fixed piece of work on the service's CPUs took {median(slower):.0%} longer than at its quickest in the median "
        f"window and {slower[-1]:.0%} in the worst. On a machine of one's own both are next to nothing; a neighbour on the "
        "other hardware thread of a core costs up to two thirds. The figures here are as measured; comparisons of runs and "
        "versions take it out."
    )


def _noise(variations: list[float]) -> Noise:
    if not variations:
        return Noise("unknown", "No target has two valid trials at a load: nothing is known of the noise.")
    middle = median(variations)
    word = "quiet" if middle <= QUIET else "noisy" if middle <= NOISY else "very noisy"
    advice = {
        "quiet": "differences of a few percent can be told apart with enough blocks",
        "noisy": "differences under a tenth need many blocks, and intervals here are wide for it",
        "very noisy": "only large differences can be believed: see `fitmap doctor` and docs/method/README.md",
    }
    return Noise(
        word,
        f"From trial to trial throughput and CPU per request vary by {middle:.1%} (coefficient of variation, median over "
        f"targets and loads; the worst cell {max(variations):.1%}): {advice[word]}.",
    )
