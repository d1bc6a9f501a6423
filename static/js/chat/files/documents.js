/* Office documents as text, read by a worker: Word, Excel and PowerPoint, and LibreOffice's. */

/** Milliseconds after which a document counts as unreadable. */
const PATIENCE = 60_000;

/** Resolves to {text}, or to {problem}: "long" (over `limit` characters), "kind" (no office document), or "damaged". */
export async function documentText(file, limit) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const worker = new Worker(import.meta.resolve("chat/files/office/worker"), { type: "module" });
  try {
    return await new Promise((resolve) => {
      worker.addEventListener("message", ({ data }) => resolve(data));
      worker.addEventListener("error", () => resolve({ problem: "damaged" }));
      setTimeout(resolve, PATIENCE, { problem: "damaged" });
      worker.postMessage({ bytes, limit }, [bytes.buffer]);
    });
  } finally {
    worker.terminate();
  }
}
