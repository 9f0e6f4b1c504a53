// One option of a command in the box: its name, and the input for its value.

import { el, freshId } from "./dom.js";
import { askTheBot, knownValues, matching, readValue } from "./options.js";

const QUIET_MS = 120;

// `box` is the command box: it has world, popup, and what happens when a field is left, emptied or sent.
export class Field {
  constructor(box, option) {
    this.box = box;
    this.option = option;
    this.chosen = null; // the value picked from a list; null when the text itself counts
    this.asked = 0;
    const id = freshId("field");
    this.input = el("input", {
      id, type: "text", autocomplete: "off", spellcheck: "false", enterkeyhint: "send", role: "combobox",
      "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": box.popup.list.id,
      "aria-label": `${option.name}${option.required ? ", required" : ""}: ${option.description}`,
    });
    this.node = el("span", { class: "field", dataset: { option: option.name } }, el("label", { for: id }, option.name), this.input);
    this.input.addEventListener("focus", () => this.#focused());
    this.input.addEventListener("blur", () => this.#left());
    this.input.addEventListener("input", () => this.#typed());
    this.input.addEventListener("keydown", (event) => this.#key(event));
    this.#size();
  }

  get isEmpty() {
    return this.chosen === null && this.input.value.trim() === "";
  }

  // A text that came with the option's name, keyword:"reward model"; its quotes are not part of it.
  setText(text) {
    this.named = true;
    this.input.value = text;
    this.chosen = null;
    this.#size();
  }

  // { value }, { fault }, or {} when there is nothing.
  read() {
    if (this.chosen !== null) return { value: this.chosen };
    const quoted = this.named && /^\s*"(.*)"\s*$/s.exec(this.input.value);
    const text = quoted ? quoted[1] : this.input.value;
    if (text.trim() === "") return this.option.required ? { fault: `${this.option.name}: this option is required.` } : {};
    return readValue(this.option, text, this.box.world());
  }

  markFault(isFaulty) {
    this.node.classList.toggle("faulty", isFaulty);
    if (isFaulty) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }

  #focused() {
    this.box.explain(this.option);
    if (this.chosen === null) this.#suggest();
  }

  #left() {
    this.asked += 1; // what the bot still answers comes too late
    clearTimeout(this.timer);
    this.box.popup.hide();
  }

  #typed() {
    this.chosen = null;
    this.markFault(false);
    this.box.splitAtNames(this);
    this.#size();
    if (document.activeElement === this.input) this.#suggest();
  }

  #size() {
    // The padding counts in the width.
    this.input.style.width = `calc(${Math.min(Math.max(this.input.value.length + 1, 4), 40)}ch + 1rem)`;
  }

  #suggest() {
    const known = knownValues(this.option, this.box.world());
    if (known) {
      const values = matching(known, this.input.value);
      this.#show(values, values.length ? "" : "Nothing matches.");
    } else if (this.option.autocomplete) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void this.#ask(), QUIET_MS);
    } else this.box.popup.hide();
  }

  async #ask() {
    const turn = ++this.asked;
    let note = "";
    let values = [];
    try {
      const { values: options } = this.box.values();
      const answer = await askTheBot(this.box.me(), this.box.channel(), this.box.command, { ...options, [this.option.name]: this.input.value }, this.option.name);
      values = answer.choices.map((choice) => ({ label: choice.name, value: choice.value }));
      if (!answer.acknowledged) note = "Loading options failed.";
      else if (!values.length) note = "No options match your search.";
    } catch (error) {
      note = error.message;
    }
    if (turn === this.asked) this.#show(values, note);
  }

  #show(values, note) {
    this.box.popup.show(this.input, values.map((value) => ({ ...value, pick: () => this.#pick(value) })), { note });
  }

  #pick(value) {
    this.chosen = value.value;
    this.input.value = value.label;
    this.#size();
    this.markFault(false);
    this.box.popup.hide();
    this.box.goOn(this);
  }

  #key(event) {
    if (this.box.popup.takeKey(event)) return;
    if (event.key === "Enter") {
      event.preventDefault();
      this.box.submit();
    } else if (event.key === "Escape") this.box.leaveCommand();
    else if (event.key === "Backspace" && this.input.value === "") {
      event.preventDefault();
      this.box.emptied(this);
    }
  }
}
