"""The bundled catalog, as the site has it at first."""

from tests.models_catalog.conftest import _loaded_once, bundled, bundled_rows

__all__ = ["_loaded_once", "bundled", "bundled_rows"]
