"""Fields of what models do beyond text: structured output, reasoning, tools."""

from .shapes import CHAT, MESSAGES, OPENAI, RESPONSES, YES_NO, Field, Kind, named, texts

__all__ = ["FORMAT", "REASONING", "TOOLS"]

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

FORMAT = (
    Field(
        name="format",
        label="Response format",
        kind=Kind.CHOICE,
        group="format",
        parameter="response_format",
        choices=(("", "Text"), ("json_object", "JSON"), ("json_schema", "JSON by a schema")),
        places=dict.fromkeys(OPENAI, ""),
        help="Say in the prompt that you expect JSON.",
    ),
    Field(
        name="schema_name",
        label="Schema name",
        kind=Kind.TEXT,
        group="format",
        most=64,
        default="response",
        places=dict.fromkeys(OPENAI, ""),
        help="Letters, digits, _ and -.",
    ),
    Field(
        name="schema",
        label="JSON Schema",
        kind=Kind.OBJECT,
        group="format",
        parameter="structured_outputs",
        places=texts(""),
        help='For example {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], '
        '"additionalProperties": false}.',
    ),
    Field(
        name="strict",
        label="Enforce the schema",
        kind=Kind.FLAG,
        group="format",
        places=dict.fromkeys(OPENAI, ""),
        help="Responses always match it, where supported.",
    ),
    Field(
        name="heal",
        label="Repair JSON",
        kind=Kind.FLAG,
        group="format",
        places={CHAT: ""},
        help="A plugin mends JSON with faults. Only without streaming.",
    ),
)

REASONING = (
    Field(
        name="effort",
        label="Effort",
        kind=Kind.CHOICE,
        group="reasoning",
        parameter="reasoning",
        choices=named(*EFFORTS),
        places=dict.fromkeys(OPENAI, "reasoning.effort"),
        help="How much the model reasons before it responds.",
    ),
    Field(
        name="thinking",
        label="Thinking",
        kind=Kind.CHOICE,
        group="reasoning",
        parameter="reasoning",
        choices=named("adaptive", "enabled", "disabled"),
        places={MESSAGES: "thinking.type"},
        help="Adaptive lets the model decide. Enabled needs a budget.",
    ),
    Field(
        name="output_effort",
        label="Effort",
        kind=Kind.CHOICE,
        group="reasoning",
        choices=named("low", "medium", "high", "xhigh", "max"),
        places={MESSAGES: "output_config.effort"},
        help="How much the model reasons and writes.",
    ),
    Field(
        name="reasoning_tokens",
        label="Max reasoning tokens",
        kind=Kind.INTEGER,
        group="reasoning",
        parameter="reasoning",
        low=1,
        high=2**31 - 1,
        help="Instead of an effort.",
        places={CHAT: "reasoning.max_tokens", RESPONSES: "reasoning.max_tokens", MESSAGES: "thinking.budget_tokens"},
    ),
    Field(
        name="summary",
        label="Summary",
        kind=Kind.CHOICE,
        group="reasoning",
        choices=named("auto", "concise", "detailed"),
        places={RESPONSES: "reasoning.summary"},
        help="Of the reasoning, in the response.",
    ),
    Field(
        name="exclude_reasoning",
        label="Leave reasoning out of the response",
        kind=Kind.FLAG,
        group="reasoning",
        parameter="reasoning",
        places={CHAT: "reasoning.exclude"},
        help="The model still reasons, and the reasoning is billed.",
    ),
)

TOOLS = (
    Field(
        name="tools",
        label="Tools",
        kind=Kind.LIST,
        group="tools",
        parameter="tools",
        places=texts("tools"),
        help="A JSON list of definitions.",
    ),
    Field(
        name="tool_choice",
        label="Tool choice",
        kind=Kind.CHOICE,
        group="tools",
        parameter="tool_choice",
        choices=(("", "Default"), ("auto", "The model decides"), ("required", "Some tool"), ("none", "No tool")),
        places=dict.fromkeys(OPENAI, "tool_choice"),
    ),
    Field(
        name="tool_choice_type",
        label="Tool choice",
        kind=Kind.CHOICE,
        group="tools",
        parameter="tool_choice",
        choices=(("", "Default"), ("auto", "The model decides"), ("any", "Some tool"), ("none", "No tool")),
        places={MESSAGES: "tool_choice.type"},
    ),
    Field(
        name="parallel_tool_calls",
        label="Several calls at once",
        kind=Kind.CHOICE,
        group="tools",
        parameter="parallel_tool_calls",
        choices=YES_NO,
        as_json=True,
        places=dict.fromkeys(OPENAI, "parallel_tool_calls"),
    ),
)
