"""What `fitmap build` builds: the default targets, all, or those that are named, and what a run of them needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from harness.cli import prepare
from harness.cli.main import main
from harness.containers.builder import Image
from harness.files import ROOT
from harness.plan.targets import find_targets

TARGETS = find_targets(ROOT / "services")
DEFAULT = {name for name, target in TARGETS.items() if target.default}


def built(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> set[str]:
    """The names of the project images that the command asks for, without an engine."""
    asked: list[str] = []

    def made_images(_client: object, helpers: tuple[str, ...], targets: Mapping[str, Any], *_: object) -> dict[str, Image]:
        asked.extend((*helpers, *targets))
        return {name: Image(name, f"id of {name}", 1) for name in asked}

    monkeypatch.setattr(prepare, "connect", lambda *_: None)
    monkeypatch.setattr(prepare, "choose_set", lambda *_: "local")
    monkeypatch.setattr(prepare, "made_images", made_images)
    with pytest.raises(SystemExit) as ended:
        main(("build", *arguments))
    assert not ended.value.code
    return set(asked)


@pytest.mark.parametrize(
    ("arguments", "images"),
    [
        ((), {"database", "load", "proxy", *DEFAULT}),
        (("all",), {"database", "load", "proxy", *TARGETS}),
        (("--class", "standard"), {"database", "load", "proxy", *TARGETS}),
        (("python",), {"database", "load", "python"}),
        (("go", "load-comparison"), {"database", "load", "load-comparison", "go"}),
        (("proxy",), {"database", "load", "proxy"}),
    ],
)
def test_default_targets_are_built_and_all_where_all_are_named(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], images: set[str]
) -> None:
    assert built(monkeypatch, *arguments) == images
