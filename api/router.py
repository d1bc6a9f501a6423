"""The JSON API of `/api/v1` apart from inference; each app adds its router."""

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from common.errors import ApiError, InvalidRequest
from keys import authentication

from .activity import router as activity_router
from .allowed_models import router as allowed_models_router
from .credits import router as billing_router
from .keys import router as keys_router
from .models import router as models_router

api = NinjaAPI(title="API", version="1", docs_url=None, urls_namespace="api")


def by_key(request: HttpRequest) -> authentication.KeyIdentity:
    """Whose key the request carries, of either kind; it becomes `request.auth`. NotAuthenticated without one."""
    return authentication.authenticate_sync(request.headers.get("Authorization"), request.headers.get("X-Api-Key"))


api.add_router("", models_router)
api.add_router("", billing_router, auth=by_key)
api.add_router("", keys_router, auth=by_key)
api.add_router("", activity_router, auth=by_key)
api.add_router("", allowed_models_router, auth=by_key)


@api.exception_handler(ApiError)
def on_api_error(request: HttpRequest, error: ApiError) -> HttpResponse:
    """Every refusal has the same envelope as on the inference path."""
    response = api.create_response(request, error.envelope(), status=error.status)
    for name, value in error.headers.items():
        response[name] = value
    return response


@api.exception_handler(ValidationError)
def on_invalid_parameters(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """A parameter or field that does not fit, named in the usual envelope."""
    problems = (f"{'.'.join(str(part) for part in each['loc'][1:])}: {each['msg']}" for each in error.errors)
    return on_api_error(request, InvalidRequest(f"Invalid request parameters. {'; '.join(problems)}"))


@api.exception_handler(HttpError)
def on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """A body that is no JSON, in the usual envelope."""
    return on_api_error(request, InvalidRequest(str(error)))
