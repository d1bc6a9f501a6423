"""DATABASE_URL and DATABASE_POOL_SIZE become Django's settings of the database."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from openrouter_site import env

URL = "postgres://gateway:secret@db.example.com:5433/gateway"


def test_connections_are_bounded_by_a_pool_and_never_outlive_their_use():
    settings = env.database(URL, 10)
    assert settings["CONN_MAX_AGE"] == 0
    assert (settings["OPTIONS"]["pool"]["min_size"], settings["OPTIONS"]["pool"]["max_size"]) == (0, 10)


def test_options_of_the_address_win_over_ours():
    options = env.database(f"{URL}?connect_timeout=9&sslmode=require", 10)["OPTIONS"]
    assert (options["connect_timeout"], options["sslmode"]) == ("9", "require")
    assert options["tcp_user_timeout"] == "30000"


def test_zero_means_no_pool():
    assert env.database(URL, 0)["OPTIONS"]["pool"] is None


@pytest.mark.parametrize("size", [1, -1])
def test_a_pool_that_settlement_would_use_up_is_refused(size: int):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_POOL_SIZE must be 0"):
        env.database(URL, size)
