"""The checks themselves: a sound fake passes all of them, and each fault is found by the check that is there for it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import checks
import fuzzing
import oracle
import pytest
from talking import Talk

from harness.containers.spec import LOOPBACK
from harness.evaluation.statements import count_statements, read_contract
from loadtests.generator.golden_cases import Response

META: dict[str, Any] = {
    "target": "fake", "language": "Python", "runtime": "python 3", "framework": "http.server", "driver": "none 0",
    "class": "standard", "cpus": 1, "db_pool_size": 16,
}  # fmt: skip


class Fake(BaseHTTPRequestHandler):
    """Answers as the oracle does, but for one fault."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    fault = ""
    shop = oracle.Shop()
    cached: dict[str, oracle.Answer] = {}  # noqa: RUF012 (replaced for each server)

    def log_message(self, *_: object) -> None:
        pass

    def handle_any(self) -> None:
        body, over = self._read_body()
        case: dict[str, Any] = {"method": self.command, "path": self.path, "headers": {}}
        if (kind := self.headers.get("content-type")) is not None:
            case["headers"]["content-type"] = kind
        try:
            if self.command == "POST":
                case["text"] = "x" * (oracle.BODY_LIMIT_BYTES + 1) if over else body.decode()
                case["headers"].setdefault("content-type", "")
            answer = oracle.answer(self.shop, case)
        except (RecursionError, ValueError):
            if self.fault == "breaks off on bad numbers":
                raise
            answer = {"status": 400, "error": "bad_request"}
        if self.path == "/meta" and self.command == "GET":
            answer = {"status": 200, "json": META}
        if answer["status"] == 200:
            self._pause()
        self._send(self._with_fault(answer))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = handle_any  # noqa: N815 (http.server's names)

    def _read_body(self) -> tuple[bytes, bool]:
        if self.headers.get("transfer-encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            body = b"".join(parts)
            if self.fault == "counts only declared bytes":
                return body[: oracle.BODY_LIMIT_BYTES], False
        else:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
        return body, len(body) > oracle.BODY_LIMIT_BYTES

    def _pause(self) -> None:
        _, _, value = self.path.partition("ms=")
        if value.isdigit() and self.fault != "does not wait":
            time.sleep(min(int(value), 600) / 1000)

    def _with_fault(self, answer: oracle.Answer) -> oracle.Answer:
        value = answer.get("json")
        route = oracle.route_of(self.command, self.path)
        if self.fault == "swaps keys" and route == "GET /products/{id}" and value:
            return {**answer, "json": dict(reversed(value.items()))}
        if self.fault == "numbers as fractions" and route == "POST /orders" and value:
            return {**answer, "json": {**value, "total_cents": float(value["total_cents"])}}
        if self.fault == "200 for nothing" and route == "GET /customers/{id}/orders" and answer["status"] == 404:
            return {"status": 200, "json": {"customer": None, "orders": []}}
        if self.fault == "500 for a large limit" and "limit=" in self.path and answer["status"] == 400:
            return {"status": 500, "error": "internal"}
        if self.fault == "forgets allow" and answer["status"] == 405:
            return {k: v for k, v in answer.items() if k != "headers"}
        if self.fault == "keeps answers" and self.command == "GET":
            return self.cached.setdefault(self.path, answer)
        if self.fault == "allows any type" and answer["status"] == 415:
            return {"status": 200, "json": {"orders": 0, "regions": []}}
        if self.fault == "breaks ties by UTF-16" and route == "POST /cpu/summarize" and value and "😀" in str(value):
            rows = sorted(value["regions"], key=lambda r: (-r["revenue_cents"], r["region"].encode("utf-16-be")))
            return {**answer, "json": {**value, "regions": rows}}
        if self.fault == "meta without versions" and self.path == "/meta":
            return {**answer, "json": {**META, "driver": "none"}}
        return answer

    def _send(self, answer: oracle.Answer) -> None:
        kind = "application/json"
        if "text" in answer:
            kind, body = "text/plain", answer["text"].encode()
        elif "error" in answer:
            detail = "" if self.fault == "gives no detail" else "A sentence."
            body = json.dumps({"error": answer["error"], "detail": detail}).encode()
        else:
            body = json.dumps(answer["json"]).encode()
        if self.fault == "HTML errors" and answer["status"] == 404:
            kind, body = "text/html", b"<h1>Not Found</h1>"
        self.send_response_only(answer["status"])
        if self.fault != "tells no date":
            self.send_header("date", self.date_time_string(0 if self.fault == "keeps its date" else None))
        self.send_header("content-type", kind)
        for name, value in answer.get("headers", {}).items():
            self.send_header(name, value)
        if self.fault == "closes after errors" and answer["status"] >= 400:
            self.send_header("connection", "close")
        if self.fault == "sends chunks":
            self.send_header("transfer-encoding", "chunked")
            body = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        else:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100


@contextmanager
def fake(fault: str = "") -> Iterator[int]:
    """The port of a fake with a fault, or of a sound one."""
    handler = type("Faulty", (Fake,), {"fault": fault, "shop": oracle.Shop(), "cached": {}})
    with Server((LOOPBACK, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def story_problems(port: int) -> checks.Problems:
    """Of the golden cases and a part of the generated ones that reaches every route."""
    cases, expected = checks.story()[:650], checks.expected_story()
    found = []
    with Talk(port) as talk:
        for case, wanted in zip(cases, expected, strict=False):
            # Two cases of a hundred thousand walks: seconds in Python, and no fault shows in them.
            if "count=100000" not in case["path"]:
                found += [f"{case['name']}: {problem}" for problem in checks.problems(case, wanted, checks.ask(talk, case))]
    return found


def test_the_report_on_golden_cases_counts_the_wrong_ones_and_groups_the_first_by_route() -> None:
    def answer_of(expected: oracle.Answer) -> Response:
        content = expected["json"] if "json" in expected else {"error": expected.get("error"), "detail": "A sentence."}
        value = expected.get("text") or json.dumps(content)
        kind = "text/plain" if "text" in expected else "application/json"
        headers = {"content-type": kind, "content-length": str(len(value.encode())), "date": formatdate(usegmt=True)}
        headers |= expected.get("headers", {})
        return Response(expected["status"], headers, value.encode())

    answers: list[Response | str] = [answer_of(expected) for expected in checks.expected_story()]
    assert checks.golden_report(answers) == ""
    wrong = 0
    for number, case in enumerate(checks.golden_cases()):
        if checks.route_label(case) in ("GET /cpu/collatz", "GET /wait"):
            answers[number] = "no answer: nothing listens"
            wrong += 1
    report = checks.golden_report(answers).splitlines()
    assert report[0] == f"{wrong} of {len(checks.golden_cases())} golden cases are wrong"
    assert sum(line.endswith(": no answer: nothing listens") for line in report) == 10
    assert report[1] in ("GET /cpu/collatz", "GET /wait")
    assert report[-3] == f"... and {wrong - 10} more"
    assert "GET /cpu/collatz (" in report[-2] and "GET /wait (" in report[-2]
    assert report[-1].startswith("right: ") and "GET /ping" in report[-1] and "GET /wait" not in report[-1]


def test_a_sound_service_passes_every_check() -> None:
    with fake() as port:
        assert story_problems(port) == []
        assert checks.size_problems(port) == []
        assert checks.media_type_problems(port) == []
        assert checks.hostile_problems(port) == []
        assert checks.keep_alive_problems(port) == []
        assert checks.duration_problems(port) == []
        assert checks.meta_problems(port, {"target": "fake", "cpus": 1}) == []
        for label in ("GET /ping", "GET /customers/{id}/orders", "POST /orders"):
            assert fuzzing.fuzz_problems(port, label) == []


@pytest.mark.parametrize(
    ("fault", "sign"),
    [
        ("swaps keys", '{"stock"'),
        ("numbers as fractions", ".0"),
        ("200 for nothing", "status 200 instead of 404"),
        ("500 for a large limit", "status 500 instead of 400"),
        ("forgets allow", "header allow"),
        ("keeps answers", "the same product has less stock"),
        ("allows any type", "status 200 instead of 415"),
        ("breaks ties by UTF-16", "not by UTF-16 unit"),
        ("gives no detail", "no detail"),
        ("HTML errors", "text/html"),
        ("closes after errors", "the connection is closed"),
        ("sends chunks", "transfer-encoding"),
        ("tells no date", "no date"),
        ("keeps its date", "is not of now"),
    ],
)
def test_the_story_finds(fault: str, sign: str) -> None:
    with fake(fault) as port:
        found = story_problems(port)
    assert any(sign in problem for problem in found), found[:5]


@pytest.mark.parametrize(
    ("fault", "label", "sign"),
    [
        ("500 for a large limit", "GET /customers/{id}/orders", "Server error"),
        ("HTML errors", "GET /products/{id}", "Undocumented Content-Type"),
        ("200 for nothing", "GET /customers/{id}/orders", "Response violates schema"),
    ],
)
def test_fuzzing_finds(fault: str, label: str, sign: str) -> None:
    with fake(fault) as port:
        found = fuzzing.fuzz_problems(port, label)
    assert any(sign in problem for problem in found), found


def test_the_other_checks_find_their_faults() -> None:
    with fake("counts only declared bytes") as port:
        assert len(checks.size_problems(port)) == 3
    with fake("allows any type") as port:
        assert len(checks.media_type_problems(port)) == 2
    with fake("closes after errors") as port:
        assert checks.keep_alive_problems(port)
    with fake("does not wait") as port:
        assert len(checks.duration_problems(port)) == 2
    with fake("meta without versions") as port:
        assert checks.meta_problems(port, {"cpus": 2}) == [
            "/meta: cpus is 1 instead of 2",
            "/meta: driver 'none' names no version",
        ]
    with fake("breaks off on bad numbers") as port:
        assert any("no answer" in problem for problem in checks.hostile_problems(port))


def test_a_cache_or_a_silent_pool_check_shows_in_the_statement_counts() -> None:
    contract = read_contract(checks.CONTRACT / "queries.toml")
    sql = {name: text for text, name in contract.names.items()}

    def wrong(*rows: tuple[str, int]) -> dict[str, tuple[int, int]]:
        statistics = [{"query": query, "calls": calls, "milliseconds": 0.0} for query, calls in rows]
        counts = count_statements(contract, {"GET /products/{id}": 100}, statistics)
        return {c.name: (c.expected, c.executed) for c in counts if c.expected != c.executed}

    assert wrong((sql["product"], 100)) == {}
    assert wrong((sql["product"], 99)) == {"product": (100, 99)}
    assert wrong((sql["product"], 100), ("DISCARD ALL", 1)) == {"DISCARD ALL": (0, 1)}
