// The message box: plain messages, or slash commands with completion as in Discord.
//
// Typing "/" suggests commands. A command shows a field for every required option, and suggests the others at the end.
// `actions` has me(), channel(), world(), send(text) and run(command, options); the last two return promises.

import { el } from "./dom.js";
import { Field } from "./field.js";
import { FileField } from "./file_field.js";
import { KIND, loadCommands } from "./options.js";
import { Popup } from "./popup.js";

export class Composer {
  constructor(root, actions) {
    this.me = actions.me;
    this.channel = actions.channel;
    this.world = actions.world;
    this.actions = actions;
    this.popup = new Popup();
    this.commands = [];
    this.command = null;
    this.fields = [];
    const combobox = { type: "text", autocomplete: "off", spellcheck: "false", role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.popup.list.id, enterkeyhint: "send" };
    this.input = el("input", { id: "composer-input", class: "plain", ...combobox });
    this.tail = el("input", { id: "composer-tail", class: "tail", ...combobox, "aria-label": "Add an option", placeholder: "+ option" });
    this.pill = el("span", { class: "command-pill" });
    this.slots = el("span", { class: "slots" });
    this.hint = el("p", { class: "hint", id: "composer-hint", role: "status" });
    this.line = el("form", { class: "composer-line", novalidate: true }, this.input, el("button", { type: "submit", class: "send", "aria-label": "Send" }, "➤"));
    root.replaceChildren(this.popup.list, this.hint, this.line);
    this.#addListeners();
  }

  // Called when the channel, the user or the commands change.
  async refresh(placeholder) {
    this.input.placeholder = placeholder;
    this.input.setAttribute("aria-label", placeholder);
    const refreshNumber = (this.refreshNumber = (this.refreshNumber ?? 0) + 1);
    const commands = await loadCommands(this.me(), this.channel());
    if (refreshNumber === this.refreshNumber) this.commands = commands;
    if (document.activeElement === this.input && this.input.value.startsWith("/")) this.#onInput();
  }

  // Focuses the first empty field, or the message input.
  focus() {
    if (!this.command) return this.input.focus();
    return (this.fields.find((field) => field.isEmpty)?.input ?? (this.tail.hidden ? this.fields.at(-1).input : this.tail)).focus();
  }

  clear() {
    if (this.command) this.#showPlainInput("");
    this.input.value = "";
    this.popup.hide();
    this.showHint("");
  }

  showHint(text, isError = false) {
    this.hint.textContent = text;
    this.hint.classList.toggle("error", isError);
  }

  explain(option) {
    this.showHint(`${option.name}: ${option.description}`);
  }

  // Returns the values so far by name, and the first invalid field.
  values() {
    const values = {};
    let invalid = null;
    for (const field of this.fields) {
      const read = field.read();
      if ("value" in read) values[field.option.name] = read.value;
      else if (read.error && !invalid) invalid = { field, error: read.error };
    }
    return { values, invalid };
  }

  submit() {
    if (!this.command) return this.#submitPlain();
    if (this.tail.value.trim() && !this.#takeTail()) return undefined;
    const { values, invalid } = this.values();
    this.fields.forEach((field) => field.markInvalid(field === invalid?.field));
    if (invalid) {
      invalid.field.input.focus();
      this.popup.hide();
      return this.showHint(invalid.error, true);
    }
    const command = this.command;
    this.#showPlainInput("");
    return this.#perform(this.actions.run(command, values));
  }

  // After a value is picked, moves to the next empty required field, or to the end.
  focusNext(from) {
    const next = this.fields.find((field) => field !== from && field.isEmpty && field.option.required);
    if (next) next.input.focus();
    else if (!this.tail.hidden) this.tail.focus();
    else from.input.focus();
  }

  // Backspace in an empty field removes an optional field; in the first required one, it returns to plain text.
  removeEmptyField(field) {
    const index = this.fields.indexOf(field);
    if (!field.option.required) {
      this.fields.splice(index, 1);
      field.node.remove();
      this.#showTail();
      (this.fields[index - 1]?.input ?? this.tail).focus();
    } else if (index > 0) this.fields[index - 1].input.focus();
    else this.#showPlainInput(`/${this.command.name}`);
  }

  cancelCommand() {
    this.#showPlainInput("");
  }

  // Splits text such as "keyword:x channel:y", typed or pasted into one field, at the option names.
  splitAtNames(field) {
    const names = this.command.options.map((option) => option.name.replace(/[^\w-]/g, "\\$&"));
    const marks = [...field.input.value.matchAll(new RegExp(`(?:^|\\s)(${names.join("|")}):`, "g"))];
    const parts = marks.filter((mark) => mark[1] !== field.option.name || mark.index === 0);
    if (!parts.length) return;
    const text = field.input.value;
    const ends = [...parts.slice(1).map((part) => part.index), text.length];
    const before = text.slice(0, parts[0].index).trim();
    if (parts[0].index > 0) field.setText(before);
    parts.forEach((part, index) => {
      const target = this.#fieldOf(part[1]);
      target.setText(text.slice(part.index + part[0].length, ends[index]).replace(/^\s+/, ""));
      target.input.focus();
    });
  }

  #addListeners() {
    this.line.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener("input", () => this.#onInput());
    this.input.addEventListener("focus", () => this.#onInput());
    this.input.addEventListener("blur", () => this.popup.hide());
    this.input.addEventListener("keydown", (event) => {
      if (!this.popup.takeKey(event) && event.key === "Escape") this.clear();
    });
    this.tail.addEventListener("focus", () => this.#suggestOptions());
    this.tail.addEventListener("input", () => this.#suggestOptions());
    this.tail.addEventListener("blur", () => this.popup.hide());
    this.tail.addEventListener("keydown", (event) => this.#onTailKeydown(event));
  }

  #onInput() {
    const text = this.input.value;
    this.showHint("");
    if (!text.startsWith("/")) return this.popup.hide();
    const complete = this.commands.find((command) => text.startsWith(`/${command.name} `));
    if (complete) return this.#startCommand(complete, text.slice(complete.name.length + 2));
    const wanted = text.slice(1).toLowerCase();
    const found = this.commands.filter((command) => command.name.includes(wanted.trimEnd()));
    found.sort((a, b) => Number(b.name.startsWith(wanted)) - Number(a.name.startsWith(wanted)));
    const suggestions = found.map((command) => ({ label: `/${command.name}`, detail: command.description, pick: () => this.#startCommand(command, "") }));
    return this.popup.show(this.input, suggestions, { note: suggestions.length ? "" : this.#noCommandsText() });
  }

  #noCommandsText() {
    return this.commands.length ? "No matching commands." : "No commands are available here.";
  }

  #startCommand(command, rest) {
    this.command = command;
    this.fields = [];
    this.pill.textContent = `/${command.name}`;
    this.slots.replaceChildren();
    this.popup.hide();
    this.input.replaceWith(this.pill, this.slots, this.tail);
    this.tail.value = "";
    command.options.filter((option) => option.required).forEach((option) => this.#fieldOf(option.name));
    this.#showTail();
    this.showHint(command.description);
    // Text after the command name belongs to the first option.
    const first = this.fields[0] ?? (rest.trim() && command.options.length ? this.#fieldOf(command.options[0].name) : null);
    (first?.input ?? this.tail).focus();
    if (!first || !rest || first instanceof FileField) return;
    first.input.value = rest;
    first.input.dispatchEvent(new Event("input"));
  }

  #showPlainInput(text) {
    this.command = null;
    this.fields = [];
    this.popup.hide();
    this.pill.remove();
    this.slots.remove();
    if (this.tail.isConnected) this.tail.replaceWith(this.input);
    this.input.value = text;
    this.showHint("");
    this.input.focus();
  }

  #fieldOf(name) {
    const known = this.fields.find((field) => field.option.name === name);
    if (known) return known;
    const option = this.command.options.find((each) => each.name === name);
    const field = option.type === KIND.attachment ? new FileField(this, option) : new Field(this, option);
    this.fields.push(field);
    this.slots.append(field.node);
    this.#showTail();
    return field;
  }

  #unusedOptions() {
    return this.command.options.filter((option) => !this.fields.some((field) => field.option === option));
  }

  #showTail() {
    // A command without options still needs an input to focus.
    this.tail.hidden = this.#unusedOptions().length === 0 && this.fields.length > 0;
    this.tail.placeholder = this.#unusedOptions().length ? `+${this.#unusedOptions().length} more` : "";
    this.tail.setAttribute("aria-label", this.#unusedOptions().length ? "Add an option" : `/${this.command.name}: press Enter to send`);
  }

  #suggestOptions() {
    const typed = this.tail.value.trim().toLowerCase();
    const [name, rest] = typed.split(":", 2);
    const open = (option, text) => {
      this.tail.value = "";
      const field = this.#fieldOf(option.name);
      if (text) field.setText(text);
      field.input.focus();
    };
    const exact = rest === undefined ? null : this.#unusedOptions().find((option) => option.name === name);
    if (exact) return open(exact, this.tail.value.slice(this.tail.value.indexOf(":") + 1).trimStart());
    const found = this.#unusedOptions().filter((option) => option.name.startsWith(name));
    if (typed === "" && found.length) this.showHint(`${this.command.description}. Press Enter to send, ↓ to add an option.`);
    const suggestions = found.map((option) => ({ label: option.name, detail: option.description, pick: () => open(option) }));
    return this.popup.show(this.tail, suggestions, { first: typed ? 0 : -1 });
  }

  // Text that names no option belongs to the first unused one; returns whether there is one.
  #takeTail() {
    const text = this.tail.value.trim();
    const [option] = this.#unusedOptions();
    if (!option) {
      this.showHint(`/${this.command.name} has no option for “${text}”.`, true);
      return false;
    }
    this.tail.value = "";
    this.#fieldOf(option.name).setText(text);
    return true;
  }

  #onTailKeydown(event) {
    if (this.popup.takeKey(event)) return;
    if (event.key === "Enter") {
      event.preventDefault();
      this.submit();
    } else if (event.key === "Escape") this.cancelCommand();
    else if (event.key === "Backspace" && this.tail.value === "") {
      event.preventDefault();
      const last = this.fields.at(-1);
      if (last) last.input.focus();
      else this.#showPlainInput(`/${this.command.name}`);
    }
  }

  #submitPlain() {
    const text = this.input.value.trim();
    if (!text) return undefined;
    const command = this.commands.find((candidate) => text === `/${candidate.name}`);
    if (command) return this.#startCommand(command, "");
    if (text.startsWith("/")) return this.showHint(this.#noCommandsText(), true);
    this.input.value = "";
    return this.#perform(this.actions.send(text), text);
  }

  async #perform(promise, text = "") {
    try {
      await promise;
    } catch (error) {
      if (text) this.input.value = text;
      this.showHint(error.message, true);
    }
  }
}
