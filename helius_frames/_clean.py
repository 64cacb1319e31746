"""Text from outside made fit to show: no secret in it, no control character, not too long.

Pure text, the standard library alone; it imports nothing of ours. The order matters: secrets are
taken out of the whole text first and the text is shortened last, since half a key is still a key.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK: Final = "[hidden]"

# A server may echo a part of a key ("key abcd1234… is unknown"). Parts of this many characters and
# more are hidden; shorter ones hit ordinary words and say little about a key of 36.
_PART: Final = 8
# Shorter "secrets" are letters of ordinary words; hiding them would hide the message and help nobody.
_WHOLE_MIN: Final = 4


def clean(text: str, secrets: Iterable[str]) -> str:
    """Text without the secrets, raw, percent-encoded or in parts, and without control characters."""
    secrets = tuple(secrets)
    text = _without_parts(_whole(secrets).sub(MASK, text), secrets)
    return "".join(char if char.isprintable() else " " for char in text)


def conceal(content: bytes, secrets: Iterable[str]) -> bytes:
    """Bytes of a reply with every whole secret replaced; the same bytes where there is none."""
    pattern = _whole(secrets)
    return re.sub(pattern.pattern.encode(), MASK.encode(), content, flags=re.IGNORECASE)


def shorten(text: str, length: int) -> str:
    """At most ``length`` characters of a text, the last of them ``…`` where it was longer."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _whole(secrets: Iterable[str]) -> re.Pattern[str]:
    """Pattern of every way to write the secrets, longest first, so that a path goes before its parts."""
    forms = {
        form
        for secret in secrets
        for form in (secret, quote(secret, safe=""), quote(secret), quote_plus(secret), unquote(secret))
    }
    return _any_of(sorted((form for form in forms if len(form) >= _WHOLE_MIN), key=len, reverse=True))


def _without_parts(text: str, secrets: Iterable[str]) -> str:
    windows = {s[i : i + _PART] for s in secrets for i in range(len(s) - _PART + 1)}
    if not windows:
        return text
    # Looked for at every place, since the windows of one part overlap.
    found = re.finditer(f"(?={_any_of(sorted(windows)).pattern})", text, re.IGNORECASE)
    hidden = {place for match in found for place in range(match.start(), match.start() + _PART)}
    kept = "".join("\0" if place in hidden else char for place, char in enumerate(text))
    return re.sub("\0+", MASK, kept)


def _any_of(forms: list[str]) -> re.Pattern[str]:
    """Match runs of the forms; nothing where there are none."""
    choice = "|".join(re.escape(form) for form in forms) or "(?!)"
    return re.compile(f"(?:{choice})+", re.IGNORECASE)
