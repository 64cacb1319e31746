"""What a person reads is in plain, present-day technical English: the worst phrases are kept out.

Docstrings, messages, comments, README, docs, notebooks and changelog. The words to use instead are in the
ordinary vocabulary of HTTP, pandas and Solana: return, raise, retry, error, must be, fetch, in flight.
"""

from __future__ import annotations

import io
import json
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "helius_frames"

# Each with what to write instead.
WORST = {
    r"\b(heed(s|ed)?|lend a hand|struck)\b": "obey, help, hit",
    r"\b(told|untold)\b": "say, list, distinguish, report",
    r"(?<!there )\bis no (\w+ )?(number|address|text|integer|mint|owner|url|key)\b": "is not a valid …",
    r"\bis none of\b": "must be one of …",
    r"\bas it came\b": "unchanged, as received",
    r"\btried again\b": "retried",
    r"\bunder way\b": "in flight, running, in progress",
    r"\b(goes|go|went|going) on\b": "continue",
    r"\ball the same\b(?! (balance|amount|size|number))": "still, nevertheless",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"(?<![`.{])\bfaults?\b(?!})": "error",
    r"\bstands? (there|whole|behind|apart|at \w+ slots?)\b": "is, has",
    r"\bhands? over\b": "pass, call",
    r"\bat most so (much|many)\b": "this much or less",
    r"\bwhat (came|it took)\b": "the result, the number of requests",
    r"\brooms? of the house\b": "modules",
}


def texts_of(path):
    """Return the text of a file that a person reads, with line numbers."""
    if path.suffix == ".py":
        tokens = tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
        kinds = (tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING))
        return [(token.start[0], token.string) for token in tokens if token.type in kinds]
    if path.suffix == ".ipynb":
        cells = json.loads(path.read_text("utf-8"))["cells"]
        return [(n, "".join(cell["source"])) for n, cell in enumerate(cells, 1)]
    text = path.read_text("utf-8")
    return [(text.count("\n", 0, found.start()) + 1, found[0]) for found in re.finditer(r"(?:.+\n)+", text)]


# Pages that are still to be edited; nothing is added here.
NOT_YET = {"walk.md", "not-promised.md"}
FILES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted(page for page in (ROOT / "docs").rglob("*.md") if page.name not in NOT_YET),
    *sorted((ROOT / "notebooks").glob("*.ipynb")),
    *sorted((ROOT / "binder").glob("*.md")),
    *sorted(PACKAGE.rglob("*.py")),
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_text_is_in_plain_english(path):
    found = [
        f"{path.relative_to(ROOT)}:{line}: {match[0]!r}, better: {better}"
        for line, text in texts_of(path)
        for phrase, better in WORST.items()
        for match in re.finditer(phrase, " ".join(text.split()), flags=re.IGNORECASE)
    ]
    assert not found, "\n".join(found)
