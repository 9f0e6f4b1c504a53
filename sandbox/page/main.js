// The page: keeps what the sandbox says, and connects the parts.

import { get, inBackground, listen, post } from "./api.js";
import { Composer } from "./composer.js";
import { byId, el } from "./dom.js";
import { History } from "./history.js";
import { drawPanel, listenToPanel } from "./panel.js";
import { drawSidebar, signOf } from "./sidebar.js";
import { keepRelativeTimesFresh } from "./times.js";

const DISCORD_EPOCH_MS = 1420070400000n;
const NOT_ANSWERED = "The application did not respond";

let state = null;
let current = null;
let early = null; // events that come while the history is being fetched: a list of the newest fetch's own
let stop = () => {};
const unread = new Map();
const dismissed = new Set(JSON.parse(sessionStorage.getItem("dismissed") ?? "[]"));
let lastLocal = 0;

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
    return el("button", { type: "button", class: "mention", onclick: () => open(id) }, `${signOf(channel)}${channel.name}`);
  },
};

const history = new History({
  names,
  version: () => channels().map((channel) => channel.id).join(),
  choicesOf: (component) => component.options ?? entitiesFor(component.type),
  dismiss: (id) => {
    dismissed.add(id);
    sessionStorage.setItem("dismissed", JSON.stringify([...dismissed]));
    history.remove(id);
    byId("composer-input")?.focus();
  },
  use: (message) => ({
    press: (customId) => answered(message, post("press", { as: state.me, message: message.id, custom_id: customId })),
    choose: (customId, values) => answered(message, post("choose", { as: state.me, message: message.id, custom_id: customId, values })),
  }),
});

function entitiesFor(type) {
  const users = state.users.map((user) => ({ label: user.name, value: user.id }));
  const roles = (guildOf(current)?.roles ?? []).map((role) => ({ label: role.name, value: role.id }));
  const places = (guildOf(current)?.channels ?? []).map((channel) => ({ label: `#${channel.name}`, value: channel.id }));
  return { 5: users, 6: roles, 7: [...users, ...roles], 8: places }[type] ?? [];
}

async function answered(message, request) {
  const note = () => byId(`message-${message.id}`)?.querySelector(".interaction-failed");
  if (note()) note().hidden = true;
  let words = "This interaction failed";
  try {
    if ((await request).acknowledged) return;
  } catch (error) {
    words = error.message;
  }
  const failed = note();
  if (failed) {
    failed.textContent = words;
    failed.hidden = false;
  }
}

const composer = new Composer(byId("composer"), {
  me: () => state.me,
  channel: () => current,
  world,
  say: (content) => {
    history.toEnd();
    return post("say", { as: state.me, channel: current, content });
  },
  run: runCommand,
});

async function runCommand(command, options) {
  const channel = current;
  const waiting = localMessage(command.name, { pending: true });
  history.put(waiting);
  history.toEnd();
  try {
    const { acknowledged } = await post("command", { as: state.me, channel, name: command.name, options });
    history.remove(waiting.id);
    if (!acknowledged && channel === current) history.put(localMessage(command.name, { failed: NOT_ANSWERED }));
  } catch (error) {
    history.remove(waiting.id);
    throw error;
  }
}

// Ids are made from the time: this one's place is after all that was said before.
function freshSnowflake() {
  lastLocal = Math.max(Date.now(), lastLocal + 1);
  return String((BigInt(lastLocal) - DISCORD_EPOCH_MS) << 22n);
}

// What only this page knows: a command on its way, or one that was not answered.
function localMessage(command, what) {
  const me = state.people.find((person) => person.id === state.me);
  return {
    id: freshSnowflake(), local: true, type: 20, flags: 64, sandbox_command: command, asker: { username: me.name },
    author: { id: state.bot.id, username: state.bot.name, bot: true }, timestamp: new Date().toISOString(), ...what,
  };
}

const open = (id) => void inBackground(openChannel(id));

async function openChannel(id) {
  enter(id);
  await loadHistory();
}

// The messages follow: until they are there, the place is busy.
function enter(id) {
  current = id;
  byId("messages").setAttribute("aria-busy", "true");
  sessionStorage.setItem("channel", id);
  unread.delete(id);
  showSidebar(false);
  draw();
  composer.clear();
  void inBackground(composer.refresh(`Message ${signOf(channelOf(id))}${channelOf(id).name}, or type / for commands`));
}

async function loadHistory() {
  const missed = [];
  early = missed;
  try {
    const { messages, has_older: hasOlder } = await get("messages", { as: state.me, channel: current });
    // A fetch that began later knows all that this one does, and may be of another channel.
    if (early !== missed) return;
    history.replace(messages.filter((message) => !dismissed.has(message.id)));
    byId("older").hidden = !hasOlder;
  } finally {
    if (early === missed) {
      early = null;
      missed.forEach(([name, message]) => apply(name, message));
      byId("messages").setAttribute("aria-busy", "false");
    }
  }
}

function heard(name, payload) {
  if (name === "STATE") return void inBackground(loadState());
  if (payload.channel_id !== current) {
    if (name === "MESSAGE_CREATE") {
      unread.set(payload.channel_id, (unread.get(payload.channel_id) ?? 0) + 1);
      drawSidebarSoon();
    }
    return undefined;
  }
  return early ? early.push([name, payload]) : apply(name, payload);
}

let sidebarIsOld = false;

// A batch of messages comes at once; the sidebar is drawn once for all of them.
function drawSidebarSoon() {
  if (sidebarIsOld) return;
  sidebarIsOld = true;
  requestAnimationFrame(() => {
    sidebarIsOld = false;
    drawSidebar(state, { current, unread, open });
  });
}

function apply(name, message) {
  if (name === "MESSAGE_DELETE") history.remove(message.id);
  else if (!dismissed.has(message.id)) history.put(message);
}

let asking = false;
let askAgain = false;

// Many things may change at once: while one answer is on its way, the rest become one more question.
async function loadState() {
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  try {
    const before = state;
    const now = await get("state", { as: before.me });
    if (state.me === now.me) await show(now, before);
  } finally {
    asking = false;
  }
  if (askAgain) {
    askAgain = false;
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
  drawPanel(state.arxiv);
  const channel = channelOf(current);
  if (!channel) return;
  byId("channel-name").replaceChildren(el("span", { class: "sign", "aria-hidden": "true" }, signOf(channel)), channel.name);
  document.title = `${signOf(channel)}${channel.name} · Daily Papers sandbox`;
  byId("bot-state").textContent = botWords(state.bot);
}

function botWords(bot) {
  if (bot.ready) return "";
  if (bot.process === "running") return `${bot.name} is connecting…`;
  return bot.process === "down" ? "The bot is not running; it is started again." : "The bot is not running.";
}

let wantedPerson = null; // whom the visitor chose last: an answer about somebody before comes too late

async function become(person) {
  wantedPerson = person;
  const now = await get("state", { as: person });
  if (wantedPerson !== person) return;
  stop();
  sessionStorage.setItem("person", person);
  state = now;
  unread.clear();
  byId("connection").hidden = true;
  const wanted = sessionStorage.getItem("channel");
  enter(channelOf(wanted) ? wanted : firstChannel());
  listenAs(person);
}

function listenAs(person) {
  let first = true;
  stop = listen(person, {
    heard,
    // What happened between the last look and this connection is asked for.
    opened: () => {
      byId("connection").hidden = true;
      void inBackground(loadState().then(loadHistory));
      first = false;
    },
    lost: () => {
      byId("connection").hidden = false;
      byId("connection").textContent = first ? "Connecting to the sandbox…" : "The sandbox does not answer; trying again…";
    },
  });
}

function showSidebar(isOpen) {
  document.body.classList.toggle("sidebar-open", isOpen);
  byId("open-sidebar").setAttribute("aria-expanded", String(isOpen));
  shade();
}

function showPanel(isOpen) {
  document.body.classList.toggle("panel-closed", !isOpen);
  byId("open-panel").setAttribute("aria-expanded", String(isOpen));
  shade();
}

const narrow = matchMedia("(max-width: 900px)");
const shade = () => {
  const covered = document.body.classList.contains("sidebar-open") || !document.body.classList.contains("panel-closed");
  byId("shade").hidden = !(narrow.matches && covered);
};

byId("open-sidebar").addEventListener("click", () => showSidebar(!document.body.classList.contains("sidebar-open")));
byId("open-panel").addEventListener("click", () => showPanel(document.body.classList.contains("panel-closed")));
byId("shade").addEventListener("click", () => {
  showSidebar(false);
  showPanel(false);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !byId("shade").hidden) byId("shade").click();
});
// A letter typed where nothing takes it belongs to the message box: the caret moves before the letter is entered.
document.addEventListener("keydown", (event) => {
  const isLetter = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  const isFree = [document.body, byId("scroller")].includes(document.activeElement) && byId("shade").hidden;
  if (isLetter && isFree) composer.focus();
});
narrow.addEventListener("change", () => showPanel(!narrow.matches));
byId("person").addEventListener("change", (event) => void inBackground(become(event.target.value)));
byId("older").addEventListener("click", () => void inBackground(showOlder()));

async function showOlder() {
  const { messages, has_older: hasOlder } = await get("messages", { as: state.me, channel: current, before: history.oldest });
  history.prepend(messages.filter((message) => !dismissed.has(message.id)));
  byId("older").hidden = !hasOlder;
}

showPanel(!narrow.matches);
listenToPanel();
keepRelativeTimesFresh();

// The first visitor is nobody yet: the sandbox says who there is.
const { people } = await get("people", {});
const last = sessionStorage.getItem("person");
await become(people.some((person) => person.id === last) ? last : people[0].id);
