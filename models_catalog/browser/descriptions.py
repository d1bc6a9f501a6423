"""Descriptions of models: plain sentences made from the catalog's facts."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from hashlib import sha256

from models_catalog.models import Model

__all__ = ["describe", "month_name"]

_WORDS = {"text": "text", "image": "images", "file": "files", "audio": "audio", "video": "video"}

_VARIANTS = {
    "free": "This is the free variant: it costs nothing and has lower rate limits.",
    "extended": "This variant has a longer context than the standard one.",
    "thinking": "This variant reasons before it responds, unless a request turns that off.",
}


def describe(model: Model, author: str, name: str, parameters: Iterable[str]) -> str:
    """Return the description of `model`, named `name`, by `author`. The same facts always give the same words."""
    supported = set(parameters)
    choose = _Chooser(model.id)
    if task := next((each for each in ("embeddings", "rerank") if each in model.output_modalities), ""):
        return " ".join(
            filter(None, [_opening(model, author, name, choose), _RETRIEVAL[task](model), _weights(model, choose)])
        )
    sentences = [
        _opening(model, author, name, choose),
        _modalities(model, choose),
        _sizes(model, choose),
        _abilities(supported, choose),
        _weights(model, choose),
        _VARIANTS.get(model.id.partition(":")[2], ""),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


class _Chooser:
    """Picks one of several wordings, always the same one for a model."""

    def __init__(self, seed: str) -> None:
        self._digest = sha256(seed.partition(":")[0].encode()).digest()
        self._turn = 0

    def __call__(self, *wordings: str) -> str:
        self._turn += 1
        return wordings[self._digest[self._turn] % len(wordings)]


def _opening(model: Model, author: str, name: str, choose: _Chooser) -> str:
    kind = "reasoning model" if model.reasoning else "language model"
    if "embeddings" in model.output_modalities:
        kind = "embedding model"
    elif "rerank" in model.output_modalities:
        kind = "rerank model"
    elif "image" in model.output_modalities:
        kind = "text and image model"
    elif "audio" in model.output_modalities:
        kind = "text and speech model"
    openness = "open-weights " if model.open_weights else ""
    article = "an" if (openness + kind)[0] in "aeio" else "a"
    bare = name.partition(" (")[0] if ":" in model.id else name
    if author.lower() in bare.lower():
        return f"{bare} is {article} {openness}{kind}."
    return choose(
        f"{bare} is {article} {openness}{kind} from {author}.",
        f"{bare} is {article} {openness}{kind} made by {author}.",
        f"{author} makes {bare}, {article} {openness}{kind}.",
        f"{bare} comes from {author}: {article} {openness}{kind}.",
    )


def _modalities(model: Model, choose: _Chooser) -> str:
    takes = _list([_WORDS[each] for each in model.input_modalities])
    gives = _list([_WORDS[each] for each in model.output_modalities])
    if takes == gives == "text":
        return choose("It works on text only.", "Text goes in and text comes out.", "It reads and writes text.")
    return choose(
        f"It takes {takes} and responds with {gives}.",
        f"It accepts {takes}, and produces {gives}.",
        f"Prompts may contain {takes}; responses are {gives}.",
    )


def _vectors(model: Model) -> str:
    takes = _list([_WORDS[each] for each in model.input_modalities])
    size = f"a vector of {model.dimensions:,} numbers" if model.dimensions else "a vector"
    return (
        f"It turns {takes} into {size}, for search and comparison. An input can have {model.context_length:,} tokens."
    )


def _ranking(model: Model) -> str:
    return (
        "It orders documents by how well they answer a query. "
        f"A query and a document can have {model.context_length:,} tokens together."
    )


#: By task: the sentences about the abilities of a model that writes nothing.
_RETRIEVAL: dict[str, Callable[[Model], str]] = {"embeddings": _vectors, "rerank": _ranking}


def _sizes(model: Model, choose: _Chooser) -> str:
    context, answer = f"{model.context_length:,}", f"{model.max_completion_tokens or 0:,}"
    if not model.max_completion_tokens or model.max_completion_tokens >= model.context_length:
        return choose(
            f"The context window is {context} tokens, prompt and response together.",
            f"A prompt and its response share {context} tokens of context.",
        )
    return choose(
        f"The context window is {context} tokens, and a response can be up to {answer} tokens long.",
        f"It has {context} tokens of context and writes up to {answer} tokens in one response.",
        f"With {context} tokens of context, it responds with up to {answer} tokens.",
    )


def _abilities(supported: set[str], choose: _Chooser) -> str:
    tools, schema = "tools" in supported, "structured_outputs" in supported
    if tools and schema:
        return choose(
            "It can call tools and follow a JSON schema.",
            "Tool calls and structured outputs are supported.",
            "It calls tools, and its responses can follow a JSON schema.",
        )
    if tools:
        return choose("It can call tools.", "Tool calls are supported.")
    return choose("Its responses can follow a JSON schema.", "Structured outputs are supported.") if schema else ""


def _weights(model: Model, choose: _Chooser) -> str:
    sentences = []
    if model.open_weights and model.hugging_face_id:
        sentences.append(f"The weights are published as {model.hugging_face_id}.")
    if model.knowledge_cutoff:
        day = month_name(model.knowledge_cutoff)
        sentences.append(choose(f"Its knowledge ends in {day}.", f"Training data reaches to {day}."))
    return " ".join(sentences)


def month_name(date: str) -> str:
    """Return "October 2024" for "2024-10" or "2024-10-01"; any other text unchanged."""
    try:
        return datetime.strptime(date[:7], "%Y-%m").strftime("%B %Y")  # noqa: DTZ007 a month has no time zone
    except ValueError:
        return date


def _list(words: Sequence[str]) -> str:
    """ "text, images and files"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
