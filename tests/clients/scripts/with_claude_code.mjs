// Claude Code: writes a file with its tools, with a model of Anthropic and one of another author.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";

import { KEY, MODEL, QUESTION, SITE, THINKING_MODEL, check, feature } from "./feature.mjs";

const VARIABLES = `
export ANTHROPIC_BASE_URL=${SITE}/api
export ANTHROPIC_AUTH_TOKEN="${KEY}"
export ANTHROPIC_API_KEY=""
`;
const quiet = "export CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 DISABLE_AUTOUPDATER=1 IS_SANDBOX=1\n";
mkdirSync("project", { recursive: true });

function run(model, task) {
  const options = "--dangerously-skip-permissions --output-format json";
  const command = `${VARIABLES}${quiet}exec ../node_modules/.bin/claude --model "$1" ${options} -p "$2"`;
  const ended = spawnSync("sh", ["-c", command, "sh", model, task], { cwd: "project", encoding: "utf8", input: "" });
  check(ended.status === 0, ended.stdout + ended.stderr);
  const result = JSON.parse(ended.stdout);
  check(!result.is_error, ended.stdout);
  return result.result;
}

await feature("stream", () => {
  check(run(THINKING_MODEL, QUESTION), "no text");
});

await feature("tools", () => {
  for (const model of [THINKING_MODEL, MODEL]) {
    rmSync("project/notes.txt", { force: true });
    run(model, `Call Write with {"file_path": "${process.cwd()}/project/notes.txt", "content": "tides"}.`);
    check(readFileSync("project/notes.txt", "utf8") === "tides", "another file");
  }
});
