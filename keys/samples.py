"""Ready-to-run code samples for a new key."""

from django.conf import settings

from .models import ApiKey

__all__ = ["for_key"]

_PYTHON = """\
from openai import OpenAI

client = OpenAI(
    base_url="{base}",
    api_key="{secret}",
)

completion = client.chat.completions.create(
    model="{model}",
    messages=[{{"role": "user", "content": "Hello!"}}],
)
print(completion.choices[0].message.content)"""

_CURL = """\
curl {base}/chat/completions \\
  -H "Authorization: Bearer {secret}" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello!"}}]}}'"""

_MANAGE = """\
curl {base}/keys \\
  -H "Authorization: Bearer {secret}" \\
  -H "Content-Type: application/json" \\
  -d '{{"name": "Customer 42", "limit": 10, "limit_reset": "monthly"}}'"""


def for_key(key: ApiKey, secret: str) -> list[dict[str, str]]:
    """Return samples, each with `title`, `language` and `code`, with `secret` filled in."""
    details = {"base": f"{settings.SITE_URL}/api/v1", "secret": secret, "model": settings.DEFAULT_MODEL}
    if key.is_management:
        return [{"title": "Create a key with curl", "language": "bash", "code": _MANAGE.format(**details)}]
    return [
        {"title": "Python, with the openai package", "language": "python", "code": _PYTHON.format(**details)},
        {"title": "curl", "language": "bash", "code": _CURL.format(**details)},
    ]
