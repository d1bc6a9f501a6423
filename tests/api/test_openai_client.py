"""The unmodified `openai` package against a real server."""

from collections.abc import Iterator

import pytest
from openai import NotFoundError, OpenAI

from models_catalog.loading.bundled import load_bundled


@pytest.fixture
def client(live_server) -> Iterator[OpenAI]:
    load_bundled()
    with OpenAI(base_url=f"{live_server.url}/api/v1", api_key="none needed", max_retries=0) as client:
        yield client  # then closes its connections, so that the server's threads end and close theirs


@pytest.mark.django_db(transaction=True)
def test_it_lists_and_retrieves_models(client):
    models = list(client.models.list())
    assert len(models) == 422
    assert {model.object for model in models} == {"model"}
    gpt = client.models.retrieve("openai/gpt-4o")
    assert (gpt.id, gpt.owned_by, gpt.created) == ("openai/gpt-4o", "openai", 1_715_558_400)
    with pytest.raises(NotFoundError, match="No model acme/huge"):
        client.models.retrieve("acme/huge")
