/* The images that a model has made, each shown as it comes. */

import { isLink } from "chat/device/attached";
import { download, h, icon, iconButton } from "chat/dom";
import { blobOf } from "chat/files/data-url";
import { imageButton } from "chat/thread/file-view";
import { fileName } from "chat/transfer/export";

const MAX_WORDS = 120;

export class GeneratedImages {
  #shown = [];
  #load;
  #prompt;

  /** `load(id)` resolves to a file; `prompt` is what the images were asked for with. */
  constructor(load, prompt) {
    this.element = h("div.generated");
    this.#load = load;
    this.#prompt = prompt.replace(/\s+/g, " ").trim().slice(0, MAX_WORDS);
  }

  /** Shows an answer's images. Those that are shown already stay as they are. */
  show(images) {
    if (this.#shown.some((image, at) => image !== images[at])) {
      this.#shown = [];
      this.element.replaceChildren();
    }
    for (const image of images.slice(this.#shown.length)) {
      this.#shown.push(image);
      const figure = h("figure");
      this.element.append(figure);
      this.#fill(figure, image, this.#shown.length);
    }
  }

  async #fill(figure, image, number) {
    if (/^https?:/.test(image)) {
      figure.append(h("a.btn.small", { href: image, target: "_blank", rel: "noopener noreferrer nofollow", title: "External image blocked for privacy. Opens in a new tab." },
        icon("external"), `Open image (${new URL(image).host})`));
      return;
    }
    const file = isLink(image) ? earlierFile(image, number) : await this.#load(image);
    if (!file) {
      figure.append(h("span.chip", {}, "Image no longer stored"));
      return;
    }
    const alt = `Generated image${number > 1 ? ` ${number}` : ""}${this.#prompt ? `: ${this.#prompt}` : ""}`;
    const name = fileName(this.#prompt ? `${this.#prompt.slice(0, 50)} ${number}` : `image ${number}`, file.name.split(".").at(-1));
    figure.append(imageButton({ ...file, name }, alt), iconButton("download", "Download image", () => download(name, file.blob), "button.btn.small.save"));
  }
}

/** An image of before images were files: a data: URL. */
function earlierFile(url, number) {
  const blob = blobOf(url);
  return blob && /^image\/(png|jpeg|webp|gif)$/.test(blob.type) ? { name: `image-${number}.${blob.type.slice(6)}`, blob } : null;
}
