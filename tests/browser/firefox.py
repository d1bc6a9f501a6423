"""Firefox from the system, over WebDriver BiDi: the protocol that it speaks itself, JSON on a WebSocket.

Playwright drives only a Firefox of its own make.
"""

import json
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from tests.support.processes import wait_until

__all__ = ["Firefox", "firefox"]

#: Switches off whatever would make Firefox call home: the tests work without a network.
PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Shift": "\ue008", "Tab": "\ue004"}


def firefox() -> str:
    """Return the path of a Firefox, or an empty string."""
    return shutil.which("firefox-esr") or shutil.which("firefox") or ""


class Firefox:
    """A Firefox with one window: `with Firefox(folder) as browser`. `faults` are the errors of its pages."""

    def __init__(self, folder: Path) -> None:
        self.faults: list[str] = []
        self._number = 0
        self._open = ExitStack()
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items()]
        (folder / "user.js").write_text("".join(lines))
        output = self._open.enter_context((folder / "firefox.log").open("wb"))
        self._process = subprocess.Popen(
            [firefox(), "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0"],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            self._connect(folder / "WebDriverBiDiServer.json")
        except BaseException:
            self.close()
            raise

    def _connect(self, address: Path) -> None:
        wait_until(lambda: address.exists() and address.read_text().endswith("}"), "Firefox to listen")
        place = json.loads(address.read_text())
        url = f"ws://{place['ws_host']}:{place['ws_port']}/session"
        self._socket = self._open.enter_context(connect(url, max_size=None, proxy=None))
        self.send("session.new", capabilities={})
        self.send("session.subscribe", events=["log.entryAdded"])
        self._window = self.send("browsingContext.getTree")["contexts"][0]["context"]

    def __enter__(self) -> "Firefox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the browser."""
        self._process.terminate()
        self._process.wait(timeout=60)
        self._open.close()

    def send(self, method: str, **parameters: Any) -> Any:
        """Return the result of a command. AssertionError with the browser's words if it fails."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            if message.get("method") == "log.entryAdded" and message["params"]["level"] == "error":
                self.faults.append(message["params"]["text"])
            if message.get("id") == self._number:
                assert message["type"] == "success", f"{method}: {message}"
                return message["result"]

    def resize(self, width: int, height: int) -> None:
        """Give the page a size in CSS pixels."""
        self.send("browsingContext.setViewport", context=self._window, viewport={"width": width, "height": height})

    def open(self, url: str) -> None:
        """Open a page and wait until it has loaded."""
        self.send("browsingContext.navigate", context=self._window, url=url, wait="complete")

    def reload(self) -> None:
        """Load the page again."""
        self.send("browsingContext.reload", context=self._window, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, or of the promise that it is, as JSON has it."""
        found = self.send(
            "script.evaluate",
            expression=f"Promise.resolve({expression}).then((value) => JSON.stringify(value) ?? 'null')",
            target={"context": self._window},
            awaitPromise=True,
        )
        assert found["type"] == "success", found["exceptionDetails"]["text"]
        return json.loads(found["result"]["value"])

    def expect(self, expression: str, value: object = True) -> None:
        """Wait until an expression has a value."""
        wait_until(lambda: self.evaluate(expression) == value, f"{expression} to be {value!r}")

    def click(self, selector: str) -> None:
        """Click the first visible element of a CSS selector with the mouse."""
        visible = f"[...document.querySelectorAll({json.dumps(selector)})].find((each) => each.checkVisibility())"
        self.expect(f"Boolean({visible})")
        middle = self.evaluate(
            f"""(() => {{
                const element = {visible};
                element.scrollIntoView({{ block: "nearest" }});
                const {{ x, y, width, height }} = element.getBoundingClientRect();
                return [Math.round(x + width / 2), Math.round(y + height / 2)];
            }})()"""
        )
        moves = [
            {"type": "pointerMove", "x": middle[0], "y": middle[1]},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self.send(
            "input.performActions", context=self._window, actions=[{"type": "pointer", "id": "mouse", "actions": moves}]
        )

    def press(self, *keys: str) -> None:
        """Press keys together, the last one once the others are down."""
        values = [KEYS.get(key, key) for key in keys]
        actions = [{"type": "keyDown", "value": value} for value in values]
        actions += [{"type": "keyUp", "value": value} for value in reversed(values)]
        self.send(
            "input.performActions", context=self._window, actions=[{"type": "key", "id": "keys", "actions": actions}]
        )

    def write(self, selector: str, text: str) -> None:
        """Type text into a field."""
        self.click(selector)
        for number, line in enumerate(text.split("\n")):
            if number:
                self.press("Shift", "Enter")
            pressed = [{"type": kind, "value": key} for key in line for kind in ("keyDown", "keyUp")]
            self.send(
                "input.performActions",
                context=self._window,
                actions=[{"type": "key", "id": "keys", "actions": pressed}],
            )
