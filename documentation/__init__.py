"""The documentation at /docs: Markdown files in `pages/`, and a reference made from the OpenAPI document."""
