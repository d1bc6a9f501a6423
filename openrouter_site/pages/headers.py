"""Security headers of pages that neither Django nor django-csp sets. The API sets its own: other sites may read it."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

__all__ = ["PageHeaders"]

#: What pages and anything in them may not use. A page that needs one of them allows it in its own header.
_UNUSED_FEATURES = (
    "accelerometer", "autoplay", "bluetooth", "browsing-topics", "camera", "display-capture", "geolocation",
    "gyroscope", "hid", "magnetometer", "microphone", "midi", "payment", "screen-wake-lock", "serial", "usb",
    "xr-spatial-tracking",
)  # fmt: skip


class PageHeaders(MiddlewareMixin):
    """Adds `Permissions-Policy` and `Cross-Origin-Resource-Policy` to everything but the API."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not request.path.startswith("/api/"):
            allowed = response.headers.get("Permissions-Policy", "")
            policy = [allowed] if allowed else []
            policy += [f"{feature}=()" for feature in _UNUSED_FEATURES if f"{feature}=" not in allowed]
            response.headers["Permissions-Policy"] = ", ".join(policy)
            response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response
