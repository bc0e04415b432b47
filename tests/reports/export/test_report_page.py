"""From synthetic records to the page: what is said, what is never said, and that the same record gives the same bytes."""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import altair as alt
import pytest
from report_records import make_record

from harness.record.config import Opinion
from harness.record.measurement import Missing
from harness.record.reader import Record
from harness.record.trial_result import TrialResult
from reports.analysis.analysis import analyse
from reports.charts.dot_chart import Bar, Dot, bars, dots
from reports.charts.end_labels import spread
from reports.charts.line_chart import Line, TrialPath, lines, paths
from reports.charts.palette import MAPPED, PAPER, SERIES, styles
from reports.charts.theme import whole
from reports.export.html import render_report
from reports.export.markdown import summary
from reports.export.view import make_view
from reports.metrics.catalogue import METRICS
from reports.units import clean, number, quantity, span

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "{{ 7*7 }} | **bold** [a](javascript:alert(1))",
    "\u202eright-to-left \u05e9\u05dc\u05d5\u05dd",
    "long" * 75,
    "bell\x07 and </style></svg>",
)


class Page(HTMLParser):
    """Elements, ids and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_same_record_gives_the_same_bytes(mixed: Record, page: str) -> None:
    assert render_report(analyse(mixed), mixed.folder) == page
    assert str(mixed.folder) not in page, "the page must not depend on where the record lies"


def test_the_page_is_whole_in_itself(page: str) -> None:
    parsed = Page(page)
    assert not {"script", "link-stylesheet", "img", "iframe", "object", "embed", "form"} & set(parsed.tags)
    addresses = [v for n, v in parsed.attributes if n in ("src", "href", "xlink:href")]
    # The one address beside the page's own: its interactive sister, in the same folder.
    assert not [v for v in addresses if not v.startswith(("#", "data:", "explore.html"))]
    assert not re.findall(r"url\((?!#)[^)]*\)|@import|@font-face", page)
    ids = [value for name, value in parsed.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {v[1:] for n, v in parsed.attributes if n == "href" and v.startswith("#")} <= set(ids)
    assert set(re.findall(r"url\(#([^)]*)\)", page)) <= set(ids)
    assert len(page.encode()) < 900_000


def test_headings_descend_without_a_gap(page: str) -> None:
    levels = [int(tag[1]) for tag in Page(page).tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_a_table_or_a_text_is_beside_every_picture(page: str) -> None:
    figures = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    assert len(figures) > 10
    assert all("<table>" in f and "<figcaption>" in f for f in figures if 'class="chart"' in f)
    assert all("<figcaption>" in f and "aria-label=" in f for f in figures if 'class="chart"' not in f)


def test_the_first_screen_says_how_many_trials_are_valid_and_the_fold_says_why(page: str) -> None:
    first = page[: page.index('id="scorecard"')]
    assert "of 40 trials valid" in first and 'href="#validity"' in first
    assert "Don’t compare these numbers yet." in first
    validity = page[page.index('<div id="validity">') :]
    assert "of 40 planned trials are valid at every level" in validity
    assert "generator limited" in validity
    assert "service: ended at once with status 1" in validity
    assert "1 planned trial did not run" in validity


def test_a_detailed_record_gives_a_page(detailed: Record) -> None:
    page = render_report(analyse(detailed), detailed.folder)
    assert len(page.encode()) < 900_000
    assert "Latency against throughput, p99: Database-bound" in page
    assert "GET /products/{id} alone" in page
    assert "search for capacity" in page


def test_calibration_is_in_the_validity_section(page: str) -> None:
    for text in (
        "50,000\u00a0/s; a level may use up to 70% of it",
        "measured as 10.04 ms at p50, 10.10 ms at p99; by the server&#39;s own clock it was 10.02 and 10.06 ms",
        "measured as 252 ms at p95; expected in theory: 250 ms",
        "none: the generator&#39;s measurements can be trusted",
    ):
        assert text in page


def test_equal_targets_all_tie(tmp_path: Path) -> None:
    analysis = analyse(make_record(tmp_path, targets=("a", "b", "c"), blocks=4, noise=0.02))
    measured = [s for s in analysis.rankings if s.leaders and s.metric != "image"]
    assert measured
    assert not [s for s in measured if s.winner]


def test_one_block_gives_values_and_no_ranking(tmp_path: Path) -> None:
    record = make_record(tmp_path, targets=("rust", "python"), blocks=1)
    page = render_report(analyse(record), tmp_path)
    assert "one block: values, no ranking" in page
    assert "best, or tied with it" not in page
    found = analyse(record).rankings
    assert all(s.winner is None and s.note.startswith("too few") for s in found if s.scope and len(s.leaders) > 1)


def test_classes_are_never_ranked_against_each_other(tmp_path: Path) -> None:
    targets = ("rust", "go", "java", "python")
    analysis = analyse(make_record(tmp_path, targets=targets, classes={"rust": "tuned", "java": "tuned"}))
    for ranking in analysis.rankings:
        named = {e.target for e in ranking.entries}
        assert named == ({"rust", "java"} if ranking.target_class == "tuned" else {"go", "python"})


def test_a_record_without_a_single_result_still_gives_a_page(tmp_path: Path) -> None:
    record = make_record(tmp_path, blocks=1, leave_out=10)
    page = render_report(analyse(record), tmp_path)
    assert "0 of 10 planned trials are valid" in page
    assert "10 planned trials did not run" in page


def test_missing_files_are_said_and_end_nothing(tmp_path: Path) -> None:
    record = make_record(tmp_path, targets=("rust", "go"), blocks=2)
    for file in (*tmp_path.glob("samples/*"), *tmp_path.glob("histograms/*")):
        file.unlink()
    page = render_report(analyse(record), tmp_path)
    assert "the trial left no histogram" in page
    assert "There are no samples to draw." in page


def test_hostile_names_are_shown_as_text(tmp_path: Path) -> None:
    """In the page, in the charts and in Markdown. Trials get plain ids: a folder name can hold less than a manifest."""
    import msgspec

    record = make_record(tmp_path, targets=tuple(f"t{i}" for i in range(len(HOSTILE))), blocks=2)
    name = dict(zip(record.run.plan.targets, HOSTILE, strict=True))
    replace = msgspec.structs.replace
    plan = replace(
        record.run.plan,
        targets=HOSTILE,
        trials=tuple(replace(t, target=name[t.target]) for t in record.run.plan.trials),
    )
    run = replace(
        record.run,
        plan=plan,
        targets={name[k]: replace(v, name=name[k], framework=name[k]) for k, v in record.run.targets.items()},
        images={name.get(k, k): v for k, v in record.run.images.items()},
        configuration_text=HOSTILE[0],
        configuration=replace(
            record.run.configuration,
            opinion=tuple(Opinion(text, text, text, text) for text in HOSTILE),
            prices=replace(record.run.configuration.prices, currency=HOSTILE[0][:9], source=HOSTILE[1]),
        ),
        calibration=replace(record.run.calibration, problems=HOSTILE),
    )

    def hostile(result: TrialResult) -> TrialResult:
        trial = replace(result.trial, target=name[result.trial.target])
        if trial.block == 1 or trial.profile == "cpu" or isinstance(result.measurement, Missing):
            return replace(result, trial=trial)
        levels = tuple(
            replace(level, verdict="unstable", problems=HOSTILE, bottleneck_reason=HOSTILE[1])
            for level in result.measurement.levels
        )
        measurement = replace(result.measurement, levels=levels)
        return replace(result, trial=trial, verdict="unstable", problems=HOSTILE, measurement=measurement)

    results = tuple(hostile(result) for result in record.results)
    analysis = analyse(Record(tmp_path, run, results, HOSTILE, superseded=results))
    page = render_report(analysis, tmp_path)
    parsed = Page(page)
    assert not {"script", "img"} & set(parsed.tags)
    assert not [n for n, _ in parsed.attributes if n.startswith("on")]
    assert {clean(target) for target in HOSTILE} <= {text.strip() for text in parsed.text}
    assert "\x07" not in page
    text = summary(make_view(analysis, tmp_path))
    assert "<script>" not in text.replace("\\<", "")
    assert "](javascript" not in text.replace("\\]", "")


def test_opinions_stand_apart_and_are_labelled_as_such(mixed: Record, page: str) -> None:
    import msgspec

    assert 'id="opinion"' not in page
    said = (Opinion("Go", hiring="Plenty of people here.", operations="One binary."),)
    configuration = msgspec.structs.replace(mixed.run.configuration, opinion=said)
    run = msgspec.structs.replace(mixed.run, configuration=configuration)
    text = render_report(analyse(Record(mixed.folder, run, mixed.results, ())), mixed.folder)
    section = text[text.index('<div id="opinion">') : text.index('<div id="downloads">')]
    assert "count nowhere above" in section
    assert "Plenty of people here." in section and "Plenty of people here." not in text[: text.index('<div id="opinion">')]


def test_repeated_trials_are_listed_with_their_first_verdict(mixed: Record, page: str) -> None:
    import msgspec

    assert "Repeated trials" not in page
    good, bad = (next(r for r in mixed.results if (r.verdict == "valid") is valid) for valid in (True, False))
    first = tuple(msgspec.structs.replace(r, verdict="unstable", problems=("other work took 7%",)) for r in (good, bad))
    analysis = analyse(msgspec.structs.replace(mixed, superseded=first))
    text = render_report(analysis, mixed.folder)
    section = text[text.index("<h4>Repeated trials</h4>") : text.index("<h4>Calibration")]
    assert re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", section.partition("<tbody>")[2]) == [
        *(good.trial.id, "unstable: other work took 7%", "valid"),
        *(bad.trial.id, "unstable: other work took 7%", bad.verdict.replace("_", " ")),
    ]
    assert "disturbed the first attempt: 2\n" in summary(make_view(analysis, mixed.folder))


def test_summary_has_headline_scorecard_and_the_rest_folded(mixed: Record) -> None:
    text = summary(make_view(analyse(mixed), mixed.folder))
    head, _, rest = text.partition("<details>")
    assert head.startswith("## On pure CPU work Rust ")
    assert re.search(r"\| CPU per request, pure work \(saturated\) \| \*\*best\*\* ", head)
    assert len(head.splitlines()) < 40, "a screen"
    assert re.search(r"\| Throughput \| \*\*rust\*\* ×1\.\d+ over \*\*go\*\* \| \*\*[\d,]+", rest)
    assert "| CPU\\-bound, saturated | service CPU |" in rest
    assert "planned trials that did not run: 1" in rest
    assert rest.count("<details>") + 1 == rest.count("</details>")
    assert len(text) < 60_000


def test_every_metric_names_unit_direction_and_worst_value() -> None:
    assert len({metric.id for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.worst == (0.0 if metric.direction == "higher" else float("inf"))
        assert metric.relevance_percent(3.0) >= 3.0


def test_numbers_have_three_digits_and_a_unit() -> None:
    assert [number(v) for v in (0.01234, 9.996, 12345.6, 0, 1)] == ["0.0123", "10.0", "12,300", "0", "1.00"]
    assert quantity(1234.0, "microseconds") == "1.23\u00a0ms"
    assert quantity(3 * 2**20, "bytes") == "3.00\u00a0MiB"
    assert span(900.0, 1100.0, "microseconds") == "0.900–1.10\u00a0ms"


def test_specifications_are_valid_vega_lite() -> None:
    """The report makes its specifications without Altair, for speed: its schema checks them here."""
    look = styles(("a", "b"))
    rows = [Dot("a", 2.0, 1.0, 3.0, (2.0,), ()), Dot("b", None, None, None, (), (400.0,))]
    curves = [Line("a", (1.0, 2.0), (3.0, 4.0)), Line("a", (1.0, 2.0), (3.0, 4.0), faint=True), Line("b", (-1.0,), (2.0,))]
    for spec in (
        dots(rows, look, "requests/s"),
        dots(rows[:1], look, "requests/s"),
        lines(curves, look, x_title="x", y_title="y", marks=(0.0, 1.0)),
        lines(curves[:2], look, x_title="x", y_title="y", log_y=True, percentile_axis=True),
        lines(curves[:1], look, x_title="x", y_title="y", counts=(1, 2)),
        paths([TrialPath("a", ((1.0, 2.0), (9.0, 3.0)), ((20.0, 4.0),)), TrialPath("b", (), ((5.0, 6.0),))], look, "x", "y"),
        bars([Bar("a", "note", (1.0, 2.0, 3.0))], look, "share"),
    ):
        alt.LayerChart.from_dict(whole(spec), validate=True)
        assert spec["$schema"] == alt.SCHEMA_URL, "the schema that the specification names is the one that checked it"


def test_labels_move_apart_within_the_picture() -> None:
    placed = spread([10, 11, 12, 99], 14, 100)
    assert all(b - a >= 14 for a, b in itertools.pairwise(placed))
    assert max(placed) <= 100


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_contrast_with_the_paper(theme: str) -> None:
    """3:1 for marks (WCAG 1.4.11), 4.5:1 where a target's name is written in them (1.4.3)."""
    paper = luminance(getattr(PAPER, theme))
    for colour in SERIES:
        light, dark = sorted((paper, luminance(getattr(colour, theme))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, colour
    assert len({c.light for c in MAPPED}) == len(MAPPED), "two colours of one light tone can't both have a dark one"
