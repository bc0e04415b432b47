"""Profiles are found by their headers, which are read as text."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from harness.errors import UsageError
from harness.files import ROOT
from harness.plan.config_file import PRESETS, override
from harness.plan.profiles import find_profiles, read_profile
from harness.plan.selection import chosen_profiles, narrow, relevel
from harness.record.config import Config
from harness.record.plan import Kind, Preset

HEADER = """# /// fitmap
# title = "T"
# question = "Q?"
# routes = ["GET /ping"]
# connections = 4
# levels = ["saturate", "10/s"]
# ///
"""


PROFILES = find_profiles(ROOT / "loadtests")


def test_every_file_with_a_header_is_a_profile_and_every_kind_has_one() -> None:
    files = [path for path in (ROOT / "loadtests").glob("*.py") if "\n# /// fitmap\n" in "\n" + path.read_text()]
    assert set(PROFILES) == {path.stem.replace("_", "-") for path in files}
    assert {profile.kind for profile in PROFILES.values()} == set(get_args(Kind))


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_measures_its_own_profiles_unless_told_otherwise(preset: str) -> None:
    config = override(Config(), "run", preset=preset)
    own = [name for name, profile in PROFILES.items() if profile.presets is None or preset in profile.presets]
    assert own
    assert [profile.name for profile in chosen_profiles(config, None)] == own
    by_name = override(config, "run", profiles=("waiters", "ping"))
    assert [profile.name for profile in chosen_profiles(by_name, None)] == ["waiters", "ping"]


def test_headers_name_presets_that_exist() -> None:
    assert set(get_args(Preset)) == set(PRESETS)


def test_what_a_preset_adds_goes_to_profiles_that_saturate() -> None:
    """Shares are shares of the saturated level: at held requests they would be a load of another kind."""
    config = override(Config(), "run", preset="gate", profiles=("downstream", "waiters"))
    levels = {profile.name: [level.name for level in profile.levels] for profile in chosen_profiles(config, None)}
    assert levels["downstream"] == ["saturate", "400/s", "GET /products/{id}/slow"]
    assert levels["waiters"] == ["250/held", "1000/held", "4000/held", "10000/held"]


def test_a_file_without_a_header_is_no_profile(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("print('x')\n")
    (tmp_path / "real.py").write_text(HEADER)
    assert set(find_profiles(tmp_path)) == {"real"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEADER.replace("question", "qestion"), 'did you mean "question"'),
        (HEADER.replace('"saturate"', '"satruate"'), 'did you mean "saturate"'),
        (HEADER.replace("# ///\n", '# presets = ["ful"]\n# ///\n'), "presets"),
        (HEADER.replace("= 4\n", "= 0\n"), "at least 1"),
        (HEADER.replace("4\n", "four\n"), "not TOML"),
        (HEADER.replace("# levels", '# kind = "startup"\n# levels'), "kind startup has no levels"),
        (HEADER.replace('# levels = ["saturate", "10/s"]\n', ""), "levels are missing"),
        (HEADER.replace("# routes", "# most_blocks = 0\n# routes"), "most_blocks must be at least 1"),
    ],
)
def test_a_mistake_in_a_header_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "odd.py").write_text(text)
    with pytest.raises(UsageError, match=words):
        read_profile(tmp_path / "odd.py")


def test_one_route_of_a_profile_can_be_measured_alone() -> None:
    profiles = tuple(find_profiles(ROOT / "loadtests")[name] for name in ("cpu", "db", "ping"))
    (narrowed,) = narrow(profiles, "GET /cpu/collatz")
    assert (narrowed.name, narrowed.routes) == ("cpu", ("GET /cpu/collatz",))
    assert {level.routes for level in narrowed.levels} == {("GET /cpu/collatz",)}
    with pytest.raises(UsageError, match='did you mean "GET /cpu/collatz"'):
        narrow(profiles, "GET /cpu/colatz")


def test_levels_and_routes_of_a_command_line_are_for_loads_alone() -> None:
    profiles = tuple(find_profiles(ROOT / "loadtests").values())
    kinds = {profile.name: profile for profile in relevel(profiles, ("5/s",), ("curve",))}
    assert kinds["startup"].levels == kinds["build"].levels == ()
    assert "startup" not in {profile.name for profile in narrow(profiles, "GET /cpu/collatz")}


def test_headers_name_the_routes_that_the_load_really_sends() -> None:
    """In a process of its own, because a profile imports Locust, which patches everything."""
    script = (
        "import importlib, json, sys\n"
        "load = importlib.import_module\n"
        "users = {name: getattr(load('loadtests.' + name), 'ProfileUser', None) for name in sys.argv[1:]}\n"
        "print(json.dumps({name: list(user.routes) if user else [] for name, user in users.items()}))"
    )
    modules = [name.replace("-", "_") for name in PROFILES]
    done = subprocess.run([sys.executable, "-c", script, *modules], capture_output=True, text=True, check=True, cwd=ROOT)
    routes = {name.replace("_", "-"): sent for name, sent in json.loads(done.stdout.splitlines()[-1]).items()}
    assert routes == {name: list(profile.routes) for name, profile in PROFILES.items()}
