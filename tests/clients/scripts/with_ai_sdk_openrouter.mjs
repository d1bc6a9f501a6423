// AI SDK with OpenRouter's provider.
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { Output, embedMany, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

import {
  EMBEDDING_MODEL, KEY, MODEL, PICTURE_QUESTION, PICTURE_URL, QUESTION, SITE, THINKING_MODEL, WEATHER_QUESTION, check,
  feature,
} from "./feature.mjs";

const provider = createOpenRouter({ baseURL: `${SITE}/api/v1`, apiKey: KEY });

const model = provider(MODEL);
const tools = {
  get_weather: tool({
    description: "The weather in a city",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `17 degrees in ${city}`,
  }),
};
const city = z.object({ name: z.string(), population: z.number() });

await feature("answer", async () => {
  const { text, usage } = await generateText({ model, system: "Be brief.", prompt: QUESTION });
  check(text && usage.totalTokens, "no text or usage");
});

await feature("stream", async () => {
  const result = streamText({ model, prompt: QUESTION });
  const pieces = [];
  for await (const piece of result.textStream) pieces.push(piece);
  check(pieces.length > 2 && (await result.usage).totalTokens, "no stream or usage");
});

await feature("tools", async () => {
  const question = { model, tools, stopWhen: stepCountIs(3), prompt: WEATHER_QUESTION };
  check((await generateText(question)).text.includes("17"), "the tool's result is not in the answer");
  check((await streamText(question).text).includes("17"), "the tool's result is not in the streamed answer");
});

await feature("structured output", async () => {
  const { output } = await generateText({ model, prompt: QUESTION, output: Output.object({ schema: city }) });
  check("population" in output, "not the schema");
  const streamed = streamText({ model, prompt: QUESTION, output: Output.object({ schema: city }) });
  check("population" in (await streamed.output), "not the schema in the stream");
});

await feature("images", async () => {
  const content = [
    { type: "text", text: PICTURE_QUESTION },
    { type: "image", image: PICTURE_URL },
  ];
  const { text } = await generateText({ model, messages: [{ role: "user", content }] });
  check(text.includes("image"), "the image is not in the answer");
});

await feature("reasoning", async () => {
  const thinking = {
    model: provider(THINKING_MODEL),
    providerOptions: { openrouter: { reasoning: { effort: "low" } }, gateway: { reasoningEffort: "low" } },
    tools,
    stopWhen: stepCountIs(3),
    prompt: WEATHER_QUESTION,
  };
  const whole = await generateText(thinking);
  check(whole.steps[0].reasoningText && whole.text.includes("17"), "no reasoning, or not the tool's result");
  const streamed = streamText(thinking);
  check((await streamed.text).includes("17") && (await streamed.steps)[0].reasoningText, "no streamed reasoning");
});

await feature("embeddings", async () => {
  const { embeddings } = await embedMany({ model: provider.textEmbeddingModel(EMBEDDING_MODEL), values: ["one", "two"] });
  check(embeddings.length === 2, "not two vectors");
});
