"""Dependencies are counted in the real lock files; the expected numbers come from the languages' own tools."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.files import ROOT
from harness.plan.targets import find_targets
from harness.record.trial_result import Dependencies
from harness.trials.dependencies import dependencies

SERVICES = ROOT / "services"


@pytest.mark.parametrize(
    ("target", "jars", "expected"),
    [
        # `go version -m /service` in the built image lists six modules, one of which the service imports itself.
        ("go", 0, Dependencies(1, 5, "go.mod")),
        # 120 of the 121 packages of Cargo.lock, the service being the last; `cargo tree -e normal` has 98 on Linux.
        ("rust", 0, Dependencies(12, 108, "Cargo.lock")),
        ("python", 0, Dependencies(6, 5, "requirements.txt")),
        # `npm ls --omit=dev --all --parseable` lists 60; pg-cloudflare is optional and left out nowhere: 61 with it.
        ("node", 0, Dependencies(2, 59, "package-lock.json")),
        # `ls` of the images' library folders; the rest is the poms'.
        ("java", 40, Dependencies(4, 36, "pom.xml and the image's jars")),
        ("kotlin", 59, Dependencies(13, 46, "pom.xml and the image's jars")),
    ],
)
def test_the_services_bring_along_what_their_own_tools_say(target: str, jars: int, expected: Dependencies) -> None:
    lock_file = find_targets(SERVICES)[target].lock_file
    assert dependencies(SERVICES / target, lock_file, [f"{n}.jar" for n in range(jars)]) == expected


def test_a_single_require_line_counts_as_a_block_does(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text(
        "module a.example/x\n\ngo 1.27.0\n\nrequire b.example/y v1.2.3\n"
        "\nrequire (\n\tc.example/z/v2 v2.0.0 // indirect\n)\n"
    )
    assert dependencies(tmp_path, "go.sum", ()) == Dependencies(1, 1, "go.mod")


def test_tools_of_the_tests_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text(
        '[dependencies]\na = "1"\nshort = { package = "b", version = "1" }\n[dev-dependencies]\nt = "1"\n'
    )
    (tmp_path / "Cargo.lock").write_text(
        '[[package]]\nname = "me"\nversion = "1.0.0"\ndependencies = ["a", "b", "t"]\n'
        '[[package]]\nname = "a"\nversion = "1.0.0"\ndependencies = ["c 2.0.0"]\n'
        '[[package]]\nname = "b"\nversion = "1.0.0"\n'
        '[[package]]\nname = "c"\nversion = "1.0.0"\n'
        '[[package]]\nname = "c"\nversion = "2.0.0"\n'
        '[[package]]\nname = "t"\nversion = "1.0.0"\n'
    )
    assert dependencies(tmp_path, "Cargo.lock", ()) == Dependencies(2, 1, "Cargo.lock")


def test_names_are_the_same_however_they_are_spelt(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\ndependencies = [\"Some_Thing[extra]>=1 ; python_version > '3'\"]\n")
    (tmp_path / "requirements.txt").write_text(
        "# locked\nother==1 \\\n    --hash=sha256:0\nsome-thing==2 \\\n    --hash=sha256:1\n"
    )
    assert dependencies(tmp_path, "requirements.txt", ()) == Dependencies(1, 1, "requirements.txt")


def test_what_npm_marks_as_for_development_does_not_count(tmp_path: Path) -> None:
    lock = {
        "": {"dependencies": {"a": "1"}, "devDependencies": {"t": "1"}},
        "node_modules/a": {},
        "node_modules/a/node_modules/b": {"optional": True},
        "node_modules/b": {"devOptional": True},
        "node_modules/t": {"dev": True},
    }
    (tmp_path / "package-lock.json").write_text(json.dumps({"packages": lock}))
    assert dependencies(tmp_path, "package-lock.json", ()) == Dependencies(1, 1, "package-lock.json")
    lock[""] = {"dependencies": {"c": "1"}}
    (tmp_path / "package-lock.json").write_text(json.dumps({"packages": lock}))
    with pytest.raises(ValueError, match="c of package.json"):
        dependencies(tmp_path, "package-lock.json", ())


def test_a_lock_file_that_lacks_what_was_chosen_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["a", "b"]\n')
    (tmp_path / "requirements.txt").write_text("a==1\n")
    with pytest.raises(ValueError, match="b of pyproject.toml"):
        dependencies(tmp_path, "requirements.txt", ())


def test_an_unknown_lock_file_is_not_guessed_at(tmp_path: Path) -> None:
    assert dependencies(tmp_path, "mix.lock", ()) is None
