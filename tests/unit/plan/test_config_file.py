"""fitmap.toml: everything checked, mistakes answered with a suggestion."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.errors import UsageError
from harness.plan.bounds import BOUNDS, check_bounds
from harness.plan.config_file import PRESETS, override, read_config, timing
from harness.plan.selection import choose
from harness.record.config import Config
from loadtests.protocol.steady_state import HALF

NUMBER = (msgspec.inspect.IntType, msgspec.inspect.FloatType)


def config(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "fitmap.toml"
    path.write_text(text)
    return read_config(path)


def test_no_file_means_defaults(tmp_path: Path) -> None:
    assert read_config(tmp_path / "fitmap.toml") == Config()


def test_values_of_the_file_reach_the_configuration(tmp_path: Path) -> None:
    read = config(tmp_path, '[run]\npreset = "smoke"\n[timing]\nblocks = 5\n[ports]\nservice = 19000\n')
    assert timing(read).blocks == 5
    assert timing(read).measure_seconds == 3
    assert read.ports.service == 19000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[run]\nprest = 'quick'\n", ['unknown key "prest" in [run]', 'did you mean "preset"']),
        ("[runn]\n", ['unknown key "runn"', 'did you mean "run"']),
        ("[run]\npreset = 'quik'\n", ['unknown preset "quik"', 'did you mean "quick"']),
        ("[limits]\nservice_memory = 5\n", ['did you mean "service_memory_mib"']),
        ("[run]\nseed = 'one'\n", ["run.seed", "int"]),
        ("[run\n", ["not TOML"]),
        ("[ports]\nservice = 80\n", ["[ports] service must be within 1024-65471, not 80"]),
        ("[ports]\nservice = 15432\n", ["can't both have port 15432"]),
        ("[ports]\nservice = 15440\n", ["15432 (database) and 15440 (service)", "64 apart"]),
        ("[timing]\nblocks = 0\n", ["blocks must be within"]),
        ("[timing]\nmeasure_seconds = 0.5\n", ["measure_seconds must be within"]),
        ("[engine]\nimage_set = 'locl'\n", ["image_set", "locl"]),
        ("[limits]\ndb_pool_size = 0\n", ["[limits] db_pool_size must be within 1-190, not 0"]),
        ("[slo]\npercent = nan\n", ["[slo] percent must be within 50-99.999, not nan"]),
        ("[slo]\nmilliseconds = inf\n", ["[slo] milliseconds must be within 0.001-60000, not inf"]),
        ("[report]\nconfidence_percent = 99.9999999999\n", ["[report] confidence_percent must be within 50-99.99"]),
        ("[run]\nseed = -1\n", ["[run] seed must be within 0-4294967295, not -1"]),
        ("[run]\nservice_cores = 1_000_000\n", ["[run] service_cores must be within"]),
        ("[prices]\ncore_month = 0\n", ["[prices] core_month must be within"]),
        ("[prices]\ngib_month = nan\n", ["[prices] gib_month must be within"]),
        ("[gate]\npercents = { p99 = nan }\n", ["[gate] percents.p99 must be within 0-999, not nan"]),
        ("[gate]\ncanary_percent = -1\n", ["[gate] canary_percent must be within"]),
        ("[gate]\npairs = 7\n", ["[gate] pairs must be even, not 7"]),
        ("[timing]\nwarmup_seconds = 20\nwarmup_limit_seconds = 10\n", ["warmup_limit_seconds (10) is below", "(20)"]),
        ("[generator]\naddress = ' '\n", ["[generator] address is empty"]),
    ],
)
def test_a_mistake_is_one_sentence_with_what_to_do(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        config(tmp_path, text)
    message = str(error.value)
    assert "\n" not in message
    assert "fitmap.toml" in message
    for word in words:
        assert word in message


def numbers(section: type) -> list[str]:
    """The attributes of a section that are numbers."""
    kinds = {field.name: msgspec.inspect.type_info(field.type) for field in msgspec.structs.fields(section)}
    return [
        name for name, kind in kinds.items() if any(isinstance(each, NUMBER) for each in getattr(kind, "types", (kind,)))
    ]


def test_every_number_has_bounds() -> None:
    """A number without them would be refused by nothing, and found after all was measured."""
    # tests/unit/plan/test_external.py has those of [targets].
    sections = [field for field in msgspec.structs.fields(Config) if field.name not in ("opinion", "targets")]
    found = {field.name: numbers(field.type) for field in sections}
    assert {section: set(names) for section, names in found.items() if names} == {
        section: set(bounds) for section, bounds in BOUNDS.items()
    }


@pytest.mark.parametrize("section", BOUNDS)
@pytest.mark.parametrize("bad", ["nan", "inf", "-inf", "-1", "1e300"])
def test_no_number_may_be_absurd(tmp_path: Path, section: str, bad: str) -> None:
    keys = {field.name: field.encode_name for field in msgspec.structs.fields(getattr(Config(), section))}
    for name in BOUNDS[section]:
        with pytest.raises(UsageError, match=rf"\[{section}\] {keys[name]} must be|`{section}\.{keys[name]}`"):
            config(tmp_path, f"[{section}]\n{keys[name]} = {bad}\n")


def test_the_defaults_are_within_their_bounds() -> None:
    check_bounds(Config(), "defaults")
    for preset in PRESETS.values():
        for name, (least, most) in BOUNDS["timing"].items():
            assert least <= getattr(preset, name) <= most


def test_a_file_that_a_user_names_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--config .*missing\.toml: there is no such file"):
        read_config(tmp_path / "missing.toml", named=True)


def test_the_command_line_wins_over_the_file_and_leaves_the_rest(tmp_path: Path) -> None:
    read = override(config(tmp_path, '[run]\npreset = "smoke"\nseed = 7\n'), "run", preset="full", seed=None)
    assert (read.run.preset, read.run.seed) == ("full", 7)


def test_an_unknown_target_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match='unknown target "rsut": did you mean "rust"'):
        choose(("rsut",), {"rust": 1, "go": 2}, "target")
    assert choose((), {"go": 1, "rust": 2}, "target") == ("go", "rust")


def test_every_preset_but_smoke_warms_up_long_enough_to_see_a_trend() -> None:
    """A shorter warm-up is not judged: a compiler at work would be called steady."""
    for name, preset in PRESETS.items():
        assert name == "smoke" or min(preset.warmup_seconds, preset.measure_seconds) >= 2 * HALF
