"""The writer: a small program that answers as a model might, and says that it is none."""

from sandbox.providers.writer.exact import exact_answer
from sandbox.providers.writer.wording import Wordings
from sandbox.providers.writer.writer import closing_line, write

__all__ = ["Wordings", "closing_line", "exact_answer", "write"]
