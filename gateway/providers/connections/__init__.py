"""HTTP/1.1 connections to providers: a request in one write, and its response packet by packet.

Only what a gateway needs of HTTP: POST, requests that are in memory, responses that are read while they arrive. The
parser is llhttp (httptools), as it is for the requests that uvicorn receives. Decision 0054 has the reasons.
"""

from .connection import Connection
from .pool import ConnectionPool

__all__ = ["Connection", "ConnectionPool"]
