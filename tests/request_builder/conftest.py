"""The bundled catalog, as the site has it at first."""

from tests.models_catalog.conftest import bundled, bundled_rows

__all__ = ["bundled", "bundled_rows"]
