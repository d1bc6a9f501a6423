"""Values in attributes of HTML."""

import json

from django.utils.safestring import SafeString

__all__ = ["json_attribute"]

#: The characters that an attribute in single quotes may not have, as JSON writes them.
_ESCAPES = {ord(each): f"\\u{ord(each):04x}" for each in "&'<>"}


def json_attribute(value: object) -> SafeString:
    """Return JSON for an attribute in single quotes, which takes half the bytes of one whose quotes are escaped."""
    return SafeString(json.dumps(value, separators=(",", ":")).translate(_ESCAPES))
