// OpenAI's package for JavaScript.
import OpenAI from "openai";

import {
  EMBEDDING_MODEL, KEY, MODEL, PICTURE_QUESTION, PICTURE_URL, QUESTION, SITE, THINKING_MODEL, WEATHER_QUESTION, check,
  feature,
} from "./feature.mjs";

const client = new OpenAI({ baseURL: `${SITE}/api/v1`, apiKey: KEY });

const messages = [
  { role: "developer", content: "Be brief." },
  { role: "user", content: QUESTION },
];
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

await feature("answer", async () => {
  const reply = await client.chat.completions.create({ model: MODEL, messages });
  check(reply.choices[0].message.content && reply.usage.total_tokens, "no text or usage");
});

await feature("stream", async () => {
  const stream = client.chat.completions.stream({ model: MODEL, messages, stream_options: { include_usage: true } });
  const final = await stream.finalChatCompletion();
  check(final.choices[0].message.content && final.usage.total_tokens, "no text or usage");
  check(final.choices[0].message.role === "assistant", "another role");
});

await feature("tools", async () => {
  const runner = client.chat.completions.runTools({
    model: MODEL,
    stream: true,
    messages: [{ role: "user", content: WEATHER_QUESTION }],
    tools: [
      {
        type: "function",
        function: { name: "get_weather", parameters, parse: JSON.parse, function: ({ city }) => `17 degrees in ${city}` },
      },
    ],
  });
  check((await runner.finalContent()).includes("17"), "the tool's result is not in the answer");
});

await feature("structured output", async () => {
  const response_format = { type: "json_schema", json_schema: { name: "city", strict: true, schema: parameters } };
  const reply = await client.chat.completions.parse({ model: MODEL, messages, response_format });
  check("city" in reply.choices[0].message.parsed, "not the schema");
});

await feature("images", async () => {
  const content = [
    { type: "text", text: PICTURE_QUESTION },
    { type: "image_url", image_url: { url: PICTURE_URL } },
  ];
  const reply = await client.chat.completions.create({ model: MODEL, messages: [{ role: "user", content }] });
  check(reply.choices[0].message.content.includes("image"), "the image is not in the answer");
});

await feature("reasoning", async () => {
  const stream = client.chat.completions.stream({ model: THINKING_MODEL, messages, reasoning_effort: "low" });
  const final = await stream.finalChatCompletion();
  check(final.choices[0].message.reasoning, "no reasoning");
});

await feature("embeddings", async () => {
  const made = await client.embeddings.create({ model: EMBEDDING_MODEL, input: ["one", "two"] });
  check(made.data.length === 2 && made.data[0].embedding.length > 100, "not two vectors");
});

await feature("responses", async () => {
  const reply = await client.responses.create({ model: MODEL, input: QUESTION });
  check(reply.output_text, "no text");
  const final = await client.responses.stream({ model: MODEL, input: QUESTION }).finalResponse();
  check(final.output_text, "no text in the stream");
});

await feature("models", async () => {
  check((await client.models.list()).data.some((model) => model.id === MODEL), "the model is not listed");
});
