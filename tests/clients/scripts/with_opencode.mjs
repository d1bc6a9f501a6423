// opencode, with its own list of OpenRouter's models.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";

import { KEY, PICTURE, PICTURE_QUESTION, QUESTION, SITE, check, feature } from "./feature.mjs";

const CONFIGURATION = `{
  "$schema": "https://opencode.ai/config.json",
  "provider": {
    "openrouter": { "options": { "baseURL": "${SITE}/api/v1", "apiKey": "${KEY}" } }
  }
}`;
mkdirSync("project", { recursive: true });
writeFileSync("project/opencode.json", CONFIGURATION);
writeFileSync("project/red.png", Buffer.from(PICTURE, "base64"));

function run(...words) {
  const opencode = "../node_modules/.bin/opencode";
  const model = ["-m", "openrouter/anthropic/claude-sonnet-4.5"];
  const ended = spawnSync(opencode, ["run", "--format", "json", ...model, ...words], { cwd: "project", encoding: "utf8" });
  const events = ended.stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const failed = events.find((event) => event.type === "error");
  check(ended.status === 0 && !failed, JSON.stringify(failed ?? ended.stderr));
  return events;
}
const textOf = (events) => events.filter((event) => event.type === "text").map((event) => event.part.text).join("");

await feature("stream", () => {
  check(textOf(run(QUESTION)), "no text");
});

await feature("tools", () => {
  const events = run("Use the todowrite tool");
  check(events.some((event) => event.type === "tool_use"), "no tool was called");
  check(textOf(events).includes("returned"), "the tool's result is not in the answer");
});
