/* Colors the programs. Each language is loaded when a program of it is shown. */

export async function colorCode(root) {
  const blocks = [...root.querySelectorAll("code[data-language]")];
  const languages = [...new Set(blocks.map((block) => block.dataset.language))];
  const [{ default: hljs }, ...grammars] = await Promise.all(["core", ...languages].map((name) => import(`hljs/${name}`)));
  languages.forEach((name, at) => hljs.registerLanguage(name, grammars[at].default));
  for (const block of blocks) {
    if (block.textContent.length < 50_000) block.innerHTML = hljs.highlight(block.textContent, { language: block.dataset.language }).value;
  }
}
