"""What can be asked of a port alone. Each check returns the problems it found, in words; none means it holds.

They know nothing of containers: test_checker.py turns them on a fake with one fault at a time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from http.client import HTTPException
from pathlib import Path
from typing import Any

import generated
import oracle
from date_header import date_problems
from oracle import BODY_LIMIT_BYTES, Case
from talking import Talk, chunked, request_head, send_raw

from loadtests import reference
from loadtests.generator import golden_cases as cases
from loadtests.generator.golden_cases import Response
from loadtests.protocol import meta as described

CONTRACT = Path(__file__).resolve().parents[2] / "services" / "contract"
BROKEN_OFF = (OSError, HTTPException)

Problems = list[str]


@cache
def golden_cases() -> list[dict[str, Any]]:
    return cases.load(CONTRACT / "golden.json")


@cache
def story() -> tuple[Case, ...]:
    """What a fresh pair is asked first: the golden cases, then a thousand generated requests."""
    return (*golden_cases(), *generated.requests())


@cache
def expected_story() -> tuple[oracle.Answer, ...]:
    """The oracle's answers to the story."""
    shop = oracle.Shop()
    return tuple(oracle.answer(shop, case) for case in story())


def describe(case: Case) -> str:
    """A case as a failure shows it."""
    body = oracle.body_of(case)
    sent = "" if body is None else f" {body[:200]!r}"
    kind = f" {case['headers']}" if case.get("headers") else ""
    return f"{case.get('name', '')!r}: {case['method']} {case['path']}{kind}{sent}"


def form_problems(answer: Response) -> Problems:
    """What every answer keeps, whatever it says: a length instead of chunks, the connection open, and its date."""
    found = []
    if "transfer-encoding" in answer.headers:
        found.append(f"transfer-encoding {answer.headers['transfer-encoding']!r} instead of content-length")
    if answer.headers.get("content-length") != str(len(answer.body)):
        found.append(f"content-length {answer.headers.get('content-length')!r} of a body of {len(answer.body)} bytes")
    if answer.headers.get("connection", "").lower() == "close":
        found.append("the connection is closed")
    return found + date_problems(answer)


def problems(case: Case, expected: oracle.Answer, answer: Response) -> Problems:
    """Where an answer departs from the expected one or from the form of all answers."""
    return [*cases.problems({**case, "answer": expected}, answer), *form_problems(answer)]


def ask(talk: Talk, case: Case) -> Response:
    return talk.ask(case["method"], case["path"], oracle.body_of(case), case.get("headers"))


def tell_story(port: int) -> list[Response | str]:
    """Ask a fresh pair the whole story over one keep-alive connection; an answer each, or why there is none."""
    answers: list[Response | str] = []
    with Talk(port) as talk:
        for case in story():
            try:
                answers.append(ask(talk, case))
            except BROKEN_OFF as error:
                talk.hang_up()
                answers.append(f"no answer: {error!r}")
    return answers


def story_problems(answers: list[Response | str], first: int, end: int) -> Problems:
    """What is wrong with the answers number `first` up to `end`, against the oracle's."""
    found = []
    for case, expected, answer in list(zip(story(), expected_story(), answers, strict=True))[first:end]:
        wrong = [answer] if isinstance(answer, str) else problems(case, expected, answer)
        found += [f"{describe(case)}: {problem}" for problem in wrong]
    return found


def route_label(case: Case) -> str:
    """The route of the contract that a case asks for. Cases about paths and methods that there are not have none."""
    return oracle.route_of(case["method"], case["path"]) or "other paths and methods"


def golden_report(answers: list[Response | str], shown: int = 10) -> str:
    """What is wrong with the answers to the golden cases, by route, and which routes are right; empty if all are.

    `shown`: how many wrong cases are told in full.
    """
    wrong: dict[str, list[str]] = {}
    labels = dict.fromkeys(route_label(case) for case in golden_cases())
    for number, case in enumerate(golden_cases()):
        if found := story_problems(answers, number, number + 1):
            first, *others = found
            told = [first, *(problem.removeprefix(f"{describe(case)}: ") for problem in others)]
            wrong.setdefault(route_label(case), []).append("; ".join(told))
    count = sum(map(len, wrong.values()))
    if not count:
        return ""
    lines = [f"{count} of {len(golden_cases())} golden cases are wrong"]
    left = shown
    for label in (label for label in labels if label in wrong):
        if left <= 0:
            break
        lines += [label, *(f"  {line}" for line in wrong[label][:left])]
        left -= len(wrong[label])
    if count > shown:
        lines.append(f"... and {count - shown} more")
    counts = ", ".join(f"{label} ({len(wrong[label])})" for label in labels if label in wrong)
    right = ", ".join(label for label in labels if label not in wrong)
    return "\n".join([*lines, f"wrong: {counts}", f"right: {right or 'none'}"])


def meaning(answer: Response | str) -> str:
    """An answer without what may differ between targets: free text, case and spacing of headers; key order stays."""
    if isinstance(answer, str):
        return answer
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    body: Any = answer.body.decode("utf-8", "replace")
    if kind == "application/json":
        value = json.loads(body)
        if isinstance(value, dict) and "error" in value:
            value["detail"] = "..."
        body = json.dumps(value)
    headers = {name: answer.headers.get(name) for name in ("allow", "location")}
    return f"{answer.status} {kind} {headers} {body}"


def _expect(name: str, port: int, pieces: Iterable[bytes], status: int, content: Mapping[str, Any] | str | None) -> Problems:
    try:
        answer = send_raw(port, pieces)
    except BROKEN_OFF as error:
        return [f"{name}: no answer: {error!r}"]
    if answer.status != status:
        return [f"{name}: status {answer.status} instead of {status} ({answer.body[:200]!r})"]
    value = json.loads(answer.body)
    if isinstance(content, str):
        return [] if value.get("error") == content else [f"{name}: {value} instead of error {content!r}"]
    if content is not None and json.dumps(value) != json.dumps(content):
        return [f"{name}: {value} instead of {content}"]
    return []


def _padded(value: Any, size: int) -> bytes:
    """JSON of exactly so many bytes, white space at its end."""
    return json.dumps(value).encode().ljust(size)


def size_problems(port: int) -> Problems:
    """Bodies at the limits: bytes with and without a content-length, and orders."""
    json_kind = {"content-type": "application/json"}

    def measured(path: str, body: bytes, kind: Mapping[str, str] = json_kind, method: str = "POST") -> Iterable[bytes]:
        return (request_head(method, path, {**kind, "content-length": str(len(body))}), body)

    def streamed(path: str, body: bytes, kind: Mapping[str, str] = json_kind) -> Iterable[bytes]:
        return (request_head("POST", path, {**kind, "transfer-encoding": "chunked"}), *chunked(body))

    nothing = {"orders": 0, "regions": []}
    full, over = BODY_LIMIT_BYTES, BODY_LIMIT_BYTES + 1
    garbage = b"x" * over
    text = {"content-type": "text/plain"}
    many = [{"customer": f"c{n % 7}", "region": f"r{n % 3}", "lines": []} for n in range(oracle.MAX_ORDERS + 1)]
    most = {"orders": many[:-1]}
    cases: list[tuple[str, Iterable[bytes], int, Mapping[str, Any] | str | None]] = [
        ("a small chunked body", streamed("/cpu/summarize", b'{"orders":[]}'), 200, nothing),
        ("1 MiB", measured("/cpu/summarize", _padded({"orders": []}, full)), 200, nothing),
        ("1 MiB, chunked", streamed("/cpu/summarize", _padded({"orders": []}, full)), 200, nothing),
        ("1 MiB to /orders", measured("/orders", _padded({"customer_id": 1}, full)), 400, "bad_request"),
        ("1 MiB + 1", measured("/cpu/summarize", _padded({"orders": []}, over)), 413, "too_large"),
        ("1 MiB + 1, chunked", streamed("/cpu/summarize", _padded({"orders": []}, over)), 413, "too_large"),
        ("3 MiB, chunked", streamed("/cpu/summarize", garbage * 3), 413, "too_large"),
        ("1 MiB + 1 to /orders", measured("/orders", garbage), 413, "too_large"),
        ("1 MiB + 1 to /orders, chunked", streamed("/orders", garbage), 413, "too_large"),
        ("1 MiB + 1 of text", measured("/orders", garbage, text), 415, "unsupported_media_type"),
        ("1 MiB + 1 of text, chunked", streamed("/orders", garbage, text), 415, "unsupported_media_type"),
        ("1 MiB + 1 to nowhere", measured("/nothing", garbage), 404, "not_found"),
        ("1 MiB + 1 by PUT", measured("/orders", garbage, method="PUT"), 405, "method_not_allowed"),
        (
            "10,000 orders",
            measured("/cpu/summarize", json.dumps(most).encode()),
            200,
            reference.summarize(most["orders"]),
        ),
        (
            "10,001 orders",
            measured("/cpu/summarize", json.dumps({"orders": many}).encode()),
            400,
            "bad_request",
        ),
    ]
    return [problem for case in cases for problem in _expect(case[0], port, *case[1:])]


def media_type_problems(port: int) -> Problems:
    """A body without any content type, which common clients can't send."""
    found = []
    for path, body in (("/cpu/summarize", b'{"orders":[]}'), ("/orders", b'{"customer_id":1,"lines":[]}')):
        head = request_head("POST", path, {"content-length": str(len(body))})
        found += _expect(f"POST {path} without a content type", port, (head, body), 415, "unsupported_media_type")
    return found


def hostile_problems(port: int) -> Problems:
    """Bodies and paths made to break parsers: a refusal, never a 5xx, and the service answers afterwards."""
    found: Problems = []
    line = b'{"orders":[{"customer":"c","region":"r","lines":[{"sku":"s","quantity":%s,"price_cents":1}]}]}'
    named = b'{"orders":[{"customer":"%s","region":"r","lines":[]}]}'
    refused = {
        "100,000 open lists": b"[" * 100_000,
        "100,000 open objects": b'{"orders":' * 100_000,
        "a number of 100,000 digits": line % (b"9" * 100_000),
        "an exponent past every double": line % b"1e999999999",
        "bytes that are no UTF-8 in a name": named % b"\xff\xfe",
        "half a UTF-8 sequence in a name": named % b"\xe2\x82",
        "a NUL instead of JSON": b"\x00",
    }
    for name, body in refused.items():
        head = request_head("POST", "/cpu/summarize", {"content-type": "application/json", "content-length": str(len(body))})
        found += _expect(name, port, (head, body), 400, "bad_request")
    # Whether these are refused is left open: they must not break anything.
    open_cases: list[tuple[str, str, bytes]] = [
        ("POST", "/cpu/summarize", named % rb"\ud800"),
        ("POST", "/cpu/summarize", '{"orders":[]}'.encode("utf-16")),
        ("POST", "/cpu/summarize", b'{"orders":[],"x":' + b"[" * 500 + b"]" * 500 + b"}"),
        ("GET", "/products/%zz", b""),
        ("GET", "/products/%00", b""),
        ("GET", "/products/1%2Fslow", b""),
        ("GET", "/products/%FF", b""),
        ("GET", "/cpu/collatz?from=%zz&count=1", b""),
        ("GET", "/cpu/collatz?from=1;count=1", b""),
        ("GET", "/cpu/collatz?from=1&count=1&%FF=%FE", b""),
        ("GET", "/products/" + "1" * 4000, b""),
    ]
    for method, path, body in open_cases:
        headers = {"content-type": "application/json", "content-length": str(len(body))} if body else {}
        try:
            answer = send_raw(port, (request_head(method, path, headers), body))
        except BROKEN_OFF as error:
            found.append(f"{method} {path[:60]} {body[:60]!r}: no answer: {error!r}")
            continue
        if answer.status >= 500:
            found.append(f"{method} {path[:60]} {body[:60]!r}: status {answer.status}")
    with Talk(port) as talk:
        if talk.get("/ping").body != b"pong":
            found.append("no pong afterwards")
    return found


def keep_alive_problems(port: int) -> Problems:
    """One connection carries requests of every kind, errors included, and stays the same."""
    cases: list[Case] = [
        {"method": "GET", "path": "/ping"},
        {"method": "GET", "path": "/products/10001"},
        {"method": "GET", "path": "/products/abc"},
        {"method": "POST", "path": "/cpu/summarize", "json": {"orders": []}},
        {"method": "POST", "path": "/cpu/summarize", "text": "{"},
        {"method": "POST", "path": "/cpu/summarize", "text": "{}", "headers": {"content-type": "text/plain"}},
        {"method": "DELETE", "path": "/ping"},
        {"method": "GET", "path": "/nothing"},
        {"method": "POST", "path": "/nothing", "json": {"unread": "body"}},
        {"method": "PUT", "path": "/orders", "json": {"unread": "body"}},
        {"method": "GET", "path": "/wait?ms=1"},
        {"method": "GET", "path": "/customers/1/orders"},
    ]
    found: Problems = []
    with Talk(port) as talk:
        talk.get("/ping")
        first = talk.socket
        for case in cases:
            try:
                answer = ask(talk, case)
            except BROKEN_OFF as error:
                return [*found, f"{describe(case)}: the connection broke: {error!r}"]
            found += [f"{describe(case)}: {problem}" for problem in form_problems(answer)]
            if talk.socket is not first:
                return [*found, f"{describe(case)}: the connection was closed after the answer"]
    return found


def duration_problems(port: int) -> Problems:
    """/wait and a slow database take as long as they are told, and hold nobody else up."""
    found = []

    def timed(path: str) -> tuple[int, float]:
        start = time.monotonic()
        with Talk(port) as talk:
            return talk.get(path).status, time.monotonic() - start

    for path, seconds in (("/wait?ms=300", 0.3), ("/products/1/slow?ms=300", 0.3)):
        status, took = timed(path)
        if status != 200 or not seconds <= took < seconds + 1:
            found.append(f"GET {path}: status {status} after {took:.3f} s")
    with ThreadPoolExecutor(50) as threads:
        start = time.monotonic()
        waits = list(threads.map(timed, ["/wait?ms=500"] * 50))
        took = time.monotonic() - start
    if any(status != 200 for status, _ in waits) or took > 2.5:
        found.append(f"50 waits of 500 ms at once took {took:.1f} s")
    return found


def meta_problems(port: int, wanted: Mapping[str, Any]) -> Problems:
    """/meta has its keys in order, the wanted values, and versions in the texts."""
    with Talk(port) as talk:
        answer = talk.get("/meta")
    if found := described.meta_problems(answer.status, answer.body, {}):
        return found
    meta = json.loads(answer.body)
    found = form_problems(answer)
    found += [f"/meta: {key} is {meta[key]!r} instead of {value!r}" for key, value in wanted.items() if meta[key] != value]
    # Not the framework: a language's own HTTP server has no version beside the runtime's.
    for key in ("runtime", "driver"):
        if not any(character.isdigit() for character in str(meta[key])):
            found.append(f"/meta: {key} {meta[key]!r} names no version")
    return found
