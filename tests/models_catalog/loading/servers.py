"""Servers of models that answer as Ollama, vLLM, LM Studio and llama.cpp do, on a free port of this machine."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["LLAMA_CPP", "LM_STUDIO", "OLLAMA", "VLLM", "running"]

#: (Method, path), or with the model that is asked about, -> the body of the answer.
Answers = dict[tuple[str, ...], Any]

VLLM: Answers = {
    ("GET", "/v1/models"): {
        "object": "list",
        "data": [
            {
                "id": "Qwen/Qwen3-8B", "object": "model", "created": 1_750_000_000, "owned_by": "vllm",
                "root": "Qwen/Qwen3-8B", "parent": None, "max_model_len": 40960, "permission": [],
            }
        ],
    }
}  # fmt: skip

OLLAMA: Answers = {
    ("GET", "/v1/models"): {
        "object": "list",
        "data": [
            {"id": "llama3.2:3b", "object": "model", "created": 1_740_000_000, "owned_by": "library"},
            {"id": "nomic-embed-text:latest", "object": "model", "created": 1_740_000_001, "owned_by": "library"},
            {"id": "gemma3:4b", "object": "model", "created": 1_740_000_002, "owned_by": "library"},
        ],
    },
    ("GET", "/api/version"): {"version": "0.9.0"},
    ("POST", "/api/show", "llama3.2:3b"): {
        "details": {"family": "llama", "quantization_level": "Q4_K_M"},
        "model_info": {"general.architecture": "llama", "llama.context_length": 131072},
        "capabilities": ["completion", "tools"],
    },
    ("POST", "/api/show", "nomic-embed-text:latest"): {
        "details": {"quantization_level": "F16"},
        "model_info": {"nomic-bert.context_length": 2048},
        "capabilities": ["embedding"],
    },
    ("POST", "/api/show", "gemma3:4b"): {
        "details": {"quantization_level": "Q4_K_M"},
        "model_info": {"gemma3.context_length": 131072},
        "capabilities": ["completion", "vision"],
    },
}

LM_STUDIO: Answers = {
    ("GET", "/v1/models"): {"data": [{"id": "qwen2-vl-7b-instruct"}, {"id": "text-embedding-nomic"}]},
    ("GET", "/api/v0/models"): {
        "data": [
            {
                "id": "qwen2-vl-7b-instruct", "type": "vlm", "quantization": "4bit", "max_context_length": 32768,
                "loaded_context_length": 4096, "capabilities": ["tool_use"],
            },
            {"id": "text-embedding-nomic", "type": "embeddings", "max_context_length": 2048},
        ]
    },
}  # fmt: skip

LLAMA_CPP: Answers = {
    ("GET", "/v1/models"): {
        "object": "list",
        "models": [{"name": "/data/tiny.gguf", "capabilities": ["completion"]}],
        "data": [
            {
                "id": "/data/tiny.gguf", "object": "model", "owned_by": "llamacpp", "created": 1_740_000_000,
                "meta": {"n_vocab": 32000, "n_ctx_train": 2048, "n_embd": 64},
            }
        ],
    }
}  # fmt: skip


@contextmanager
def running(answers: Any, *, key: str = "", status: int = 200) -> Iterator[str]:
    """The address of a server with these answers. With a key, it refuses requests without it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.respond(("GET", self.path))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.respond(("POST", self.path, body["model"]))

        def respond(self, request: tuple[str, ...]) -> None:
            if key and self.headers.get("Authorization") != f"Bearer {key}":
                self.send(401, b'{"error": {"message": "Incorrect API key provided: sk-wrong"}}')
            elif isinstance(answers, bytes):
                self.send(status, answers)
            elif request in answers:
                self.send(200, json.dumps(answers[request]).encode())
            else:
                self.send(404, b'{"detail": "Not Found"}')

        def send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
