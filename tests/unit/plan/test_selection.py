"""Which targets and variants a run measures: default ones unasked, variants by name alone, each after its base."""

from __future__ import annotations

import msgspec
import pytest

from harness.errors import UsageError
from harness.plan import selection
from harness.plan.selection import chosen_targets, unasked
from harness.record.config import Config, RunSection
from harness.record.plan import Target, TargetClass, Variant

BASES = ("go", "java", "rust")
VARIANTS = ("go.tuned", "java.jdk21", "java.tuned")
#: It is there, but measured only when it is asked for.
OTHER = "zig"


def _target(name: str) -> Target:
    base, _, variant = name.partition(".")
    of_class: TargetClass = "tuned" if variant == "tuned" else "standard"
    found = Target(name, base, of_class, "http", "none", (), "", (), (), default=base != OTHER)
    return msgspec.structs.replace(found, variant=Variant(variant, base, "What?")) if variant else found


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {name: _target(name) for name in sorted((*BASES, *VARIANTS, OTHER))}
    monkeypatch.setattr(selection, "find_all", lambda _services: known)


def _config(*, targets: tuple[str, ...] = (), classes: tuple[str, ...] = (), variants: tuple[str, ...] = ()) -> Config:
    return msgspec.structs.replace(Config(), run=RunSection(targets=targets, classes=classes, variants=variants))


def _chosen(targets: tuple[str, ...] = (), variants: tuple[str, ...] = (), classes: tuple[str, ...] = ()) -> list[str]:
    return list(chosen_targets(_config(targets=targets, classes=classes, variants=variants)))


@pytest.mark.parametrize(
    ("targets", "variants", "chosen"),
    [
        ((), (), ["go", "java", "rust"]),
        (("all",), (), ["go", "java", "rust", "zig"]),
        (("zig", "go"), (), ["zig", "go"]),
        (("go", "go.tuned"), (), ["go", "go.tuned"]),
        (("java.jdk21", "rust", "java"), (), ["java", "java.jdk21", "rust"]),
        (("all", "java.jdk21"), (), ["go", "java", "java.jdk21", "rust", "zig"]),
        (("java",), ("all",), ["java", "java.jdk21", "java.tuned"]),
        ((), ("tuned",), ["go", "go.tuned", "java", "java.tuned", "rust"]),
        (("go.tuned",), (), ["go.tuned"]),
    ],
)
def test_variants_are_measured_by_name_alone_and_follow_their_base(
    targets: tuple[str, ...], variants: tuple[str, ...], chosen: list[str]
) -> None:
    assert _chosen(targets, variants) == chosen


@pytest.mark.parametrize(
    ("targets", "variants", "sentence"),
    [
        (("java.jdk12",), (), 'unknown target "java.jdk12": did you mean "java.jdk21"?'),
        ((), ("tund",), 'unknown variant "tund": did you mean "tuned"?'),
        (("rust",), ("tuned",), "none of rust has a variant tuned: go, java have it"),
        (("rust",), ("all",), "rust has no variant: go, java have some"),
    ],
)
def test_a_variant_that_there_is_not_is_one_sentence(
    targets: tuple[str, ...], variants: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(UsageError) as refused:
        _chosen(targets, variants)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("classes", "targets", "variants", "chosen"),
    [
        (("standard",), (), (), ["go", "java", "rust", "zig"]),
        (("standard",), ("go", "go.tuned"), (), ["go"]),
        (("tuned",), ("go", "go.tuned"), (), ["go.tuned"]),
        (("standard", "tuned"), ("go.tuned", "rust"), (), ["go.tuned", "rust"]),
        (("standard",), (), ("tuned",), ["go", "go.tuned", "java", "java.tuned", "rust", "zig"]),
    ],
)
def test_a_class_takes_all_its_targets_and_no_variant_unasked(
    classes: tuple[str, ...], targets: tuple[str, ...], variants: tuple[str, ...], chosen: list[str]
) -> None:
    assert _chosen(targets, variants, classes) == chosen


@pytest.mark.parametrize(
    ("classes", "targets", "sentence"),
    [
        (("tund",), (), 'unknown class "tund": did you mean "tuned"?'),
        (
            ("tuned",),
            ("go", "rust"),
            "none of go, rust is of class tuned; variants are (go.tuned, java.tuned): --variants NAME takes them",
        ),
    ],
)
def test_a_class_without_a_target_is_one_sentence(classes: tuple[str, ...], targets: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        _chosen(targets, (), classes)
    assert str(refused.value) == sentence


def test_what_is_left_out_unasked_can_be_told() -> None:
    assert unasked(_config()) == (OTHER,)
    assert unasked(_config(variants=("tuned",))) == (OTHER,)
    assert unasked(_config(targets=("go",))) == unasked(_config(classes=("standard",))) == ()


def test_a_checkout_without_a_default_target_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "find_all", lambda _services: {OTHER: _target(OTHER)})
    with pytest.raises(UsageError, match=f"no target is a default: name some of {OTHER}, or all"):
        _chosen()
