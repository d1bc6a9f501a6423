// Anthropic's package for JavaScript.
import Anthropic from "@anthropic-ai/sdk";

import {
  KEY, MODEL, PICTURE, PICTURE_QUESTION, QUESTION, SITE, THINKING_MODEL, WEATHER_QUESTION, check, feature,
} from "./feature.mjs";

const client = new Anthropic({ baseURL: `${SITE}/api`, apiKey: KEY });

const messages = [{ role: "user", content: QUESTION }];

await feature("answer", async () => {
  for (const model of [THINKING_MODEL, MODEL]) {
    const reply = await client.messages.create({ model, max_tokens: 500, messages });
    check(reply.content[0].text && reply.usage.output_tokens, "no text or usage");
  }
});

await feature("stream", async () => {
  const final = await client.messages.stream({ model: MODEL, max_tokens: 500, messages }).finalMessage();
  check(final.content[0].text && final.usage.output_tokens, "no text or usage");
});

await feature("tools", async () => {
  const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
  const tool = { name: "get_weather", input_schema: schema, run: ({ city }) => `17 degrees in ${city}`, parse: (it) => it };
  const runner = client.beta.messages.toolRunner({
    model: THINKING_MODEL,
    max_tokens: 500,
    messages: [{ role: "user", content: WEATHER_QUESTION }],
    tools: [tool],
    stream: false,
  });
  check((await runner.runUntilDone()).content.at(-1).text.includes("17"), "the tool's result is not in the answer");
});

await feature("structured output", async () => {
  const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
  const output_config = { format: { type: "json_schema", schema } };
  const reply = await client.messages.create({ model: MODEL, max_tokens: 500, messages, output_config });
  check("city" in JSON.parse(reply.content[0].text), "not the schema");
});

await feature("images", async () => {
  const source = { type: "base64", media_type: "image/png", data: PICTURE };
  const content = [{ type: "image", source }, { type: "text", text: PICTURE_QUESTION }];
  const reply = await client.messages.create({ model: MODEL, max_tokens: 500, messages: [{ role: "user", content }] });
  check(reply.content[0].text.includes("image"), "the image is not in the answer");
});

await feature("reasoning", async () => {
  const thinking = { type: "enabled", budget_tokens: 1024 };
  const final = await client.messages
    .stream({ model: THINKING_MODEL, max_tokens: 2000, messages, thinking })
    .finalMessage();
  check(final.content[0].thinking && final.content[1].text, "no thinking before the text");
});

await feature("models", async () => {
  check((await client.models.list()).data.length, "no models");
});
