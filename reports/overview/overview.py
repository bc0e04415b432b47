"""The answer part of the page as one frozen value: page, card, summary and results.json are made from it alone."""

from __future__ import annotations

from msgspec import Struct

from reports.analysis.analysis import Analysis
from reports.analysis.claims import ClaimResult
from reports.analysis.representatives import classes
from reports.overview.bills import Bills, make_bills
from reports.overview.claim_board import Board, make_board
from reports.overview.columns import MAX_COLUMNS, columns_of
from reports.overview.effects import Effect, make_effects
from reports.overview.fit_map import Duration, FitMap, durations, make_map
from reports.overview.headline import CPU_ROW, Headline, Trust, make_headline, make_trust
from reports.overview.own_rows import own_rows
from reports.overview.rows import read_rows
from reports.overview.scorecard import Scorecard, groups_on, make_rows
from reports.overview.strengths import Strength, make_strengths
from reports.overview.time_parts import TimeParts, make_parts


class Overview(Struct, frozen=True):
    """What the page answers before any detail.

    `cards`: the scorecard of each class; all the rest is about the first one (`standard` where it takes part).
    `too_many`: the number of targets beyond MAX_COLUMNS, which are left out here and stay in the details.
    """

    headline: Headline
    trust: Trust
    cards: tuple[Scorecard, ...]
    strengths: tuple[Strength, ...]
    fit: FitMap | None
    durations: tuple[Duration, ...]
    effects: tuple[Effect, ...]
    parts: tuple[TimeParts, ...]
    bills: Bills
    board: Board
    too_many: int

    @property
    def card(self) -> Scorecard:
        return self.cards[0]

    @property
    def names(self) -> dict[str, str]:
        """Target -> its name on the page."""
        return {column.target: column.name for card in self.cards for column in card.columns}


def make_overview(
    analysis: Analysis, claims: tuple[ClaimResult, ...], noise: tuple[str, float | None], *, twins_differ: bool
) -> Overview:
    """The overview of a record. `noise`: the word for it, and the variation between trials."""
    made = [_card(analysis, target_class) for target_class in classes(analysis.run)]
    card, bills, too_many = made[0]
    return Overview(
        headline=make_headline(analysis, card, bills),
        trust=make_trust(analysis, card, noise, twins_differ=twins_differ),
        cards=tuple(each for each, _, _ in made),
        strengths=make_strengths(card),
        fit=make_map(card),
        durations=durations(analysis, card.columns),
        effects=make_effects(analysis, card),
        parts=make_parts(analysis, card),
        bills=bills,
        board=make_board(claims, {column.target: column.name for column in card.columns}),
        too_many=too_many,
    )


def _card(analysis: Analysis, target_class: str) -> tuple[Scorecard, Bills, int]:
    scope, _, metric = CPU_ROW.partition(" ")
    every = columns_of(analysis, target_class, groups_on(analysis, scope, metric, target_class))
    columns = every[:MAX_COLUMNS]
    bills = make_bills(analysis, columns)
    own = own_rows(analysis, target_class) if any(analysis.run.targets[each.target].of_team for each in columns) else ()
    rows = make_rows(analysis, target_class, columns, (*own, *read_rows()), bills)
    return Scorecard(target_class, columns, rows), bills, len(every) - len(columns)
