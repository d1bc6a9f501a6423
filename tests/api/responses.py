"""Reading responses of the management API."""

import json
from decimal import Decimal

from django.test import Client
from pydantic import BaseModel


def client_with(secret: str) -> Client:
    """A client that sends the key with every request."""
    return Client(headers={"Authorization": f"Bearer {secret}"})


def exact(response) -> dict:
    """The body, with its numbers as they were written."""
    return json.loads(response.content, parse_float=Decimal)


def has_shape(shape: type[BaseModel], value: object) -> None:
    """Assert that the value has exactly the fields of the schema, of their types."""
    assert isinstance(value, dict)
    assert value.keys() == shape.model_fields.keys()
    shape.model_validate(value)
