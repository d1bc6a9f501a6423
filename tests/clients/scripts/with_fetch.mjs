// fetch, as browsers and Node.js have it.
import { KEY, MODEL, QUESTION, SITE, check, feature } from "./feature.mjs";

console.log(JSON.stringify({ version: `Node.js ${process.versions.node}` }));

const ask = (body) =>
  fetch(`${SITE}/api/v1/chat/completions`, {
    method: "POST",
    headers: { Authorization: `Bearer ${KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify({ model: MODEL, messages: [{ role: "user", content: QUESTION }], ...body }),
  });

await feature("answer", async () => {
  const reply = await (await ask({})).json();
  check(reply.choices[0].message.content, "no text");
});

await feature("stream", async () => {
  const response = await ask({ stream: true });
  let unread = "";
  let text = "";
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (unread + piece).split("\n");
    unread = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data: ") || line === "data: [DONE]") continue;
      text += JSON.parse(line.slice("data: ".length)).choices[0]?.delta.content ?? "";
    }
  }
  check(text, "no text");
});
