"""A variant that is not what its manifest claims is refused in one sentence."""

from __future__ import annotations

import msgspec
import pytest

from harness.containers.builder import Image
from harness.errors import UsageError
from harness.record.plan import Target, Variant
from harness.run.proof import check_claims, check_differ

JAVA = Target("java", "Java", "standard", "Helidon SE", "pgjdbc", (), "pom.xml", (), ())
VARIANT = Variant("jdk21", "java", "What?", arguments={"RELEASE": "21"}, proves={"runtime": "21"})
META = {"target": "java", "language": "Java", "class": "standard", "runtime": "21.0.9"}


def variant(**changes: object) -> Target:
    found = msgspec.structs.replace(VARIANT, **changes)
    return msgspec.structs.replace(JAVA, name="java.jdk21", variant=found)


def test_an_image_that_is_what_it_claims_passes() -> None:
    check_claims("java.jdk21", variant(), META)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"runtime": "25.0.5"}, 'java.jdk21 says runtime "25.0.5", not "21": it is not what its manifest claims'),
        ({"class": "tuned"}, 'java.jdk21 says class "tuned", not "standard": it is not what its manifest claims'),
        ({"target": "java.jdk21"}, 'java.jdk21 says target "java.jdk21", not "java": it is not what its manifest claims'),
    ],
)
def test_an_image_that_lies_is_refused(changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_claims("java.jdk21", variant(), {**META, **changes})
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "java.jdk21 is the same image as java, with the same environment: its arguments reach nothing"),
        (
            {"arguments": {}, "overlay": "variants/jdk21"},
            "java.jdk21 is the same image as java, with the same environment: its overlay reaches nothing",
        ),
    ],
)
def test_the_same_image_under_another_name_is_refused(changes: dict[str, object], sentence: str) -> None:
    targets, same = {"java": JAVA, "java.jdk21": variant(**changes)}, Image("java", "sha256:1", 1)
    with pytest.raises(UsageError) as refused:
        check_differ(targets, {"java": same, "java.jdk21": same})
    assert str(refused.value) == sentence


def test_another_image_or_another_environment_is_a_variant() -> None:
    same = Image("java", "sha256:1", 1)
    check_differ({"java": JAVA, "java.jdk21": variant()}, {"java": same, "java.jdk21": Image("java", "sha256:2", 1)})
    check_differ({"java": JAVA, "java.jdk21": variant(environment={"A": "1"})}, {"java": same, "java.jdk21": same})
    # Without its base there is nothing to compare it with.
    check_differ({"java.jdk21": variant()}, {"java.jdk21": same})
