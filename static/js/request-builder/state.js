/* The form in the URL's fragment, which the server never sees: `#r=` and the compressed fields in base64url.
   A link is untrusted: it only fills in the form. */

const PREFIX = "#r=";
const MAX_LINK = 60_000; // characters
const MAX_FIELDS = 1_000_000; // characters of a link's fields
const LEFT_OUT = new Set(["csrfmiddlewaretoken", "shown", "act"]);
const OF_MESSAGES = new Set(["role", "text", "image", "call"]); // these belong together, also when they are empty

let writing = 0;

/** Puts the form into the links of the page, and into its address unless that stays as it `isFresh`. */
export async function share(form, isFresh = false) {
  writing += 1;
  const mine = writing;
  const fields = [...new FormData(form)].filter(([name, value]) => !LEFT_OUT.has(name) && (value !== "" || OF_MESSAGES.has(name)));
  const packed = await pack(JSON.stringify(fields));
  if (mine !== writing) return;
  const fragment = packed.length <= MAX_LINK ? PREFIX + packed : "";
  if (!isFresh) history.replaceState(history.state, "", location.pathname + fragment);
  const copy = document.getElementById("copy-link");
  copy.dataset.copy = location.origin + location.pathname + fragment;
  copy.disabled = !fragment;
  copy.title = fragment ? "" : "This request is too long for a link";
  const signIn = document.getElementById("run-sign-in");
  if (!signIn) return;
  const url = new URL(signIn.href);
  url.searchParams.set("next", location.pathname + fragment);
  signIn.href = url;
}

/** Fills in the form from the address of the page; false if that has none. */
export async function openShared() {
  if (!location.hash.startsWith(PREFIX)) return false;
  const values = new FormData();
  try {
    for (const [name, value] of JSON.parse(await unpack(location.hash.slice(PREFIX.length)))) {
      if (!LEFT_OUT.has(name)) values.append(String(name), String(value));
    }
  } catch {
    document.dispatchEvent(new CustomEvent("toast", { detail: { text: "This link is damaged. Copy it again, whole.", kind: "warn" } }));
    return false;
  }
  window.htmx.ajax("POST", location.pathname, { target: "#builder", swap: "innerHTML", values });
  return true;
}

async function pack(text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += value;
    if (text.length > MAX_FIELDS) throw new Error("too long");
  }
}
