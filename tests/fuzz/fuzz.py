"""A million mutated requests to each service, the same for all; crashes, 5xx and what services answer differently.

    make fuzz                                    # all services: count and time are limited
    make fuzz ARGS="--target go --count 100000"
    make fuzz ARGS="--unit 4711"                 # one unit again, with its bytes and every service's outcomes

Everything stays on 127.0.0.1. Exit status 1: something was found. The outcomes of each service are kept in runs/fuzz, so
that services may be asked one by one and are still compared.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

import mutate
import outcomes
from asked import FULL, TARGETS
from exchange import Exchange
from mutate import Request
from stand import Pair, Stand

from harness.containers.engine import connect
from harness.files import ROOT
from harness.host.machine import topology
from harness.plan.placement import place

COUNT = 1_000_000
SECONDS = 900
SEED = 20_261_130
FOLDER = ROOT / "runs" / "fuzz"
SHOWN = 12
SHOWN_BYTES = 400


@dataclass
class Fuzzed:
    """What one service did. Outcomes are kept by the number of the request."""

    target: str
    seed: int
    seconds: float = 0.0
    #: Outcomes by number, as indexes into `words`.
    found: dict[int, list[int]] = field(default_factory=dict)
    words: dict[str, int] = field(default_factory=dict)
    #: The service ended, or is not ready.
    crashes: list[str] = field(default_factory=list)
    #: What the service logged, in a sentence.
    logged: str = ""

    def add(self, number: int, _requests: Sequence[Request], found: Sequence[str]) -> None:
        self.found[number] = [self.words.setdefault(outcome, len(self.words)) for outcome in found]

    @property
    def count(self) -> int:
        return sum(map(len, self.found.values()))

    def wrong(self) -> dict[str, list[int]]:
        """The units in which something happened that never may, by what it was."""
        bad = {index: word for word, index in self.words.items() if word.startswith(outcomes.WRONG)}
        units: dict[str, list[int]] = {}
        for number, found in self.found.items():
            for index in bad.keys() & set(found):
                units.setdefault(bad[index], []).append(number)
        return units

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        kept = {key: value for key, value in vars(self).items() if key != "words"} | {"words": list(self.words)}
        (folder / f"{self.target}.json").write_text(json.dumps(kept))


def load(path: Path) -> Fuzzed:
    kept = json.loads(path.read_text())
    kept["found"] = {int(number): found for number, found in kept["found"].items()}
    kept["words"] = {word: index for index, word in enumerate(kept["words"])}
    return Fuzzed(**kept)


def attack(pair: Pair, seed: int, numbers: Sequence[int], seconds: float, folder: Path = FOLDER) -> Fuzzed:
    """Send units to a service. The service must stay ready and log nothing; what it logs goes to `folder`."""
    fuzzed = Fuzzed(pair.target, seed)
    before, logged = pair.service.identity(), _log(pair)
    start = time.monotonic()
    try:
        Exchange(pair.port, fuzzed.add).run(((number, mutate.unit(seed, number)) for number in numbers), start + seconds)
    except (OSError, HTTPException) as error:
        fuzzed.crashes.append(f"the service can't be reached any more: {error!r}")
    fuzzed.seconds = time.monotonic() - start
    if not pair.service.running.state()["Running"] or pair.service.identity() != before:
        fuzzed.crashes.append(f"the service ended: {pair.service.running.log_tail()}")
    elif not pair.service.is_ready():
        fuzzed.crashes.append("the service is not ready afterwards")
    lines = _log(pair)[len(logged) :]
    if lines:
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"{pair.target}.log"
        log.write_text("\n".join(lines))
        fuzzed.logged = f"the service logged {len(lines)} lines ({log}), the first is {lines[0][:300]!r}"
    return fuzzed


def _log(pair: Pair) -> list[str]:
    logs: bytes = pair.service.running.container.logs()
    return logs.decode(errors="replace").splitlines()


@dataclass
class Difference:
    """Requests that some targets treat alike and others otherwise; the shortest of them stands for all."""

    groups: str
    number: int
    place: int
    request: Request
    count: int = 1


def differences(all_fuzzed: Sequence[Fuzzed]) -> list[Difference]:
    """What the services did differently, most frequent first. Units that not all have got to are left out."""
    seed = all_fuzzed[0].seed
    words = [list(fuzzed.words) for fuzzed in all_fuzzed]
    found: dict[tuple[str, str], Difference] = {}
    for number in sorted(set.intersection(*(set(fuzzed.found) for fuzzed in all_fuzzed))):
        rows = [[words[i][index] for index in fuzzed.found[number]] for i, fuzzed in enumerate(all_fuzzed)]
        if all(row == rows[0] for row in rows):
            continue
        for position, request in enumerate(mutate.unit(seed, number)):
            column = [row[position] for row in rows]
            if not outcomes.differ(request, column):
                continue
            groups = _groups({fuzzed.target: outcome for fuzzed, outcome in zip(all_fuzzed, column, strict=True)})
            key = (request.kind, groups)
            if key not in found:
                found[key] = Difference(groups, number, position, request)
                continue
            found[key].count += 1
            if len(request.data) < len(found[key].request.data):
                found[key].number, found[key].place, found[key].request = number, position, request
    return sorted(found.values(), key=lambda difference: -difference.count)


def _groups(by_target: Mapping[str, str]) -> str:
    targets: dict[str, list[str]] = {}
    for target, outcome in by_target.items():
        targets.setdefault(outcome, []).append(target)
    return "; ".join(f"{' '.join(names)}: {outcome}" for outcome, names in targets.items())


def lines_about(all_fuzzed: Sequence[Fuzzed], shown: int = SHOWN) -> tuple[list[str], int]:
    """What is printed at the end, and how many findings there are."""
    lines, findings = [], 0
    found = differences(all_fuzzed) if len(all_fuzzed) > 1 else []
    for fuzzed in all_fuzzed:
        wrong = fuzzed.wrong()
        findings += len(wrong) + len(fuzzed.crashes) + bool(fuzzed.logged)
        total = Counter(index for row in fuzzed.found.values() for index in row)
        kinds = {word: total[fuzzed.words.get(word, -1)] for word in (outcomes.REFUSED, outcomes.OPEN, outcomes.WAITS)}
        lines.append(
            f"{fuzzed.target}: {fuzzed.count:,} requests in {fuzzed.seconds:.0f} s, "
            f"{', '.join(f'{count:,} {word}' for word, count in kinds.items())}, "
            f"{sum(map(len, wrong.values())):,} wrong, {len(fuzzed.crashes)} crashes"
        )
        lines += [f"  {trouble}" for trouble in (*fuzzed.crashes, fuzzed.logged) if trouble]
        lines += [f"  {what}: {len(units):,} times, first in unit {units[0]}" for what, units in list(wrong.items())[:shown]]
    if len(all_fuzzed) > 1:
        lines.append(f"{sum(difference.count for difference in found):,} divergences of {len(found)} kinds")
    for difference in found[:shown]:
        data = difference.request.data
        cut = "" if len(data) <= SHOWN_BYTES else f"... {len(data):,} bytes"
        lines += [
            f"  {difference.count:,} times, {difference.request.kind}: {difference.groups}",
            f"    --unit {difference.number}, request {difference.place}: {data[:SHOWN_BYTES]!r}{cut}",
        ]
    return lines, findings + len(found)


@contextmanager
def stand() -> Iterator[Stand]:
    with Stand(connect(install=False, say=say), place(topology())) as opened:
        yield opened


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default=",".join(FULL), help="names, separated by commas")
    parser.add_argument("--count", type=int, default=COUNT, help="requests for each service (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each service, at most (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--unit", type=int, help="send one unit only, and print its bytes and outcomes")
    options = parser.parse_args()
    one = options.unit is not None
    numbers = [options.unit] if one else range(options.count * mutate.UNITS // mutate.REQUESTS)
    all_fuzzed = []
    with stand() as opened:
        for target in options.target.split(","):
            with opened.scope() as scope:
                fuzzed = attack(scope.pair(target), options.seed, numbers, options.seconds)
            all_fuzzed.append(fuzzed)
            say(lines_about([fuzzed], shown=0)[0][0])
            if not one:
                fuzzed.save(FOLDER)
    if one:
        _print_unit(all_fuzzed, options.seed, options.unit)
    else:
        asked = {fuzzed.target for fuzzed in all_fuzzed}
        kept = [load(path) for path in sorted(FOLDER.glob("*.json")) if path.stem not in asked and path.stem in TARGETS]
        all_fuzzed += [fuzzed for fuzzed in kept if fuzzed.seed == options.seed]
    lines, findings = lines_about(all_fuzzed)
    print("\n".join(lines))
    return 1 if findings else 0


def _print_unit(all_fuzzed: Sequence[Fuzzed], seed: int, number: int) -> None:
    for position, request in enumerate(mutate.unit(seed, number)):
        print(f"request {position}, {request.kind}: {request.data!r}")
        for fuzzed in all_fuzzed:
            if number in fuzzed.found:
                print(f"  {fuzzed.target}: {list(fuzzed.words)[fuzzed.found[number][position]]}")


if __name__ == "__main__":
    sys.exit(main())
