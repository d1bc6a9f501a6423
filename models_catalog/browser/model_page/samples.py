"""Code that calls a model, ready to copy."""

from typing import Any

from common.programs import Call, Program, programs

__all__ = ["samples"]

_QUESTION = "Which numbers are prime?"
_FACT = "The primes are 2, 3, 5, 7 and so on."

#: By task: the path of the API and the fields of its request beside the model.
_REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("chat/completions", {"messages": [{"role": "user", "content": _QUESTION}]}),
    "embeddings": ("embeddings", {"input": [_QUESTION, _FACT]}),
    "rerank": ("rerank", {"query": _QUESTION, "documents": [_FACT, "Water boils at 100 degrees."]}),
}


def samples(model_id: str, task: str = "chat") -> list[Program]:
    """Return programs for a model of this task, in the most used languages."""
    path, fields = _REQUESTS[task]
    return programs(Call(path, {"model": model_id, **fields}))
