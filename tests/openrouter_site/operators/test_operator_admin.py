"""The way into the admin: the site's own sign-in, and a second factor used in the session."""

import re
from urllib.parse import urlencode

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import User
from tests.accounts.helpers import add_app, recovery_codes, sign_in, totp
from tests.conftest import PASSWORD, signed_in

pytestmark = pytest.mark.django_db(transaction=True)  # adding a factor acts after the commit

ADMIN, LIST = "/admin/", "/admin/billing/purchase/"
OPERATOR = "operator@example.com"


@pytest.fixture
def operator(settings) -> User:
    """An operator of a site that requires a second factor."""
    settings.ADMIN_REQUIRES_SECOND_FACTOR = True
    return User.objects.create_superuser(OPERATOR, PASSWORD)


def walk(client: Client, address: str) -> list[str]:
    """Return the paths that opening this address leads through."""
    response = client.get(address, follow=True)
    return [url for url, _ in response.redirect_chain]


def test_a_visitor_is_sent_to_the_sites_sign_in_and_back(client: Client, operator: User, settings):
    settings.ADMIN_REQUIRES_SECOND_FACTOR = False
    assert walk(client, LIST)[-1] == f"{reverse('account_login')}?next={LIST}"
    assert walk(client, "/admin/login/") == [f"{reverse('account_login')}?next={ADMIN}"]
    assert sign_in(client, OPERATOR, PASSWORD, next=LIST).url == LIST
    assert client.get(LIST).status_code == 200


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/", "/admin/login/?next=/admin/", "/admin/password_change/"])
def test_the_admin_takes_no_password_itself(client: Client, operator: User, path: str):
    response = client.post(path, {"username": OPERATOR, "password": PASSWORD}, follow=True)
    assert "_auth_user_id" not in client.session
    assert response.request["PATH_INFO"] == reverse("account_login")
    assert 'name="username"' not in response.content.decode()


def test_a_password_spray_at_an_operator_is_stopped_wherever_it_is_sent(client: Client, operator: User):
    for number in range(60):
        client.post("/admin/login/", {"username": OPERATOR, "password": f"guess {number}"})
        sign_in(client, OPERATOR, f"guess {number}", next=ADMIN)
    client.post("/admin/login/", {"username": OPERATOR, "password": PASSWORD})
    sign_in(client, OPERATOR, PASSWORD, next=ADMIN)
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_it_leads_to_no_other_site(operator: User, settings, target: str):
    settings.ADMIN_REQUIRES_SECOND_FACTOR = False
    assert signed_in(operator).get("/admin/login/", {"next": target}).url == ADMIN


@pytest.mark.parametrize("address", [ADMIN, LIST, "/admin/login/", "/admin/password_change/", "/admin/nothing/"])
def test_a_user_who_is_no_operator_gets_a_clear_refusal(alice_client: Client, address: str):
    response = alice_client.get(address, follow=True)
    assert response.status_code == 403
    assert "Only this site&#x27;s operators" in response.content.decode().replace("'", "&#x27;")
    assert len(response.redirect_chain) <= 1


def test_a_deactivated_operator_is_out(operator: User):
    client = signed_in(operator)
    operator.is_active = False
    operator.save()
    assert walk(client, ADMIN)[-1].startswith(reverse("account_login"))


# --- The second factor ----------------------------------------------------------------------------


def test_without_a_second_factor_an_operator_is_sent_to_set_one_up(operator: User):
    client = signed_in(operator)
    response = client.get(LIST, follow=True)
    assert response.redirect_chain[-1][0] == reverse("mfa_index")
    assert "only to operators with a second factor" in response.content.decode()
    assert client.get(ADMIN).status_code == 302


def set_up_app(client: Client) -> str:
    """Add an authenticator app on the pages and return its key."""
    activate = reverse("mfa_activate_totp")
    response = client.get(activate)
    assert response.url == f"{reverse('account_reauthenticate')}?{urlencode({'next': activate})}"
    page = client.post(response.url, {"password": PASSWORD, "next": activate}, follow=True).content.decode()
    [secret] = re.findall(r'id="totp-secret">([A-Z2-7]+)<', page)
    assert enter(client, activate, secret).url == reverse("mfa_view_recovery_codes")
    return secret


def enter(client: Client, path: str, secret: str):
    """Enter the app's code; once more if it changed in between."""
    response = client.post(path, {"code": totp(secret)})
    return response if response.status_code == 302 else client.post(path, {"code": totp(secret)})


def test_setting_up_an_app_shows_the_recovery_codes_and_opens_the_admin(operator: User):
    client = signed_in(operator)
    set_up_app(client)
    page = client.get(reverse("mfa_view_recovery_codes")).content.decode()
    codes = recovery_codes(operator)
    assert len(codes) == 10 and all(code in page for code in codes)
    assert f'href="{ADMIN}"' in page
    assert client.get(LIST).status_code == 200


def test_the_next_sign_in_asks_for_the_code_and_returns_to_the_admin(client: Client, operator: User):
    secret = add_app(operator)
    response = sign_in(client, OPERATOR, PASSWORD, next=LIST)
    assert response.url == reverse("mfa_authenticate")
    assert "_auth_user_id" not in client.session
    assert walk(client, ADMIN)[-1] == reverse("mfa_authenticate")
    assert enter(client, reverse("mfa_authenticate"), secret).url == LIST
    assert client.get(LIST).status_code == 200


def test_a_recovery_code_works_once(operator: User):
    add_app(operator)
    code = recovery_codes(operator)[0]
    for works in (True, False):
        client = Client()
        sign_in(client, OPERATOR, PASSWORD, next=ADMIN)
        response = client.post(reverse("mfa_authenticate"), {"code": code})
        assert (response.status_code == 302) == works
        assert (client.get(ADMIN).status_code == 200) == works


def test_a_session_that_did_not_use_it_has_to(operator: User):
    client = signed_in(operator)  # from before there was an app, or stolen
    add_app(operator)
    response = client.get(LIST, follow=True)
    confirm = f"{reverse('mfa_reauthenticate')}?next={LIST}"
    assert response.redirect_chain[-1][0] == confirm
    response = client.post(confirm, {"code": recovery_codes(operator)[0], "next": LIST})
    assert response.url == LIST
    assert client.get(LIST).status_code == 200


def test_confirming_with_the_password_is_not_enough(operator: User):
    client = signed_in(operator)
    add_app(operator)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": ADMIN})
    assert client.get(ADMIN).status_code == 302


def test_removing_it_closes_the_admin_to_open_sessions(operator: User):
    client = signed_in(operator)
    set_up_app(client)
    assert client.get(ADMIN).status_code == 200
    Authenticator.objects.filter(user=operator).delete()
    assert walk(client, ADMIN)[-1] == reverse("mfa_index")


def test_another_user_in_the_same_browser_does_not_inherit_it(client: Client, operator: User):
    secret = add_app(operator)
    sign_in(client, OPERATOR, PASSWORD)
    enter(client, reverse("mfa_authenticate"), secret)
    client.post(reverse("account_logout"))
    second = User.objects.create_superuser("second@example.com", PASSWORD)
    sign_in(client, second.email, PASSWORD)
    assert walk(client, ADMIN)[-1] == reverse("mfa_index")


def test_secrets_are_encrypted_in_the_database_and_absent_from_the_admin(operator: User):
    client = signed_in(operator)
    secret = set_up_app(client)
    rows = Authenticator.objects.filter(user=operator)
    assert len(rows) == 2
    for row in rows:
        stored = str(row.data)
        assert secret not in stored and not any(code in stored for code in recovery_codes(operator))
        page = client.get(f"/admin/mfa/authenticator/{row.pk}/change/").content.decode()
        assert "gAAAA" not in page and "seed" not in page and secret not in page


def test_an_operator_can_remove_what_a_user_has_lost(operator: User, alice: User):
    add_app(alice)
    client = signed_in(operator)
    set_up_app(client)
    row = Authenticator.objects.get(user=alice, type=Authenticator.Type.TOTP)
    client.post(f"/admin/mfa/authenticator/{row.pk}/delete/", {"post": "yes"})
    assert not Authenticator.objects.filter(pk=row.pk).exists()
    assert client.get("/admin/mfa/authenticator/add/").status_code == 403


def test_a_former_key_still_reads_them_and_an_unknown_one_says_the_remedy(operator: User, settings):
    secret, before = add_app(operator), settings.SECRET_KEY
    settings.SECRET_KEY = "another key"
    client = Client()
    sign_in(client, OPERATOR, PASSWORD, next=ADMIN)
    page = client.post(reverse("mfa_authenticate"), {"code": totp(secret)}).content.decode()
    assert "list the former key in ENCRYPTION_KEY" in page
    settings.ENCRYPTION_KEYS = [before]
    assert enter(client, reverse("mfa_authenticate"), secret).status_code == 302


def test_rotating_the_encryption_key_keeps_second_factors(operator: User, settings, capsys):
    secret, codes = add_app(operator), recovery_codes(operator)
    settings.ENCRYPTION_KEYS = ["a new encryption key of this site"]
    call_command("rotate_encryption")
    settings.SECRET_KEY = "another key"
    assert recovery_codes(operator) == codes
    client = Client()
    sign_in(client, OPERATOR, PASSWORD, next=ADMIN)
    assert enter(client, reverse("mfa_authenticate"), secret).url == ADMIN
    settings.ENCRYPTION_KEYS = ["one that never encrypted anything"]
    with pytest.raises(CommandError, match=f"second factors, which can't be read: {OPERATOR}"):
        call_command("rotate_encryption")


def test_a_user_who_is_no_operator_can_use_two_factor_authentication_too(alice: User, alice_client: Client):
    secret = set_up_app(alice_client)
    assert "administration" not in alice_client.get(reverse("mfa_view_recovery_codes")).content.decode()
    client = Client()
    assert sign_in(client, alice.email, PASSWORD).url == reverse("mfa_authenticate")
    enter(client, reverse("mfa_authenticate"), secret)
    assert client.session["_auth_user_id"] == str(alice.pk)


def test_development_asks_for_none(alice: User):
    alice.is_staff = alice.is_superuser = True
    alice.save()
    assert signed_in(alice).get(ADMIN).status_code == 200


def labels() -> set[str]:
    """The names of the apps, models, columns, fields and actions in the admin."""
    request = RequestFactory().get(ADMIN)
    request.user = User(is_superuser=True, is_active=True, is_staff=True)
    found = {str(admin.site.site_header)}
    for model, its_admin in admin.site._registry.items():
        found |= {str(model._meta.app_config.verbose_name), str(model._meta.verbose_name_plural)}
        names = {*its_admin.list_display, *its_admin.get_readonly_fields(request)}
        found |= {str(label_for_field(name, model, its_admin)) for name in names}
        actions = its_admin.get_actions(request) or {}
        found |= {str(action[2]) for action in actions.values() if action}
    return found


def test_the_admin_speaks_as_the_pages_do():
    """US English, and the words of the glossary."""
    found = labels()
    assert {"organization", "organizations"} <= found
    foreign = re.compile("organis|catalogue|cancelled|colour|favourite|e-mail", re.IGNORECASE)
    assert [each for each in found if foreign.search(each)] == []


def test_operators_sign_out_as_everyone_does(operator: User, settings):
    settings.ADMIN_REQUIRES_SECOND_FACTOR = False
    client = signed_in(operator)
    html = client.get(ADMIN).content.decode()
    assert f'action="{reverse("account_logout")}"' in html and "Sign out</button>" in html and "Log out" not in html
    assert client.post(reverse("admin:logout")).url == reverse("account_logout")
    client.post(reverse("account_logout"))
    assert client.get(ADMIN).status_code == 302
