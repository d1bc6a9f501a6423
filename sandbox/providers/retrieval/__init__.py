"""Embeddings and rerank, in the protocols of OpenAI, Cohere and Google."""

from sandbox.providers.retrieval.embeddings import CohereEmbeddings, GeminiEmbeddings, OpenAiEmbeddings
from sandbox.providers.retrieval.rerank import Rerank

__all__ = ["CohereEmbeddings", "GeminiEmbeddings", "OpenAiEmbeddings", "Rerank"]
