"""A worker of the load generator for a group of services: one part of load on one service at a time.

python -m loadtests.generator.group_worker HOST:PORT [CPU]
"""

from __future__ import annotations

import gc
import time
from typing import Any

import gevent
import msgspec

from loadtests.generator.exchange import Exchange
from loadtests.generator.fuse import Fuse
from loadtests.generator.loops import OpenLoop, Stage
from loadtests.generator.pass_loop import LEAST_PASSES, PassLoop
from loadtests.generator.passes import cut
from loadtests.generator.profile_users import profile_user
from loadtests.generator.recorder import Phase, Recorder, merged
from loadtests.generator.stated import StatedConnection, UniqueNumbers
from loadtests.generator.user import REQUEST_TIMEOUT_SECONDS, LeanUser, under_way_seconds, watch_timeouts
from loadtests.generator.wire import Peer, addressed
from loadtests.generator.worker import LocustWorker, serve
from loadtests.protocol import group_messages, messages
from loadtests.protocol.group_messages import Collect, Collected, GroupSpec, Part, PartResult, Remarks


class GroupUser(LeanUser):
    """A user with a connection to each service of the group. The parts name profile and routes."""

    host = "http://127.0.0.1:0"
    fire_events = False


class GroupWorker(LocustWorker):
    """Follows the master's messages."""

    def __init__(self, master_host: str, master_port: int) -> None:
        self._spec: GroupSpec
        self._profiles: dict[str, type[LeanUser]] = {}
        #: Copy and profile -> recorder.
        self._recorders: dict[tuple[int, str], Recorder] = {}
        #: Copy -> number of a part -> what was counted in it.
        self._kept: dict[int, dict[int, Phase]] = {}
        #: Profile and routes -> passes.
        self._passes: dict[tuple[str, tuple[str, ...]], list[list[Exchange]]] = {}
        self._fuses: dict[int, Fuse] = {}
        super().__init__(master_host, master_port)
        for name, handle in (
            (messages.PREPARE, self._prepare),
            (group_messages.COLLECT, self._collect),
            (group_messages.REMARKS, self._remarks),
        ):
            self.runner.register_message(name, handle)
        # Runs for as long as its part, while the runner's own greenlet still receives the master's heartbeat.
        self.runner.register_message(group_messages.PART, self._part, concurrent=True)
        self.announce()

    def _prepare(self, *, msg: Any, **_: Any) -> None:
        self._spec = spec = msgspec.convert(msg.data, GroupSpec)
        for program in spec.programs:
            user = self._profiles[program.profile] = profile_user(program.profile)
            user.prepare(spec.seed)
            # A service that the harness did not start is measured without others.
            if outside := spec.copies[program.copies[0]].outside:
                user.exchanges = [one._replace(request=addressed(one.request, outside.origin)) for one in user.exchanges]
            for copy in program.copies:
                self._recorders[copy, program.profile] = Recorder(user.routes)
            if user.connection_class is not GroupUser.connection_class:
                GroupUser.connection_class = StatedConnection
        StatedConnection.numbers = UniqueNumbers(spec.worker, time.time_ns())
        peers = [Peer(copy.outside) if copy.outside else None for copy in spec.copies]
        GroupUser.addresses = tuple(
            (peer.address, peer.outside.port, peer) if peer else (spec.host, copy.port, None)
            for copy, peer in zip(spec.copies, peers, strict=True)
        )
        GroupUser.stage = Stage()
        self.environment.user_classes = [GroupUser]
        gevent.spawn(watch_timeouts, self.users)
        # All objects made so far stay. A garbage collection during a slice would be a pause of the generator.
        gc.collect()
        gc.freeze()
        self.runner.send_message(messages.PREPARED, {})

    def _part(self, *, msg: Any, **_: Any) -> None:
        part = msgspec.convert(msg.data, Part)
        recorder = self._recorders[part.copy, part.profile]
        fuse = self._fuse(part)
        held = fuse.held if fuse else 0
        recorder.next_phase()
        result = self._closed(part, recorder, fuse) if not part.rate else self._open(part, recorder, fuse)
        if fuse:
            result = msgspec.structs.replace(result, held=fuse.held - held)
        ended = recorder.next_phase()
        if part.kept:
            self._kept.setdefault(part.copy, {})[part.number] = ended
        self.runner.send_message(group_messages.PARTED, msgspec.to_builtins(result))

    def _fuse(self, part: Part) -> Fuse | None:
        """The fuse of a copy, the same in all its parts. None: it needs none."""
        if part.most_per_second and part.copy not in self._fuses:
            self._fuses[part.copy] = Fuse(part.most_per_second)
        return self._fuses.get(part.copy)

    def _closed(self, part: Part, recorder: Recorder, fuse: Fuse | None) -> PartResult:
        phase, passes = recorder.phase, self._cut(part.profile, part.routes)

        def busy() -> float:
            return sum(phase.sum_microseconds) / 1e6 + under_way_seconds(self.users())

        loop = PassLoop(recorder, passes, part.first_pass, part.seconds, busy, LEAST_PASSES if part.kept else 0, fuse)
        loop.copy = part.copy
        GroupUser.stage.begin(loop)
        loop.done.wait(part.seconds + 2 * REQUEST_TIMEOUT_SECONDS)
        GroupUser.stage.end()
        first, last = (loop.marks[0], loop.marks[-1]) if len(loop.marks) > 1 else (None, None)
        return PartResult(
            number=part.number,
            start_ns=loop.start_ns,
            end_ns=loop.end_ns,
            requests=sum(phase.answered),
            failures=sum(phase.failed) + sum(phase.timed_out),
            sum_microseconds=sum(phase.sum_microseconds),
            paced_requests=last.requests - first.requests if first and last else 0,
            paced_ns=last.clock_ns - first.clock_ns if first and last else 0,
            busy_seconds=last.busy_seconds - first.busy_seconds if first and last else 0.0,
        )

    def _cut(self, name: str, routes: tuple[str, ...]) -> list[list[Exchange]]:
        """The passes of some routes, cut once: a stream has thousands of requests, and a part begins at once."""
        if (name, routes) not in self._passes:
            profile = self._profiles[name]
            self._passes[name, routes] = cut(
                profile.exchanges,
                profile.pass_requests,
                lambda exchange: not routes or profile.routes[exchange.route] in routes,
            )
        return self._passes[name, routes]

    def _open(self, part: Part, recorder: Recorder, fuse: Fuse | None) -> PartResult:
        profile, phase = self._profiles[part.profile], recorder.phase
        exchanges = [one for one in profile.exchanges if not part.routes or profile.routes[one.route] in part.routes]
        loop = OpenLoop(recorder, exchanges, part.rate, part.seed, fuse)
        loop.copy = part.copy
        start_ns = time.perf_counter_ns()
        GroupUser.stage.begin(loop)
        gevent.sleep(part.seconds)
        end_ns = time.perf_counter_ns()
        GroupUser.stage.end()
        with gevent.Timeout(REQUEST_TIMEOUT_SECONDS + 2, exception=False):
            while any(user.sent_at_ns for user in self.users()):
                gevent.sleep(0.001)
        return PartResult(
            number=part.number,
            start_ns=start_ns,
            end_ns=end_ns,
            requests=sum(phase.answered),
            failures=sum(phase.failed) + sum(phase.timed_out),
            sum_microseconds=sum(phase.sum_microseconds),
            paced_requests=0,
            paced_ns=0,
            busy_seconds=sum(phase.sum_microseconds) / 1e6,
        )

    def _collect(self, *, msg: Any, **_: Any) -> None:
        wanted = msgspec.convert(msg.data, Collect)
        profile = wanted.profile
        # Parts that are not wanted do not count: they are forgotten too.
        kept = self._kept.pop(wanted.copy, {})
        phases = [kept[number] for number in wanted.parts]
        recorders = {name: r for (copy, name), r in self._recorders.items() if copy == wanted.copy}
        answered: dict[str, int] = {}
        for recorder in recorders.values():
            for route, count in recorder.totals()[0].items():
                answered[route] = answered.get(route, 0) + count
        collected = Collected(merged(phases, recorders[profile].routes), answered)
        self.runner.send_message(group_messages.COLLECTED, msgspec.to_builtins(collected))

    def _remarks(self, **_: Any) -> None:
        samples: dict[int, tuple[str, ...]] = {}
        opened: dict[int, int] = {}
        for (copy, _profile), recorder in self._recorders.items():
            samples[copy] = (*samples.get(copy, ()), *recorder.failure_samples)
            opened[copy] = opened.get(copy, 0) + recorder.connections_opened
        found = Remarks(samples, opened)
        self.runner.send_message(group_messages.REMARKED, msgspec.to_builtins(found))


if __name__ == "__main__":
    serve(GroupWorker)
