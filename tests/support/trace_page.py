"""``python -m tests.support.trace_page``: what one page runs through, and how much code the reading side is.

Reads one owner, one page, in one request, from the demo indexer on a real port of another process, and counts
the functions of the package that ran (comprehensions and lambdas count, as Python counts them) and how deep
they were nested. Ends with an error above the bounds.
"""

from __future__ import annotations

import inspect
import io
import json
import os
import subprocess
import sys
import threading
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, Final

import helius_frames

if TYPE_CHECKING:
    from types import CodeType, FrameType

PACKAGE: Final = Path(helius_frames.__file__).parent
READING_SIDE: Final = [
    *(PACKAGE / f"{name}.py" for name in ("_options", "_frame", "_sync", "_nested", "_progress", "reader")),
    *(
        path
        for name in ("_protocol", "_transport", "_pull")
        for path in sorted((PACKAGE / name).glob("*.py"))
    ),
]
FUNCTIONS_MAX: Final = 90
DEPTH_MAX: Final = 12
LINES_MAX: Final = 2400

SERVER: Final = """
import json, sys
from helius_frames.demo import Holdings, Indexer, serve
holdings = Holdings.uniform(1, 100, 100, 7)
indexer = Indexer(holdings)
with serve(indexer) as url:
    print(json.dumps([url, holdings.owners[0]]), flush=True)
    sys.stdin.readline()
    print(indexer.requests, flush=True)
"""


class Trace:
    """The functions of the package that ran, and the deepest stack of them."""

    def __init__(self) -> None:
        self.functions: set[CodeType] = set()
        self.deepest: list[str] = []

    def __call__(self, frame: FrameType | None, event: str, _argument: object) -> None:
        """Note a call; `sys.setprofile` and `threading.setprofile` take this."""
        if event != "call" or frame is None or not is_ours(frame.f_code):
            return
        self.functions.add(frame.f_code)
        stack = []
        while frame is not None:
            if is_ours(frame.f_code):
                stack.append(name_of(frame.f_code))
            frame = frame.f_back
        if len(stack) > len(self.deepest):
            self.deepest = stack[::-1]


def is_ours(code: CodeType) -> bool:
    """Return whether a function is the package's own; the bodies of modules and classes are none."""
    is_function = bool(code.co_flags & inspect.CO_OPTIMIZED)
    return is_function and code.co_filename.startswith(f"{PACKAGE}{os.sep}")


def name_of(code: CodeType) -> str:
    """Return file and name of a function."""
    return f"{Path(code.co_filename).relative_to(PACKAGE)}:{code.co_firstlineno} {code.co_qualname}"


def trace_one_page() -> Trace:
    """Read one page and note what ran, in all threads."""
    trace = Trace()
    command = [sys.executable, "-c", SERVER]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as server:  # noqa: S603
        url, owner = json.loads(server.stdout.readline())
        threading.setprofile(trace)
        sys.setprofile(trace)
        try:
            frame = helius_frames.read_helius_balances(owner, endpoint=url, progress=False)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
        requests, _ = server.communicate("\n")
    if len(frame) != 100 or int(requests) != 1:
        raise RuntimeError(f"{len(frame)} rows in {int(requests)} requests; 100 in one were wanted")
    return trace


def code_lines(path: Path) -> int:
    """Count the lines of a file that hold code: no comment, no blank line, no docstring."""
    lines: set[int] = set()
    skipped = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
    }
    statement: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type not in skipped:
            statement.append(token)
        if token.type in (tokenize.NEWLINE, tokenize.ENDMARKER):
            if [each.type for each in statement] != [tokenize.STRING]:  # a string alone is a docstring
                lines.update(n for each in statement for n in range(each.start[0], each.end[0] + 1))
            statement.clear()
    return len(lines)


def main() -> int:
    """Print the figures; 1 where one is above its bound."""
    trace = trace_one_page()
    if "-v" in sys.argv:
        print("\n".join(sorted(name_of(code) for code in trace.functions)))
    lines = sum(map(code_lines, READING_SIDE))
    print(f"One page runs through {len(trace.functions)} functions of the package (at most {FUNCTIONS_MAX}),")
    print(f"at most {len(trace.deepest)} of its frames deep (at most {DEPTH_MAX}):")
    print("\n".join(f"  {each}" for each in trace.deepest))
    print(f"The reading side has {lines:,} lines of code (at most {LINES_MAX:,}).")
    figures = ((len(trace.functions), FUNCTIONS_MAX), (len(trace.deepest), DEPTH_MAX), (lines, LINES_MAX))
    return int(any(figure > most for figure, most in figures))


if __name__ == "__main__":
    sys.exit(main())
