/* Header of the open conversation: its models as chips, its title and its cost. */

import { $, h, icon, iconButton } from "chat/dom";
import { usd } from "chat/money";
import { avatar } from "chat/thread/turn";

export class Heading {
  constructor({ room, models, picker }) {
    Object.assign(this, { room, models, picker });
    this.chips = $("#models");
    for (const name of ["opened", "settings"]) room.on(name, () => this.show());
    for (const name of ["opened", "turns", "message"]) room.on(name, () => this.#showCost());
    models.on("changed", () => room.conversation && this.show());
  }

  /** Opens the picker to replace the model at `at`, or to add one. */
  choose(at = 0) {
    const chosen = this.room.conversation.models;
    const more = at >= chosen.length;
    this.picker.open({
      title: more ? "Add a model" : "Choose a model",
      chosen,
      then: (id) => this.#set(more ? [...chosen, id] : chosen.with(at, id)),
    });
  }

  #set(models) {
    this.room.change({ models });
  }

  #showCost() {
    const { cost } = this.room;
    $("#spent").textContent = cost > 0n ? usd(cost) : "";
  }

  show() {
    const { models: chosen, title } = this.room.conversation;
    const several = chosen.length > 1;
    const name = title || (this.room.temporary ? "Temporary chat" : "New chat");
    $("#chat-title").textContent = name;
    document.title = `${name} · ${this.siteName ??= document.title.split(" · ").at(-1)}`;
    this.chips.replaceChildren(
      ...chosen.map((id, at) => {
        const model = this.models.get(id);
        return h(`span.model-chip${several ? ".several" : ""}`, {},
          h("button.btn.choose", { type: "button", title: `${model.id}: choose another model`, onclick: () => this.choose(at) },
            avatar(model), h("span.truncate", {}, model.short), icon("chevron-down", "small")),
          several && iconButton("close", `Remove ${model.short}`, () => this.#set(chosen.toSpliced(at, 1)), "button.btn.quiet.drop"));
      }),
      chosen.length < this.room.maxModels
        ? h("button.btn.quiet.add", { type: "button", title: `Ask up to ${this.room.maxModels} models side by side`, onclick: () => this.choose(chosen.length) },
          icon("plus"), h("span", { class: several ? "vh" : "hide-sm" }, "Add model"))
        : h("span.tiny.faint.most", { title: `Up to ${this.room.maxModels} models can answer side by side` },
          String(this.room.maxModels), h("span.hide-sm", {}, "\u00a0models at most"), h("span.only-sm", {}, "\u00a0max")),
    );
  }
}
