// The box where people write: plain messages, or commands that are completed as Discord completes them.
//
// Typing "/" offers commands; a command opens a field for every required option, and offers the others at its end.
// `deeds` has me(), channel(), world(), say(text), run(command, options); both of the last answer with a promise.

import { el } from "./dom.js";
import { Field } from "./field.js";
import { loadCommands } from "./options.js";
import { Popup } from "./popup.js";

export class Composer {
  constructor(root, deeds) {
    this.me = deeds.me;
    this.channel = deeds.channel;
    this.world = deeds.world;
    this.deeds = deeds;
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
    this.#listen();
  }

  // Another channel, another person, or other commands.
  async refresh(placeholder) {
    this.input.placeholder = placeholder;
    this.input.setAttribute("aria-label", placeholder);
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const commands = await loadCommands(this.me(), this.channel());
    if (turn === this.turn) this.commands = commands;
    if (document.activeElement === this.input && this.input.value.startsWith("/")) this.#typed();
  }

  // Where the caret belongs: the place that is not filled in yet.
  focus() {
    if (!this.command) return this.input.focus();
    return (this.fields.find((field) => field.isEmpty)?.input ?? (this.tail.hidden ? this.fields.at(-1).input : this.tail)).focus();
  }

  clear() {
    if (this.command) this.#plain("");
    this.input.value = "";
    this.popup.hide();
    this.say("");
  }

  say(words, isFault = false) {
    this.hint.textContent = words;
    this.hint.classList.toggle("error", isFault);
  }

  explain(option) {
    this.say(`${option.name}: ${option.description}`);
  }

  // What is filled in so far: the values by name, and the first field that is wrong.
  values() {
    const values = {};
    let wrong = null;
    for (const field of this.fields) {
      const read = field.read();
      if ("value" in read) values[field.option.name] = read.value;
      else if (read.fault && !wrong) wrong = { field, fault: read.fault };
    }
    return { values, wrong };
  }

  submit() {
    if (!this.command) return this.#submitPlain();
    const { values, wrong } = this.values();
    this.fields.forEach((field) => field.markFault(field === wrong?.field));
    if (wrong) {
      wrong.field.input.focus();
      this.popup.hide();
      return this.say(wrong.fault, true);
    }
    const command = this.command;
    this.#plain("");
    return this.#deed(this.deeds.run(command, values));
  }

  // After a value was picked: the next field that is empty, else the end.
  goOn(from) {
    const next = this.fields.find((field) => field !== from && field.isEmpty && field.option.required);
    if (next) next.input.focus();
    else if (!this.tail.hidden) this.tail.focus();
    else from.input.focus();
  }

  // Backspace in an empty field: an optional one goes, the first leads back to the text.
  emptied(field) {
    const index = this.fields.indexOf(field);
    if (!field.option.required) {
      this.fields.splice(index, 1);
      field.node.remove();
      this.#showTail();
      (this.fields[index - 1]?.input ?? this.tail).focus();
    } else if (index > 0) this.fields[index - 1].input.focus();
    else this.#plain(`/${this.command.name}`);
  }

  leaveCommand() {
    this.#plain("");
  }

  // "keyword:x channel:y" typed or pasted into one field is parted at the names of options.
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

  #listen() {
    this.line.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener("input", () => this.#typed());
    this.input.addEventListener("focus", () => this.#typed());
    this.input.addEventListener("blur", () => this.popup.hide());
    this.input.addEventListener("keydown", (event) => {
      if (!this.popup.takeKey(event) && event.key === "Escape") this.clear();
    });
    this.tail.addEventListener("focus", () => this.#offerOptions());
    this.tail.addEventListener("input", () => this.#offerOptions());
    this.tail.addEventListener("blur", () => this.popup.hide());
    this.tail.addEventListener("keydown", (event) => this.#tailKey(event));
  }

  #typed() {
    const text = this.input.value;
    this.say("");
    if (!text.startsWith("/")) return this.popup.hide();
    const complete = this.commands.find((command) => text.startsWith(`/${command.name} `));
    if (complete) return this.#enter(complete, text.slice(complete.name.length + 2));
    const wanted = text.slice(1).toLowerCase();
    const found = this.commands.filter((command) => command.name.includes(wanted.trimEnd()));
    found.sort((a, b) => Number(b.name.startsWith(wanted)) - Number(a.name.startsWith(wanted)));
    const suggestions = found.map((command) => ({ label: `/${command.name}`, detail: command.description, pick: () => this.#enter(command, "") }));
    return this.popup.show(this.input, suggestions, { note: suggestions.length ? "" : this.#nothingFound() });
  }

  #nothingFound() {
    return this.commands.length ? "No command matches." : "The bot offers you no commands here.";
  }

  #enter(command, rest) {
    this.command = command;
    this.fields = [];
    this.pill.textContent = `/${command.name}`;
    this.slots.replaceChildren();
    this.popup.hide();
    this.input.replaceWith(this.pill, this.slots, this.tail);
    this.tail.value = "";
    command.options.filter((option) => option.required).forEach((option) => this.#fieldOf(option.name));
    this.#showTail();
    this.say(command.description);
    // What was typed behind the name belongs to the first option that there is.
    const first = this.fields[0] ?? (rest.trim() && command.options.length ? this.#fieldOf(command.options[0].name) : null);
    (first?.input ?? this.tail).focus();
    if (!first || !rest) return;
    first.input.value = rest;
    first.input.dispatchEvent(new Event("input"));
  }

  #plain(text) {
    this.command = null;
    this.fields = [];
    this.popup.hide();
    this.pill.remove();
    this.slots.remove();
    if (this.tail.isConnected) this.tail.replaceWith(this.input);
    this.input.value = text;
    this.say("");
    this.input.focus();
  }

  #fieldOf(name) {
    const known = this.fields.find((field) => field.option.name === name);
    if (known) return known;
    const field = new Field(this, this.command.options.find((option) => option.name === name));
    this.fields.push(field);
    this.slots.append(field.node);
    this.#showTail();
    return field;
  }

  #unused() {
    return this.command.options.filter((option) => !this.fields.some((field) => field.option === option));
  }

  #showTail() {
    // A command without options still needs a place for the caret.
    this.tail.hidden = this.#unused().length === 0 && this.fields.length > 0;
    this.tail.placeholder = this.#unused().length ? `+${this.#unused().length} more` : "";
    this.tail.setAttribute("aria-label", this.#unused().length ? "Add an option" : `/${this.command.name}: press Enter to send`);
  }

  #offerOptions() {
    const typed = this.tail.value.trim().toLowerCase();
    const [name, rest] = typed.split(":", 2);
    const open = (option, text) => {
      this.tail.value = "";
      const field = this.#fieldOf(option.name);
      if (text) field.setText(text);
      field.input.focus();
    };
    const exact = rest === undefined ? null : this.#unused().find((option) => option.name === name);
    if (exact) return open(exact, this.tail.value.slice(this.tail.value.indexOf(":") + 1).trimStart());
    const found = this.#unused().filter((option) => option.name.startsWith(name));
    if (typed === "" && found.length) this.say(`${this.command.description}. Enter sends it, ↓ adds an option.`);
    const suggestions = found.map((option) => ({ label: option.name, detail: option.description, pick: () => open(option) }));
    return this.popup.show(this.tail, suggestions, { first: typed ? 0 : -1 });
  }

  #tailKey(event) {
    if (this.popup.takeKey(event)) return;
    if (event.key === "Enter") {
      event.preventDefault();
      this.submit();
    } else if (event.key === "Escape") this.leaveCommand();
    else if (event.key === "Backspace" && this.tail.value === "") {
      event.preventDefault();
      const last = this.fields.at(-1);
      if (last) last.input.focus();
      else this.#plain(`/${this.command.name}`);
    }
  }

  #submitPlain() {
    const text = this.input.value.trim();
    if (!text) return undefined;
    const command = this.commands.find((candidate) => text === `/${candidate.name}`);
    if (command) return this.#enter(command, "");
    if (text.startsWith("/")) return this.say(this.#nothingFound(), true);
    this.input.value = "";
    return this.#deed(this.deeds.say(text), text);
  }

  async #deed(promise, text = "") {
    try {
      await promise;
    } catch (error) {
      if (text) this.input.value = text;
      this.say(error.message, true);
    }
  }
}
