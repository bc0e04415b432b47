"""A team's own profiles: where they are found, and one sentence for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_folder import MANIFEST, PROFILE, write_service

from harness.errors import UsageError
from harness.plan.own import find_own
from harness.plan.own_profiles import OwnProfile, find_own_profiles
from harness.plan.schedule import cells_of
from harness.plan.selection import chosen_profiles
from harness.record.config import Config, RunSection

PYTHON = """\
# /// fitmap
# title = "Checkout"
# question = "What?"
# routes = ["GET /"]
# connections = 8
# levels = ["saturate"]
# ///
"""


def found(perf: Path, taken: tuple[str, ...] = ("db",)) -> dict[str, OwnProfile]:
    return find_own_profiles(find_own((str(perf),), ()), taken)


def refused(perf: Path, taken: tuple[str, ...] = ("db",)) -> str:
    with pytest.raises(UsageError) as error:
        found(perf, taken)
    return str(error.value)


def test_a_profile_in_toml_is_one_without_code(tmp_path: Path) -> None:
    folder = write_service(tmp_path)
    profile = found(tmp_path)["checkout"]
    assert profile.profile.routes == ("GET /carts/{id}", "POST /orders")
    assert [level.name for level in profile.profile.levels] == ["saturate", "200/s"]
    assert profile.variables == ("CHECKOUT_TOKEN",)
    assert [path.name for path in profile.files] == ["checkout.toml", "skus.txt"]
    before = profile.profile.content
    (folder / "loadtests" / "skus.txt").write_text("C-3\n")
    assert found(tmp_path)["checkout"].profile.content != before


def test_services_share_a_profile_one_level_up(tmp_path: Path) -> None:
    for name in ("checkout", "cart"):
        folder = write_service(tmp_path, name)
        (folder / "loadtests").rename(tmp_path / "loadtests") if name == "checkout" else None
    assert found(tmp_path)["checkout"].files[0].parent == tmp_path / "cart" / "loadtests"
    (tmp_path / "cart" / "loadtests" / "skus.txt").write_text("other\n")
    assert refused(tmp_path).endswith(
        "another service has another profile checkout: rename one, or share one in a folder loadtests beside both"
    )


def test_a_profile_in_python_has_the_header_of_ours(tmp_path: Path) -> None:
    folder = write_service(tmp_path)
    (folder / "loadtests" / "checkout.toml").unlink()
    path = folder / "loadtests" / "checkout.py"
    path.write_text("")
    assert refused(tmp_path) == f"{path}: a profile in Python begins with a header: `# /// fitmap`"
    path.write_text(PYTHON)
    assert found(tmp_path)["checkout"].profile.connections == 8
    path.write_text(PYTHON.replace('"saturate"', '"capacity"'))
    assert refused(tmp_path).startswith(f"{path}: a profile of an own service is of kind load")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("answer = { status = 201 }", "answer = {}", "request 2: nothing to check its answer "
         "by: give it status, json, contains or header"),
        (", answer = { status = 201 }", "", "request 2: nothing to check its answer "
         "by: give it status, json, contains or header"),
        ("{line:skus.txt}", "{line:ids.txt}", "{line:ids.txt}: no such file beside it"),
        ("POST /orders", "/orders", 'request 2: send: "/orders" is not a method (GET, POST, PUT, '
         "PATCH, DELETE), one space, and a path that begins with /"),
        ("{1..5000}", "{id}", "request 1: send: {id} is not known: write {1..5000}, {line:FILE} or {unique}"),
        ("{1..5000}", "{9..5}", "request 1: send: {9..5} begins after its end"),
        ("weight = 70", "weight = 0", "request 1: weight must be at least 1, not 0"),
        ("weight = 70", "weight = 997", "the weights need 1027 requests for the exact mix (at "
         "most 500): take rounder ones, such as 70 and 30"),
        ('"POST /orders"', '"GET /orders"', "request 2: a GET request has no body"),
        ("authorization", "content-length", "headers: content-length is the load generator's own"),
        ("connections = 32", "connections = 0", "connections must be at least 1"),
        ('"200/s"', '"200"', 'unknown level "200": known are capacity, curve, routes, saturate; or a '
         "rate such as 500/s, or a share such as 50%, or 1000/held"),
        ("title =", "titel =", 'unknown key "titel": did you mean "title"?'),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in PROFILE
    folder = write_service(tmp_path, profile=PROFILE.replace(old, new, 1))
    assert refused(tmp_path) == f"{folder}/loadtests/checkout.toml: {sentence}"


def test_a_profile_that_is_not_there_or_has_a_name_of_ours_is_refused(tmp_path: Path) -> None:
    folder = write_service(tmp_path, manifest=MANIFEST.replace('["checkout"]', '["check"]'))
    where = f"{folder}/service.toml: profiles"
    assert refused(tmp_path) == f"{where}: there is no loadtests/check.toml (nor check.py) beside it or one level up"
    assert refused(tmp_path, ("check",)) == f'{where}: "check" is one of fitmap\'s profiles: rename the file'


def test_each_service_is_measured_with_the_profiles_that_it_lists(tmp_path: Path) -> None:
    write_service(tmp_path)
    own = find_own((str(tmp_path),), ())
    profiles = [each.profile for each in find_own_profiles(own, ()).values()]
    assert cells_of(own, profiles) == (("checkout", "checkout"),)


def test_levels_of_the_command_line_are_those_that_an_own_service_can_be_measured_at(tmp_path: Path) -> None:
    write_service(tmp_path)
    targets = find_own((str(tmp_path),), ())
    run = RunSection(levels=("capacity",))
    with pytest.raises(UsageError, match="levels of checkout: a profile of an own service is of kind load"):
        chosen_profiles(Config(run=run), None, targets)
    assert [each.name for each in chosen_profiles(Config(), None, targets)] == ["checkout"]
