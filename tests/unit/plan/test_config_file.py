"""fitmap.toml: everything checked, mistakes answered with a suggestion."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.plan.config_file import PRESETS, override, read_config, timing
from harness.plan.selection import choose
from harness.record.config import Config
from loadtests.protocol.steady_state import HALF


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
        ("[ports]\nservice = 80\n", ["port 80", "1024-65535"]),
        ("[ports]\nservice = 15432\n", ["can't both have port 15432"]),
        ("[ports]\nservice = 15440\n", ["15432 (database) and 15440 (service)", "64 apart"]),
        ("[timing]\nblocks = 0\n", ["blocks must be within"]),
        ("[timing]\nmeasure_seconds = 0.5\n", ["measure_seconds must be within"]),
        ("[engine]\nimage_set = 'locl'\n", ["image_set", "locl"]),
        ("[limits]\ndb_pool_size = 0\n", ["db_pool_size must be at least 1"]),
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
