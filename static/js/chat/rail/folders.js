/* Folders of chats. A chat names its folder, so deleting a folder deletes no chat. */

import { toast } from "chat/dom";
import { newId, now } from "chat/device/ids";

export class Folders {
  /** `ask(question)` opens a dialog; `changed()` is called after each change. */
  constructor({ store, tabs, ask, changed }) {
    Object.assign(this, { store, tabs, ask, changed });
  }

  /** All folders by name. */
  async all() {
    return (await this.store.folders()).sort((a, b) => a.name.localeCompare(b.name) || a.created - b.created);
  }

  /** Asks for the name of a new folder; resolves to the folder, or null. */
  async create() {
    const name = await this.ask({ title: "New folder", action: "Create", value: "" });
    if (!name) return null;
    const folder = { id: newId(), name, created: now(), collapsed: false };
    await this.#write(folder);
    return folder;
  }

  async rename(folder) {
    const name = await this.ask({ title: "Rename folder", action: "Rename", value: folder.name });
    if (name) await this.#write({ ...folder, name });
  }

  toggle(folder) {
    return this.#write({ ...folder, collapsed: !folder.collapsed });
  }

  /** Deletes a folder immediately and offers to undo it. */
  async remove(folder) {
    await this.store.removeFolder(folder.id);
    this.#tell();
    toast(`Folder “${folder.name}” deleted. Its chats are still here.`, "", () => this.#write(folder));
  }

  async #write(folder) {
    await this.store.write({ folders: [folder] });
    this.#tell();
  }

  #tell() {
    this.tabs.broadcast("list");
    this.changed();
  }
}
