"""The documentation: links lead somewhere, and lines of prose are short enough to read in an editor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
WIDTH = 100
LINKED = sorted(
    path
    for pattern in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/**/*.md", "services/**/README.md")
    for path in ROOT.glob(pattern)
)
#: Pages in docs/results/ are written by `fitmap compare`, and what a service's folder says is its own.
WRAPPED = [path for path in LINKED if not path.is_relative_to(ROOT / "docs/results") and "services" not in path.parts]

FENCE = re.compile(r"\s*(```|~~~)")
CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
#: [text](target) or [text](target "title"); the text may hold an image.
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\](?:\([^()]*\))?)*\]\((?P<target>[^()\s]+)(?:\s+\"[^\"]*\")?\)")
IMAGE = re.compile(r"!\[[^\[\]]*\]\((?P<target>[^()\s]+)\)")
HTML = re.compile(r"<(?:a|img)\s[^<>]*?(?:href|src)=\"(?P<target>[^\"]+)\"")
REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s*(?P<target>\S+)")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
HEADING = re.compile(r" {0,3}#{1,6}\s+(?P<text>.*?)\s*#*\s*$")


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Line numbers and lines outside code blocks, fenced or indented."""
    fence, blank, in_list = "", True, False
    for number, line in enumerate(text.splitlines(), 1):
        if match := FENCE.match(line):
            if not fence:
                fence = match[1]
            elif match[1] == fence:
                fence = ""
        elif not fence:
            # Four spaces begin a block of code after an empty line, but in a list they go on with its item.
            if not (line.startswith("    ") and blank and not in_list):
                yield number, line
                blank = not line.strip()
            if re.match(r"\s{0,3}([-*+]|\d+\.)\s", line):
                in_list = True
            elif line.strip() and not line.startswith(" "):
                in_list = False


def targets(text: str) -> Iterator[tuple[int, str]]:
    """Line numbers and targets of all links and images. A link may begin on one line and end on the next."""
    lines = [(number, CODE.sub("", line)) for number, line in prose(text)]
    joined, starts = "", []
    for number, line in lines:
        starts.append((len(joined), number))
        joined += line + "\n"
    found = [match for pattern in (LINK, IMAGE, HTML) for match in pattern.finditer(joined)]
    at = {match.start("target"): match["target"] for match in found}
    for position in sorted(at):
        yield next(number for start, number in reversed(starts) if start <= position), at[position]
    for number, line in lines:
        if match := REFERENCE.match(line):
            yield number, match["target"]


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives a page's headings: lower case, punctuation dropped, spaces as hyphens."""
    seen: dict[str, int] = {}
    found = set()
    for _, line in prose(text):
        if match := HEADING.match(line):
            plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", match["text"])
            anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
            found.add(f"{anchor}-{seen[anchor]}" if seen.get(anchor) else anchor)
            seen[anchor] = seen.get(anchor, 0) + 1
    return found | set(re.findall(r'<a (?:id|name)="([^"]+)"', text))


def broken(page: Path, root: Path = ROOT) -> list[str]:
    """What is wrong with a page's links to files of this repository."""
    problems = []
    for number, target in targets(page.read_text()):
        if ELSEWHERE.match(target):
            continue
        name, _, anchor = unquote(target).partition("#")
        file = page if not name else root / name.lstrip("/") if name.startswith("/") else page.parent / name
        where = f"{page.relative_to(root)}:{number}: {target}"
        if not file.exists():
            problems.append(f"{where}: no such file")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()):
            problems.append(f"{where}: no such heading")
    return problems


def too_long(text: str) -> list[int]:
    """Numbers of the lines of prose that are too wide. Tables, and links that don't fit on a line, may be wider."""
    found = []
    for number, line in prose(text):
        if len(line) <= WIDTH or line.lstrip(" >").startswith("|"):
            continue
        # Such a link has to be too wide by itself, or be all there is on the line.
        links = [match[0] for match in (*LINK.finditer(line), *IMAGE.finditer(line), *REFERENCE.finditer(line))]
        alone = re.sub(r"^\s*(?:[-*+>]|\d+\.)?\s*|[\s.,;:]*$", "", line)
        if alone in links or re.fullmatch(r"<?https?://\S+", alone) or any(len(link) > WIDTH for link in links):
            continue
        found.append(number)
    return found


def test_pages_are_found() -> None:
    assert ROOT / "README.md" in LINKED
    assert ROOT / "docs/method/README.md" in WRAPPED
    assert ROOT / "services/contract/README.md" in LINKED


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert not broken(page)


@pytest.mark.parametrize("page", WRAPPED, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_are_short(page: Path) -> None:
    found = too_long(page.read_text())
    assert not found, f"{page.relative_to(ROOT)}: lines over {WIDTH} characters: {found}"


def test_broken_links_are_seen(tmp_path: Path) -> None:
    page, other = tmp_path / "page.md", tmp_path / "other.md"
    other.write_text("# A `name`: ÷ and more\n\n## Twice\n\n## Twice\n")
    page.write_text(
        "[fine](other.md#a-name--and-more) [fine](other.md#twice-1) [fine](#here) [web](https://example.org/x)\n"
        "[over two\nlines](missing.md) `[code](missing.md)` [![image](missing.png)](other.md)\n\n"
        "    [code](missing.md)\n\n```\n[code](missing.md)\n# not a heading\n```\n\n## Here\n\n"
        "[no heading](other.md#twice-2) [commented out](#not-a-heading)\n\n[defined]: missing.md\n\n"
        '<img alt="" src="missing.svg">\n'
    )
    assert broken(page, tmp_path) == [
        "page.md:3: missing.md: no such file",
        "page.md:3: missing.png: no such file",
        "page.md:14: other.md#twice-2: no such heading",
        "page.md:14: #not-a-heading: no such heading",
        "page.md:18: missing.svg: no such file",
        "page.md:16: missing.md: no such file",
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("x" * 100, []),
        ("x" * 101, [1]),
        ("| " + "x" * 100, []),
        ("    " + "x" * 100, []),
        ("- item\n\n    " + "x" * 100, [3]),
        ("```\n" + "x" * 101 + "\n```\n" + "x" * 101, [4]),
        (f"- [text]({'x' * 100}).", []),
        (f"<https://example.org/{'x' * 100}>", []),
        (f"{'x' * 90} [text](page.md)", [1]),
        (f"see [text]({'x' * 100})", []),
    ],
)
def test_long_lines_are_seen(text: str, lines: list[int]) -> None:
    assert too_long(text) == lines
