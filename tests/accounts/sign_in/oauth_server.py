"""A stand-in for GitHub and Google, over HTTP: authorize, token and user. Each test says who consents, and whether."""

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

__all__ = ["CLIENT_ID", "SECRET", "OAuthServer", "oauth_server"]

CLIENT_ID, SECRET = "client-of-the-tests", "secret-of-the-tests"


@dataclass
class OAuthServer:
    """The server: `emails` are addresses with whether they are verified, the primary one first."""

    url: str = ""
    user_id: int = 4711
    name: str = "Ada Lovelace"
    emails: list[tuple[str, bool]] = field(default_factory=lambda: [("ada@example.com", True)])
    consents: bool = True
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the browser is sent after the question for consent."""
        assert query["client_id"] == CLIENT_ID and query["response_type"] == "code"
        if not self.consents:
            return f"{query['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': query['state']})}"
        code = secrets.token_hex(8)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str]) -> dict[str, Any] | None:
        asked = self.codes.pop(form["code"], None)
        if not asked or form["client_secret"] != SECRET or form["redirect_uri"] != asked["redirect_uri"]:
            return None
        assert form["code_verifier"]  # PKCE
        token = secrets.token_hex(16)
        self.tokens.add(token)
        return {"access_token": token, "token_type": "bearer", "id_token": "not.a.token"}

    def page(self, path: str) -> Any:
        """Return the user as the path's site tells it."""
        email, verified = self.emails[0] if self.emails else ("", False)
        if path == "/github/api/v3/user":
            return {"id": self.user_id, "login": "ada-l", "name": self.name, "email": None, "bio": "a secret"}
        if path == "/github/api/v3/user/emails":
            return [
                {"email": each, "verified": is_verified, "primary": position == 0}
                for position, (each, is_verified) in enumerate(self.emails)
            ]
        if path == "/google/userinfo":
            first, _, last = self.name.partition(" ")
            return {
                "id": str(self.user_id), "email": email, "verified_email": verified, "given_name": first,
                "family_name": last,
            }  # fmt: skip
        return None


@contextmanager
def oauth_server() -> Iterator[OAuthServer]:
    """Serve on a free port until the end of the block."""
    state = OAuthServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path.endswith("/authorize"):
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_response(302)
                self.send_header("Location", state.authorize(query))
                self.end_headers()
                return
            token = self.headers.get("Authorization", "").rpartition(" ")[2]
            found = state.page(parts.path) if token in state.tokens else None
            self._answer(401 if found is None else 200, found)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            token = state.token({name: values[0] for name, values in parse_qs(body).items()})
            self._answer(400 if token is None else 200, token)

        def _answer(self, status: int, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
