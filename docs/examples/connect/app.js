// A whole app whose users pay for their own requests. It has no server: the key stays in the user's browser.

const GATEWAY = new URLSearchParams(location.search).get("gateway") ?? sessionStorage.gateway ?? "http://127.0.0.1:8000";
const show = (text) => (document.querySelector("#answer").textContent = text);

const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// 1. Send the user to the gateway with the hash of a secret that only this tab knows.
async function connect() {
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  sessionStorage.gateway = GATEWAY;
  sessionStorage.verifier = verifier;
  const parameters = {
    callback_url: location.origin + location.pathname,
    code_challenge: base64url(new Uint8Array(hash)),
    code_challenge_method: "S256",
    key_label: "Haiku of the day",
    limit: "5",
    usage_limit_type: "monthly",
  };
  location.assign(`${GATEWAY}/auth?${new URLSearchParams(parameters)}`);
}

// 2. The user comes back with a code. Exchange it, with the secret, for a key of the user.
async function finish(code) {
  const response = await fetch(`${GATEWAY}/api/v1/auth/keys`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ code, code_verifier: sessionStorage.verifier, code_challenge_method: "S256" }),
  });
  const answer = await response.json();
  if (!response.ok) return show(answer.error.message);
  sessionStorage.apiKey = answer.key;
  delete sessionStorage.verifier;
  history.replaceState(null, "", location.pathname);
  return ready();
}

// 3. Use the key as any other.
async function ask() {
  show("…");
  const response = await fetch(`${GATEWAY}/api/v1/chat/completions`, {
    method: "POST",
    headers: { Authorization: `Bearer ${sessionStorage.apiKey}`, "Content-Type": "application/json" },
    body: JSON.stringify({ model: "openai/gpt-4o-mini", messages: [{ role: "user", content: "Write a haiku." }] }),
  });
  const answer = await response.json();
  show(response.ok ? answer.choices[0].message.content : answer.error.message);
}

function ready() {
  document.querySelector("#connect").hidden = true;
  document.querySelector("#ask").hidden = false;
}

document.querySelector("#connect").addEventListener("click", connect);
document.querySelector("#ask").addEventListener("click", ask);
const returned = new URLSearchParams(location.search);
if (returned.has("code")) finish(returned.get("code"));
else if (returned.has("error")) show("You didn't connect your account.");
else if (sessionStorage.apiKey) ready();
