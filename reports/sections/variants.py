"""What a version brings, and what tuning buys: each variant against its base."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct

from harness.record.plan import Variant
from harness.wording import counted
from reports.analysis.analysis import Analysis
from reports.analysis.reported import Meta, reported
from reports.analysis.variants import Comparison, Comparisons, comparisons, variants_in
from reports.metrics.catalogue import BY_ID
from reports.sections.elements import Row, Sentence, Table, named
from reports.units import factor, listed, number, quantity

NONE = "–"
HEADERS = ("Variant", "Axis", "Where", "Base", "Variant's value", "Variant ÷ base", "Verdict")
ABOUT = ("Variant", "Question", "What is changed", "Runtime", "Base's runtime")
#: Verdicts that stand in the place of the ratio.
NO_RATIO = ("no difference", "not told apart")
DEPARTURES = ("Variant", "Departure", "Value", "Why")


class VariantSection(Struct, frozen=True):
    """One table of ratios, with a sentence for each variant, and what the variants are."""

    id: str
    title: str
    count: str
    said: tuple[Sentence, ...]
    table: Table
    about: Table
    departures: Table
    missing: Table


def variant_sections(analysis: Analysis) -> tuple[VariantSection, ...]:
    """The sections of a record's variants; none without variants."""
    meta = reported(analysis)
    return tuple(_section(analysis, each, meta) for each in comparisons(analysis))


def _section(analysis: Analysis, found: Comparisons, meta: Mapping[str, Meta]) -> VariantSection:
    variants = {name: variant for name, variant in variants_in(analysis) if name in found.variants}
    title = "What tuning buys" if found.tuning else "What a version brings"
    differ = sum(row.verdict in ("better", "worse") for row in found.rows)
    departures = [
        (name, each.name, each.value, each.why) for name, variant in variants.items() for each in variant.deviations
    ]
    return VariantSection(
        id="tuning" if found.tuning else "versions",
        title=title,
        count=f"{counted(len(variants), 'variant')}: {differ} of {counted(len(found.rows), 'ratio')} differ",
        said=tuple(sentence(name, variant.base, found.rows) for name, variant in variants.items()),
        table=Table(f"{title}: each variant against its base", HEADERS, tuple(_row(row) for row in found.rows)),
        about=Table("What is changed", ABOUT, tuple(_about(name, each, meta) for name, each in variants.items())),
        departures=Table("Departures from the class of the base", DEPARTURES, tuple(departures)),
        missing=Table("Axes without a ratio", ("Variant", "Axis", "Why"), found.missing),
    )


def sentence(variant: str, base: str, rows: tuple[Comparison, ...]) -> Sentence:
    """What there is to say of one variant, in fewer than 25 words."""
    mine = [row for row in rows if row.variant == variant]
    told = [row for row in mine if row.ratio]
    begin = ((variant,), " against ", (base,))
    if not told:
        return named(*begin, ": too few starts of both to tell.")
    axes = counted(len(told), "axis", "axes")
    sides = [(word, [row for row in told if row.verdict == word]) for word in ("better", "worse")]
    if not any(found for _, found in sides):
        level = sum(row.verdict == "no difference" for row in told)
        open_ = sum(row.verdict == "not told apart" for row in told)
        if open_ == len(told):
            return named(*begin, f": not told apart on {axes}.")
        if open_:
            return named(*begin, f": not told apart on {open_} of {axes}, no relevant difference on the others.")
        return named(*begin, f": no {'' if level == len(told) else 'relevant '}difference on {axes}.")
    words = listed([f"{word} on {len(found)}" for word, found in sides if found])
    most = max((row for _, found in sides for row in found), key=_size)
    return named(*begin, f": {words} of {axes}, most in {BY_ID[most.metric].title} ({_ratio(most)}).")


def _size(row: Comparison) -> float:
    return abs(math.log(row.ratio.ahead)) if row.ratio else 0.0


def _ratio(row: Comparison) -> str:
    return factor(row.ratio.ahead) if row.ratio else NONE


def _row(row: Comparison) -> Row:
    metric = BY_ID[row.metric]
    base, own = (quantity(value.median, metric.unit) for value in row.values)
    if row.ratio is None:
        shown = NONE
    else:
        interval = f"{number(row.ratio.low)}–{number(row.ratio.high)}"
        shown = f"{row.verdict if row.verdict in NO_RATIO else _ratio(row)} ({interval})"
    where = NONE if row.scope.scope == "run" else row.scope.title
    return (row.variant, metric.title, where, base, own, shown, row.verdict)


def _about(name: str, variant: Variant, meta: Mapping[str, Meta]) -> Row:
    runtimes = (str(meta.get(target, {}).get("runtime", NONE)) for target in (name, variant.base))
    return (name, variant.question, changes_of(variant), *runtimes)


def changes_of(variant: Variant) -> str:
    """What a variant changes, in words."""
    given = (*variant.bases.items(), *variant.arguments.items(), *variant.environment.items())
    words = [f"{key}={value}" for key, value in given]
    return "; ".join((*words, *([variant.changed_lines] if variant.files else [])))
