// Entry point of the page: holds the state and connects the parts.

import { get, inBackground, listen, post } from "./api.js";
import { Composer } from "./composer.js";
import { byId, el } from "./dom.js";
import { emptyChannel } from "./empty.js";
import { History } from "./history.js";
import { now, setAhead } from "./now.js";
import { openModal } from "./modal.js";
import { loadMessageCommands } from "./options.js";
import { drawPanel, initPanel } from "./panel.js";
import { drawSidebar, FORUM, iconOf } from "./sidebar.js";
import { keepRelativeTimesFresh } from "./times.js";

const DISCORD_EPOCH_MS = 1420070400000n;
const NOT_ACKNOWLEDGED = "The application did not respond";

let state = null;
let current = null;
let bufferedEvents = null; // events received while the history is being fetched; each fetch has its own list
let disconnect = () => {};
const unread = new Map();
const dismissed = new Set(JSON.parse(sessionStorage.getItem("dismissed") ?? "[]"));
let lastLocalMs = 0;

const guildOf = (channelId) => state.guilds.find((guild) => guild.channels.some((channel) => channel.id === channelId));
const channels = () => [{ ...state.dm, name: state.bot.name }, ...state.guilds.flatMap((guild) => guild.channels)];
const channelOf = (id) => channels().find((channel) => channel.id === id);

const world = () => ({
  users: state.users,
  guild: guildOf(current),
  parentName: (channel) => channelOf(channel.parent_id)?.name ?? "",
});

const names = {
  user: (id) => state.users.find((user) => user.id === id)?.name,
  role: (id) => state.guilds.flatMap((guild) => guild.roles).find((role) => role.id === id)?.name,
  channel: (id) => {
    const channel = channelOf(id);
    if (!channel) return el("span", { class: "mention" }, "🔒 No Access");
    return el("button", { type: "button", class: "mention", onclick: () => open(id) }, `${iconOf(channel)}${channel.name}`);
  },
};

const linkable = () => channels().map((channel) => channel.id).join();
let drawnLinkable = "";

// A forum's posts, newest first; ids of equal length are ordered by time.
const postsOf = (id) => channels().filter((channel) => channel.parent_id === id).reverse();

// The account that can subscribe, unless it is the current one.
function otherAdmin() {
  const admin = state.accounts.find((account) => account.role === "admin");
  return admin && admin.id !== state.me ? admin.name : null;
}

const history = new History({
  names,
  empty: () => emptyChannel(channelOf(current), { posts: postsOf(current), open, admin: otherAdmin() }),
  version: linkable,
  choicesOf: (component) => component.options ?? entitiesFor(component.type),
  dismiss: (id) => {
    dismissed.add(id);
    sessionStorage.setItem("dismissed", JSON.stringify([...dismissed]));
    history.remove(id);
    byId("composer-input")?.focus();
  },
  actionsFor: (message) => ({
    press: (customId) => reportFailure(message, post("press", { as: state.me, message: message.id, custom_id: customId })),
    choose: (customId, values) => reportFailure(message, post("choose", { as: state.me, message: message.id, custom_id: customId, values })),
  }),
  appsFor: (message) => ({
    load: () => loadMessageCommands(state.me, current),
    run: (name) => reportFailure(message, post("message-command", { as: state.me, message: message.id, name })),
  }),
});

function entitiesFor(type) {
  const users = state.users.map((user) => ({ label: user.name, value: user.id }));
  const roles = (guildOf(current)?.roles ?? []).map((role) => ({ label: role.name, value: role.id }));
  const channels = (guildOf(current)?.channels ?? []).map((channel) => ({ label: `#${channel.name}`, value: channel.id }));
  return { 5: users, 6: roles, 7: [...users, ...roles], 8: channels }[type] ?? [];
}

async function reportFailure(message, request) {
  const note = () => byId(`message-${message.id}`)?.querySelector(".interaction-failed");
  if (note()) note().hidden = true;
  let text = "This interaction failed";
  try {
    const answer = await request;
    showModal(answer);
    if (answer.acknowledged) return;
  } catch (error) {
    text = error.message;
  }
  const failed = note();
  if (failed) {
    failed.textContent = text;
    failed.hidden = false;
  }
}

// Opens the form that the bot responded with, if it did.
function showModal({ modal }) {
  if (!modal) return;
  const me = state.me;
  openModal(modal, async (values) => (await post("submit", { as: me, interaction: modal.interaction, values })).acknowledged);
}

const composer = new Composer(byId("composer"), {
  me: () => state.me,
  channel: () => current,
  world,
  send: (content) => {
    history.scrollToEnd();
    return post("send", { as: state.me, channel: current, content });
  },
  run: runCommand,
});

async function runCommand(command, options) {
  const channel = current;
  const waiting = localMessage(command.name, { pending: true });
  history.put(waiting);
  history.scrollToEnd();
  try {
    const answer = await post("command", { as: state.me, channel, name: command.name, options });
    history.remove(waiting.id);
    showModal(answer);
    if (!answer.acknowledged && channel === current) history.put(localMessage(command.name, { failed: NOT_ACKNOWLEDGED }));
  } catch (error) {
    history.remove(waiting.id);
    throw error;
  }
}

// Ids contain the time, so this one sorts after all existing messages.
function nextLocalId() {
  lastLocalMs = Math.max(now(), lastLocalMs + 1);
  return String((BigInt(lastLocalMs) - DISCORD_EPOCH_MS) << 22n);
}

// A message that exists only on this page: a command being sent, or one that failed.
function localMessage(command, extra) {
  const me = state.accounts.find((user) => user.id === state.me);
  return {
    id: nextLocalId(), local: true, type: 20, flags: 64, sandbox_command: command, user: { username: me.name },
    author: { id: state.bot.id, username: state.bot.name, bot: true }, timestamp: new Date(now()).toISOString(), ...extra,
  };
}

const open = (id) => void inBackground(openChannel(id));

async function openChannel(id) {
  showChannel(id);
  await loadHistory();
}

// Shows the channel as busy until its messages have been fetched.
function showChannel(id) {
  current = id;
  byId("messages").setAttribute("aria-busy", "true");
  sessionStorage.setItem("channel", id);
  unread.delete(id);
  showSidebar(false);
  draw();
  composer.clear();
  void inBackground(composer.refresh(placeholderFor(channelOf(id))));
}

const placeholderFor = (channel) => (channel.type === FORUM
  ? "Open a post of this forum, or another channel, to type"
  : `Message ${iconOf(channel)}${channel.name}, or type / for commands`);

async function loadHistory() {
  const buffer = [];
  bufferedEvents = buffer;
  try {
    const { messages, has_older: hasOlder } = await get("messages", { as: state.me, channel: current });
    // A later fetch includes everything that this one does, and may be for another channel.
    if (bufferedEvents !== buffer) return;
    history.replace(messages.filter((message) => !dismissed.has(message.id)));
    byId("older").hidden = !hasOlder;
  } finally {
    if (bufferedEvents === buffer) {
      bufferedEvents = null;
      buffer.forEach(([name, message]) => applyEvent(name, message));
      byId("messages").setAttribute("aria-busy", "false");
    }
  }
}

function onEvent(name, payload) {
  if (name === "STATE") return void inBackground(loadState());
  if (payload.channel_id !== current) {
    if (name === "MESSAGE_CREATE") {
      unread.set(payload.channel_id, (unread.get(payload.channel_id) ?? 0) + 1);
      scheduleSidebar();
    }
    return undefined;
  }
  return bufferedEvents ? bufferedEvents.push([name, payload]) : applyEvent(name, payload);
}

let sidebarUpdatePending = false;

// Messages often arrive in batches; the sidebar is drawn once per frame.
function scheduleSidebar() {
  if (sidebarUpdatePending) return;
  sidebarUpdatePending = true;
  requestAnimationFrame(() => {
    sidebarUpdatePending = false;
    drawSidebar(state, { current, unread, open });
  });
}

function applyEvent(name, message) {
  if (name === "MESSAGE_DELETE") history.remove(message.id);
  else if (!dismissed.has(message.id)) history.put(message);
}

let fetching = false;
let fetchAgain = false;

// Many changes may arrive at once: those during a fetch are combined into one more fetch.
async function loadState() {
  if (fetching) {
    fetchAgain = true;
    return;
  }
  fetching = true;
  try {
    const before = state;
    const now = await get("state", { as: before.me });
    if (state.me === now.me) await show(now, before);
  } finally {
    fetching = false;
  }
  if (fetchAgain) {
    fetchAgain = false;
    await loadState();
  }
}

async function show(now, before) {
  state = now;
  draw();
  if (!channelOf(current)) await openChannel(firstChannel());
  else if (now.bot.ready !== before.bot.ready || composer.commands.length === 0) void inBackground(composer.refresh(composer.input.placeholder));
}

const firstChannel = () => (state.guilds[0]?.channels.find((channel) => channel.name === "papers") ?? state.guilds[0]?.channels[0] ?? state.dm).id;

function draw() {
  drawSidebar(state, { current, unread, open });
  setAhead(state.clock.ahead_s);
  drawPanel(state.arxiv, state.clock);
  const channel = channelOf(current);
  if (!channel) return;
  // A forum's posts are part of the state, and so are the names of the channels that messages link.
  if (history.isEmpty || linkable() !== drawnLinkable) history.redraw();
  drawnLinkable = linkable();
  byId("channel-name").replaceChildren(el("span", { class: "channel-icon", "aria-hidden": "true" }, iconOf(channel)), channel.name);
  document.title = `${iconOf(channel)}${channel.name} · Daily Papers sandbox`;
  byId("bot-state").textContent = botStatus(state.bot);
}

function botStatus(bot) {
  if (bot.ready) return "";
  if (bot.process === "running") return `${bot.name} is connecting…`;
  return bot.process === "down" ? "The bot is not running. Restarting…" : "The bot is not running.";
}

let wantedUser = null; // the account selected last; responses for earlier selections are discarded

async function switchUser(user) {
  wantedUser = user;
  const now = await get("state", { as: user });
  if (wantedUser !== user) return;
  disconnect();
  sessionStorage.setItem("user", user);
  state = now;
  unread.clear();
  byId("connection").hidden = true;
  const wanted = sessionStorage.getItem("channel");
  showChannel(channelOf(wanted) ? wanted : firstChannel());
  connectAs(user);
}

function connectAs(user) {
  let first = true;
  disconnect = listen(user, {
    onEvent,
    // Fetches what changed between the last fetch and this connection.
    onOpen: () => {
      byId("connection").hidden = true;
      void inBackground(loadState().then(loadHistory));
      first = false;
    },
    onClose: () => {
      byId("connection").hidden = false;
      byId("connection").textContent = first ? "Connecting to the sandbox…" : "Lost connection to the sandbox. Reconnecting…";
    },
  });
}

function showSidebar(isOpen) {
  document.body.classList.toggle("sidebar-open", isOpen);
  byId("open-sidebar").setAttribute("aria-expanded", String(isOpen));
  updateOverlay();
}

function showPanel(isOpen) {
  document.body.classList.toggle("panel-closed", !isOpen);
  byId("open-panel").setAttribute("aria-expanded", String(isOpen));
  updateOverlay();
}

const narrowScreen = matchMedia("(max-width: 900px)");
const updateOverlay = () => {
  const covered = document.body.classList.contains("sidebar-open") || !document.body.classList.contains("panel-closed");
  byId("overlay").hidden = !(narrowScreen.matches && covered);
};

byId("open-sidebar").addEventListener("click", () => showSidebar(!document.body.classList.contains("sidebar-open")));
byId("open-panel").addEventListener("click", () => showPanel(document.body.classList.contains("panel-closed")));
byId("overlay").addEventListener("click", () => {
  showSidebar(false);
  showPanel(false);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !byId("overlay").hidden) byId("overlay").click();
});
// Typing while no input has focus goes to the message box: focus moves before the character is entered.
document.addEventListener("keydown", (event) => {
  const isLetter = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  const isFree = [document.body, byId("scroller")].includes(document.activeElement) && byId("overlay").hidden;
  if (isLetter && isFree) composer.focus();
});
narrowScreen.addEventListener("change", () => showPanel(!narrowScreen.matches));
byId("user-select").addEventListener("change", (event) => void inBackground(switchUser(event.target.value)));
byId("older").addEventListener("click", () => void inBackground(showOlder()));

async function showOlder() {
  const { messages, has_older: hasOlder } = await get("messages", { as: state.me, channel: current, before: history.oldest });
  history.prepend(messages.filter((message) => !dismissed.has(message.id)));
  byId("older").hidden = !hasOlder;
}

showPanel(!narrowScreen.matches);
initPanel();
keepRelativeTimesFresh();

// Without a stored account, starts with the first one.
const { accounts } = await get("accounts", {});
const last = sessionStorage.getItem("user");
await switchUser(accounts.some((user) => user.id === last) ? last : accounts[0].id);
