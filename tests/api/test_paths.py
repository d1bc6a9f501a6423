"""Paths that clients ask for with a base URL which is nearly right."""

import pytest

from api.paths import collapsed


@pytest.mark.parametrize(
    ("path", "single"),
    [
        ("/api/v1//chat/completions", "/api/v1/chat/completions"),
        ("/api/v1/chat/completions/", "/api/v1/chat/completions"),
        ("//api//v1/models//", "/api/v1/models"),
        ("/api/", "/api"),
        ("/api/v1/models", "/api/v1/models"),
        ("/", "/"),
        ("/docs//", "/docs//"),
    ],
)
def test_slashes_too_many_are_left_out_of_the_apis_paths_only(path, single):
    scope = {"type": "http", "path": path, "raw_path": path.encode()}
    read = collapsed(scope)
    assert (read["path"], read["raw_path"]) == (single, single.encode())


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path", ["/v1", "/v1/chat/completions", "/v1/messages", "/chat/completions", "/api/v1/v1/messages"]
)
def test_another_base_url_is_a_404_in_json_that_names_the_right_ones(client, settings, method, path):
    settings.SITE_URL = "https://models.example"
    answer = client.generic(method, path, "{}", content_type="application/json")
    assert answer.status_code == 404
    message = answer.json()["error"]["message"]
    assert f"{method} {path}." in message
    assert "https://models.example/api/v1," in message and message.endswith("https://models.example/api.")
