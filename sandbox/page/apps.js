// The menu "Apps" of a message, with the commands for messages.
//
// `apps` has load(), which returns a promise of the commands' names, and run(name), which returns a promise.

import { el, uniqueId } from "./dom.js";

export function appsMenu(apps) {
  const listId = uniqueId("apps");
  const list = el("ul", { id: listId, class: "apps-list", role: "menu", "aria-label": "Apps", hidden: true });
  const opener = el("button", { type: "button", class: "apps-opener", "aria-haspopup": "menu", "aria-expanded": "false", "aria-controls": listId }, "Apps ▸");
  const root = el("div", { class: "apps" }, opener, list);
  const open = (isOpen) => {
    list.hidden = !isOpen;
    opener.setAttribute("aria-expanded", String(isOpen));
  };
  const close = () => {
    open(false);
    opener.focus();
  };
  const item = (name) => el("li", { role: "presentation" }, el("button", { type: "button", role: "menuitem", onclick: () => {
    close();
    void apps.run(name);
  } }, name));
  const show = async () => {
    const names = await apps.load();
    list.replaceChildren(...(names.length ? names.map(item) : [el("li", { class: "muted" }, "No commands are available here.")]));
    open(true);
    list.querySelector("button")?.focus();
  };

  opener.addEventListener("click", () => list.hidden ? void show() : close());
  root.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const items = [...list.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") close();
    else if (step) items.at((items.indexOf(document.activeElement) + step) % items.length)?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  root.addEventListener("focusout", (event) => root.contains(event.relatedTarget) || open(false));
  return root;
}
