"""Servers of the operator's own become providers with models, under names that nothing else has."""

import json
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from models_catalog import catalog
from models_catalog.loading import own_provider
from models_catalog.loading.bundled import FILE, load_bundled
from models_catalog.loading.served_models import base_urls
from models_catalog.models import Endpoint, Model, Provider, ProviderKey
from scripts.serve import free_port

from .servers import LLAMA_CPP, LM_STUDIO, OLLAMA, VLLM, running

pytestmark = pytest.mark.django_db


def add(name: str, url: str, *options: str) -> str:
    """The command's output."""
    out = StringIO()
    call_command("add_provider", name, url, *(options or ("--free",)), stdout=out)
    return out.getvalue()


def refusal(name: str, url: str, *options: str) -> str:
    with pytest.raises(CommandError) as refused:
        add(name, url, *options)
    return str(refused.value)


def test_vllm_tells_the_context_and_the_operator_the_prices():
    with running(VLLM) as url:
        assert add("GPU box", url, "--prompt-price", "0.15", "--completion-price", "0.6") == (
            "GPU box: added gpu-box/qwen3-8b.\n"
        )
    model = catalog.current().models["gpu-box/qwen3-8b"]
    assert (model.name, model.author_name, model.context_length) == ("GPU box: Qwen3-8B", "GPU box", 40960)
    (endpoint,) = model.endpoints
    assert (endpoint.provider_model_id, endpoint.tag, endpoint.base_url) == ("Qwen/Qwen3-8B", "gpu-box", f"{url}/v1")
    assert (endpoint.prices.prompt, endpoint.prices.completion) == (Decimal("0.00000015"), Decimal("0.0000006"))
    assert endpoint.keeps_nothing and not endpoint.requires_key


def test_ollama_tells_abilities_and_which_models_give_embeddings():
    with running(OLLAMA) as url:
        add("My Ollama", url)
    models = catalog.current().models
    assert set(models) == {"my-ollama/llama3.2-3b", "my-ollama/gemma3-4b", "my-ollama/nomic-embed-text-latest"}
    nomic = models["my-ollama/nomic-embed-text-latest"]
    assert (nomic.output_modalities, nomic.context_length, nomic.is_free) == (("embeddings",), 2048, True)
    assert not nomic.supported_parameters
    llama, gemma = models["my-ollama/llama3.2-3b"], models["my-ollama/gemma3-4b"]
    assert llama.context_length == 131072 and llama.is_free and llama.cheapest.quantization == "int4"
    assert "tools" in llama.supported_parameters and "tools" not in gemma.supported_parameters
    assert gemma.input_modalities == ("text", "image") and llama.input_modalities == ("text",)


def test_lm_studio_tells_the_context_that_is_loaded():
    with running(LM_STUDIO) as url:
        add("Studio", f"{url}/v1/")
    models = catalog.current().models
    assert models["studio/text-embedding-nomic"].output_modalities == ("embeddings",)
    assert len(models) == 2
    model = models["studio/qwen2-vl-7b-instruct"]
    assert (model.id, model.context_length) == ("studio/qwen2-vl-7b-instruct", 4096)
    assert model.input_modalities == ("text", "image") and "tools" in model.supported_parameters


def test_llama_cpp_names_a_file():
    with running(LLAMA_CPP) as url:
        add("Tiny", url)
    model = catalog.current().models["tiny/tiny"]
    assert (model.context_length, model.cheapest.provider_model_id) == (2048, "/data/tiny.gguf")


def test_what_a_server_does_not_tell_can_be_given():
    plain = {("GET", "/v1/models"): {"data": [{"id": "mystery"}]}}
    with running(plain) as url:
        assert "doesn't tell the context length of 1 of them, so 8192 is assumed" in add("Plain", url)
        assert "8192" not in add("Plain", url, "--context", "65536", "--tools", "--images")
    model = catalog.current().models["plain/mystery"]
    assert model.context_length == 65536 and "tools" in model.supported_parameters
    assert model.input_modalities == ("text", "image")


@pytest.mark.parametrize(
    ("given", "tried"),
    [
        ("http://box:11434", ["http://box:11434/v1", "http://box:11434"]),
        (" http://box:11434// ", ["http://box:11434/v1", "http://box:11434"]),
        ("https://box/v1", ["https://box/v1"]),
        ("https://box/v1/", ["https://box/v1"]),
        ("https://box/openai//v1/chat/completions", ["https://box/openai/v1"]),
        ("https://box/openai/v1beta/models", ["https://box/openai/v1beta"]),
    ],
)
def test_the_address_may_end_as_people_write_it(given, tried):
    assert base_urls(given) == tried


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("ftp://box/v1", "must start with http:// or https://"),
        ("file:///etc/passwd", "must start with http:// or https://"),
        ("box:11434", "must start with http:// or https://"),
        ("http://", "must start with http:// or https://"),
        ("http://me:secret@box/v1", "can't have a user name"),
        ("http://box/v1?key=secret", "can't have a user name, a password, a query"),
    ],
)
def test_an_address_that_is_none_is_refused(url, complaint):
    assert complaint in refusal("Box", url)


def test_a_server_that_cannot_be_reached_is_named():
    port = free_port()
    assert refusal("Box", f"http://127.0.0.1:{port}") == (
        f"Couldn't connect to 127.0.0.1:{port}. Check the address, and that the server is running."
    )
    assert not Provider.objects.exists()


@pytest.mark.parametrize(
    ("body", "status", "complaint"),
    [
        (b"<html>Welcome</html>", 200, "doesn't answer with a list of models in JSON"),
        (b'{"data": "none"}', 200, "doesn't answer with a list of models in JSON"),
        (b'{"data": []}', 200, "lists no models for chats or embeddings"),
        (b"oops", 500, "(status 500). Look at the server's log."),
        (b"gone", 404, "(status 404). Check the address."),
    ],
)
def test_an_answer_that_is_no_list_is_explained(body, status, complaint):
    with running(body, status=status) as url:
        assert complaint in refusal("Box", url)


def test_a_server_with_a_key_gets_it_encrypted_and_says_when_it_is_wrong(tmp_path):
    with running(VLLM, key="sk-of-the-box-1234") as url:
        for options in (("--free",), ("--free", "--key", "sk-wrong")):
            assert "rejected the request (401). Give it a key, or check the one you gave." in refusal(
                "Box", url, *options
            )
        (tmp_path / "key").write_text("sk-of-the-box-1234\n")
        add("Box", url, "--free", "--key-file", str(tmp_path / "key"))
        row = ProviderKey.objects.get()
        assert row.last_four == "1234" and "sk-of-the-box" not in row.secret
        assert catalog.current().models["box/qwen3-8b"].cheapest.requires_key
        assert "updated" in add("Box", url, "--free")  # with the saved key
        assert ProviderKey.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("OpenAI", "already has a provider or author"),
        ("open ai", None),
        ("Meta Llama", "already has a provider or author"),
        ("Together", "already has a provider or author"),
        ("OpenRouter", "already has a provider or author"),
        ("API", "is an address of this site"),
        ("settings", "is an address of this site"),
        ("Models", "is an address of this site"),
        ("???", "Choose a name with letters or digits"),
        ("x" * 51, "of at most 50 characters"),
    ],
)
def test_a_name_of_the_catalog_or_of_the_site_is_refused_even_before_the_catalog_is_loaded(name, complaint):
    with running(VLLM) as url:
        if complaint is None:
            add(name, url)
        else:
            assert complaint in refusal(name, url)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--tools",), "Give its prices in dollars per million tokens, or say that its models are free."),
        (("--prompt-price", "1"), "Give both prices"),
        (("--prompt-price", "1", "--completion-price", "0"), "Give both prices"),
        (("--prompt-price=-1", "--completion-price", "1"), "Give both prices"),
        (("--prompt-price", "1", "--completion-price", "1", "--free"), "Free models have no prices"),
        (("--prompt-price", "a lot", "--completion-price", "1"), "is not a price"),
        (("--prompt-price", "NaN", "--completion-price", "1"), "is not a price"),
        (("--prompt-price", "0.00000000000000001", "--completion-price", "1"), "too many digits"),
        (("--free", "--context", "0"), "The context length is a number of tokens"),
    ],
)
def test_terms_that_make_no_sense_are_refused(options, complaint):
    with running(VLLM) as url:
        assert complaint in refusal("Box", url, *options)
    assert not Provider.objects.exists()


def test_reading_again_adds_removes_and_brings_back_and_keeps_what_an_operator_has_edited():
    both = {("GET", "/v1/models"): {"data": [{"id": "a", "max_model_len": 1000}, {"id": "b", "max_model_len": 1000}]}}
    one = {("GET", "/v1/models"): {"data": [{"id": "a", "max_model_len": 2000}]}}
    with running(both) as url:
        add("Box", url)
    edited = Endpoint.objects.get(provider_model_id="a")
    edited.supported_parameters, edited.edited_fields = ["tools"], ["supported_parameters"]
    edited.save()
    with running(one) as url:
        assert add("box", url) == "Box: updated box/a; no longer served: box/b.\n"
        assert set(catalog.current().models) == {"box/a"}
        model = catalog.current().models["box/a"]
        assert model.context_length == 2000 and model.supported_parameters == {"tools"}
        assert model.cheapest.base_url == f"{url}/v1"
    with running(both) as url:
        add("Box", url)
        assert set(catalog.current().models) == {"box/a", "box/b"}
        assert Model.objects.count() == 2


def test_models_whose_names_differ_only_in_signs_get_ids_of_their_own():
    names = ["org/Model:7b", "other/model-7b", "MODEL 7B", "Model_7b:free"]
    with running({("GET", "/v1/models"): {"data": [{"id": name} for name in names]}}) as url:
        add("Box", url)
        before = dict(Endpoint.objects.values_list("provider_model_id", "model_id"))
        assert before == {
            "org/Model:7b": "box/model-7b",
            "other/model-7b": "box/other-model-7b",
            "MODEL 7B": "box/model-7b-2",
            "Model_7b:free": "box/model_7b-free",
        }
        add("Box", url)
        assert dict(Endpoint.objects.values_list("provider_model_id", "model_id")) == before


def test_loading_the_bundled_catalog_leaves_them_alone(tmp_path):
    with running(VLLM) as url:
        add("Box", url)
    before = list(Model.objects.values()), list(Endpoint.objects.values()), list(Provider.objects.values())
    load_bundled()
    load_bundled(force=True)
    mine = catalog.current().models["box/qwen3-8b"]
    assert mine.cheapest.provider == "box"

    facts = json.loads(FILE.read_bytes())  # a later file that uses the name
    facts["authors"]["box"] = "Box of Another"
    facts["providers"].append(
        facts["providers"][0] | {"slug": "box", "name": "Box of Another", "base_url": "https://x"}
    )
    facts["models"].append(facts["models"][0] | {"id": "box/qwen3-8b"})
    facts["endpoints"].append(facts["endpoints"][0] | {"model": "box/qwen3-8b", "provider": "box"})
    later = tmp_path / "catalogue.json"
    later.write_text(json.dumps(facts))
    load_bundled(later)
    rows = (
        list(Model.objects.filter(author="box").values()),
        list(Endpoint.objects.filter(provider="box").values()),
        list(Provider.objects.filter(slug="box").values()),
    )
    assert rows == before
    assert catalog.current().models["box/qwen3-8b"].author_name == "Box"


# --- In the admin -----------------------------------------------------------------------------------


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator@example.com", "correct horse battery"))
    return client


ADD_OWN = "/admin/models_catalog/provider/add-own/"


def test_the_admin_adds_a_server_and_reads_it_again(operator):
    with running(VLLM, key="sk-of-the-box-1234") as url:
        form = {"name": "Box", "url": url, "key": "sk-of-the-box-1234", "prompt_price": "1", "completion_price": "2"}
        page = operator.post(ADD_OWN, form, follow=True).content.decode()
        assert "Box: added box/qwen3-8b." in page and "sk-of-the-box" not in page
        assert catalog.current().models["box/qwen3-8b"].prices.completion == Decimal("0.000002")
        chosen = {"action": "read_models", "_selected_action": ["box"]}
        page = operator.post("/admin/models_catalog/provider/", chosen, follow=True).content.decode()
        assert "Box: updated box/qwen3-8b." in page
    page = operator.post("/admin/models_catalog/provider/", chosen, follow=True).content.decode()
    assert "Box: Couldn&#x27;t connect to" in page


def test_the_admin_explains_what_is_wrong_without_repeating_the_key(operator):
    with running(VLLM, key="sk-right") as url:
        page = operator.post(
            ADD_OWN, {"name": "Box", "url": url, "key": "sk-wrong-4321", "free": "on"}
        ).content.decode()
    assert "rejected the request (401)" in page and "sk-wrong-4321" not in page
    assert "Give its prices" in operator.post(ADD_OWN, {"name": "Box", "url": url}).content.decode()
    assert not Provider.objects.exists()


def test_a_free_model_of_ones_own_may_be_edited_and_stays_free(operator):
    with running(VLLM) as url:
        own_provider.add("Box", url, terms=own_provider.Terms(pricing=own_provider.FREE))
    endpoint = Endpoint.objects.get()
    endpoint.full_clean()
    endpoint.pricing = {"prompt": "0", "completion": "0.1"}
    with pytest.raises(Exception, match="prices above 0"):
        endpoint.full_clean()


def test_members_cannot_add_servers(alice_client):
    assert alice_client.post(ADD_OWN, {"name": "Box", "url": "http://127.0.0.1:1"}).status_code == 302
    assert not Provider.objects.exists()
