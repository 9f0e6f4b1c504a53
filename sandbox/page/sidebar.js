// The sidebar: the account you act as, and the channels that it can view.

import { byId, el } from "./dom.js";

export const FORUM = 15;
const ANNOUNCEMENT = 5;
const THREADS = new Set([10, 11, 12]);

export const iconOf = (channel) => (THREADS.has(channel.type) ? "↳" : channel.type === ANNOUNCEMENT ? "📣" : channel.type === FORUM ? "💬" : channel.type === 1 ? "@" : "#");

export function drawSidebar(state, { current, unread, open }) {
  const guild = state.guilds[0];
  byId("guild-name").textContent = guild?.name ?? "No server";
  byId("channels").replaceChildren(
    el("h3", {}, "Direct messages"),
    el("ul", {}, row({ ...state.dm, name: state.bot.name }, current, unread, open)),
    ...state.guilds.flatMap((each) => [el("h3", {}, each.name), el("ul", {}, ordered(each.channels).map((channel) => row(channel, current, unread, open)))]));
  drawAccounts(state);
}

function drawAccounts(state) {
  const select = byId("user-select");
  select.replaceChildren(...state.accounts.map((account) => el("option", { value: account.id }, account.name === account.role ? account.name : `${account.name} (${account.role})`)));
  select.value = state.me;
}

// Threads are listed below their channel.
function ordered(channels) {
  const threads = channels.filter((channel) => THREADS.has(channel.type));
  return channels.filter((channel) => !THREADS.has(channel.type))
    .flatMap((channel) => [channel, ...threads.filter((thread) => thread.parent_id === channel.id)]);
}

function row(channel, current, unread, open) {
  const count = unread.get(channel.id) ?? 0;
  const isCurrent = channel.id === current;
  return el("li", { class: THREADS.has(channel.type) ? "thread" : undefined },
    el("button", {
      type: "button", class: ["channel", isCurrent && "current", count && "unread"].filter(Boolean).join(" "),
      "aria-current": isCurrent ? "page" : undefined, dataset: { channel: channel.id }, onclick: () => open(channel.id),
    },
      el("span", { class: "channel-icon", "aria-hidden": "true" }, iconOf(channel)),
      el("span", { class: "name" }, channel.name),
      channel.locked && el("span", { "aria-label": "locked" }, "🔒"),
      count ? el("span", { class: "badge" }, count > 99 ? "99+" : String(count), el("span", { class: "visually-hidden" }, " unread")) : null));
}
