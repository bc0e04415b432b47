"""The main program of the load generator for a group: several services, and the load goes round among them in slices.

    workers -> hello -> each copy: wait for it, golden cases -> levels -> done
    a profile: wait for the harness -> warm-up in turns -> wait for the harness -> levels
    a level: rounds until enough of them count -> group_level_end -> wait for the harness
    a round: one slice of each copy, in random order, with the copies of a family next to each other
    a slice: lead-in -> counters -> measured part -> pause -> counters. Nothing is under way when counters are read.

Each part is bounded in time, and so are turns and rounds. Exit status 0 after `group_done`, 1 after `fatal`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from statistics import median

import gevent
import msgspec

from loadtests.generator import golden_cases
from loadtests.generator.counters import CpuCounter, counters_of, cpu_times, host_shares, wait_until_idle
from loadtests.generator.fuse import share_of
from loadtests.generator.levels import merge
from loadtests.generator.master import Harness, check_golden_cases, hello, say, serve, wait_for_service, wait_to_reach
from loadtests.generator.slices import joined, seen_of, unanswered
from loadtests.generator.worker_pool import GroupUser, Stop, Workers
from loadtests.protocol import group_messages as group
from loadtests.protocol import messages
from loadtests.protocol.rounds import Rounds, in_order

#: One turn of the warm-up.
TURN_SECONDS = 1.0
#: Between a slice's last answer and the counters after it: a service still closes its books, such as a commit's log record.
PAUSE_SECONDS = 0.03
#: How long the harness may take to read all databases' statistics, or to change the services' CPUs.
HARNESS_SECONDS = 60.0
#: A part ends by itself; this long after its time its workers are lost.
PART_SECONDS = 25.0
#: The role of a copy's database. Those of other containers beside a service are their names.
DATABASE = "database"


class Group:
    """The services of a group, loaded one at a time."""

    def __init__(self, spec: group.GroupSpec, workers: Workers, harness: Harness) -> None:
        self._spec = spec
        self._workers = workers
        self._harness = harness
        self._random = random.Random(spec.seed)
        self._parts = 0
        self._alive: list[int] = []
        self._asked: dict[int, dict[str, int]] = {}
        self._rates: dict[int, float] = {}
        self._service: dict[int, CpuCounter] = {}
        #: By role and copy: the databases, and what else stands beside the services.
        self._others: dict[tuple[str, int], CpuCounter] = {}
        #: Copy -> cores that its service used in each slice of another, at the level under way.
        self._idle: dict[int, list[float]] = {}

    def start(self) -> None:
        """Waits for each copy in its turn: the harness starts the next one when it hears of the one before. Raises Stop."""
        for number, copy in enumerate(self._spec.copies):
            asked: dict[str, int] = {}
            try:
                ready_ns = (
                    wait_to_reach(copy.outside, copy.ready_timeout_seconds)
                    if copy.outside
                    else wait_for_service(self._spec.host, copy.port, copy.health, copy.ready_timeout_seconds)
                )
                ready = (
                    messages.ServiceReady(ready_ns, {}, 0, ())
                    if copy.meta is None
                    else check_golden_cases(self._spec.host, copy.port, copy.meta, ready_ns, asked)
                )
            except Stop as stop:
                say(group.CopyLost(number, stop.stage, stop.reason))
                continue
            if ready.problems:
                reason = golden_cases.first_of(ready.problems, (copy.meta or {}).get("target", "TARGET"))
                say(group.CopyLost(number, "golden cases", reason))
                continue
            say(group.CopyReady(number, ready.monotonic_ns, ready.meta, ready.golden_cases))
            self._alive.append(number)
            self._asked[number] = asked
        if not self._alive:
            raise Stop("readiness", "no service of the group can be measured")
        self._open_counters()

    def _open_counters(self) -> None:
        copies = {number: self._spec.copies[number] for number in self._alive}
        others = {
            (role, number): container
            for number, copy in copies.items()
            for role, container in {DATABASE: copy.database, **copy.beside}.items()
            if container is not None
        }
        try:
            services = {number: copy.service for number, copy in copies.items() if copy.service is not None}
            found = counters_of([*services.values(), *others.values()])
        except LookupError as error:
            raise Stop("load", str(error)) from None
        self._service = {number: found[service] for number, service in services.items()}
        self._others = {key: found[container] for key, container in others.items()}

    def _taking(self, program: group.Program) -> list[int]:
        """The copies that have a program's load, and are not lost."""
        return [copy for copy in self._alive if copy in program.copies]

    def run(self) -> None:
        """All levels of all profiles. Raises Stop."""
        for program in self._spec.programs:
            self._workers.spawn(program.connections)
            self._rates = {}
            for index, level in enumerate(program.levels):
                self._level(program, level, self._warm_up(program, level) if not index else {})

    def _warm_up(self, program: group.Program, level: group.SlicedLevel) -> dict[int, int]:
        """Loads the copies in turns, and returns how many each had. Rounds in which one still gets faster follow it."""
        turns = {copy: self._spec.copies[copy].warmup_turns for copy in self._taking(program)}
        closed = msgspec.structs.replace(level, kind="closed")
        # Nobody who allowed a rate of another service has allowed more for its warm-up.
        kinds = {copy: level if self._spec.copies[copy].outside else closed for copy in turns}
        self._harness.ask(group.WarmUp(program.profile, over=False), HARNESS_SECONDS)
        for turn in range(max(turns.values(), default=0)):
            pending = [copy for copy in self._taking(program) if turns[copy] > turn]
            for copy in self._random.sample(pending, len(pending)):
                result = self._part(program, kinds[copy], copy, TURN_SECONDS, first_pass=5 * turn, kept=False)
                mean = result.sum_microseconds / result.requests if result.requests else 0.0
                window = messages.Window("warmup", result.start_ns, result.end_ns, result.requests, result.failures, mean)
                say(group.Turn(copy, program.profile, window))
                if unanswered(result):
                    self._lose(copy, "no request was answered in the warm-up")
        wait_until_idle(lambda: sum(counter.read() for counter in self._service.values()))
        self._harness.ask(group.WarmUp(program.profile, over=True), HARNESS_SECONDS)
        return turns

    def _lose(self, copy: int, reason: str) -> None:
        self._alive.remove(copy)
        say(group.CopyLost(copy, "load", reason))

    def _level(self, program: group.Program, level: group.SlicedLevel, turns: Mapping[int, int]) -> None:
        rounds, number = Rounds(level.rounds), 0
        self._idle = {copy: [] for copy in self._alive}
        #: Round -> copy -> the slice, and the number of its measured part.
        taken: dict[int, dict[int, tuple[group.SliceEvent, int]]] = {}
        closed = level.kind == "closed"
        while (taking := self._taking(program)) and not rounds.enough(taking, closed=closed):
            number += 1
            taken[number] = {}
            due = rounds.due(taking, closed=closed)
            for copy in in_order(due, [each.family for each in self._spec.copies], self._random):
                event, part = self._slice(program, level, copy, number)
                say(event)
                taken[number][copy] = event, part
                if unanswered(event):
                    self._lose(copy, "no request was answered in a slice")
            rounds.add(
                number,
                {copy: seen_of(event) for copy, (event, _) in taken[number].items() if copy in self._alive},
            )
        measured: dict[int, messages.Measured] = {}
        answered: dict[int, dict[str, int]] = {}
        for copy in self._taking(program):
            # Where no slice counts, all of them show what there was: the harness calls the level unstable.
            counting = rounds.counting(copy) or [each for each in taken if copy in taken[each]]
            mine = [taken[each][copy] for each in counting]
            measured[copy], answered[copy] = self._collect(
                program, level, copy, mine, turns.get(copy, 0), steady=copy not in rounds.warming
            )
        idle = {copy: median(cores) for copy, cores in self._idle.items() if cores}
        end = group.GroupLevelEnd(program.profile, level.name, measured, rounds.dropped, answered, idle)
        self._harness.ask(end, HARNESS_SECONDS)

    def _slice(
        self, program: group.Program, level: group.SlicedLevel, copy: int, number: int
    ) -> tuple[group.SliceEvent, int]:
        # All copies of a round get the same requests in the same order.
        first = number * 7
        self._part(program, level, copy, level.lead_seconds, first_pass=first + 3, kept=False)
        before, host = self._read(), cpu_times(self._spec.cpus)
        result = self._part(program, level, copy, level.slice_seconds, first_pass=first, kept=True)
        part = self._parts
        gevent.sleep(PAUSE_SECONDS)
        after, host_after = self._read(), cpu_times(self._spec.cpus)
        used = {each: after[each] - before[each] for each in after}
        own = {role: nanoseconds for (role, number), nanoseconds in used.items() if number == copy}
        outside = self._spec.copies[copy].outside
        service, database = own.pop("service", 0), own.pop(DATABASE, 0)
        for other in self._alive:
            if other != copy and ("service", other) in used:
                self._idle[other].append(used["service", other] / (result.end_ns - result.start_ns + PAUSE_SECONDS * 1e9))
        group_ns = sum(nanoseconds for (role, _), nanoseconds in used.items() if self._is_on_cpus(role))
        shares = host_shares(host, host_after, group_ns)
        if level.kind == "closed" and program.levels[0].name == level.name and result.paced_ns:
            rates = self._rates.get(copy)
            now = result.paced_requests / result.paced_ns * 1e9
            self._rates[copy] = now if rates is None else rates + (now - rates) / number
        return (
            group.SliceEvent(
                copy=copy,
                profile=program.profile,
                level=level.name,
                round=number,
                start_ns=result.start_ns,
                end_ns=result.end_ns,
                requests=result.requests,
                failures=result.failures,
                sum_microseconds=result.sum_microseconds,
                paced_requests=result.paced_requests,
                paced_ns=result.paced_ns,
                busy_seconds=result.busy_seconds,
                service_cpu_ns=None if outside else service,
                database_cpu_ns=None if outside else database,
                generator_cpu_ns=used["generator", -1],
                others_ns=sum(used.values()) - service - database - sum(own.values()) - used["generator", -1],
                other_work=None if outside else shares.other_work,
                steal=None if outside else shares.steal,
                beside_cpu_ns=own,
                held=result.held,
            ),
            part,
        )

    def _cost(self, copy: int) -> str:
        return "time" if self._spec.copies[copy].outside else "CPU time"

    def _is_on_cpus(self, role: str) -> bool:
        """Whether a container of a role runs on the services' CPUs. What stands beside a service runs where databases do."""
        placed = role if role in ("service", "generator") else DATABASE
        return placed in self._spec.on_cpus

    def _read(self) -> dict[tuple[str, int], int]:
        """The CPU counters of all copies and of the generator, nanoseconds."""
        return {
            **{("service", copy): counter.read() for copy, counter in self._service.items()},
            **{key: counter.read() for key, counter in self._others.items()},
            ("generator", -1): self._workers.cpu_ns(),
        }

    def _part(
        self, program: group.Program, level: group.SlicedLevel, copy: int, seconds: float, *, first_pass: int, kept: bool
    ) -> group.PartResult:
        """One part on all workers together. Raises Stop."""
        self._parts += 1
        rate = {"closed": 0.0, "open": level.rate, "relative": level.share * self._rates.get(copy, 0.0)}[level.kind]
        if level.kind == "relative" and not rate:
            raise Stop("load", f"level {level.name} is a share of a closed level's rate: plan a closed level before it")
        most = self._most(copy)
        parts = [
            group.Part(
                number=self._parts,
                copy=copy,
                profile=program.profile,
                routes=level.routes,
                seconds=seconds,
                rate=rate / self._workers.count,
                seed=(self._spec.seed * 1000 + first_pass) * 100 + worker,
                # Workers that sent the same requests in step would wait for each other's rows.
                first_pass=first_pass + 31 * worker,
                kept=kept,
                most_per_second=most,
            )
            for worker in range(self._workers.count)
        ]
        return joined(self._workers.part(parts, seconds + PART_SECONDS))

    def _most(self, copy: int) -> int:
        """The requests a second that each worker may send to a copy; 0: as many as it can. Raises Stop."""
        outside = self._spec.copies[copy].outside
        if outside is None:
            return 0
        if not (most := share_of(outside.most_per_second, self._workers.count)):
            raise Stop(
                "load",
                f"most_requests_per_second ({outside.most_per_second}) is less than one for each of "
                f"{self._workers.count} load workers",
            )
        return most

    def _collect(
        self,
        program: group.Program,
        level: group.SlicedLevel,
        copy: int,
        taken: list[tuple[group.SliceEvent, int]],
        turns: int,
        *,
        steady: bool,
    ) -> tuple[messages.Measured, dict[str, int]]:
        found = self._workers.collect(group.Collect(copy, program.profile, tuple(part for _, part in taken)))
        answered = dict(self._asked[copy])
        for each in found:
            for route, count in each.answered.items():
                answered[route] = answered.get(route, 0) + count
        measured = messages.Measured(
            level=level.name,
            start_ns=min((e.start_ns for e, _ in taken), default=0),
            end_ns=max((e.end_ns for e, _ in taken), default=0),
            warmup_seconds=turns * TURN_SECONDS,
            steady=steady,
            steady_reason="" if steady else f"a request still took less {self._cost(copy)} from round to round",
            connections=program.connections,
            rate={"closed": 0.0, "open": level.rate, "relative": level.share * self._rates.get(copy, 0.0)}[level.kind],
            busy_seconds=sum(e.busy_seconds for e, _ in taken),
            routes=merge([each.routes for each in found]),
        )
        return measured, answered


def drive(spec: group.GroupSpec, workers: Workers, harness: Harness) -> None:
    """The whole group. Raises Stop."""
    workers.prepare(spec)
    say(hello(workers.count))
    loaded = Group(spec, workers, harness)
    loaded.start()
    loaded.run()
    samples: dict[int, tuple[str, ...]] = {}
    opened: dict[int, int] = {}
    for remarks in workers.group_remarks():
        for copy in remarks.connections_opened:
            samples[copy] = (*samples.get(copy, ()), *remarks.failure_samples[copy])[:10]
            opened[copy] = opened.get(copy, 0) + remarks.connections_opened[copy]
    say(group.GroupDone(samples, opened))


if __name__ == "__main__":
    raise SystemExit(serve(group.GroupSpec, "loadtests.generator.group_worker", GroupUser, drive))
