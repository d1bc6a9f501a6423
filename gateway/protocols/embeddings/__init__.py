"""OpenAI's embeddings protocol: texts in, vectors out."""
