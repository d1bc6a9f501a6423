"""`/api/v1/providers`: the providers of the catalog."""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from api.public import public, publish_data
from models_catalog.publishing.listing import provider_json

from . import schemas as shapes

router = Router(tags=["providers"])


@public(router, "/providers", response=shapes.Providers, operation_id="listProviders", summary="List providers")
def list_providers(request: HttpRequest) -> HttpResponse:
    """Return every provider that serves a model here, by name."""
    return publish_data(
        request, "providers", lambda catalogue: [provider_json(each) for each in catalogue.offering_providers.values()]
    )
