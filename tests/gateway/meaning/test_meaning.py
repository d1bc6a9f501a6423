"""A conversation means the same to every provider, whatever the protocol in which its caller speaks."""

import pytest
from hypothesis import given, settings

from .callers import CALLERS
from .conversation import CONVERSATIONS, Conversation
from .providers import PROVIDERS, meaning_of


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("provider", PROVIDERS)
@given(conversation=CONVERSATIONS)
@settings(max_examples=40)
def test_a_conversation_means_the_same_in_every_pair(caller: str, provider: str, conversation: Conversation):
    reader = PROVIDERS[provider]
    sent = reader.body(CALLERS[caller](conversation))
    assert reader.read(sent) == meaning_of(conversation, reader)
