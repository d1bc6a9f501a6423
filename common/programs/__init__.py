"""Programs that send one request to the API, ready to copy. Every text of the request is safe inside them."""

from .call import Call, Program
from .curl import curl
from .table import programs

__all__ = ["Call", "Program", "curl", "programs"]
