"""Whether models serve the kind of request that names them: a chat, embeddings, a ranking. Pure."""

from common.errors import InvalidRequest
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.embeddings.request import EmbeddingsRequest
from gateway.protocols.tasks import invalid
from models_catalog.catalog import ModelEntry

from .availability import availability, page_of
from .constraints import MODALITIES
from .model_names import ResolvedModel

__all__ = ["require_task"]

#: By task: the words for a model that serves it, and the path to send it to.
_TASKS = {
    "chat": ("a chat model", "/chat/completions"),
    "embeddings": ("an embedding model", "/embeddings"),
    "rerank": ("a rerank model", "/rerank"),
}


def require_task(request: ChatRequest, resolved: list[ResolvedModel]) -> None:
    """Raise InvalidRequest if a model serves another task, or if no model takes a part of an input."""
    for one in resolved:
        if one.model.task != request.task:
            raise _wrong_endpoint(one.model)
    if isinstance(request, EmbeddingsRequest) and not request.are_texts:
        _require_modalities(request, [one.model for one in resolved])


def _wrong_endpoint(model: ModelEntry) -> InvalidRequest:
    words, path = _TASKS[model.task]
    return InvalidRequest(
        f"{model.id} is {words}. Send requests for it to /api/v1{path}.",
        availability=availability("wrong_endpoint", [model.id], page_of([model.id])),
    )


def _require_modalities(request: EmbeddingsRequest, models: list[ModelEntry]) -> None:
    accepted = {modality for model in models for modality in model.input_modalities}
    for index, given in enumerate(request.inputs):
        for number, part in enumerate(given if isinstance(given, list) else ()):
            if not isinstance(part, dict):
                break  # token IDs
            modality = MODALITIES.get(part["type"], "text")
            if modality not in accepted:
                place = f"{request.place(index)}.content[{number}]"
                raise invalid(f"{models[0].id} takes {', '.join(sorted(accepted))}, not {modality}", place)
