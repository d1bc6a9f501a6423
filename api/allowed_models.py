"""`/api/v1/models/user`: the models that a key's owner can use, by the privacy settings as they are.

It is here because only the gateway knows what the settings leave of a model.
"""

from asgiref.sync import async_to_sync
from django.http import HttpResponse
from ninja import Router

from gateway import completions
from keys.authentication import KeyIdentity

from .models import models_for
from .responses import KeyRequest, answer

router = Router(tags=["models"])


@router.get("/models/user", summary="List the models that your settings allow")
def list_allowed_models(request: KeyRequest) -> HttpResponse:
    """What `/models` lists, with the same parameters, without models that no endpoint may serve to you."""
    return answer(models_for(request, async_to_sync(_unavailable)(request.auth)))


async def _unavailable(identity: KeyIdentity) -> frozenset[str]:
    return frozenset(await completions.unavailable_models(await completions.key_caller(identity)))
