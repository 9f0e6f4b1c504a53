// Draws the buttons and menus of a message. `actions` has press(customId) and choose(customId, values), which return promises.

import { el, uniqueId, safeUrl } from "./dom.js";
import { markdown } from "./markdown.js";

const BUTTON_STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link" };

export function drawComponents(components, names, actions, choicesOf) {
  return components.map((component) => draw(component, names, actions, choicesOf));
}

function draw(component, names, actions, choicesOf) {
  const inner = () => (component.components ?? []).map((child) => draw(child, names, actions, choicesOf));
  switch (component.type) {
    case 1: return el("div", { class: "action-row" }, inner());
    case 2: return button(component, actions);
    case 3: case 5: case 6: case 7: case 8: return menu(component, actions, choicesOf(component));
    case 9: return el("div", { class: "section" }, el("div", {}, inner()), component.accessory && draw(component.accessory, names, actions, choicesOf));
    case 10: return el("div", { class: "content" }, markdown(component.content, names));
    case 14: return el("hr", {});
    case 17: return el("div", { class: "embed container" }, inner());
    default: return null;
  }
}

function emojiAndLabel(component) {
  const emoji = component.emoji ? (component.emoji.id ? `:${component.emoji.name}:` : component.emoji.name) : null;
  return [emoji && el("span", { class: "emoji" }, emoji), component.label && el("span", {}, component.label)];
}

function button(component, actions) {
  const style = BUTTON_STYLES[component.style] ?? "secondary";
  if (component.style === 5) {
    const url = safeUrl(component.url);
    return el("a", { class: "button link", href: url ?? undefined, target: "_blank", rel: "noopener noreferrer", "aria-disabled": component.disabled ? "true" : undefined },
      emojiAndLabel(component), el("span", { class: "out", "aria-hidden": "true" }, "↗"));
  }
  const node = el("button", { type: "button", class: `button ${style}`, disabled: component.disabled === true }, emojiAndLabel(component));
  node.addEventListener("click", () => withBusyState(node, () => actions.press(component.custom_id)));
  return node;
}

async function withBusyState(node, action) {
  if (node.getAttribute("aria-busy") === "true") return;
  node.setAttribute("aria-busy", "true");
  try {
    await action();
  } finally {
    node.removeAttribute("aria-busy");
  }
}

// A menu as in Discord: a button that opens a list, with the usual keys of a list box.
function menu(component, actions, choices) {
  const maxValues = component.max_values ?? 1;
  const defaults = new Set((component.default_values ?? []).map((value) => value.id));
  const chosen = new Set(choices.filter((choice) => choice.default || defaults.has(choice.value)).map((choice) => choice.value));
  const listId = uniqueId("menu");
  const label = el("span", { class: "menu-label" });
  const opener = el("button", { type: "button", class: "menu-opener", role: "combobox", "aria-haspopup": "listbox", "aria-expanded": "false", "aria-controls": listId, "aria-label": component.placeholder ?? "Make a selection", disabled: component.disabled === true },
    label, el("span", { class: "arrow", "aria-hidden": "true" }, "▾"));
  const list = el("ul", { id: listId, class: "menu-list", role: "listbox", "aria-multiselectable": maxValues > 1 ? "true" : undefined, hidden: true });
  const root = el("div", { class: "menu" }, opener, list);
  const options = choices.map((choice) => el("li", { id: uniqueId("option"), role: "option", "aria-selected": "false" },
    choice.emoji?.name && el("span", { class: "emoji" }, choice.emoji.name),
    el("span", { class: "menu-option" }, el("span", {}, choice.label), choice.description && el("span", { class: "menu-description" }, choice.description))));
  list.append(...options);
  let active = -1;
  let touched = false;

  const show = () => {
    const names = choices.filter((choice) => chosen.has(choice.value)).map((choice) => choice.label);
    label.textContent = names.join(", ") || component.placeholder || "Make a selection";
    label.classList.toggle("placeholder", names.length === 0);
    options.forEach((option, index) => {
      option.setAttribute("aria-selected", String(chosen.has(choices[index].value)));
      option.classList.toggle("active", index === active);
    });
    if (active >= 0) opener.setAttribute("aria-activedescendant", options[active].id);
    else opener.removeAttribute("aria-activedescendant");
  };
  const open = (isOpen) => {
    if (list.hidden === !isOpen) return;
    list.hidden = !isOpen;
    opener.setAttribute("aria-expanded", String(isOpen));
    active = isOpen ? Math.max(0, choices.findIndex((choice) => chosen.has(choice.value))) : -1;
    show();
    if (isOpen) root.scrollIntoView({ block: "nearest" });
    // A menu with several values sends them together when the list closes.
    if (!isOpen && touched && maxValues > 1) send();
  };
  const send = () => {
    touched = false;
    if (chosen.size >= (component.min_values ?? 1)) void withBusyState(opener, () => actions.choose(component.custom_id, [...chosen]));
  };
  const pick = (index) => {
    const { value } = choices[index];
    touched = true;
    if (maxValues > 1) {
      if (!chosen.delete(value) && chosen.size < maxValues) chosen.add(value);
      show();
      return;
    }
    chosen.clear();
    chosen.add(value);
    open(false);
    opener.focus();
    send();
  };
  const keys = {
    ArrowDown: () => { active = Math.min(active + 1, options.length - 1); },
    ArrowUp: () => { active = Math.max(active - 1, 0); },
    Home: () => { active = 0; },
    End: () => { active = options.length - 1; },
  };

  opener.addEventListener("click", () => open(list.hidden));
  opener.addEventListener("keydown", (event) => {
    if (list.hidden) {
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
      open(true);
    } else if (keys[event.key]) keys[event.key]();
    else if (event.key === "Enter" || event.key === " ") pick(active);
    else if (event.key === "Escape" || event.key === "Tab") open(false);
    else return;
    if (event.key !== "Tab") event.preventDefault();
    show();
    if (active >= 0) options[active].scrollIntoView({ block: "nearest" });
  });
  options.forEach((option, index) => option.addEventListener("mousedown", (event) => {
    event.preventDefault();
    pick(index);
  }));
  opener.addEventListener("blur", () => open(false));
  show();
  return root;
}
