// The messages of the open channel: their order, their elements, and the scroll position.

import { byId, el } from "./dom.js";
import { drawMessage } from "./message.js";
import { day } from "./times.js";

const NEAR_END_PX = 80;

// Ids exceed JavaScript's safe integers, so they are compared as strings: a longer one is larger.
const byAge = (a, b) => a.id.length - b.id.length || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

export class History {
  constructor(context) {
    this.context = { ...context, find: (id) => this.messages.get(id) };
    this.messages = new Map();
    this.scroller = byId("scroller");
    this.list = byId("messages");
    this.atEnd = true;
    this.scroller.addEventListener("scroll", () => {
      const { scrollTop, scrollHeight, clientHeight } = this.scroller;
      // A scroll event with changed sizes comes from the layout, not from the user.
      const size = `${scrollHeight} ${clientHeight}`;
      if (size === this.size) this.atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
      this.size = size;
    });
    // Keeps the newest message visible while the user is at the end, when messages arrive or the window is resized.
    const observer = new ResizeObserver(() => this.atEnd && this.scrollToEnd());
    observer.observe(this.scroller);
    observer.observe(this.list);
  }

  replace(messages) {
    this.messages = new Map(messages.map((message) => [message.id, message]));
    this.redraw();
    this.scrollToEnd();
  }

  prepend(messages) {
    const fromEnd = this.scroller.scrollHeight - this.scroller.scrollTop;
    messages.forEach((message) => this.messages.set(message.id, message));
    this.redraw();
    this.scroller.scrollTop = this.scroller.scrollHeight - fromEnd;
  }

  put(message) {
    const known = this.messages.has(message.id);
    this.messages.set(message.id, message);
    const ordered = this.#ordered();
    const isNewest = !known && ordered.at(-1) === message;
    if (isNewest) this.list.append(...this.#drawn(message, ordered.at(-2)));
    else this.redraw();
  }

  remove(id) {
    if (this.messages.delete(id)) this.redraw();
  }

  get isEmpty() {
    return this.messages.size === 0;
  }

  get oldest() {
    return this.#ordered().find((message) => !message.local)?.id;
  }

  // Keeps unchanged elements, so that focus and open menus are preserved.
  redraw() {
    const old = new Map([...this.list.children].map((node) => [node.dataset.key, node]));
    const ordered = this.#ordered();
    const nodes = ordered.flatMap((message, index) => this.#drawn(message, ordered[index - 1], old));
    this.#show(nodes.length ? nodes : [this.context.empty()]);
  }

  #show(nodes) {
    nodes.forEach((node, index) => {
      if (this.list.childNodes[index] !== node) this.list.insertBefore(node, this.list.childNodes[index] ?? null);
    });
    while (this.list.childNodes.length > nodes.length) this.list.lastChild.remove();
  }

  #ordered() {
    return [...this.messages.values()].sort(byAge);
  }

  #drawn(message, before, old) {
    const newDay = !before || day(before.timestamp) !== day(message.timestamp);
    this.list.querySelector(".empty, .forum")?.remove();
    const key = JSON.stringify([message, newDay ? null : before?.author.id, newDay ? null : before?.timestamp, this.context.version()]);
    const node = old?.get(key) ?? drawMessage(message, newDay ? null : before, this.context);
    node.dataset.key = key;
    return newDay ? [el("div", { class: "day", role: "separator" }, day(message.timestamp)), node] : [node];
  }

  scrollToEnd() {
    this.atEnd = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }
}
