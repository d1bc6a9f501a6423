"""The management API's tests see the catalog's small shop and the keys of usage's tests."""

from tests.activity.conftest import key  # noqa: F401
from tests.models_catalog.conftest import _loaded_once, bundled, bundled_rows, shop  # noqa: F401
