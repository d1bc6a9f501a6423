"""The texts of a list's rows."""

import pytest

from activity.templatetags.requests import cells, outcome
from gateway.models import Generation
from tests.activity.factory import make_request

OPEN, SETTLED, RELEASED = Generation.State.OPEN, Generation.State.SETTLED, Generation.State.RELEASED


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"state": OPEN, "finish_reason": "stop"}, ("accent", "Running")),
        ({"state": RELEASED, "error_status": 502}, ("warn", "Interrupted")),
        ({"error_status": 429, "cancelled": True}, ("bad", "Error 429")),
        ({"cancelled": True, "finish_reason": "stop"}, ("", "Stopped")),
        ({"finish_reason": "stop"}, ("", "stop")),
        ({"finish_reason": "tool_calls"}, ("", "tool_calls")),
        ({"finish_reason": "length"}, ("warn", "length")),
        ({}, ("", "no response")),
    ],
)
def test_a_chip_tells_how_a_request_ended(values, expected):
    assert outcome(Generation(**{"state": SETTLED, **values})) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"source": "chat", "app_title": "Title", "app": "https://a.example"}, ("", "Chat")),
        ({"source": "api", "app_title": "Title", "app": "https://a.example"}, ("Title", "")),
        ({"source": "api", "app": "https://www.a.example/x/"}, ("", "a.example/x")),
        ({"source": "api"}, ("", "")),
    ],
)
def test_a_row_names_the_app_by_its_title_or_address(account, values, expected):
    (row,) = cells([make_request(account, **values)])
    assert (row.title, row.app) == expected
