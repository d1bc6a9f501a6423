"""JSON shapes of generations and feedback on them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import StringConstraints

from gateway.models import Feedback

__all__ = ["FeedbackReceived", "Generation", "GenerationContent", "NewFeedback"]


class GenerationData(Schema):
    """One finished request. `latency` is the time to first token, `generation_time` the time to the last.

    `logging_discount` was taken off the price, because the prompt and the response are stored.
    """

    id: str
    request_id: str | None
    upstream_id: str | None
    model: str
    provider_name: str | None
    router: str | None
    api_type: str | None
    created_at: datetime
    streamed: bool | None
    cancelled: bool | None
    finish_reason: str | None
    native_finish_reason: str | None
    latency: int | None
    generation_time: int | None
    moderation_latency: int | None
    tokens_prompt: int | None
    tokens_completion: int | None
    native_tokens_prompt: int | None
    native_tokens_completion: int | None
    native_tokens_reasoning: int | None
    native_tokens_cached: int | None
    native_tokens_completion_images: int | None
    num_media_prompt: int | None
    num_media_completion: int | None
    num_input_audio_prompt: int | None
    num_search_results: int | None
    num_fetches: int | None
    total_cost: float
    usage: float
    cache_discount: float | None
    upstream_inference_cost: float | None
    logging_discount: float
    is_byok: bool
    app_id: int | None
    origin: str
    http_referer: str | None
    user_agent: str | None
    external_user: str | None
    session_id: str | None
    preset_id: str | None
    service_tier: str | None
    web_search_engine: str | None
    response_cache_source_id: str | None
    data_region: str
    workspace_id: str | None
    provider_responses: list[dict[str, Any]] | None


class Generation(Schema):
    data: GenerationData


class StoredInput(Schema):
    """`prompt` of a text completion, or else the `messages`."""

    prompt: str | None = None
    messages: list[dict[str, Any]] | None = None


class StoredOutput(Schema):
    """The response. `messages` has all of it where there is more than text: tool calls, images, several choices."""

    completion: str | None
    reasoning: str | None
    messages: list[dict[str, Any]] | None = None


class StoredError(Schema):
    """The error of a request that failed, and those of the providers tried before."""

    message: str | None
    status: int | None
    provider_name: str | None
    raw: str | None
    previous_errors: list[dict[str, Any]]


class GenerationContentData(Schema):
    input: StoredInput
    output: StoredOutput
    error: StoredError | None


class GenerationContent(Schema):
    data: GenerationContentData


class NewFeedback(Schema):
    """Feedback on one request. The comment is stored as it is written."""

    generation_id: Annotated[str, StringConstraints(min_length=1)]
    category: Feedback.Category
    # PostgreSQL stores no NUL.
    comment: Annotated[str, StringConstraints(max_length=Feedback.COMMENT_LENGTH, pattern=r"^[^\x00]*$")] | None = None


class FeedbackReceivedData(Schema):
    success: Literal[True]


class FeedbackReceived(Schema):
    data: FeedbackReceivedData
