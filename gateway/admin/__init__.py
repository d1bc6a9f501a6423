"""The admin of the gateway: providers' keys, and the requests that were served."""

from . import generations, provider_keys

__all__ = ["generations", "provider_keys"]
