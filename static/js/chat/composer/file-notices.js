/* What becomes of the attached files: which model doesn't get them, or gets their text. */

const listed = (names) => new Intl.ListFormat("en", { type: "conjunction" }).format(names);
const CHOOSE = "Choose a model with PDF input, or attach the pages as images.";
const PROBLEMS = {
  images: (name, models) => `${name} has no text: its pages are scanned images, or empty. It won't be sent to ${models}. ${CHOOSE}`,
  damaged: (name, models) => `${name} can't be read as text and may be damaged. It won't be sent to ${models}. Save it again, or attach its text.`,
  offline: (name, models) => `The PDF reader couldn't be loaded, so ${name} won't be sent to ${models}. Check your connection and attach it again.`,
};

/** Notices on files for the chosen models, as a list of {text, info}; `info` for what needs no attention. */
export function fileNotices(files, chosen, models) {
  const without = (input) => chosen.filter((id) => !models.accepts(id, input)).map((id) => models.get(id).short);
  const notices = [];
  for (const [kind, input, plural] of [["image", "image", "images"], ["audio", "audio", "audio files"]]) {
    const names = files.some((file) => file.kind === kind) ? without(input) : [];
    if (names.length === 1) notices.push({ text: `${names[0]} doesn't support ${plural}. They won't be sent to it.` });
    else if (names.length) notices.push({ text: `${listed(names)} don't support ${plural}. They won't be sent to them.` });
  }
  for (const file of files.filter(({ kind }) => kind === "pdf")) {
    const names = file.as_text ? chosen.map((id) => models.get(id).short) : without("file");
    if (names.length) notices.push(pdfNotice(file, names));
  }
  return notices;
}

function pdfNotice({ name, problem, pages, pages_read: read }, names) {
  if (problem) return { text: PROBLEMS[problem](name, listed(names)) };
  const gets = names.length === 1 ? "gets" : "get";
  const part = read < pages ? `the first ${read} of ${pages} pages` : pages === 1 ? "its page" : `its ${pages} pages`;
  return { text: `${listed(names)} ${gets} ${name} as text: ${part}, without images.`, info: read === pages };
}
