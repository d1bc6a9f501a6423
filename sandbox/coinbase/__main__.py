"""`python -m sandbox.coinbase --port 8021`: serve the crypto payments sandbox on this machine."""

from sandbox.payments import serving
from sandbox.payments.store import Store

from . import tokens, webhooks
from .app import application


def main() -> None:
    """Read the command line and serve until stopped."""
    parser = serving.command_line("sandbox.coinbase", __doc__, 8021, "local_sandbox")
    parser.add_argument("--print-key", action="store_true", help="print the development key's id and secret, and stop")
    options = parser.parse_args()
    if options.print_key:
        print(tokens.KEY_ID)
        print(tokens.development_secret())
        return
    serving.start_logging()
    store = Store(options.data, f"http://127.0.0.1:{options.port}")
    if options.webhook_url:
        webhooks.register(store, options.webhook_url, options.webhook_secret)
    serving.serve(application(store), options.port)


if __name__ == "__main__":
    main()
