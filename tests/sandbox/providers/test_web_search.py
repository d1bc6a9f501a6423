"""The web that does not exist, searched in Exa's protocol."""

import httpx
import pytest

from tests.sandbox.provider import fault


def find(providers, query="tell me about tea", headers=None, **fields) -> httpx.Response:
    body = {"query": query, "contents": {"highlights": {"maxCharacters": 2000}}, **fields}
    return providers.client.post(
        "/exa/search", json=body, headers=providers.headers({"x-api-key": "any", **(headers or {})})
    )


def pages(providers, *words, **fields) -> list[dict]:
    response = find(providers, *words, **fields)
    assert response.status_code == 200, response.text
    return response.json()["results"]


def test_pages_are_found_about_anything_always_the_same_and_marked(providers):
    found = pages(providers, "tell me about the tides of Europa", numResults=4)
    assert found == pages(providers, "tell me about the tides of Europa", numResults=4)
    assert len({page["url"] for page in found}) == 4
    for page in found:
        assert "ides of Europa" in page["title"] and page["title"].endswith("(simulated)")
        assert page["highlights"][0].startswith("This page is simulated. ")
        assert page["publishedDate"][:2] == "20"
        assert httpx.URL(page["url"]).host.split(".")[-2] == "example"
        assert "text" not in page
    assert found != pages(providers, "tell me about coffee", numResults=4)


@pytest.mark.parametrize("query", ["", "?", "😀", "说说茶", "a/b/../c?d#e", "x" * 5000])
def test_any_query_has_readable_addresses(providers, query):
    for page in pages(providers, query):
        assert httpx.URL(page["url"]).path.startswith("/")
        assert " " not in page["url"] and len(page["url"]) < 300


def test_a_search_has_ten_results_by_default_and_35_at_most(providers):
    assert len(pages(providers)) == 10
    assert len(pages(providers, numResults=100)) == 35
    response = find(providers, numResults=12).json()
    assert response["costDollars"] == {"total": 0.009}
    assert response["resolvedSearchType"] == "neural"


def test_contents_are_those_requested(providers):
    assert "highlights" not in pages(providers, contents={})[0]
    page = pages(providers, contents={"text": True, "highlights": {"maxCharacters": 30}})[0]
    assert page["text"].startswith("This page is simulated.")
    assert [len(excerpt) for excerpt in page["highlights"]] == [30]


@pytest.mark.parametrize(
    ("fields", "hosts"),
    [
        ({"includeDomains": ["www.example.com"]}, {"www.example.com"}),
        ({"includeDomains": ["example.com"]}, {"www.example.com", "news.example.com"}),
        ({"includeDomains": ["*.example.com"], "excludeDomains": ["news.example.com"]}, {"www.example.com"}),
        ({"includeDomains": ["arxiv.org"]}, set()),
    ],
)
def test_domains_are_let_in_and_kept_out(providers, fields, hosts):
    assert {httpx.URL(page["url"]).host for page in pages(providers, numResults=35, **fields)} == hosts


def test_a_path_narrows_a_domain(providers):
    (page,) = pages(providers, numResults=35, includeDomains=["www.example.com/guides"])
    assert page["url"].startswith("https://www.example.com/guides/")


@pytest.mark.parametrize(
    ("headers", "status", "tag"),
    [
        ({"x-api-key": ""}, 401, "INVALID_API_KEY"),
        ({"x-api-key": "key-invalid"}, 401, "INVALID_API_KEY"),
        (fault("exa=402"), 402, "NO_MORE_CREDITS"),
        (fault("exa=429"), 429, "RATE_LIMIT_EXCEEDED"),
        (fault("exa=explode"), 400, "INVALID_REQUEST_BODY"),
    ],
)
def test_refusals_have_exas_shape(providers, headers, status, tag):
    response = find(providers, headers=headers)
    assert response.status_code == status
    assert set(response.json()) == {"requestId", "error", "tag"}
    assert response.json()["tag"] == tag


def test_a_request_that_makes_no_sense_is_refused(providers):
    assert find(providers, numResults="many").status_code == 400


def test_faults_for_others_do_no_harm_and_a_reset_breaks_the_connection(providers):
    assert pages(providers, headers=fault("openai=500"))
    with pytest.raises(httpx.TransportError):
        find(providers, headers=fault("exa=reset"))


def test_searches_are_recorded(providers):
    find(providers, "the tides")
    (record,) = providers.client.get("/_test/requests", params={"session": providers.session}).json()
    assert (record["provider"], record["status"], record["finished"]) == ("exa", 200, True)
    assert record["body"]["query"] == "the tides"


def test_the_writer_links_to_its_sources_on_request(providers):
    cited = "Cite them.\n\n[1] Tea\nURL: https://tea.example.com/leaf\nTea."
    system = {"role": "system", "content": cited}
    question = {"role": "user", "content": "Tell me about tea"}
    assert "Sources: [tea.example.com](https://tea.example.com/leaf)." in providers.say([system, question])
    system["content"] = cited.removeprefix("Cite them.")
    assert "Sources:" not in providers.say([system, question])
