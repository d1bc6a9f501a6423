"""Log lines: text for people or JSON for machines, each with the request or task that it belongs to.

`bind` adds a field to every later line of the same request, socket or task, in its tasks and threads as well. A JSON
line has the fields named here and no others: what libraries attach to a record (a request, a task's arguments) may
quote a prompt. For the same reason messages never contain content.
"""

import logging
from collections.abc import Mapping
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from types import MappingProxyType

import msgspec

__all__ = ["JsonFormatter", "TextFormatter", "begin", "bind", "end", "fields", "place", "request_id"]

Field = str | int
Context = Token[Mapping[str, Field]]

_fields: ContextVar[Mapping[str, Field]] = ContextVar("log_fields", default=MappingProxyType({}))
_encode = msgspec.json.Encoder().encode

#: Line breaks and other control characters, which could forge a line or drive a terminal.
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {9: "\t", 10: "\\n", 13: "\\r"}


def begin(**values: Field) -> Context:
    """Start the fields of a request, socket or task. Pass the result to `end`."""
    return _fields.set(values)


def end(context: Context) -> None:
    """Restore the fields from before `begin`."""
    _fields.reset(context)


def bind(**values: Field) -> None:
    """Add fields to every later line of the current request, socket or task."""
    _fields.set({**_fields.get(), **values})


def fields() -> Mapping[str, Field]:
    """Return the fields of the current request, socket or task."""
    return _fields.get()


def request_id() -> str:
    """Return the ID of the current request or socket, or an empty string outside of one."""
    return str(_fields.get().get("request_id", ""))


def place(error: BaseException) -> str:
    """Return the file and line where the error was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "an unknown place"


class TextFormatter(logging.Formatter):
    """`time LEVEL logger: message [field=value ...]`, and the traceback below."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 the base class names it so
        line = super().formatMessage(record)
        if values := _fields.get():
            line += f" [{' '.join(f'{name}={value}' for name, value in values.items())}]"
        return line.translate(_CONTROL)


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, the bound fields, and a traceback as `error`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            **_fields.get(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = self.formatException(record.exc_info)
        return _encode(line).decode()
