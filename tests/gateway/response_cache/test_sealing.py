"""Only the API key that a response was stored for can find and read it."""

from gateway.response_cache.sealing import Sealing

ALICE = Sealing("sk-or-v1-" + "a" * 64)
SAME = Sealing("sk-or-v1-" + "a" * 64)
OTHER = Sealing("sk-or-v1-" + "b" * 64)


def test_the_same_key_finds_and_reads_what_it_has_stored():
    name = ALICE.name(b"chat", b"body")
    sealed = ALICE.seal(name, b"secret words")
    assert SAME.name(b"chat", b"body") == name
    assert SAME.open(name, sealed) == b"secret words"
    assert b"secret" not in sealed


def test_another_key_has_other_names_and_reads_nothing():
    name = ALICE.name(b"chat", b"body")
    assert OTHER.name(b"chat", b"body") != name
    assert OTHER.open(name, ALICE.seal(name, b"secret words")) is None


def test_parts_do_not_run_into_each_other():
    assert ALICE.name(b"ab", b"c") != ALICE.name(b"a", b"bc")
    assert ALICE.name(b"ab") != ALICE.name(b"ab", b"")


def test_what_is_damaged_or_was_stored_under_another_name_is_not_read():
    name = ALICE.name(b"chat")
    sealed = ALICE.seal(name, b"secret words")
    assert ALICE.open(ALICE.name(b"messages"), sealed) is None
    for damaged in (sealed[:-1], sealed[:11], b"", bytes([sealed[0] ^ 1]) + sealed[1:]):
        assert ALICE.open(name, damaged) is None


def test_the_same_content_is_never_sealed_alike():
    assert ALICE.seal("name", b"content") != ALICE.seal("name", b"content")
