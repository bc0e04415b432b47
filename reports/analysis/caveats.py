"""What limits a target's place in a ranking, in words: two steady states, and a ratio that depends on the machine."""

from __future__ import annotations

from harness.record.plan import Target
from reports.analysis.ranking import RankedTarget
from reports.stats.two_states import TwoStates
from reports.units import Unit, factor, quantity


def states_in_words(states: TwoStates, unit: Unit) -> str:
    """Both levels with their shares: `129 us in 5 starts, 176 us in 3`."""
    return (
        f"{quantity(states.low, unit)} in {states.low_starts} starts, {quantity(states.high, unit)} in {states.high_starts}"
    )


#: Of a service that fitmap did not start: each trial meets the same process.
WINDOWS = "its interval knows windows, not starts"


def caveats(entry: RankedTarget | None, unit: Unit, target: Target) -> tuple[str, ...]:
    """All of them, each in a few words. `entry`: None where the target is in no ranking."""
    found = [WINDOWS] if target.external else []
    if entry is None:
        return tuple(found)
    if entry.states:
        found.append(f"two steady states: {states_in_words(entry.states, unit)}")
    if entry.by_state and entry.by_state.depends:
        found.append(
            f"depends on the machine's state: {factor(entry.by_state.quiet.ahead)} behind in quiet rounds, "
            f"{factor(entry.by_state.loud.ahead)} in loud ones"
        )
    return tuple(found)
