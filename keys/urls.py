"""Routes of `keys`."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter
from django.views.generic import RedirectView

from . import views
from .oauth import views as oauth
from .provider_keys import views as provider_keys

app_name = "keys"


class KeyHashConverter(StringConverter):
    """The SHA-256 of a key in lowercase hexadecimal."""

    regex = "[0-9a-f]{64}"


register_converter(KeyHashConverter, "key_hash")

urlpatterns = [
    # /settings/keys
    path("settings/keys", views.keys, name="keys"),
    path("settings/keys/create", views.create_key, name="create-key"),
    # /settings/keys/<hash>
    path("settings/keys/<key_hash:key_hash>", views.key, name="key"),
    path("settings/keys/<key_hash:key_hash>/change", views.change_key, name="change-key"),
    path("settings/keys/<key_hash:key_hash>/switch", views.switch_key, name="switch-key"),
    path("settings/keys/<key_hash:key_hash>/rotate", views.rotate_key, name="rotate-key"),
    path("settings/keys/<key_hash:key_hash>/end-grace", views.end_grace, name="end-grace"),
    path("settings/keys/<key_hash:key_hash>/delete", views.delete_key, name="delete-key"),
    # /settings/management-keys
    path("settings/management-keys", views.management_keys, name="management-keys"),
    path("settings/management-keys/create", views.create_management_key, name="create-management-key"),
    # /settings/provider-keys
    path("settings/provider-keys", provider_keys.provider_keys, name="provider-keys"),
    path("settings/provider-keys/add", provider_keys.add_key, name="add-provider-key"),
    path("settings/provider-keys/<uuid:public_id>", provider_keys.key, name="provider-key"),
    path("settings/provider-keys/<uuid:public_id>/test", provider_keys.test_key, name="test-provider-key"),
    path("settings/provider-keys/<uuid:public_id>/switch", provider_keys.switch_key, name="switch-provider-key"),
    path("settings/provider-keys/<uuid:public_id>/move", provider_keys.move_key, name="move-provider-key"),
    path("settings/provider-keys/<uuid:public_id>/delete", provider_keys.delete_key, name="delete-provider-key"),
    path("settings/integrations", RedirectView.as_view(pattern_name="keys:provider-keys")),
    # Apps that people connect: /auth, /settings/connected-apps
    path("auth", oauth.authorize, name="authorize"),
    path("settings/connected-apps", oauth.connected_apps, name="connected-apps"),
    path("settings/connected-apps/disconnect", oauth.disconnect_app, name="disconnect-app"),
    # Short and former URLs. API clients link to /keys/<hash>.
    path("keys", RedirectView.as_view(pattern_name="keys:keys")),
    path("keys/<key_hash:key_hash>", RedirectView.as_view(pattern_name="keys:key")),
    path("settings/provisioning-keys", RedirectView.as_view(pattern_name="keys:management-keys")),
]
