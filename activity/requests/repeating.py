"""A command that repeats a request; the prompt is not stored, so a placeholder takes its place."""

from typing import Any

from common import programs
from gateway.models import Generation

__all__ = ["curl_of"]

_PROMPT = "Your prompt"


def curl_of(request: Generation) -> str:
    """Return a curl command for the request's model, with its provider and session, for a POSIX shell."""
    path, body = _body(request)
    if request.provider:
        body["provider"] = {"only": [request.provider]}
    if request.session_id:
        body["session_id"] = request.session_id
    return programs.curl(programs.Call(path, body))


def _body(request: Generation) -> tuple[str, dict[str, Any]]:
    body: dict[str, Any] = {"model": request.requested_model}
    match request.api_type:
        case Generation.ApiType.EMBEDDINGS:
            return "embeddings", body | {"input": _PROMPT}
        case Generation.ApiType.RERANK:
            return "rerank", body | {"query": "Your question", "documents": ["Your text"]}
        case _:
            body["messages"] = [{"role": "user", "content": _PROMPT}]
            return "chat/completions", body | ({"stream": True} if request.streamed else {})
