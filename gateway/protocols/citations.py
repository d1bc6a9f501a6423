"""Documents whose citations a request wants."""

__all__ = ["CITED"]

#: The field of a content part that is such a document: {"title": ..., "context": ...}. If the part is a text, it begins
#: with them. A text of several blocks, one after the other in lines of their own, has their lengths in "blocks". The
#: field is not part of OpenAI's protocol, so only providers that cite documents get it.
CITED = "cited"
