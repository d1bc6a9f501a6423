"""What an answer says, before its closing line: the first kind of answer that fits the question."""

from collections.abc import Callable
from urllib.parse import urlsplit

from sandbox.providers.writer import conversation, facts, prose, shapes
from sandbox.providers.writer.brief import Brief
from sandbox.providers.writer.topic import title_of

__all__ = ["body_of"]

# Each returns an empty text when the question is not for it; the order matters.
_KINDS: tuple[Callable[[Brief], str], ...] = (
    conversation.tool_results,
    conversation.memory,
    conversation.identity,
    conversation.greeting,
    conversation.thanks,
    conversation.summary,
    shapes.letters,
    shapes.counting,
    shapes.length_asked,
    conversation.title,
    shapes.arithmetic,
    shapes.code,
    shapes.markdown_sampler,
    shapes.mathematics,
    facts.fact,
    shapes.table,
    shapes.verse,
    shapes.letter,
    shapes.story,
    shapes.listing,
)


def body_of(brief: Brief) -> str:
    """The Markdown of an answer."""
    body = next((text for kind in _KINDS if (text := kind(brief))), "") or overview(brief)
    if brief.attachments:
        body = f"You attached {' and '.join(brief.attachments)}.\n\n{body}"
    if brief.sources:
        links = (f"[{urlsplit(address).hostname}]({address})" for address in brief.sources[:3])
        body = f"{body}\n\nSources: {', '.join(links)}."
    return body


def overview(brief: Brief) -> str:
    """The answer to everything else: an opening, a few points, a paragraph."""
    topic, chance = brief.topic, brief.chance
    if brief.language != "en":
        return _FOREIGN[brief.language].format(t=topic, T=title_of(topic))
    blocks = [f"## {title_of(topic)}"]
    if brief.earlier_topic:
        blocks.append(f"This follows your earlier question about *{brief.earlier_topic}*.")
    blocks.append(prose.opening(topic, chance) + " " + prose.paragraph(topic, chance, 2))
    blocks.append(
        "\n".join(f"- **{name}**: {text}" for name, text in prose.points(topic, chance, chance.randint(3, 5)))
    )
    blocks.append(prose.paragraph(topic, chance, 2))
    return "\n\n".join(blocks)


_FOREIGN = {
    "fr": """## {T}

Voici une courte réponse sur {t} : d’abord l’essentiel, puis quelques détails.

- **But** : à quoi cela sert, et pour qui
- **Étapes** : ce qui vient d’abord, ensuite, enfin
- **Limites** : ce qu’il vaut mieux éviter

Le reste dépend du contexte : posez une question plus précise.""",
    "de": """## {T}

Hier ist eine kurze Antwort zu {t}: zuerst das Wichtigste, dann einige Einzelheiten.

- **Zweck**: wozu es dient, und wem
- **Schritte**: was zuerst, danach und zuletzt kommt
- **Grenzen**: was man besser lässt

Alles Weitere hängt vom Zusammenhang ab: fragen Sie gern genauer nach.""",
    "es": """## {T}

Esta es una respuesta breve sobre {t}: primero lo esencial y después algunos detalles.

- **Propósito**: para qué sirve y para quién
- **Pasos**: qué va primero, después y al final
- **Límites**: lo que conviene evitar

El resto depende del contexto: ¿qué más quieres saber?""",
}
