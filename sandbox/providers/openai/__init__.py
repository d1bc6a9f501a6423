"""OpenAI's protocols, chat completions and completions, in the dialects of the providers that claim to speak them."""

from sandbox.providers.openai.protocol import ChatCompletions, TextCompletions

__all__ = ["ChatCompletions", "TextCompletions"]
