"""A text that matches a regular expression, for the expressions that schemas really use."""

import re

__all__ = ["matching"]

_CLASSES = {"d": "0", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a"}
_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ .:/@#+"


def matching(pattern: str, candidates: list[str]) -> str | None:
    """The first of `candidates` that `pattern` matches, else a text made for it; None when none was found."""
    try:
        wanted = re.compile(pattern)
    except re.error:
        return None
    for candidate in candidates:
        if wanted.search(candidate):
            return candidate
    try:
        made = _Maker(pattern).alternatives()
    except (IndexError, ValueError):
        return None
    return made if wanted.search(made) else None


class _Maker:
    """Walks an expression and writes the shortest text it can see."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def alternatives(self) -> str:
        made = self.sequence()
        while self.at < len(self.pattern) and self.pattern[self.at] == "|":
            self.at += 1
            self.sequence()
        return made

    def sequence(self) -> str:
        made = ""
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            atom = self.atom()
            made += atom * self.times()
        return made

    def atom(self) -> str:
        sign = self.pattern[self.at]
        self.at += 1
        if sign in "^$":
            return ""
        if sign == ".":
            return "a"
        if sign == "\\":
            return self.escaped()
        if sign == "[":
            return self.one_of()
        if sign == "(":
            return self.group()
        return sign

    def escaped(self) -> str:
        letter = self.pattern[self.at]
        self.at += 1
        if letter in "bBAZ":
            return ""
        return {"n": "\n", "t": "\t"}.get(letter, _CLASSES.get(letter, letter))

    def group(self) -> str:
        skipped = False
        if self.pattern.startswith("?", self.at):
            skipped = self.pattern[self.at + 1 : self.at + 3] in ("<!", "<=") or self.pattern[self.at + 1] in "=!"
            end = re.compile(r"\?(?::|P?<[A-Za-z_]\w*>|<?[=!])").match(self.pattern, self.at)
            if not end:
                raise ValueError(self.pattern)
            self.at = end.end()
        made = self.alternatives()
        self.at += 1
        return "" if skipped else made

    def one_of(self) -> str:
        end = self.at + 1 + (self.pattern[self.at] == "^")
        while self.pattern[end] != "]":
            end += 2 if self.pattern[end] == "\\" else 1
        allowed = re.compile(f"[{self.pattern[self.at : end]}]")
        self.at = end + 1
        return next(letter for letter in _ALPHABET if allowed.match(letter))

    def times(self) -> int:
        rest = self.pattern[self.at : self.at + 1]
        least = 1
        if rest and rest in "?*+":
            self.at += 1
            least = 1 if rest == "+" else 0
        elif counted := re.compile(r"\{(\d+)(?:,\d*)?\}").match(self.pattern, self.at):
            self.at = counted.end()
            least = int(counted[1])
        else:
            return 1
        if self.pattern.startswith("?", self.at):
            self.at += 1
        return least
