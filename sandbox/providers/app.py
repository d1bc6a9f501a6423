"""The routes of the model providers."""

from msgspec.json import encode
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.providers.anthropic import Messages
from sandbox.providers.completions import Completions
from sandbox.providers.gemini import Generation
from sandbox.providers.openai import ChatCompletions, TextCompletions
from sandbox.providers.retrieval import CohereEmbeddings, GeminiEmbeddings, OpenAiEmbeddings, Rerank
from sandbox.providers.shared import Shared
from sandbox.providers.web_search import WebSearch

__all__ = ["make_app"]

_GEMINI = "/google-native/v1beta/models/{model:path}"


def make_app(shared: Shared) -> Starlette:
    """The ASGI application; it needs `WireProtocol` beneath it."""

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok", "speed": shared.speed, "recording": shared.recorder is not None})

    async def models(request: Request) -> Response:
        if request.headers.get("authorization", "").endswith("-invalid"):
            return JSONResponse({"error": {"message": "Incorrect API key provided.", "code": "invalid_api_key"}}, 401)
        return JSONResponse({"object": "list", "data": shared.catalog.listed(request.path_params["provider"])})

    async def recorded(request: Request) -> Response:
        """The requests of a session: GET lists them, DELETE removes them."""
        session = request.query_params.get("session", "")
        if shared.recorder is None:
            return JSONResponse({"detail": "Start the sandbox with --record."}, 404)
        if request.method == "DELETE":
            shared.recorder.clear(session)
            return Response(status_code=204)
        return Response(encode(shared.recorder.of(session)), media_type="application/json")

    async def gate(request: Request) -> Response:
        """The state of a gate; POST to .../open or .../close changes it first."""
        name = request.path_params["name"]
        if request.method == "POST":
            change = shared.gates.open if request.url.path.endswith("/open") else shared.gates.close
            change(name)
        return JSONResponse(shared.gates.state(name))

    sizes = shared.dimensions
    return Starlette(
        routes=[
            Route("/{provider}/v1/chat/completions", Completions(shared, ChatCompletions()), methods=["POST"]),
            Route("/{provider}/v1/completions", Completions(shared, TextCompletions()), methods=["POST"]),
            Route("/anthropic-native/v1/messages", Completions(shared, Messages()), methods=["POST"]),
            Route(f"{_GEMINI}:generateContent", Completions(shared, Generation(stream=False)), methods=["POST"]),
            Route(f"{_GEMINI}:streamGenerateContent", Completions(shared, Generation(stream=True)), methods=["POST"]),
            Route("/{provider}/v1/embeddings", Completions(shared, OpenAiEmbeddings(sizes)), methods=["POST"]),
            Route("/{provider}/v1/rerank", Completions(shared, Rerank()), methods=["POST"]),
            Route("/{provider}/v2/embed", Completions(shared, CohereEmbeddings(sizes)), methods=["POST"]),
            Route("/{provider}/v2/rerank", Completions(shared, Rerank()), methods=["POST"]),
            Route(f"{_GEMINI}:batchEmbedContents", Completions(shared, GeminiEmbeddings(sizes)), methods=["POST"]),
            Route("/{provider}/v1/models", models),
            Route("/exa/search", WebSearch(shared), methods=["POST"]),
            Route("/health", health),
            Route("/_test/gates/{name}", gate),
            Route("/_test/gates/{name}/open", gate, methods=["POST"]),
            Route("/_test/gates/{name}/close", gate, methods=["POST"]),
            Route("/_test/requests", recorded, methods=["GET", "DELETE"]),
        ]
    )
