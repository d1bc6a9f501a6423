"""Each sandbox is one process, however many web processes the site has."""

import os
from pathlib import Path

import pytest

from tests.support.processes import coinbase_sandbox, provider_sandbox, responds, stripe_sandbox


@pytest.mark.parametrize("sandbox", [provider_sandbox, stripe_sandbox, coinbase_sandbox])
@pytest.mark.parametrize("given", ["2", "none"])
def test_the_sites_number_of_web_processes_is_not_the_sandboxes(tmp_path: Path, monkeypatch, sandbox, given):
    monkeypatch.setitem(os.environ, "WEB_CONCURRENCY", given)
    with sandbox(tmp_path) as url:
        assert responds(url)
