// OpenRouter's package for JavaScript.
import { OpenRouter } from "@openrouter/sdk";

import { EMBEDDING_MODEL, KEY, MODEL, PICTURE_QUESTION, PICTURE_URL, QUESTION, SITE, THINKING_MODEL, check, feature } from "./feature.mjs";

const client = new OpenRouter({ serverURL: `${SITE}/api/v1`, apiKey: KEY });

const messages = [{ role: "user", content: QUESTION }];
const ask = (chatRequest) => client.chat.send({ chatRequest: { model: MODEL, messages, ...chatRequest } });
const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

await feature("answer", async () => {
  const reply = await ask({});
  check(reply.choices[0].message.content && reply.usage.totalTokens, "no text or usage");
});

await feature("stream", async () => {
  let text = "";
  for await (const chunk of await ask({ stream: true })) text += chunk.choices[0]?.delta.content ?? "";
  check(text, "no text");
});

await feature("tools", async () => {
  const tools = [{ type: "function", function: { name: "get_weather", parameters: schema } }];
  const reply = await ask({ tools, toolChoice: "required" });
  const message = reply.choices[0].message;
  const results = message.toolCalls.map(({ id }) => ({ role: "tool", toolCallId: id, content: "17 degrees" }));
  const final = await ask({ tools, messages: [...messages, message, ...results] });
  check(final.choices[0].message.content.includes("17"), "the tool's result is not in the answer");
});

await feature("structured output", async () => {
  const reply = await ask({ responseFormat: { type: "json_schema", jsonSchema: { name: "city", strict: true, schema } } });
  check("city" in JSON.parse(reply.choices[0].message.content), "not the schema");
});

await feature("images", async () => {
  const content = [
    { type: "text", text: PICTURE_QUESTION },
    { type: "image_url", imageUrl: { url: PICTURE_URL } },
  ];
  const reply = await ask({ messages: [{ role: "user", content }] });
  check(reply.choices[0].message.content.includes("image"), "the image is not in the answer");
});

await feature("reasoning", async () => {
  const reply = await ask({ model: THINKING_MODEL, reasoning: { effort: "low" } });
  check(reply.choices[0].message.reasoning, "no reasoning");
});

await feature("embeddings", async () => {
  const made = await client.embeddings.generate({ requestBody: { model: EMBEDDING_MODEL, input: ["one", "two"] } });
  check(made.data.length === 2, "not two vectors");
});

await feature("models", async () => {
  check((await client.models.list()).result.data.some((model) => model.id === MODEL), "the model is not listed");
});
