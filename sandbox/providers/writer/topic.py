"""What a question is about, found without understanding it."""

import re

__all__ = ["is_follow_up", "slug_of", "title_of", "topic_of"]

# What people say before they come to the point; taken off the front again and again.
_OPENERS = re.compile(
    r"""^(?:
    (?:was|wer|wo|wie|warum)\ (?:ist|sind|kann|macht|funktioniert)(?:\ (?:ein|eine|der|die|das))?|erkläre?(?:\ mir)?
    |hi|hello|hey|ok(?:ay)?|so|now|and|but|well|thanks|thank\ you|please|kindly|also|then
    |(?:can|could|would|will)\ (?:you|we|i)(?:\ please)?
    |i(?:'d|\ would)\ (?:like|love)\ (?:you\ )?(?:to\ (?:know|understand|hear|learn|see)(?:\ (?:more\ )?about)?|to)?
    |i\ (?:want|need)(?:\ you)?(?:\ to)?
    |(?:help|show|teach|tell|give|write|make|draw|create|get|send|find|build|generate|produce|draft)(?:\ me|\ us)?
    |extract|compose|what\ about
    |(?:explain|describe|discuss|summari[sz]e|outline|list|name|compare|define|analy[sz]e|implement|solve)(?:\ to\ me)?
    |(?:what|who|where|when|which|why|how)(?:'s|\ (?:is|are|was|were|do|does|did|can|could|should|would|much|many|to))?
    |(?:is|are|was|were|do|does|did|should|to)
    |(?:answer|reply|respond|speak)\ in\ \w+
    |qu'est-ce\ qu[e'](?:\ ?(?:un|une|le|la|les))?|c'est\ quoi|pourquoi|comment|expliquez?(?:-moi)?
    |¿?(?:qué|cuál)\ (?:es|son)(?:\ (?:un|una|el|la|los|las))?|¿?por\ qué|¿?cómo|explica(?:me)?
    |(?:i|we|you|one)
    |(?:know|understand|do|think)\ (?:about|of)
    |(?:about|on|of|for|between|regarding|concerning)
    |(?:a|an|the|some|any|my|your|our)
    |(?:very\ )?(?:short|long|brief|quick|simple|detailed|complete|full|little|small|nice|good|great)
    |(?:\d[\d,.]*|one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty)
     (?:[-\ ](?:words?|paragraphs?|sentences?|items?|points?|lines?))?
    |(?:ideas?|tips?|reasons?|examples?|facts?|ways|steps|points?|bullets?|bullet\ points?)
    |(?:numbered|bulleted|ordered)
    |(?:list|table|essay|article|story|poem|haiku|paragraph|text|summary|overview|introduction|explanation|description
      |post|letter|guide|function|program|script|class|code)
    |(?:in|with|using)\ (?:python|javascript|typescript|go|rust|java|c|sql|bash|html|css|ruby|php|kotlin|swift)
    |(?:python|javascript|typescript|golang|rust|java|sql|bash|html|css|ruby|php|kotlin|swift)
    |that|which|who
    )(?=[\s,.:;!?]|$)[\s,.:;!?]*""",
    re.IGNORECASE | re.VERBOSE,
)
_TAILS = re.compile(
    r"[\s,.;:!?]*(?:please|thanks|thank you|for me|as a (?:table|list)|step by step|works?"
    r"|in (?:python|javascript|typescript|go|rust|java|c|c\+\+|sql|bash|html|css|french|german|spanish|english"
    r"|detail|simple terms|(?:about )?[\d,]+ words))?[\s,.;:!?]*$",
    re.IGNORECASE,
)
_FOLLOW_UP = re.compile(
    r"^(?:please\s+)?(?:(?:make|say|write|put|do|explain|show|give)\s+(?:me\s+)?(?:it|that|this)\b"
    r"|(?:and|now|again|more|less|shorter|longer|simpler|continue|go on|why|how so|really|thanks|thank you|yes|no|ok"
    r"|in a table|as a (?:list|table))\b"
    r"|tell me more|(?:translate|repeat|rewrite|summari[sz]e|expand)\s*(?:it|that|this)?\s*(?:$|in|to|as)"
    r"|what (?:did|was|were|is|am) (?:i|my)\b)",
    re.IGNORECASE,
)
# Said before the question itself.
_ABOUT_ME = re.compile(r"(?:my name is|i am|i'm|i was|i have|hi|hello|hey|here is)\b", re.IGNORECASE)
_LONGEST = 60  # characters


def topic_of(question: str) -> str:
    """A few words that name what `question` is about; empty when it names nothing."""
    lines = [line.strip() for line in question.splitlines() if line.strip() and not line.startswith(("```", "|", ">"))]
    topic = lines[0] if lines else ""
    sentences = re.split(r"(?<=[.?!])\s+(?=[A-Z])", topic)
    topic = next((sentence for sentence in sentences if not _ABOUT_ME.match(sentence)), sentences[0])
    while (shorter := _OPENERS.sub("", topic, count=1)) != topic:
        topic = shorter
    while (shorter := _TAILS.sub("", topic, count=1)) != topic:
        topic = shorter
    topic = re.sub(r"[`*_#\"<>\[\]{}|\\]+", "", topic).strip()
    if len(topic) <= _LONGEST:
        return topic
    return topic[:_LONGEST].rsplit(" ", 1)[0] + "…"


def is_follow_up(question: str) -> bool:
    """Whether `question` only makes sense after what was said before."""
    return bool(_FOLLOW_UP.match(question.strip())) and len(question) < 120


def title_of(topic: str) -> str:
    """`topic` as a heading."""
    return topic[:1].upper() + topic[1:]


def slug_of(topic: str) -> str:
    """`topic` as a name in a program: `sort_a_list`."""
    words = re.findall(r"[a-z0-9]+", topic.lower())[:4]
    name = "_".join(words) or "answer"
    return f"n_{name}" if name[0].isdigit() else name
