"""`python -m sandbox.stripe --port 8020`: serve the payments sandbox on this machine."""

from sandbox.payments import serving

from .app import application
from .store import Store
from .webhooks import register


def main() -> None:
    """Read the command line and serve until stopped."""
    parser = serving.command_line("sandbox.stripe", __doc__, 8020, "whsec_local_sandbox")
    options = parser.parse_args()
    serving.start_logging()
    store = Store(options.data, f"http://127.0.0.1:{options.port}")
    if options.webhook_url:
        register(store, options.webhook_url, options.webhook_secret)
    serving.serve(application(store), options.port)


if __name__ == "__main__":
    main()
