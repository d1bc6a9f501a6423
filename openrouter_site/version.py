"""The version of the site, as the changelog has it."""

import re

__all__ = ["version_in"]


def version_in(changelog: str) -> str:
    """Return the number of the newest section, as in "0.3.0"; "0.3.0-dev" until that section has a date."""
    number, date = re.findall(r"^## v(\S+) \((\S+)\)$", changelog, re.MULTILINE)[0]
    return f"{number}-dev" if date == "unreleased" else str(number)
