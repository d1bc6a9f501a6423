"""The file `.env`: settings as KEY=VALUE lines, for whatever starts the site.

Needs the standard library only: set-up reads the file before any package is installed.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

__all__ = ["InvalidFile", "load", "read", "unset_variables"]

LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")
QUOTED = re.compile(r"(['\"])(.*)\1(?:\s+#.*)?")


class InvalidFile(Exception):
    """The file is missing, or has a line that is no setting. The text names the line and the remedy."""


def load(root: Path) -> None:
    """Put the file's variables into this process's environment, which wins. Raises InvalidFile."""
    os.environ.update(unset_variables(root, os.environ))


def unset_variables(root: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the file's variables that `environ` leaves unset, under either name: NAME or NAME_FILE.

    The file is `.env` in the project's folder, or the one that ENV_FILE names; none if ENV_FILE is empty.
    Raises InvalidFile.
    """
    named = environ.get("ENV_FILE")
    if named == "":
        return {}
    path = root / (named or ".env")
    if named and not path.exists():
        raise InvalidFile(f"ENV_FILE: {path} does not exist. Correct the path, or leave ENV_FILE unset for .env.")
    given = {name.removesuffix("_FILE") for name in environ}
    return {name: value for name, value in read(path).items() if name.removesuffix("_FILE") not in given}


def read(path: Path) -> dict[str, str]:
    """Return the KEY=VALUE lines of a file; none if it does not exist.

    `export` is optional. Quotes around a value are removed, and nothing in it is expanded. Without quotes, ` #` starts
    a comment. Raises InvalidFile for any other line, except blank ones and comments.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile(f"{path} cannot be read: {error}.") from error
    values = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = LINE.match(line)
        if not found:
            raise InvalidFile(f"{path.name}, line {number}: not in the form KEY=VALUE. Correct or delete it.")
        name, value = found.groups()
        if value[:1] in {"'", '"'}:
            quoted = QUOTED.fullmatch(value)
            if not quoted:
                raise InvalidFile(
                    f"{path.name}, line {number}: the quotes around the value of {name} do not match. A value is one "
                    f"line; one with several lines goes into a file of its own, named by {name}_FILE."
                )
            values[name] = quoted[2]
        else:
            values[name] = re.sub(r"(^|\s+)#.*$", "", value)
    return values
