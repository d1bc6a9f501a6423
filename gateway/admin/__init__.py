"""The admin of the gateway: providers' keys, the requests that were served, and customers' feedback on them."""

from . import feedback, generations, provider_keys

__all__ = ["feedback", "generations", "provider_keys"]
