"""Makes docs/reference/cli.md from the help texts.

python -m harness.cli.reference > docs/reference/cli.md
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from harness.cli.arguments import parser
from harness.files import ROOT

HEAD = """\
# Command line

Made from `fitmap --help` and `fitmap COMMAND --help`; `make docs` writes it again.
The [glossary](../glossary.md) explains the terms.
"""


def _parsers(parent: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command with its parser, followed by the actions of the command."""
    yield parent.prog.split(" [")[0], parent
    for action in parent._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from _parsers(child)


def reference() -> str:
    """The page as Markdown."""
    parts = [HEAD]
    for name, found in _parsers(parser()):
        # Without the path of this checkout.
        text = found.format_help().replace(f"{ROOT}/", "")
        parts.append(f"\n## {name}\n\n```text\n{text.strip()}\n```\n")
    return "".join(parts)


if __name__ == "__main__":
    print(reference(), end="")
