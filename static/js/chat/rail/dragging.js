/* Drag and drop of chats into folders. The menu of a chat does the same for keyboards and touch screens. */

const KIND = "application/x-chat";

/** Calls `move(chat, folder)` with the id of a chat that was dropped and that of the folder; null outside of folders. */
export function dragChats(list, move) {
  let over = null;
  const mark = (element) => {
    if (over === element) return;
    over?.classList.remove("over");
    over = element;
    over?.classList.add("over");
  };
  const end = () => {
    mark(null);
    list.classList.remove("dragging");
  };
  const zoneOf = (event) => event.target.closest("[data-folder]") ?? list;
  list.addEventListener("dragstart", (event) => {
    const row = event.target.closest("[data-id]");
    if (!row) return;
    event.dataTransfer.setData(KIND, row.dataset.id);
    event.dataTransfer.effectAllowed = "copyMove";
    list.classList.add("dragging");
  });
  list.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes(KIND)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    mark(zoneOf(event));
  });
  list.addEventListener("dragleave", (event) => !list.contains(event.relatedTarget) && mark(null));
  list.addEventListener("drop", (event) => {
    const id = event.dataTransfer.getData(KIND);
    if (!id) return;
    event.preventDefault();
    move(id, zoneOf(event).dataset.folder ?? null);
    end();
  });
  list.addEventListener("dragend", end);
}
