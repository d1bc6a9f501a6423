// Codex: writes a file with its tools, with a model of OpenAI and one of another author.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

import { KEY, MODEL, QUESTION, SITE, THINKING_MODEL, check, feature } from "./feature.mjs";

const CONFIGURATION = `
model = "openai/gpt-4o-mini"
model_provider = "gateway"

[model_providers.gateway]
name = "Gateway"
base_url = "${SITE}/api/v1"
env_key = "GATEWAY_KEY"
wire_api = "responses"
`;
mkdirSync("project", { recursive: true });
mkdirSync("home/.codex", { recursive: true });
writeFileSync("home/.codex/config.toml", CONFIGURATION);

function run(model, task) {
  const options = ["--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "--model", model];
  const env = { ...process.env, GATEWAY_KEY: KEY };
  const codex = "../node_modules/.bin/codex";
  const ended = spawnSync(codex, ["exec", ...options, task], { cwd: "project", env, encoding: "utf8", input: "" });
  check(ended.status === 0, ended.stderr);
  return ended.stdout;
}

await feature("stream", () => {
  check(run(MODEL, QUESTION), "no text");
});

await feature("tools", () => {
  for (const model of [MODEL, THINKING_MODEL]) {
    rmSync("project/notes.txt", { force: true });
    run(model, 'Call exec_command with {"cmd": "printf tides > notes.txt"}.');
    check(readFileSync("project/notes.txt", "utf8") === "tides", "another file");
  }
});
