"""Services that fitmap did not start: what [targets] may say, who may be loaded, and how much."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from own_folder import PROFILE, write_service

from harness.cli.arguments import parser
from harness.cli.settings import configure
from harness.errors import UsageError
from harness.host.machine import topology
from harness.plan.decoding import convert, read_toml
from harness.plan.external import find_external, read_ca
from harness.plan.first_files import FIRST_CONNECTIONS, FIRST_RATE, first_external, first_profile
from harness.plan.own_profiles import read_stated
from harness.plan.selection import chosen_profiles, chosen_targets, known_targets, own_profiles, planned
from harness.plan.targets import with_default_twin
from harness.record.config import Config
from harness.record.external import External

STAGING = """\
[targets.staging]
url = "https://staging.shop.lab"
language = "Java"
profiles = ["checkout"]
i_may_load_it = true
most_requests_per_second = 300
most_connections = 32
"""


@pytest.fixture
def perf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a fitmap.toml and the profile of a service that fitmap could start too."""
    write_service(tmp_path)
    (tmp_path / "fitmap.toml").write_text(STAGING.replace("most_requests", 'folder = "checkout"\nmost_requests', 1))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(perf: Path, *words: str, old: str = "", new: str = "") -> Config:
    text = (perf / "fitmap.toml").read_text()
    assert old in text
    (perf / "changed.toml").write_text(text.replace(old, new, 1))
    return configure(parser().parse_args(["--config", str(perf / "changed.toml"), "bench", *words]))


def refused(perf: Path, old: str, new: str) -> str:
    """What is said of a changed fitmap.toml when its target is asked for."""
    with pytest.raises(UsageError) as found:
        plan_of(perf, old, new)
    return str(found.value)


def plan_of(perf: Path, old: str, new: str) -> None:
    config = settings(perf, "--target", "staging", old=old, new=new)
    chosen_profiles(config, None, chosen_targets(config))


def test_a_target_by_url_is_measured_by_its_name_alone_with_the_profiles_that_it_lists(perf: Path) -> None:
    config = settings(perf, "--target", "staging")
    targets = chosen_targets(config)
    (target,) = targets.values()
    assert target.external == External("https://staging.shop.lab", "checkout", ("checkout",), 300, 32)
    assert (target.target_class, target.language, target.of_team) == ("own", "Java", True)
    plan = planned(config, None, targets, topology())
    # It is one process: it is not alive several times, and a twin of it would be itself.
    assert plan.timing.together == 1
    assert [(trial.target, trial.profile) for trial in plan.trials] == [("staging", "checkout")] * 6
    assert len({trial.group for trial in plan.trials}) == 6
    assert list(with_default_twin(targets, "quick", every=False)) == ["staging"]


@pytest.mark.parametrize("words", [[], ["--target", "all"], ["--class", "standard"], ["--services", "checkout"]])
def test_nobody_loads_it_who_does_not_name_it(perf: Path, words: list[str]) -> None:
    config = settings(perf, *words)
    assert "staging" in known_targets(config)
    assert "staging" not in chosen_targets(config)


def test_what_its_folder_shares_with_a_service_that_fitmap_starts_is_one_profile(perf: Path) -> None:
    config = settings(perf, "--services", "checkout")
    assert list(own_profiles(known_targets(config))) == ["checkout"]


def test_folder_and_certificates_are_seen_from_where_they_are_written(perf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (perf / "here").mkdir()
    (perf / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    monkeypatch.chdir(perf / "here")
    config = settings(perf, "--target", "staging", old='language = "Java"', new='language = "Java"\nca = "ca.pem"')
    (target,) = chosen_targets(config).values()
    assert target.external
    assert (target.external.folder, target.external.ca) == ("../checkout", "../ca.pem")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "i_may_load_it = true",
            "i_may_load_it = false",
            "staging: set i_may_load_it = true if you may load https://staging.shop.lab",
        ),
        ("i_may_load_it = true", "", "staging: set i_may_load_it = true if you may load https://staging.shop.lab"),
        ("= 300", "= 150", "staging: 200/s is over its most_requests_per_second (150)"),
        (
            "most_connections = 32",
            "",
            'staging: level saturate of checkout has no rate: set most_connections too, or take a level such as "150/s"',
        ),
        (
            "most_connections = 32",
            "most_connections = 31",
            "staging: checkout has 32 connections, over its most_connections (31)",
        ),
        ("most_connections = 32", "most_connections = -1", "staging: most_connections must be at least 1, not -1"),
        ("= 300", "= 0", "staging: most_requests_per_second must be within 1-1000000, not 0"),
        ('["checkout"]', "[]", "staging: profiles is empty, so nothing would be measured"),
        ('["checkout"]', '["cart"]', "[targets.staging] profiles: there is no loadtests/cart.toml (nor cart.py)"),
        ('["checkout"]', '["cpu"]', '[targets.staging] profiles: "cpu" is one of fitmap\'s profiles: rename the file'),
        ('language = "Java"', 'language = "Java"\nca = "no.pem"', "staging: ca: there is no file no.pem"),
        ("targets.staging", "targets.Staging", "[targets.Staging]: \"Staging\" can't be a target's name"),
        ("targets.staging", "targets.x-twin", "[targets.x-twin]: \"x-twin\" can't be a target's name"),
        ("targets.staging", "targets.go", '[targets.go]: "go" is another target already: take another name'),
        ("targets.staging", "targets.load", '[targets.load]: "load" is another target already: take another name'),
        ("most_requests_per_second = 300", "", 'changed.toml: missing key "most_requests_per_second" in [targets.NAME]'),
        (
            "i_may_load_it",
            "i_may_load",
            'changed.toml: unknown key "i_may_load" in [targets.NAME]: did you mean "i_may_load_it"?',
        ),
    ],
)
def test_what_can_not_be_as_it_is_gets_a_sentence(perf: Path, old: str, new: str, sentence: str) -> None:
    assert refused(perf, old, new).startswith(sentence)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://shop.lab", 'staging: url: "ftp://shop.lab" is not http://HOST or https://HOST, with :PORT'),
        ("shop.lab", 'staging: url: "shop.lab" is not http://HOST'),
        ("https://", 'staging: url: "https://" is not http://HOST'),
        ("https://shop.lab:99999", 'staging: url: "https://shop.lab:99999" is not http://HOST'),
        ("https://me:pw@shop.lab", "staging: url: leave out user and password, which records would hold"),
        ("https://shop.lab/api?x=1", 'staging: url: leave out "/api?x=1": paths stand in the profile'),
        ("https://shop.lab#x", 'staging: url: leave out "#x": paths stand in the profile'),
    ],
)
def test_a_url_is_scheme_host_and_port_alone(perf: Path, url: str, sentence: str) -> None:
    assert refused(perf, "https://staging.shop.lab", url).startswith(sentence)


@pytest.mark.parametrize(
    ("url", "host", "port", "secure"),
    [
        ("http://shop.lab", "shop.lab", 80, False),
        ("https://shop.lab/", "shop.lab", 443, True),
        ("https://[::1]:8443", "::1", 8443, True),
    ],
)
def test_host_and_port_are_those_of_the_url(perf: Path, url: str, host: str, port: int, secure: bool) -> None:
    config = settings(perf, "--target", "staging", old="https://staging.shop.lab", new=url)
    (target,) = chosen_targets(config).values()
    assert target.external
    assert (target.external.host, target.external.port, target.external.secure) == (host, port, secure)
    assert target.external.url == url.rstrip("/")


def test_a_level_of_a_single_route_has_its_name_in_quotation_marks(perf: Path) -> None:
    (perf / "checkout" / "loadtests" / "checkout.toml").write_text(PROFILE.replace('"saturate", "200/s"', '"routes"'))
    said = refused(perf, "most_connections = 32", "")
    assert said.startswith('staging: level "GET /carts/{id}" of checkout has no rate')


def test_levels_of_the_command_line_are_bound_too(perf: Path) -> None:
    config = settings(perf, "--target", "staging", "--level", "500/s")
    with pytest.raises(UsageError, match=r"staging: 500/s is over its most_requests_per_second \(300\)"):
        chosen_profiles(config, None, chosen_targets(config))


def test_it_is_measured_alone_and_has_no_twin(perf: Path) -> None:
    config = settings(perf, "--target", "staging,go")
    with pytest.raises(UsageError) as found:
        chosen_targets(config)
    assert str(found.value) == (
        "staging is measured alone, because fitmap did not start it and compares it with itself alone: leave out go"
    )
    targets = chosen_targets(settings(perf, "--target", "staging"))
    with pytest.raises(UsageError, match="--twins: staging is one process, which fitmap did not start: it has no twin"):
        with_default_twin(targets, "quick", every=True)


def test_fitmap_toml_does_not_choose_it(perf: Path) -> None:
    with pytest.raises(UsageError) as found:
        settings(perf, old="[targets", new='[run]\ntargets = ["staging"]\n[targets')
    assert str(found.value) == "changed.toml: [run] targets: staging is measured by --target staging only: take it out here"


def external(ca: Path, url: str = "https://shop.lab") -> External:
    return External(url, ".", ("checkout",), 300, 0, str(ca))


def test_a_file_of_certificates_is_looked_at_before_anything_is_built(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    assert read_ca(msgspec.structs.replace(external(path), ca=""), "staging") == ""
    for text, sentence in (
        (None, f"staging: ca: there is no file {path}"),
        ("nothing", f"staging: ca: {path} has no certificate in PEM (-----BEGIN CERTIFICATE-----)"),
        ("x" * 65_537, f"staging: ca: {path} is larger than 65,536 bytes: leave only its authority there"),
    ):
        if text is not None:
            path.write_text(text)
        with pytest.raises(UsageError) as found:
            read_ca(external(path), "staging")
        assert str(found.value) == sentence
    path.write_text("-----BEGIN CERTIFICATE-----\n")
    assert read_ca(external(path), "staging") == "-----BEGIN CERTIFICATE-----\n"
    with pytest.raises(UsageError, match="staging: ca: http://shop.lab has no certificate that it could verify"):
        read_ca(external(path, "http://shop.lab"), "staging")


def test_the_first_files_can_be_read_and_allow_nothing_yet(tmp_path: Path) -> None:
    text = first_external("staging", "https://staging.shop.lab")
    config = convert(read_toml(text, "fitmap.toml"), Config, "fitmap.toml")
    assert config.targets
    assert not config.targets["staging"].i_may_load_it
    (target,) = find_external(config, ()).values()
    assert target.external
    path = tmp_path / "staging.toml"
    path.write_text(first_profile("staging", "/", None, level=FIRST_RATE, connections=FIRST_CONNECTIONS))
    profile = read_stated(path).profile
    assert profile.levels[0].rate <= target.external.most_requests_per_second / 2
