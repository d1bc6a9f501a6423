"""A text that matches a regular expression, for the expressions that schemas really use."""

import re

__all__ = ["matching"]

_LONGEST = 100_000  # characters
_DEEPEST = 64  # groups within groups
_CLASSES = {"d": "0", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a"}
_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ .:/@#+"


def matching(pattern: str, shortest: int, longest: int) -> str:
    """A text of this length that `pattern` matches. Raises ValueError when none was found."""
    for repeats in (0, max(1, shortest)):
        try:
            made = _Maker(pattern, repeats).alternatives()
        except (IndexError, re.error):  # something that the walk below does not know
            break
        if shortest <= len(made) <= longest and re.search(pattern, made):
            return made
    raise ValueError(f"The pattern {pattern!r} is not supported here.")


class _Maker:
    """Walks an expression and writes a text for it, each open repetition `repeats` times or as few as allowed."""

    def __init__(self, pattern: str, repeats: int) -> None:
        self.pattern = pattern
        self.repeats = repeats
        self.at = 0
        self.depth = 0

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
            times = self.times()
            if len(made) + len(atom) * times > _LONGEST:
                raise ValueError(f"The pattern {self.pattern!r} asks for a text that is too long.")
            made += atom * times
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
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ValueError(f"The pattern {self.pattern!r} is nested too deeply.")
        made = self.alternatives()
        self.depth -= 1
        self.at += 1
        return "" if skipped else made

    def one_of(self) -> str:
        end = self.at + 1 + (self.pattern[self.at] == "^")
        while self.pattern[end] != "]":
            end += 2 if self.pattern[end] == "\\" else 1
        allowed = re.compile(f"[{self.pattern[self.at : end]}]")
        self.at = end + 1
        found = next((letter for letter in _ALPHABET if allowed.match(letter)), None)
        if found is None:
            raise ValueError(f"The pattern {self.pattern!r} has no letter that is known here.")
        return found

    def times(self) -> int:
        rest = self.pattern[self.at : self.at + 1]
        least = 1
        if rest and rest in "?*+":
            self.at += 1
            least = 0 if rest == "?" else max(rest == "+", self.repeats)
        elif counted := re.compile(r"\{(\d+)(,)?(\d*)\}").match(self.pattern, self.at):
            self.at = counted.end()
            least = int(counted[1])
            if counted[2]:
                least = max(least, min(self.repeats, int(counted[3] or self.repeats)))
        else:
            return 1
        if self.pattern.startswith("?", self.at):
            self.at += 1
        return least
