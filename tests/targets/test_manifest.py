"""Each mistake of a manifest is a sentence of its own. Needs no engine."""

from __future__ import annotations

from pathlib import Path

import manifest
import msgspec

from harness.record.plan import Setting, Target, Variant


def target(*settings: Setting) -> Target:
    return Target("js", "JavaScript", "standard", "http", "none", ("*.js", "lib/*.js"), "package.json", settings, ())


def test_a_lock_file_that_does_not_exist_is_named(tmp_path: Path) -> None:
    assert manifest.lock_file_problems(tmp_path, target()) == [
        "js: service.toml names lock_file package.json, which does not exist"
    ]
    (tmp_path / "package.json").write_text("{}")
    assert manifest.lock_file_problems(tmp_path, target()) == []


def test_each_pattern_without_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "server.js").write_text("")
    assert manifest.source_problems(tmp_path, target()) == [
        "js: service.toml has 'lib/*.js' in sources, which matches no file"
    ]


def test_a_setting_is_needed_and_so_is_its_reason() -> None:
    assert manifest.setting_problems(target()) == ["js: service.toml needs at least one [[setting]]"]
    assert manifest.setting_problems(target(Setting("heap", "512m", "fast"))) == [
        "js: [[setting]] 'heap' of service.toml needs a reason: why is 'fast'"
    ]
    assert manifest.setting_problems(target(Setting("heap", "512m", "The container has 1 GiB."))) == []


def test_a_deviation_of_a_variant_needs_its_reason() -> None:
    variant = Variant("tuned", "js", "What?", deviations=(Setting("heap", "1g", "fast"),))
    tuned = msgspec.structs.replace(target(Setting("heap", "512m", "The container has 1 GiB.")), variant=variant)
    assert manifest.setting_problems(tuned) == ["js: [[deviation]] 'heap' of service.toml needs a reason: why is 'fast'"]
