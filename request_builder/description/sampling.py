"""Fields that say how tokens are drawn."""

from typing import Any

from .shapes import CHAT, OPENAI, Field, Kind, texts

__all__ = ["SAMPLING"]


def _sampling(name: str, label: str, limits: tuple[float, float], default: str, about: str, **details: Any) -> Field:
    """A number within limits. It is part of chat requests only, unless `places` says more."""
    details = {"kind": Kind.NUMBER, "places": {CHAT: name}, **details}
    low, high = limits
    return Field(
        name=name,
        label=label,
        group="sampling",
        parameter=name,
        low=low,
        high=high,
        default=default,
        help=about,
        **details,
    )


SAMPLING = (
    _sampling(
        "temperature",
        "Temperature",
        (0, 2),
        "1",
        "Lower is more focused, higher more varied.",
        places=texts("temperature"),
    ),
    _sampling(
        "top_p",
        "Top P",
        (0, 1),
        "1",
        "Samples from the most likely tokens that add up to this.",
        places=texts("top_p"),
        above=True,
    ),
    _sampling(
        "top_k",
        "Top K",
        (0, 2**31 - 1),
        "0",
        "Samples from this many tokens. 0 is all.",
        places=texts("top_k"),
        kind=Kind.INTEGER,
    ),
    _sampling(
        "frequency_penalty",
        "Frequency penalty",
        (-2, 2),
        "0",
        "Against tokens that occur often.",
        places=dict.fromkeys(OPENAI, "frequency_penalty"),
    ),
    _sampling(
        "presence_penalty",
        "Presence penalty",
        (-2, 2),
        "0",
        "Against tokens that have occurred.",
        places=dict.fromkeys(OPENAI, "presence_penalty"),
    ),
    _sampling("repetition_penalty", "Repetition penalty", (0, 2), "1", "Against repetition of the prompt.", above=True),
    _sampling("min_p", "Min P", (0, 1), "0", "Least probability, as a part of the most likely token's."),
    _sampling("top_a", "Top A", (0, 1), "0", "As Min P, by the square of the most likely token's."),
    _sampling(
        "seed",
        "Seed",
        (-(2**53) + 1, 2**53 - 1),
        "",
        "The same seed gives the same response, where supported.",
        kind=Kind.INTEGER,
    ),
    Field(
        name="logprobs",
        label="Return log probabilities",
        kind=Kind.FLAG,
        group="sampling",
        parameter="logprobs",
        places={CHAT: "logprobs"},
        help="Of each token of the response.",
    ),
    Field(
        name="top_logprobs",
        label="Top log probabilities",
        kind=Kind.INTEGER,
        group="sampling",
        parameter="top_logprobs",
        low=0,
        high=20,
        places=dict.fromkeys(OPENAI, "top_logprobs"),
        help="How many likely tokens are listed at each place.",
    ),
    Field(
        name="logit_bias",
        label="Logit bias",
        kind=Kind.OBJECT,
        group="sampling",
        parameter="logit_bias",
        places={CHAT: "logit_bias"},
        help='From -100 to 100 for token IDs, for example {"50256": -100}.',
    ),
)
