"""Profiles in TOML: the requests that they send, and the answers that they take."""

from __future__ import annotations

import itertools
import json
import random
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from own_folder import PROFILE

from harness.files import ROOT
from loadtests.generator.passes import cut
from loadtests.generator.stated import Headed, Stamped, StatedConnection, UniqueNumbers, check_of, stream_of
from loadtests.protocol.stated import Answer, StatedProfile

NUMBERS = UniqueNumbers(0, time.time_ns())


def profile(text: str = PROFILE) -> StatedProfile:
    return msgspec.convert(tomllib.loads(text), StatedProfile)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "skus.txt").write_text("A-1\n\nB-2\n")
    monkeypatch.setenv("CHECKOUT_TOKEN", "s3cret-token")
    return tmp_path


def split(request: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return first, dict(line.split(": ", 1) for line in lines), body


def test_each_pass_holds_the_same_mix(folder: Path) -> None:
    stated = profile()
    passes = cut(stream_of(stated, folder)(random.Random(1)), sum(stated.counts()), lambda _: True)
    assert stated.routes == ("GET /carts/{id}", "POST /orders")
    assert len(passes) > 10
    assert {tuple(sorted(Counter(one.route for one in each).items())) for each in passes} == {((0, 35), (1, 15))}


def test_draws_follow_the_seed_and_stay_in_their_range(folder: Path) -> None:
    stream = stream_of(profile(), folder)
    sent = [one.request for one in stream(random.Random(7))]
    assert sent == [one.request for one in stream(random.Random(7))]
    assert sent != [one.request for one in stream(random.Random(8))]
    carts = {int(split(each)[0].split()[1].rpartition("/")[2]) for each in sent if each.startswith(b"GET")}
    assert 1 <= min(carts) < 100 and 4900 < max(carts) <= 5000
    orders = [json.loads(split(each)[2]) for each in sent if each.startswith(b"POST")]
    assert {order["sku"] for order in orders} == {"A-1", "B-2"}


def test_a_request_has_the_headers_of_a_browser_and_those_of_the_profile(folder: Path) -> None:
    first, headers, body = split(next(r for _, r, _ in stream_of(profile(), folder)(random.Random(1)) if r[:4] == b"POST"))
    assert first == "POST /orders HTTP/1.1"
    assert headers["authorization"] == "Bearer s3cret-token"
    assert headers["content-type"] == "application/json"
    assert int(headers["content-length"]) == len(body)
    assert {"user-agent", "accept", "host"} <= set(headers)


def test_a_text_that_is_one_range_becomes_a_number_in_json(folder: Path) -> None:
    text = PROFILE.replace('ref = "{unique}"', 'quantity = "{1..3}", code = "x{1..3}"')
    sent = stream_of(profile(text), folder)(random.Random(1))
    body = json.loads(next(split(r)[2] for _, r, _ in sent if r[:4] == b"POST"))
    assert isinstance(body["quantity"], int)
    assert body["code"] in ("x1", "x2", "x3")


def test_a_body_of_text_is_sent_as_it_is_but_for_its_draws(folder: Path) -> None:
    text = PROFILE.replace('{ ref = "{unique}", sku = "{line:skus.txt}" }', '\'{"a": {5..5}, "b": {}}\'')
    sent = stream_of(profile(text), folder)(random.Random(1))
    assert next(split(r)[2] for _, r, _ in sent if r[:4] == b"POST") == b'{"a": 5, "b": {}}'


def test_lines_are_encoded_for_a_path(folder: Path) -> None:
    (folder / "skus.txt").write_text("ä b%20c/d\n")
    text = PROFILE.replace('"GET /carts/{1..5000}"', '"GET /carts/{line:skus.txt}?q={1..1}"')
    sent = stream_of(profile(text), folder)(random.Random(1))
    assert next(split(r)[0] for _, r, _ in sent if r[:3] == b"GET") == "GET /carts/%C3%A4%20b%20c/d?q=1 HTTP/1.1"


def test_a_million_unique_numbers_of_two_workers_are_all_different() -> None:
    now = time.time_ns()
    one, other = UniqueNumbers(0, now), UniqueNumbers(1, now)
    numbers = {each for _ in range(500_000) for each in (one.next(), other.next())}
    assert len(numbers) == 1_000_000
    assert {len(each) for each in itertools.islice(numbers, 1000)} == {16}
    # A later run begins above what this one has used, if it needed less than 10,000 a second.
    later = UniqueNumbers(0, now + 60 * 1_000_000_000)
    assert later.next() > max(numbers)


def test_a_request_gets_new_numbers_each_time_and_keeps_its_length(folder: Path) -> None:
    request = next(r for _, r, _ in stream_of(profile(), folder)(random.Random(1)) if r[:4] == b"POST")
    assert isinstance(request, Stamped)
    one, other = request.stamped(NUMBERS), request.stamped(NUMBERS)
    assert one != other
    assert len(one) == len(other) == len(request)
    first, second = (json.loads(split(each)[2])["ref"] for each in (one, other))
    assert int(second) > int(first) > 10**15


def headed(body: bytes, **headers: str) -> Headed:
    found = Headed(body)
    found.headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return found


@pytest.mark.parametrize(
    ("answer", "status", "body", "problem"),
    [
        ({"status": 201}, 201, headed(b"anything"), None),
        ({"status": 201}, 200, headed(b"x"), "status 200 instead of 201: b'x'"),
        ({"json": {"a": 1}}, 200, headed(b'{"b": 2, "a": 1}'), None),
        ({"json": {"a": 1}}, 404, headed(b'{"a": 1}'), "status 404 instead of 200: b'{\"a\": 1}'"),
        ({"json": {"a": {"b": 1}}}, 200, headed(b'{"a": {"b": 2}}'), "a.b is 2 instead of 1"),
        ({"json": {"a": {"b": 1}}}, 200, headed(b'{"a": {}}'), "the answer has no a.b"),
        ({"json": {"a": 1}}, 200, headed(b"[1]"), "the answer is [1], not an object"),
        ({"json": [1, 2]}, 200, headed(b"[1]"), "the answer is [1] instead of [1, 2]"),
        ({"json": {"a": 1}}, 200, headed(b"<html>"), "not JSON: b'<html>'"),
        ({"contains": "total"}, 200, headed(b"the total is 3"), None),
        ({"contains": "total"}, 200, headed(b"nothing"), "b'nothing' does not contain 'total'"),
        ({"header": {"Content-Type": "application/json"}}, 200, headed(b"", content_type="application/json; a=b"), None),
        ({"header": {"Content-Type": "application/json"}}, 200, headed(b"", content_type="text/html"),
         "header content-type is 'text/html', which does not begin with 'application/json'"),
        ({"header": {"etag": "W"}}, 200, headed(b""), "header etag is None, which does not begin with 'W'"),
    ],
)  # fmt: skip
def test_answers_are_checked(answer: dict[str, object], status: int, body: Headed, problem: str | None) -> None:
    check = check_of(msgspec.convert(answer, Answer))
    assert [check(status, body), check(status, body)] == [problem, problem]


def test_the_connection_keeps_the_headers_and_stamps_requests() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    received: list[bytes] = []

    def serve() -> None:
        peer, _ = listener.accept()
        with peer, listener:
            for _ in range(2):
                received.append(peer.recv(4096))
                peer.sendall(b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\nX-Kind: cart\r\n\r\nok")

    thread = threading.Thread(target=serve)
    thread.start()
    connection = StatedConnection("127.0.0.1", listener.getsockname()[1])
    request = Stamped(b"GET /~fitmap.unique.~ HTTP/1.1\r\nhost: x\r\n\r\n")
    assert [connection.exchange(request), connection.exchange(request)] == [201, 201]
    assert connection.body == b"ok"
    assert isinstance(connection.body, Headed)
    assert connection.body.headers["x-kind"] == "cart"
    thread.join()
    connection.close()
    first, second = (each.split()[1] for each in received)
    assert len(first) == len(second) == 17 and first != second


#: In a process of its own: Locust patches the standard library.
SHOW = """
import sys
from pathlib import Path
from loadtests.generator.profile_users import profile_user

for name in sys.argv[2:]:
    user = profile_user(name, Path(sys.argv[1]))
    print(*user.routes, user.pass_requests, sep=", ")
"""


def test_profiles_are_found_beside_ours_in_toml_and_in_python(folder: Path) -> None:
    own = folder / "own"
    for name in ("checkout", "big-cart"):
        (own / name).mkdir(parents=True)
    (own / "checkout" / "checkout.toml").write_text(PROFILE)
    (own / "big-cart" / "big_cart.py").write_text(
        "from helper_of_cart import ROUTES\nfrom loadtests.generator.user import LeanUser\n\n"
        "class ProfileUser(LeanUser):\n    routes = ROUTES\n"
    )
    (own / "big-cart" / "helper_of_cart.py").write_text('ROUTES = ("GET /big",)\n')
    command = [sys.executable, "-c", SHOW, str(own), "checkout", "big-cart", "ping"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["GET /carts/{id}, POST /orders, 10", "GET /big, 1", "GET /ping, 1"]
