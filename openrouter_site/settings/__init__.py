"""Settings: the embedded default works with nothing configured; each service has its own variable.

The table in README.md lists every variable.
"""

from openrouter_site.production import refuse_unsafe_settings

from .core import *  # noqa: F403
from .jobs import *  # noqa: F403
from .money import *  # noqa: F403
from .operations import *  # noqa: F403
from .pages import *  # noqa: F403
from .providers import *  # noqa: F403
from .sign_in import *  # noqa: F403
from .storage import *  # noqa: F403

refuse_unsafe_settings(globals())
