"""The rerank protocol of Cohere and Jina: a query and documents in, the documents by relevance out."""
