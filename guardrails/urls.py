"""Routes of `guardrails`."""

app_name = "guardrails"

urlpatterns: list[object] = []
