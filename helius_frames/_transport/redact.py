"""Text from outside made fit to show: no secret in it, no control character.

Pure text, the standard library alone. Secrets are taken out of the whole text first, and a caller shortens it
last, since half a key is still a key.
"""

from __future__ import annotations

import json
import re
from itertools import groupby
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus, unquote, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK: Final = "[hidden]"

# A server may echo a part of a key ("key abcd1234… is unknown"). Parts of this many characters and more are
# hidden; shorter ones occur in ordinary words and say little about a key of 36.
_PART: Final = 8
# Shorter "secrets" are letters of ordinary words; hiding them would hide the message and help nobody.
_WHOLE_MIN: Final = 4


def clean(text: str, secrets: Iterable[str]) -> str:
    """Return the text without the secrets, in any form or in parts, and without control characters."""
    forms = _forms(tuple(secrets))
    text = _pattern([form for form in forms if len(form) >= _WHOLE_MIN]).sub(MASK, text)
    windows = {form[i : i + _PART] for form in forms for i in range(len(form) - _PART + 1)}
    # Looked for at every place, since the windows of one part overlap.
    found = re.finditer(f"(?={_pattern(sorted(windows)).pattern})", text, re.IGNORECASE) if windows else ()
    hidden = {place for match in found for place in range(match.start(), match.start() + _PART)}
    runs = groupby(enumerate(text), key=lambda item: item[0] in hidden)
    text = "".join(MASK if is_hidden else "".join(char for _, char in run) for is_hidden, run in runs)
    return "".join(char if char.isprintable() else " " for char in text)


def shorten(text: str, length: int) -> str:
    """Return at most ``length`` characters of a text, the last of them ``…`` where it was longer."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _forms(secrets: tuple[str, ...]) -> list[str]:
    """Return every way to write the secrets, longest first, so that a path goes before its parts.

    A server sees a URL percent-encoded and may echo it decoded, or a key that was given plain encoded; in
    JSON it may be escaped.
    """
    plain = {form for secret in secrets for form in (secret, unquote(secret), unquote_plus(secret))}
    encoded = {code for form in plain for code in (quote(form, safe=""), quote(form), quote_plus(form))}
    escaped = {json.dumps(form)[1:-1] for form in plain}
    return sorted(plain | encoded | escaped, key=len, reverse=True)


def _pattern(forms: list[str]) -> re.Pattern[str]:
    """Match runs of the forms; nothing where there are none."""
    choice = "|".join(map(re.escape, forms)) or "(?!)"
    return re.compile(f"(?:{choice})+", re.IGNORECASE)
