"""Names that people type, as they may be shown to others."""

import re
import unicodedata

__all__ = ["clean_name"]

#: Invisible characters with a meaning inside words: they join or part letters, and make one emoji of several.
_JOINERS = "\u200c\u200d"
_HIDDEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
#: More marks on one letter than any language needs: they would cover the lines around it.
_STACKED = re.compile(r"(?<=.)([\u0300-\u036f]{3})[\u0300-\u036f]+")


def clean_name(text: str) -> str:
    """Return the name without control characters, direction marks and other invisible ones, and with single spaces.

    Such characters could reverse the text around a name, forge the lines of an email, or make two names look the same.
    The result may be empty.
    """
    composed = unicodedata.normalize("NFC", text)
    shown = "".join(
        " " if each.isspace() else each
        for each in composed
        if each in _JOINERS or each.isspace() or unicodedata.category(each) not in _HIDDEN
    )
    name = " ".join(_STACKED.sub(r"\1", shown).split())
    return name if name.strip(_JOINERS + " ") else ""
