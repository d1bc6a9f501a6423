"""The admin of the gateway: providers' keys, and the requests that were served."""

from . import provider_keys

__all__ = ["provider_keys"]
