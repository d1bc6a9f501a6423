// Enables the button once allauth's scripts listen to it, and says why a passkey could not be created or used.

document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("passkey").disabled = false;
});

const REASONS = {
  NotAllowedError: "The passkey request was canceled or timed out. Try again.",
  InvalidStateError: "This device already has a passkey for your account.",
  SecurityError: "Passkeys need https and a host name. Open this site at its public address.",
};

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const text = window.PublicKeyCredential
    ? REASONS[event.detail.exception?.name] ?? "Couldn't use a passkey. Try again, or use another way."
    : "This browser can't use passkeys here. They need https and a current browser.";
  document.dispatchEvent(new CustomEvent("toast", { detail: { text, kind: "bad" } }));
});
