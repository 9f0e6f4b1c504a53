// A form that the bot opens as its response, which Discord calls a modal: a dialog above the page.

import { InvalidAction } from "./api.js";
import { el, uniqueId } from "./dom.js";

const LABEL = 18;
const ROW = 1;
const TEXT = 10;
const TEXT_INPUT = 4;
const PARAGRAPH = 2;
const FAILED = "Something went wrong. Try again.";

// `submit(values)` returns a promise: whether the bot responded. The form stays open until it did.
export function openModal(modal, submit) {
  const fields = modal.components.flatMap(fieldsOf);
  const titleId = uniqueId("modal-title");
  const error = el("p", { class: "modal-error error", role: "alert", hidden: true });
  const send = el("button", { type: "submit", class: "button primary" }, "Submit");
  const cancel = el("button", { type: "button", class: "button secondary", onclick: () => dialog.close() }, "Cancel");
  const form = el("form", { novalidate: true }, el("h2", { id: titleId }, modal.title), fields.map((field) => field.node), error,
    el("div", { class: "modal-buttons" }, cancel, send));
  const dialog = el("dialog", { class: "modal", "aria-labelledby": titleId }, form);

  const show = (text) => {
    error.textContent = text;
    error.hidden = text === "";
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void sendValues();
  });
  async function sendValues() {
    if (send.getAttribute("aria-busy") === "true") return;
    const missing = fields.find((field) => field.isRequired && field.input.value === "");
    if (missing) {
      show(`${missing.label}: this field is required.`);
      missing.input.focus();
      return;
    }
    send.setAttribute("aria-busy", "true");
    show("");
    try {
      const inputs = fields.filter((field) => field.input);
      if (await submit(Object.fromEntries(inputs.map((field) => [field.name, field.input.value])))) dialog.close();
      else show(FAILED);
    } catch (failure) {
      show(failure instanceof InvalidAction ? failure.message : FAILED);
    } finally {
      send.removeAttribute("aria-busy");
    }
  }

  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  fields.find((field) => field.input)?.input.focus();
}

function fieldsOf(component) {
  switch (component.type) {
    case TEXT: return [{ node: el("p", { class: "muted" }, component.content) }];
    case LABEL: return [field(component.component, component.label, component.description)];
    case ROW: return component.components.map((child) => field(child, child.label));
    default: return [];
  }
}

function field(component, label, description) {
  if (component.type !== TEXT_INPUT) return { node: el("p", { class: "error" }, "The sandbox's page can't show this field.") };
  const id = uniqueId("modal-field");
  const noteId = uniqueId("modal-note");
  const isRequired = component.required ?? true;
  const properties = {
    id, placeholder: component.placeholder, maxlength: component.max_length ?? undefined, autocomplete: "off", spellcheck: "false",
    "aria-required": String(isRequired), "aria-describedby": description ? noteId : undefined,
  };
  const input = component.style === PARAGRAPH ? el("textarea", { ...properties, rows: 4 }) : el("input", { ...properties, type: "text" });
  input.value = component.value ?? "";
  const node = el("div", { class: "modal-field" },
    el("label", { for: id }, label, isRequired && el("span", { class: "error", "aria-hidden": "true" }, " *")),
    description && el("p", { id: noteId, class: "muted" }, description),
    input);
  return { node, input, label, isRequired, name: component.custom_id };
}
