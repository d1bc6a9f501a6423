// Continue, in its command line; the editors read the same configuration.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";

import { KEY, SITE, check, feature } from "./feature.mjs";

const CONFIGURATION = `name: Gateway
version: 1.0.0
schema: v1
models:
  - name: GPT-4o mini
    provider: openrouter
    model: openai/gpt-4o-mini
    apiBase: ${SITE}/api/v1
    apiKey: ${KEY}
    capabilities: [tool_use, image_input]
`;
writeFileSync("config.yaml", CONFIGURATION);

function run(question) {
  const command = ["--config", "config.yaml", "--allow", "*", "-p", question];
  const ended = spawnSync("node_modules/.bin/cn", command, { encoding: "utf8", input: "" });
  check(ended.status === 0, ended.stderr);
  return ended.stdout;
}

await feature("stream", () => {
  check(run("Say exactly: it works").includes("it works"), "another answer");
});

await feature("tools", () => {
  check(run("Use Bash to show the date").includes("returned"), "the tool's result is not in the answer");
});
