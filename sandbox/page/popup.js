// The list of suggestions above the message box, for keyboard and mouse.
//
// Suggestions are { label, detail, pick() }. The focused input refers to the active one, for screen readers.

import { el, uniqueId } from "./dom.js";

export class Popup {
  constructor() {
    this.list = el("ul", { id: uniqueId("suggestions"), class: "suggestions", role: "listbox", "aria-label": "Suggestions", hidden: true });
    this.suggestions = [];
    this.active = -1;
  }

  get isOpen() {
    return !this.list.hidden;
  }

  // `first` is the initially active suggestion, which Enter picks; -1 for none.
  show(input, suggestions, { first = 0, note = "" } = {}) {
    this.input = input;
    this.suggestions = suggestions;
    this.active = suggestions.length ? first : -1;
    this.options = suggestions.map((suggestion, index) => this.#option(suggestion, index));
    this.list.replaceChildren(...this.options, ...(note ? [el("li", { class: "note", role: "presentation" }, note)] : []));
    this.list.hidden = suggestions.length === 0 && !note;
    input.setAttribute("aria-expanded", String(this.isOpen));
    this.#mark();
  }

  hide() {
    this.list.hidden = true;
    this.suggestions = [];
    this.active = -1;
    this.input?.setAttribute("aria-expanded", "false");
    this.input?.removeAttribute("aria-activedescendant");
  }

  // Returns whether the list handled the key.
  takeKey(event) {
    if (!this.isOpen) return false;
    switch (event.key) {
      case "ArrowDown":
      case "ArrowUp":
        if (!this.suggestions.length) return false;
        this.#move(event.key === "ArrowDown" ? 1 : -1);
        break;
      case "Enter":
      case "Tab":
        if (this.active < 0 || event.shiftKey) return false;
        this.suggestions[this.active].pick();
        break;
      case "Escape":
        this.hide();
        break;
      default:
        return false;
    }
    event.preventDefault();
    return true;
  }

  #move(step) {
    const count = this.suggestions.length;
    this.active = this.active < 0 && step < 0 ? count - 1 : (this.active + step + count) % count;
    this.#mark();
  }

  #mark() {
    this.options.forEach((option, index) => option.setAttribute("aria-selected", String(index === this.active)));
    if (this.active >= 0) {
      this.input.setAttribute("aria-activedescendant", this.options[this.active].id);
      this.options[this.active].scrollIntoView({ block: "nearest" });
    } else this.input.removeAttribute("aria-activedescendant");
  }

  #option(suggestion, index) {
    const node = el("li", { id: uniqueId("suggestion"), role: "option" },
      el("span", { class: "suggestion-label" }, suggestion.label),
      suggestion.detail && el("span", { class: "suggestion-detail" }, suggestion.detail));
    // mousedown comes before the input loses focus.
    node.addEventListener("mousedown", (event) => {
      event.preventDefault();
      suggestion.pick();
    });
    node.addEventListener("mousemove", () => {
      if (this.active === index) return;
      this.active = index;
      this.#mark();
    });
    return node;
  }
}
