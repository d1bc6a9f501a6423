"""Every request is sent once it has ended: none is lost by an outage, a slow request or a crash."""

import json
from datetime import timedelta

import pytest
from django.db import connection

from accounts.models import PrivacySettings
from billing import spending
from billing.models import Notice
from broadcast import tasks
from broadcast.delivery import delivering, feed
from broadcast.destinations import saving
from broadcast.models import Delivery, Destination, LateRequest
from common.clock import utc_now
from gateway.content import stored
from gateway.content.recording import Content
from gateway.models import Generation, Hold, StoredContent
from keys import issuing
from openrouter_site import settings as site_settings
from tests.activity.factory import make_request, make_requests, make_running
from tests.broadcast.conftest import attributes, deliver

WORD = "zebrafinch"


def made(account, clock, **fields) -> Generation:
    """A request of this moment, which is old enough to be sent a minute later."""
    return make_request(account, utc_now(), **fields)


def settle(hold: Hold) -> Generation:
    """End a running request."""
    generation = hold.generation(Generation.State.SETTLED)
    generation.settled_at = utc_now()
    generation.save(force_insert=True)
    Hold.objects.filter(pk=hold.pk).delete()
    return generation


def test_requests_are_sent_once_in_their_order(collector, account, receiver, clock):
    first, second = made(account, clock), made(account, clock)
    clock.advance(minutes=1)
    deliver(collector)
    assert receiver.ids == sorted([first.pk, second.pk])
    for _ in range(2):
        clock.advance(minutes=1)
        deliver(collector)
    assert len(receiver.requests) == 1
    third = made(account, clock)
    clock.advance(minutes=1)
    assert deliver(collector).sent == 3
    assert receiver.ids[2:] == [third.pk]


def test_what_was_before_a_destination_or_belongs_to_others_is_not_sent(collector, account, receiver, clock, charlie):
    make_request(account, utc_now() - timedelta(seconds=1))
    make_request(spending.account_of(charlie.personal_organisation), utc_now())
    clock.advance(minutes=1)
    deliver(collector)
    assert receiver.requests == []


def test_a_running_request_is_sent_when_it_has_ended_and_keeps_no_other_waiting(collector, account, receiver, clock):
    running = make_running(account, created_at=utc_now())
    other = made(account, clock)
    clock.advance(minutes=1)
    deliver(collector)
    assert receiver.ids == [other.pk] and LateRequest.objects.get().generation_id == running.pk
    clock.advance(minutes=30)
    deliver(collector)
    settle(running)
    clock.advance(minutes=1)
    deliver(collector)
    assert receiver.ids == [other.pk, running.pk] and not LateRequest.objects.exists()


def test_a_request_that_was_released_is_sent_if_it_is_settled_after_all(collector, account, receiver, clock):
    request = made(account, clock, state="released")
    clock.advance(minutes=1)
    deliver(collector)
    assert receiver.requests == []
    Generation.objects.filter(pk=request.pk).update(state="settled")
    clock.advance(minutes=1)
    deliver(collector)
    assert receiver.ids == [request.pk]


def test_pages_end_at_a_request_and_go_on_behind_it(collector, account, receiver, clock, monkeypatch):
    monkeypatch.setattr(feed, "PAGE", 3)
    now = utc_now()
    requests = make_requests(account, [{"created_at": now + timedelta(microseconds=n // 2)} for n in range(10)])
    make_running(account, created_at=now)
    clock.advance(minutes=1)
    deliver(collector)
    ordered = sorted(requests, key=lambda each: (each.created_at, each.pk))
    assert receiver.ids == [each.pk for each in ordered]
    assert [len(each.spans) for each in receiver.requests] == [3, 3, 3, 1]
    assert LateRequest.objects.count() == 1


def test_a_batch_has_a_size(collector, account, receiver, clock, monkeypatch):
    monkeypatch.setattr(feed, "MAX_BYTES", 2500)
    make_requests(account, [{"created_at": utc_now()} for _ in range(5)])
    clock.advance(minutes=1)
    deliver(collector)
    assert len(set(receiver.ids)) == len(receiver.ids) == 5
    assert len(receiver.requests) > 2 and all(len(each.body) < 3000 for each in receiver.requests)


def test_an_outage_is_tried_again_later_and_later_and_loses_nothing(collector, account, receiver, clock):
    request = made(account, clock)
    receiver.status = 503
    clock.advance(minutes=1)
    for delay in delivering.RETRY_DELAYS[:4]:
        before = utc_now()
        assert deliver(collector).due_at == before + delay
        deliver(collector)  # not due
        clock.advance(seconds=delay.total_seconds())
    assert len(receiver.requests) == 4 and len({each.body for each in receiver.requests}) == 1
    assert Delivery.objects.first().error == "The server returned status 503 Service Unavailable."
    receiver.status = 200
    late = made(account, clock)
    deliver(collector)
    clock.advance(minutes=1)
    assert deliver(collector).failures == 0
    assert receiver.ids[4:] == [request.pk, late.pk]


def test_one_that_keeps_failing_is_paused_its_admins_told_and_resumed(collector, account, receiver, clock, alice):
    request = made(account, clock)
    receiver.status = 401
    clock.advance(minutes=1)
    for delay in delivering.RETRY_DELAYS:
        deliver(collector)
        clock.advance(seconds=delay.total_seconds())
    assert collector.paused_at is None and not Notice.objects.exists()
    assert deliver(collector).paused_at == utc_now()
    notice = Notice.objects.get()
    assert notice.user == alice and notice.subject == "Broadcast to Collector is paused"
    assert "Events of the last 24 hours are kept." in notice.body
    assert "status 401" in notice.body and f"/settings/observability/{collector.public_id}" in notice.body
    tries = len(receiver.requests)
    clock.advance(hours=2)
    deliver(collector)
    assert len(receiver.requests) == tries
    receiver.status = 200
    saving.resume(collector)
    assert deliver(collector).sent == 1
    assert receiver.ids[-1] == request.pk


def test_what_is_too_old_is_dropped_and_counted_by_the_rules_of_the_destination(
    collector, account, receiver, clock, monkeypatch, organisation, alice
):
    monkeypatch.setattr(feed, "DROPPED_AT_ONCE", 2)
    key, _ = issuing.create(organisation, alice, "App")
    saving.change(collector, key_ids=[key.pk])
    make_requests(account, [{"created_at": utc_now(), "key": key if n < 3 else None} for n in range(5)])
    slow = make_running(account, created_at=utc_now(), key=key)
    receiver.status = 500
    clock.advance(minutes=1)
    deliver(collector)
    settle(slow)
    clock.advance(hours=23, minutes=30)
    recent = made(account, clock, key=key)
    clock.advance(minutes=45)
    receiver.status = 200
    deliver(collector)
    assert (collector.dropped, collector.sent) == (4, 1)
    assert receiver.ids[3:] == [recent.pk]
    assert not LateRequest.objects.exists()


def test_a_worker_that_died_leaves_its_batch_to_another(collector, account, receiver, clock, monkeypatch):
    request = made(account, clock)
    clock.advance(minutes=1)

    class Died(BaseException):
        pass

    def die(*_, **__):
        raise Died

    with monkeypatch.context() as patched, pytest.raises(Died):
        patched.setattr(delivering, "_advance", die)
        deliver(collector)
    deliver(collector)  # still claimed
    assert receiver.ids == [request.pk]
    clock.advance(minutes=5)
    deliver(collector)
    assert receiver.ids == [request.pk, request.pk]
    first, again = (span for each in receiver.requests for span in each.spans)
    assert first == again  # the same trace and span


def test_a_worker_whose_claim_has_ended_changes_nothing(collector, account, receiver, clock, monkeypatch):
    made(account, clock)
    clock.advance(minutes=1)
    send = delivering.send

    def slowly(request):
        Destination.objects.update(due_at=utc_now() + timedelta(hours=1))
        return send(request)

    monkeypatch.setattr(delivering, "send", slowly)
    position = collector.cursor_at
    assert deliver(collector).cursor_at == position and collector.sent == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no pool")
def test_while_a_server_is_slow_no_connection_of_the_pool_is_kept(collector, account, receiver, clock, monkeypatch):
    made(account, clock)
    clock.advance(minutes=1)
    kept, send = [], delivering.send

    def slowly(request):
        kept.append(connection.connection is not None)
        return send(request)

    monkeypatch.setattr(delivering, "send", slowly)
    assert deliver(collector).sent == 1
    delivering.test(collector)
    assert kept == [False, False]


def test_a_disabled_one_gets_nothing_and_starts_anew_when_it_is_enabled(collector, account, receiver, clock):
    saving.change(collector, enabled=False)
    made(account, clock)
    clock.advance(minutes=1)
    deliver(collector)
    assert tasks.delivering.due() == []
    saving.change(collector, enabled=True)
    request = made(account, clock)
    clock.advance(minutes=1)
    deliver(collector)
    assert receiver.ids == [request.pk]


def test_sampling_is_by_session_or_by_request_and_always_the_same(collector, account, receiver, clock):
    assert all(collector.wants(f"gen-{n}", "", None) for n in range(50))
    collector.sample = 2_500
    sampled = [n for n in range(4000) if collector.wants(f"gen-{n}", "", None)]
    assert 850 < len(sampled) < 1150
    assert sampled == [n for n in range(4000) if collector.wants(f"gen-{n}", "", 7)]
    for session in "abcdefgh":
        assert len({collector.wants(f"gen-{n}", session, None) for n in range(20)}) == 1
    assert len({collector.wants("gen-1", session, None) for session in "abcdefgh"}) == 2


def test_a_choice_of_keys_leaves_out_others_and_the_chat(collector, account, receiver, clock, organisation, alice):
    key, _ = issuing.create(organisation, alice, "App")
    other, _ = issuing.create(organisation, alice, "Other")
    saving.change(collector, key_ids=[key.pk])
    wanted = made(account, clock, key=key)
    made(account, clock, key=other)
    made(account, clock, source="chat")
    clock.advance(minutes=1)
    deliver(collector)
    assert receiver.ids == [wanted.pk]


@pytest.mark.parametrize(("logging", "private"), [(True, False), (True, True), (False, False)])
def test_prompts_need_consent_and_no_privacy_mode(collector, account, receiver, clock, logging, private):
    set_logging(collector, logging)
    saving.change(collector, privacy_mode=private, with_cost=True, with_identity=True, with_context=True)
    request = made(account, clock)
    question = [{"type": "text", "text": WORD}, {"type": "image_url", "image_url": {}}]
    answer = {"role": "assistant", "content": f"{WORD}s", "reasoning": "Hm"}
    keep(request, Content(id=request.pk, messages=[{"role": "user", "content": question}], responses=[answer]))
    clock.advance(minutes=1)
    deliver(collector)
    (received,) = receiver.requests
    assert (WORD in received.body.decode()) is (logging and not private)
    if logging and not private:
        found = attributes(received.spans[0])
        parts = [{"type": "text", "content": WORD}]
        assert json.loads(found["gen_ai.input.messages"]) == [{"role": "user", "parts": parts}]
        assert {"type": "reasoning", "content": "Hm"} in json.loads(found["gen_ai.output.messages"])[0]["parts"]


def set_logging(collector, is_on: bool) -> None:
    PrivacySettings.objects.update_or_create(organisation=collector.organisation, defaults={"log_for_discount": is_on})


def keep(request: Generation, content: Content) -> None:
    StoredContent.objects.create(
        generation=request, account=request.account, created_at=request.created_at, sealed=stored.sealed(content)
    )


def test_a_request_that_just_ended_waits_until_its_prompt_is_stored(collector, account, receiver, clock):
    set_logging(collector, True)
    start = utc_now()
    clock.advance(seconds=59)
    request = make_request(account, start, settled_at=utc_now())
    clock.advance(seconds=1)
    deliver(collector)
    assert receiver.requests == [] and LateRequest.objects.count() == 1
    keep(request, Content(id=request.pk, prompt=WORD))
    clock.advance(seconds=30)
    deliver(collector)
    assert receiver.ids == [request.pk] and WORD in receiver.requests[0].body.decode()


def test_the_newest_deliveries_are_kept(collector, account, receiver, clock, monkeypatch):
    monkeypatch.setattr(delivering, "KEPT_DELIVERIES", 2)
    for _ in range(4):
        made(account, clock)
        clock.advance(minutes=1)
        deliver(collector)
    assert Delivery.objects.count() == 2 and len(receiver.requests) == 4


def test_the_clock_wakes_what_is_due(collector, clock, monkeypatch):
    woken = []
    monkeypatch.setattr(tasks.deliver, "apply_async", lambda arguments, expires: woken.append(arguments))
    scheduled = {entry["task"] for entry in site_settings.CELERY_BEAT_SCHEDULE.values()}
    assert tasks.deliver_due.name in scheduled
    tasks.deliver_due()
    assert woken == [(collector.pk,)]
    deliver(collector)
    tasks.deliver_due()
    assert len(woken) == 1
