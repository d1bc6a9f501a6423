"""Arithmetic that is really done, exactly, with its steps."""

import math
import re
from decimal import Decimal, localcontext
from fractions import Fraction

__all__ = ["Sum", "find_sum"]

_WORDS = (
    (r"\bplus\b", "+"),
    (r"\bminus\b", "-"),
    (r"\b(?:times|multiplied by)\b", "*"),
    (r"\b(?:divided by|over)\b", "/"),
    (r"\b(?:to the power of|to the)\b", "^"),
    (r"\bsquared\b", "^2"),
    (r"\bcubed\b", "^3"),
    (r"\bmod(?:ulo)?\b", "mod"),
    (r"(?:%|\bper ?cent)\s+of\b", "/100*"),
    (r"\b(?:the )?square root of\b", "√"),
    (r"\bsqrt\b", "√"),
    (r"[×·]", "*"),
    (r"÷", "/"),
    (r"−", "-"),
    (r"\*\*", "^"),
)
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+"
_TOKEN = re.compile(rf"\s*({_NUMBER}|mod|[-+*/^()√!])")
_RUN = re.compile(rf"(?:(?:{_NUMBER}|mod\b|[-+*/^()√!])\s*)+")
_ASKED = re.compile(
    r"\b(?:what(?:'s| is| are)|how much|calculate|compute|evaluate|solve|work out|sum)\b|=",
    re.IGNORECASE,
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}/\d{1,2}/\d{2,4}|\+?\d{2,}[- ]\d{3,}[- ]\d{3,}")
_LARGEST_POWER = 512
_LARGEST_FACTORIAL = 200
_LARGEST = 10**600


class Sum:
    """A sum: what was asked, each step, and the result as text."""

    def __init__(self, asked: str, steps: list[str], result: str) -> None:
        self.asked = asked
        self.steps = steps
        self.result = result


def find_sum(question: str) -> Sum | None:
    """The sum that `question` asks for; None when there is none, or one that cannot be done."""
    text = _DATE.sub(" ", question)
    for words, sign in _WORDS:
        text = re.sub(words, f" {sign} ", text, flags=re.IGNORECASE)
    runs = [run.group().strip() for run in _RUN.finditer(text)]
    runs = [run.rstrip("(+-*/^√ ").strip() for run in runs if re.search(r"\d\s*[-+*/^!]|mod|√\s*\(?\s*\d", run)]
    if not runs:
        return None
    longest = max(runs, key=len)
    if not _ASKED.search(question) and len(longest) * 2 < len(text.strip()):
        return None
    try:
        return _Reader(longest).read()
    except (ValueError, ZeroDivisionError, OverflowError, IndexError):
        return None


class _Reader:
    """Reads and does a sum: ! before ^ before * / mod before + -."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if not match:
                break
            self.tokens.append(match[1].replace(",", "") if match[1][0].isdigit() else match[1])
            at = match.end()
        self.at = 0
        self.steps: list[str] = []

    def read(self) -> Sum:
        value = self._terms()
        if self.at < len(self.tokens) or not self.steps:
            raise ValueError("not a sum")
        return Sum(_shown(self.tokens), self.steps, show(value))

    def _next(self, *signs: str) -> str:
        if self.at < len(self.tokens) and self.tokens[self.at] in signs:
            self.at += 1
            return self.tokens[self.at - 1]
        return ""

    def _terms(self) -> Fraction:
        value = self._factors()
        while sign := self._next("+", "-"):
            other = self._factors()
            value = self._step(
                value, "+" if sign == "+" else "−", other, value + other if sign == "+" else value - other
            )
        return value

    def _factors(self) -> Fraction:
        value = self._signed()
        while sign := self._next("*", "/", "mod"):
            other = self._signed()
            if sign == "*":
                value = self._step(value, "×", other, value * other)
            elif sign == "/":
                value = self._step(value, "÷", other, value / other)
            else:
                value = self._step(value, "mod", other, value % other)
        return value

    def _signed(self) -> Fraction:
        if self._next("-"):
            return -self._signed()
        self._next("+")
        return self._power()

    def _power(self) -> Fraction:
        value = self._atom()
        if not self._next("^"):
            return value
        other = self._signed()
        if other.denominator != 1 or abs(other) > _LARGEST_POWER:
            raise OverflowError
        return self._step(value, "^", other, value ** int(other))

    def _atom(self) -> Fraction:
        if self._next("("):
            value = self._terms()
            self._next(")")
        elif self._next("√"):
            inside = self._atom()
            value = _root(inside)
            self.steps.append(f"√{show(inside)} = {show(value)}")
        else:
            value = Fraction(self.tokens[self.at])
            self.at += 1
        while self._next("!"):
            if value.denominator != 1 or not 0 <= value <= _LARGEST_FACTORIAL:
                raise OverflowError
            factorial = Fraction(math.factorial(int(value)))
            self.steps.append(f"{show(value)}! = {show(factorial)}")
            value = factorial
        return value

    def _step(self, left: Fraction, sign: str, right: Fraction, result: Fraction) -> Fraction:
        if abs(result) > _LARGEST:
            raise OverflowError
        self.steps.append(f"{show(left)} {sign} {show(right)} = {show(result)}")
        return result


def _root(value: Fraction) -> Fraction:
    if value < 0:
        raise ValueError("no real root")
    top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
    if top * top == value.numerator and bottom * bottom == value.denominator:
        return Fraction(top, bottom)
    with localcontext() as context:
        context.prec = 30
        return Fraction((Decimal(value.numerator) / Decimal(value.denominator)).sqrt())


def show(value: Fraction) -> str:
    """A number for people: 1,234,567 or 0.125, or "≈ 0.3333333333" when it does not end."""
    if value.denominator == 1:
        return f"{value.numerator:,}"
    with localcontext() as context:
        context.prec = 40
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        rounded = exact.quantize(Decimal(1).scaleb(-10)) if abs(exact) < 10**20 else exact
    text = f"{rounded:,f}".rstrip("0").rstrip(".")
    return text if Fraction(rounded) == value else f"≈ {text}"


def _shown(tokens: list[str]) -> str:
    signs = {"*": "×", "/": "÷", "-": "−"}
    text = " ".join(signs.get(token, token) for token in tokens)
    return text.replace("( ", "(").replace(" )", ")").replace("√ ", "√").replace(" !", "!")
