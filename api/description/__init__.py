"""The OpenAPI document: what django-ninja generates of the management API, completed with inference and errors."""
