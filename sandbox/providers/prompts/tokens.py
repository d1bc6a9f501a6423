"""A small tokenizer of our own: the same text always has the same tokens."""

import re

__all__ = ["before", "count", "split"]

# No alternative looks past its own end: cutting a text between two tokens therefore never changes
# the tokens before the cut, and `count` agrees with the tokens streamed.
_PIECE = re.compile(
    r" ?[A-Za-z]{1,8}"  # a word, or eight letters of a long one
    r"| ?\d{1,3}"
    r"|[぀-ヿ㐀-鿿가-힯]"  # one sign of Chinese, Japanese or Korean
    r"| ?[^\W\d_]{1,4}"  # letters of other scripts
    r"| ?[!-/:-@\[-`{-~]{1,3}"  # ASCII punctuation
    r"|\n+"
    r"|[ \t]+"
    r"|.",
    re.DOTALL,
)


def split(text: str) -> list[str]:
    """The tokens of `text`, in order; joined, they are the text."""
    return _PIECE.findall(text)


def count(text: str) -> int:
    """The number of tokens of `text`."""
    return len(_PIECE.findall(text))


def before(pieces: list[str], position: int) -> list[str]:
    """The tokens of the first `position` characters; a token that is cut in two counts as one."""
    kept: list[str] = []
    for piece in pieces:
        if position <= 0:
            break
        kept.append(piece[:position])
        position -= len(piece)
    return kept
