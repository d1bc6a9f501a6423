"""The page without JavaScript, and the answers that its script replaces."""

import html
import json
import re

from django.test import Client

PATH = "/request-builder"


def test_first(client: Client, bundled):
    page = client.get(PATH)
    assert page.status_code == 200, page.content.decode()
    open("/tmp/page.html", "wb").write(page.content)
