"""Queries whose SQL is made once give what Django's own give, each time with the value of the run."""

from datetime import UTC, datetime

import pytest
from django.db.models import Q

from accounts.models import Organisation, PrivacySettings
from common.storage.ready_queries import ReadyQuery, row_of
from keys.models import ApiKey

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys() -> list[ApiKey]:
    organisation = Organisation.objects.create(name="Acme")
    expires = datetime(2030, 2, 28, 12, tzinfo=UTC)
    return [
        ApiKey.objects.create(organisation=organisation, name="One", hash="1" * 64, label="1", disabled=True),
        ApiKey.objects.create(
            organisation=organisation, name="Zwö", hash="2" * 64, label="2", allowed_models=["a/b"], expires_at=expires,
            previous_hash="1" * 63 + "0", previous_hash_expires_at=expires,
        ),
    ]  # fmt: skip


def test_each_run_has_its_own_value(keys, django_assert_num_queries):
    names = ReadyQuery(lambda value: ApiKey.objects.filter(Q(hash=value) | Q(previous_hash=value)).values_list("name"))
    with django_assert_num_queries(4):
        found = [names.rows(value) for value in ("1" * 64, "2" * 64, "1" * 63 + "0", "')--")]
    assert found == [[["One"]], [["Zwö"]], [["Zwö"]], []]


def test_the_other_values_of_a_query_stay(keys):
    enabled = ReadyQuery(
        lambda value: ApiKey.objects.filter(organisation=value, disabled=False, name__contains="%s").values_list("pk")
    )
    organisation = keys[0].organisation_id
    assert enabled.rows(organisation) == []
    keys[1].name = "100%s"
    keys[1].save()
    assert enabled.rows(organisation) == [[keys[1].pk]]


def test_a_row_is_the_instance_that_django_reads(keys):
    fields = ("allowed_models", "expires_at", "disabled", "organisation", "id", "hash")  # in any order
    query = ReadyQuery(lambda value: ApiKey.objects.filter(pk=value).values_list(*fields))
    for key in keys:
        (values,) = query.rows(key.pk)
        read = row_of(ApiKey, fields, values)
        assert read == key and read.get_deferred_fields() >= {"name", "previous_hash"}
        assert [getattr(read, name) for name in fields] == [getattr(key, name) for name in fields]
        assert read.name == key.name  # read when it is asked for


def test_a_row_that_a_join_does_not_find_has_no_values(keys):
    query = ReadyQuery(lambda value: Organisation.objects.filter(pk=value).values_list("name", "privacy__log_keys"))
    organisation = keys[0].organisation
    assert query.rows(organisation.pk) == [["Acme", None]]
    PrivacySettings.objects.create(organisation=organisation, log_keys=["x"])
    assert query.rows(organisation.pk) == [["Acme", ["x"]]]
