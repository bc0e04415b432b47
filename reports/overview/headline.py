"""The headline, the sentences below it, and how far the record can be trusted: made by rule from the scorecard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from harness.record.cpus import parse_cpu_list
from harness.record.measurement import Missing
from harness.wording import counted
from reports.analysis.analysis import Analysis
from reports.metrics.catalogue import BY_ID
from reports.metrics.scopes import Load
from reports.overview.bills import Bills
from reports.overview.cells import Cell
from reports.overview.scorecard import Scorecard, ScoreRow
from reports.stats.intervals import MIN_TRIALS
from reports.units import amounts, few_digits, listed, moment, times_words

CPU_ROW = "cpu@saturate cpu"
#: What a client of a service on a database sees: in the order in which a difference is told.
SPEED_ROWS = (
    "downstream@saturate throughput", "service@saturate throughput", "db@saturate throughput",
    "service@500/s GET /products/{id} p99", "service@500/s p99", "db@1000/s GET /products/{id} p99", "db@1000/s p99",
)  # fmt: skip
CPU_ON_DATABASE = ("service@500/s cpu", "db@1000/s cpu")
MEMORY_ON_DATABASE = ("service@500/s working-set", "db@1000/s working-set")
#: The load, and what is answered in time: the most frequent route, or in records before method 7 all of them.
P99 = {
    "service@500/s GET /products/{id} p99": ("500 requests/s of an everyday mix", "product reads"),
    "service@500/s p99": ("500 requests/s of an everyday mix", "answers"),
    "db@1000/s GET /products/{id} p99": ("1,000 requests/s of database work", "product reads"),
    "db@1000/s p99": ("1,000 requests/s of database work", "answers"),
}
#: Below this share of valid trials, the numbers should not be compared yet.
ENOUGH_VALID = 0.9


class Headline(Struct, frozen=True):
    """What the page says first. `sentences`: the headline; `lede`: what follows it."""

    sentences: tuple[str, ...]
    lede: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.sentences)


class Trust(Struct, frozen=True):
    """The line below the headline, and the reasons not to compare the numbers yet (most records have none)."""

    facts: tuple[str, ...]
    reasons: tuple[str, ...]


def make_headline(analysis: Analysis, card: Scorecard, bills: Bills) -> Headline:
    """The headline of a scorecard."""
    found = (_pure_work(card), _behind_a_database(card))
    sentences = tuple(sentence for sentence in found if sentence)
    if not sentences:
        sentences = (_without_the_usual_loads(card, analysis),)
    return Headline(sentences, tuple(filter(None, (*_lede(analysis, card), _money(bills)))))


def _without_the_usual_loads(card: Scorecard, analysis: Analysis) -> str:
    """What is said where neither pure CPU work nor a database was measured, or where languages can't be ranked on them."""
    if any(analysis.run.targets[column.target].of_team for column in card.columns):
        return _own_service(card, analysis)
    if analysis.loads:
        return f"{counted(len(card.columns), 'language')}, {counted(len(analysis.loads), 'load')}."
    for row in card.rows:
        if row.told_apart:
            first, last, factor = card.name(row.best.target), card.name(row.worst.target), row.worst.factor or 1.0
            return f"{row.row.title}: {first} is best; {last} is {times_words(factor)} times behind."
    return f"{counted(len(card.columns), 'language')}, no load."


def _own_service(card: Scorecard, analysis: Analysis) -> str:
    """What a team's own service does at its first load at full speed; if it has none, or fitmap did not start it, what it
    does at its first rate.
    """
    name = card.columns[0].name
    closed = next((load for load in analysis.loads if load.kind == "closed" and not load.alone), None)
    at_a_rate = next((load for load in analysis.loads if load.kind == "open"), None)
    full = _said(card, closed, {"throughput": "throughput", "cpu": "CPU per request"})
    if full:
        return f"{name} at full load: {full}."
    said = _said(card, at_a_rate, {"p50": "half of the answers within", "p99": "99 of 100 within"})
    if at_a_rate and said and analysis.run.elsewhere:
        return f"{name} at {at_a_rate.level_title}: {said}."
    return f"{name} has no valid trial{'' if analysis.run.elsewhere else ' at full load'}."


def _said(card: Scorecard, load: Load | None, words: Mapping[str, str]) -> str:
    """The values of some metrics at a load, each after its word. Empty: there are none."""
    rows = [(word, row) for name, word in words.items() if load and (row := card.row(f"{load.id} {name}"))]
    return ", ".join(f"{word} {row.cells[0].value}" for word, row in rows if row.cells[0].value)


def _pure_work(card: Scorecard) -> str:
    row = card.row(CPU_ROW)
    if row is None or len(row.ranked) < 2:
        return ""
    lead = [cell for cell in row.ranked if cell.in_front]
    rest = [cell for cell in row.ranked if cell.state == "behind"]
    if not rest:
        return "On pure CPU work no language is told from another."
    least, most = (times_words(f(cell.factor or 1.0 for cell in rest)) for f in (min, max))
    if len(lead) * 2 > len(row.ranked):
        verb = "falls" if len(rest) == 1 else "fall"
        level = "the rest are level" if len(lead) > 1 else "the other is ahead"
        return (
            f"On pure CPU work {len(rest)} of {len(row.ranked)} languages {verb} behind, by up to {most} times per core; "
            f"{level}."
        )
    others = card.name(rest[0].target) if len(rest) == 1 else "the others"
    spread = most if least == most else f"{least} to {most}"
    verb = "does" if len(lead) == 1 else "do"
    return f"On pure CPU work {_names(card, lead)} {verb} {spread} times as much per core as {others}."


def _behind_a_database(card: Scorecard) -> str:
    rows = [row for name in SPEED_ROWS if (row := card.row(name)) and len(row.ranked) > 1]
    if not rows:
        return ""
    apart = [row for row in rows if row.told_apart]
    if apart:
        return _told_apart(card, apart[0])
    others = {
        word: [row for name in names if (row := card.row(name)) and len(row.ranked) > 1]
        for word, names in (("CPU", CPU_ON_DATABASE), ("memory", MEMORY_ON_DATABASE))
    }
    differ = [word for word, ranked in others.items() if any(row.told_apart for row in ranked)]
    head = "Behind a database no language is measurably faster"
    match differ:
        case []:
            # A run at full load alone does not rank them.
            return f"{head}, and neither CPU nor memory differs." if all(others.values()) else f"{head}."
        case [one]:
            return f"{head}. Only {one} differs."
        case _:
            return f"{head}: what differs is {' and '.join(differ)}."


def _told_apart(card: Scorecard, row: ScoreRow) -> str:
    factor = times_words(row.worst.factor or 1.0)
    first, last = card.name(row.best.target), card.name(row.worst.target)
    if row.row.metric == "throughput":
        return f"Behind a database {first} answers {factor} times as many requests as {last}."
    return f"Behind a database the slowest {P99[row.row.id][1]} of {last} take {factor} times as long as those of {first}."


def _names(card: Scorecard, cells: Sequence[Cell]) -> str:
    return listed([card.name(cell.target) for cell in cells])


def _lede(analysis: Analysis, card: Scorecard) -> tuple[str, str]:
    row = next((row for name in P99 if (row := card.row(name))), None)
    if row is None or not row.ranked:
        return "", ""
    spread = _range(analysis, card, row)
    who = "in every language" if len(row.ranked) == len(card.columns) else f"in {len(row.ranked)} of {len(card.columns)}"
    load, what = P99[row.row.id]
    first = f"At {load}, 99 of 100 {what} come within {spread} {who}."
    takes = []
    for word, names in (("CPU", CPU_ON_DATABASE), ("memory", MEMORY_ON_DATABASE)):
        found = next((other for name in names if (other := card.row(name))), None)
        if found and found.told_apart:
            takes.append(f"{times_words(found.worst.factor or 1.0)} times the {word}")
    return first, f"What differs is what that takes: up to {' and '.join(takes)}." if takes else ""


def _range(analysis: Analysis, card: Scorecard, row: ScoreRow) -> str:
    ranked = {cell.target for cell in row.ranked}
    found = [analysis.estimate(row.row.metric, row.row.place, column.target) for column in card.columns]
    medians = [
        each.median
        for column, each in zip(card.columns, found, strict=True)
        if column.target in ranked and each is not None and not isinstance(each, Missing)
    ]
    return amounts(min(medians), max(medians), BY_ID[row.row.metric].unit)


def _money(bills: Bills) -> str:
    queries, computing = bills.of("queries"), bills.of("computing")
    if not queries or not computing or not queries.level or computing.level or len(computing.ranked) < 2:
        return ""
    totals = [cost.total for cost in queries.ranked]
    low, high = (f"{queries.currency}{few_digits(f(totals))}" for f in (min, max))
    span = low if low == high else f"{low} to {high}"
    return f"On the bill ({span} a month) that makes no difference until requests compute."


def make_trust(analysis: Analysis, card: Scorecard, noise: tuple[str, float | None], *, twins_differ: bool) -> Trust:
    """The line of facts, and what speaks against comparing the numbers. `noise`: its word, and the variation over trials."""
    run = analysis.run
    plan, host = run.plan, run.host
    service = len(parse_cpu_list(plan.placement.service))
    whose = f"{service} for the service"
    if run.elsewhere:
        whose = f"{len(parse_cpu_list(plan.placement.generator))} for the load; fitmap did not start the service"
    cores = f"{host.logical_cpus} CPU{'' if host.logical_cpus == 1 else 's'}"
    done = len(plan.trials) - len(analysis.pending)
    valid = done - len(analysis.not_valid)
    facts = [
        _day(run.started),
        f"{cores} ({' '.join(host.cpu_model.split())[:40]}), {whose}",
        f"{valid} of {len(plan.trials)} trials valid",
    ]
    word, variation = noise
    blocks = plan.timing.blocks
    if blocks < MIN_TRIALS:
        said = "one block" if blocks == 1 else f"{blocks} blocks"
        facts.append(f"{said}: values, no ranking")
    elif variation is not None:
        tail = "" if word == "quiet" else ", so small differences stay ties"
        facts.append(f"{word} ({few_digits(variation * 100)} % between trials){tail}")
    return Trust(tuple(facts), tuple(_reasons(analysis, card, valid, twins_differ)))


def _reasons(analysis: Analysis, card: Scorecard, valid: int, twins_differ: bool) -> list[str]:
    planned = len(analysis.run.plan.trials)
    found = []
    if analysis.warnings:
        found.append("The record is damaged.")
    if analysis.run.plan.preset == "smoke":
        found.append("This was a rehearsal (preset smoke): its windows are too short to compare.")
    if analysis.run.calibration.problems:
        found.append("The load generator’s calibration is out of bounds.")
    if twins_differ:
        found.append("Two copies of one image differ by more than chance explains.")
    if analysis.pending:
        n = len(analysis.pending)
        found.append(f"{n} planned trial{'' if n == 1 else 's'} did not run. fitmap bench --resume runs the rest.")
    if planned and valid < ENOUGH_VALID * planned and not analysis.pending:
        found.append(f"Only {valid} of {planned} trials are valid.")
    missing = [
        card.name(cell.target)
        for name in (CPU_ROW, *P99)
        if (row := card.row(name))
        for cell in row.cells
        if cell.state == "none" and cell.why.startswith("no valid trial")
    ]
    if missing:
        found.append(f"{listed(list(dict.fromkeys(missing)))} has no valid trial on a main axis.")
    return found


def _day(text: str) -> str:
    found = moment(text)
    return f"{found.day} {found:%B %Y}" if found else text
