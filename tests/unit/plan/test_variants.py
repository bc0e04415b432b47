"""Variants are declared in a manifest; each mistake is one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness import files
from harness.errors import UsageError
from harness.plan.targets import find_all, find_targets, read_variants, with_default_twin
from harness.record.plan import folder_of, image_of, is_variant

MANIFEST = """\
language = "Java"
class = "standard"
kind = "managed"
framework = "Helidon SE"
driver = "pgjdbc"
sources = ["src/*.java"]
lock_file = "pom.xml"
jit = true
"""

DOCKERFILE = """\
ARG MAVEN_IMAGE=maven:3-eclipse-temurin-25
ARG DEBIAN_IMAGE=debian:trixie-slim
FROM ${MAVEN_IMAGE} AS build
ARG RELEASE=25
FROM ${DEBIAN_IMAGE}
"""

VARIANT = """
[variants.jdk21]
question = "What does JDK 25 bring over 21?"
bases = { JDK_IMAGE = "21", MAVEN_IMAGE = "21" }
arguments = { RELEASE = "21" }
environment = { JAVA_TOOL_OPTIONS = "-Xshare:auto" }
overlay = "variants/jdk21"
adds = ["start.sh"]
proves = { runtime = "21" }

[[variants.jdk21.deviation]]
name = "-XX:AOTCache"
value = "none"
why = "JEP 483 came with JDK 24."
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a target in a checkout of its own, with an overlay of two files."""
    shutil.copytree(files.BASES, tmp_path / "harness" / "bases")
    folder = tmp_path / "services" / "java"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "Main.java").write_text("class Main {\n  int one;\n  int two;\n}\n")
    (folder / "pom.xml").write_text("<project/>\n")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "service.toml").write_text(MANIFEST + VARIANT)
    overlay = folder / "variants" / "jdk21"
    (overlay / "src").mkdir(parents=True)
    (overlay / "src" / "Main.java").write_text("class Main {\n  int one;\n  int three;\n  int four;\n}\n")
    (overlay / "start.sh").write_text("#!/bin/sh\nexec java\n")
    return folder


def test_a_variant_has_all_of_its_base_and_what_its_section_says(folder: Path) -> None:
    found = find_all(folder.parent)
    assert list(found) == ["java", "java.jdk21"]
    base, target = found.values()
    assert (target.name, target.language, target.target_class, target.jit) == ("java.jdk21", "Java", "standard", True)
    assert base.variant is None and base.environment == {}
    assert target.environment == {"JAVA_TOOL_OPTIONS": "-Xshare:auto"}
    variant = target.variant
    assert variant is not None
    assert (variant.name, variant.base, variant.proves) == ("jdk21", "java", {"runtime": "21"})
    assert variant.deviations[0].name == "-XX:AOTCache"


def test_it_is_told_how_many_lines_an_overlay_changes(folder: Path) -> None:
    variant = read_variants(folder)["java.jdk21"].variant
    assert variant is not None
    assert variant.files == ("src/Main.java", "start.sh")
    assert (variant.lines_added, variant.lines_removed) == (4, 1)
    assert variant.changed_lines == "+4 -1 lines in 2 files"


def test_a_file_that_is_no_text_has_no_lines(folder: Path) -> None:
    (folder / "variants" / "jdk21" / "start.sh").write_bytes(b"\x1f\x8b\xff\n\n")
    variant = read_variants(folder)["java.jdk21"].variant
    assert variant is not None and (variant.lines_added, variant.lines_removed) == (2, 1)


def test_variants_are_no_targets_unasked(folder: Path) -> None:
    assert list(find_targets(folder.parent)) == ["java"]


def test_a_name_tells_folder_image_and_variant() -> None:
    assert [folder_of(name) for name in ("java.jdk21", "java.jdk21-base-twin", "java-twin")] == ["java"] * 3
    assert [image_of(name) for name in ("java.jdk21-base-twin", "java-twin")] == ["java.jdk21", "java"]
    assert [is_variant(name) for name in ("java.jdk21", "java-base")] == [True, False]


def test_the_twin_of_a_run_is_no_variant(folder: Path) -> None:
    found = find_all(folder.parent)
    assert list(with_default_twin(dict(reversed(found.items())), "quick", every=False)) == [
        "java.jdk21",
        "java",
        "java-twin",
    ]
    assert list(with_default_twin({"java.jdk21": found["java.jdk21"]}, "quick", every=False))[1] == "java.jdk21-twin"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("RELEASE =", "RELEASED =", "[variants.jdk21] arguments: its Dockerfile has no ARG RELEASED"),
        (
            "arguments = { RELEASE =",
            "arguments = { MAVEN_IMAGE =",
            "[variants.jdk21] arguments: MAVEN_IMAGE is a base image: choose its version under bases",
        ),
        ('JDK_IMAGE = "21"', 'JDK_IMAGE = "20"', '[variants.jdk21] bases: JDK_IMAGE has no version "20" (21, 25)'),
        ("{ JDK_IMAGE", "{ JDK_IMAG", '[variants.jdk21] bases: unknown base image "JDK_IMAG": did you mean "JDK_IMAGE"?'),
        (
            'JDK_IMAGE = "21"',
            'GO_IMAGE = "1.26"',
            "[variants.jdk21] bases: its Dockerfile does not start from GO_IMAGE (DEBIAN_IMAGE, JDK_IMAGE, MAVEN_IMAGE)",
        ),
        (
            'adds = ["start.sh"]',
            "",
            "[variants.jdk21] overlay holds start.sh, which the folder has not: list it in adds, or name it as there",
        ),
        (
            'adds = ["start.sh"]',
            'adds = ["start.sh", "default.pgo"]',
            "[variants.jdk21] adds: the overlay does not hold default.pgo",
        ),
        (
            'adds = ["start.sh"]',
            'adds = ["start.sh", "src/Main.java"]',
            "[variants.jdk21] adds: the folder has src/Main.java already",
        ),
        ('overlay = "variants/jdk21"', "", "[variants.jdk21] adds: there is no overlay that could add start.sh"),
        ('"variants/jdk21"', '"variants/jdk"', "[variants.jdk21] overlay: java has no folder variants/jdk"),
        (
            "JAVA_TOOL_OPTIONS =",
            "PORT =",
            "[variants.jdk21] environment: PORT is fitmap's own, the same for every target",
        ),
        (
            "proves = { runtime",
            "proves = { runtimes",
            '[variants.jdk21] proves: GET /meta has no text "runtimes": did you mean "runtime"?',
        ),
        ("overlay =", "overlays =", '[variants.jdk21]: unknown key "overlays": did you mean "overlay"?'),
        ("question =", "class = 'fast'\nquestion =", '[variants.jdk21]: unknown class "fast": known are standard, tuned'),
        ('question = "What does JDK 25 bring over 21?"', "", '[variants.jdk21]: missing key "question"'),
        (
            "variants.jdk21",
            "variants.JDK21",
            '[variants.JDK21]: "JDK21" can\'t be its name: take lower-case letters, digits, _ and -; not "all", '
            "and no end in -twin or -base",
        ),
    ],
)
def test_a_mistake_in_a_variant_is_one_sentence(folder: Path, old: str, new: str, sentence: str) -> None:
    (folder / "service.toml").write_text((MANIFEST + VARIANT).replace(old, new))
    with pytest.raises(UsageError) as refused:
        read_variants(folder)
    assert str(refused.value) == f"{folder / 'service.toml'}: {sentence}"


EMPTY = """
[variants.empty]
question = "What does nothing bring?"
"""


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("", "[variants.empty] changes nothing: give it bases, arguments, environment or an overlay"),
        (
            'class = "tuned"\nenvironment = { GOGC = "200" }',
            "[variants.empty]: class tuned needs a [[deviation]] for each departure from standard",
        ),
        (
            'bases = { DEBIAN_IMAGE = "12" }',
            '[variants.empty] bases: DEBIAN_IMAGE has no version "12" (none but the usual one)',
        ),
    ],
)
def test_a_variant_that_says_too_little_is_refused(folder: Path, lines: str, sentence: str) -> None:
    (folder / "service.toml").write_text(MANIFEST + EMPTY + lines)
    with pytest.raises(UsageError) as refused:
        read_variants(folder)
    assert str(refused.value) == f"{folder / 'service.toml'}: {sentence}"


def test_an_overlay_may_bring_its_own_dockerfile(folder: Path) -> None:
    (folder / "variants" / "jdk21" / "Dockerfile").write_text(DOCKERFILE.replace("ARG RELEASE=25\n", ""))
    with pytest.raises(UsageError, match="its Dockerfile has no ARG RELEASE$"):
        read_variants(folder)


def test_the_manifest_is_no_part_of_an_overlay(folder: Path) -> None:
    (folder / "variants" / "jdk21" / "service.toml").write_text("")
    with pytest.raises(UsageError, match="the manifest is the folder's own: take service.toml out of variants/jdk21"):
        read_variants(folder)


def test_one_target_stands_for_a_language_in_a_class(folder: Path) -> None:
    micro = folder.parent / "java-micro"
    shutil.copytree(folder, micro)
    with pytest.raises(UsageError) as refused:
        find_targets(folder.parent)
    assert str(refused.value) == ("class standard has two targets of Java (java, java-micro): set represents = true in one")
    (micro / "service.toml").write_text("represents = true\n" + MANIFEST)
    assert [target.represents for target in find_targets(folder.parent).values()] == [False, True]
    (folder / "service.toml").write_text(MANIFEST.replace("standard", "tuned"))
    (micro / "service.toml").write_text(MANIFEST)
    assert len(find_targets(folder.parent)) == 2


@pytest.mark.parametrize("name", ["java.x", "java-twin"])
def test_a_folder_has_no_name_of_fitmaps_own(folder: Path, name: str) -> None:
    shutil.copytree(folder, folder.parent / name)
    with pytest.raises(UsageError, match="rename the folder"):
        find_targets(folder.parent)
