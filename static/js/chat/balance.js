/* The balance in the page's header, and the notices that it is low or used up. */

import { $ } from "chat/dom";
import { costOf, pico, usd } from "chat/money";

const LOW = 10n ** 12n; // $1
const LOW_ANSWERS = 10n; // of the chat's average cost

export class Balance {
  #amount = null; // pico-dollars; null until the server has sent it
  #dismissed;
  #place;

  /** `refilled` says whether auto top-up buys credits before the balance is used up. */
  constructor({ room, answers, user, refilled }) {
    Object.assign(this, { room, refilled });
    this.notice = $("#low-balance");
    this.#place = `low-balance-dismissed-${user}`;
    this.#dismissed = this.#remembered((storage) => storage.getItem(this.#place)) !== null;
    answers.on("balance", (frame) => this.#received(frame));
    for (const name of ["opened", "turns"]) room.on(name, () => this.#show());
    $("button", this.notice).addEventListener("click", () => {
      this.#dismiss(true);
      $("#message").focus();
    });
  }

  /** The balance in pico-dollars (a BigInt); null until the server has sent it. */
  get amount() {
    return this.#amount;
  }

  #received({ balance, balance_usd: exact, can_spend: canSpend }) {
    for (const element of document.querySelectorAll("[data-balance]")) element.textContent = balance;
    $("#no-credits").hidden = canSpend;
    this.#amount = pico(exact);
    this.#show();
  }

  #show() {
    if (this.#amount === null) return;
    const costs = [...this.room.messages.values()].map(costOf).filter((cost) => cost > 0n);
    const average = costs.length ? costs.reduce((sum, cost) => sum + cost, 0n) / BigInt(costs.length) : 0n;
    const low = this.#amount < LOW || this.#amount < average * LOW_ANSWERS;
    if (!low && this.#dismissed) this.#dismiss(false);
    this.notice.hidden = !low || this.#amount === 0n || this.#dismissed || this.refilled;
    if (this.notice.hidden) return;
    const left = average && this.#amount / average;
    const text = [`Your balance is low: ${usd(this.#amount)}.`, left > 0n && left < 1000n ? `About ${left} more ${left === 1n ? "answer" : "answers"} like those in this chat.` : ""];
    for (const [at, element] of ["strong", "span"].entries()) $(element, this.notice).textContent = text[at];
  }

  /** Hides the notice for this session of the browser, or shows it again the next time. */
  #dismiss(dismissed) {
    this.#dismissed = dismissed;
    this.#remembered((storage) => (dismissed ? storage.setItem(this.#place, "") : storage.removeItem(this.#place)));
    this.#show();
  }

  /** The result of `use(sessionStorage)`; null if the browser blocks it. */
  #remembered(use) {
    try {
      return use(sessionStorage);
    } catch {
      return null;
    }
  }
}
