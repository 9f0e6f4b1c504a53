// One command option in the message box: its name and the input for its value.

import { el, uniqueId } from "./dom.js";
import { fetchChoices, knownValues, matching, readValue } from "./options.js";

const DEBOUNCE_MS = 120;

// `box` is the composer, which owns the popup and handles leaving, removing and submitting a field.
export class Field {
  constructor(box, option) {
    this.box = box;
    this.option = option;
    this.chosen = null; // the value picked from a list; null if the text is the value
    this.requestNumber = 0;
    const id = uniqueId("field");
    this.input = el("input", {
      id, type: "text", autocomplete: "off", spellcheck: "false", enterkeyhint: "send", role: "combobox",
      "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": box.popup.list.id,
      "aria-label": `${option.name}${option.required ? ", required" : ""}: ${option.description}`,
    });
    this.node = el("span", { class: "field", dataset: { option: option.name } }, el("label", { for: id }, option.name), this.input);
    this.input.addEventListener("focus", () => this.#onFocus());
    this.input.addEventListener("blur", () => this.#onBlur());
    this.input.addEventListener("input", () => this.#onInput());
    this.input.addEventListener("keydown", (event) => this.#onKeydown(event));
    this.#resize();
  }

  get isEmpty() {
    return this.chosen === null && this.input.value.trim() === "";
  }

  // Sets text that followed the option's name, as in keyword:"reward model"; the quotes are not part of the value.
  setText(text) {
    this.named = true;
    this.input.value = text;
    this.chosen = null;
    this.#resize();
  }

  // Returns { value }, { error }, or {} if the field is empty.
  read() {
    if (this.chosen !== null) return { value: this.chosen };
    const quoted = this.named && /^\s*"(.*)"\s*$/s.exec(this.input.value);
    const text = quoted ? quoted[1] : this.input.value;
    if (text.trim() === "") return this.option.required ? { error: `${this.option.name}: this option is required.` } : {};
    return readValue(this.option, text, this.box.world());
  }

  markInvalid(isInvalid) {
    this.node.classList.toggle("invalid", isInvalid);
    if (isInvalid) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }

  #onFocus() {
    this.box.explain(this.option);
    if (this.chosen === null) this.#suggest();
  }

  #onBlur() {
    this.requestNumber += 1; // discard responses that are still on the way
    clearTimeout(this.timer);
    this.box.popup.hide();
  }

  #onInput() {
    this.chosen = null;
    this.markInvalid(false);
    this.box.splitAtNames(this);
    this.#resize();
    if (document.activeElement === this.input) this.#suggest();
  }

  #resize() {
    // The width includes the padding.
    this.input.style.width = `calc(${Math.min(Math.max(this.input.value.length + 1, 4), 40)}ch + 1rem)`;
  }

  #suggest() {
    const known = knownValues(this.option, this.box.world());
    if (known) {
      const values = matching(known, this.input.value);
      this.#show(values, values.length ? "" : "No matches.");
    } else if (this.option.autocomplete) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void this.#fetchChoices(), DEBOUNCE_MS);
    } else this.box.popup.hide();
  }

  async #fetchChoices() {
    const requestNumber = ++this.requestNumber;
    let note = "";
    let values = [];
    try {
      const { values: options } = this.box.values();
      const answer = await fetchChoices(this.box.me(), this.box.channel(), this.box.command, { ...options, [this.option.name]: this.input.value }, this.option.name);
      values = answer.choices.map((choice) => ({ label: choice.name, value: choice.value }));
      if (!answer.acknowledged) note = "Loading options failed.";
      else if (!values.length) note = "No options match your search.";
    } catch (error) {
      note = error.message;
    }
    if (requestNumber === this.requestNumber) this.#show(values, note);
  }

  #show(values, note) {
    this.box.popup.show(this.input, values.map((value) => ({ ...value, pick: () => this.#pick(value) })), { note });
  }

  #pick(value) {
    this.chosen = value.value;
    this.input.value = value.label;
    this.#resize();
    this.markInvalid(false);
    this.box.popup.hide();
    this.box.focusNext(this);
  }

  #onKeydown(event) {
    if (this.box.popup.takeKey(event)) return;
    if (event.key === "Enter") {
      event.preventDefault();
      this.box.submit();
    } else if (event.key === "Escape") this.box.cancelCommand();
    else if (event.key === "Backspace" && this.input.value === "") {
      event.preventDefault();
      this.box.removeEmptyField(this);
    }
  }
}
