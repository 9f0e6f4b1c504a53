// Draws a message as Discord does. `context.actionsFor(message)` returns the actions of its components, `context.appsFor(message)`
// those of its menu "Apps"; `context.dismiss(id)` hides it.

import { appsMenu } from "./apps.js";
import { drawComponents } from "./components.js";
import { el, link, safeUrl } from "./dom.js";
import { drawEmbeds, picture } from "./embed.js";
import { markdown } from "./markdown.js";
import { clock, moment } from "./times.js";

const FLAG = { suppressEmbeds: 1 << 2, ephemeral: 1 << 6, loading: 1 << 7 };
// Responses to slash commands, and to commands of the menu of a message.
const COMMAND_RESPONSES = { 20: "/", 23: "" };
const THREAD_CREATED = 18;
const GROUPED_MS = 7 * 60 * 1000;

export const isEphemeral = (message) => (message.flags & FLAG.ephemeral) !== 0;

export function isGrouped(message, before) {
  return Boolean(before) && !(message.type in COMMAND_RESPONSES) && !message.message_reference && before.author.id === message.author.id
    && isEphemeral(before) === isEphemeral(message)
    && new Date(message.timestamp) - new Date(before.timestamp) < GROUPED_MS;
}

export function drawMessage(message, before, context) {
  const grouped = isGrouped(message, before);
  const nameId = `author-${message.id}`;
  return el("div", {
    class: ["message", grouped && "grouped", isEphemeral(message) && "ephemeral", message.failed && "failed"].filter(Boolean).join(" "),
    role: "article", "aria-labelledby": nameId, id: `message-${message.id}`, dataset: { id: message.id },
  },
    usedLine(message, context),
    grouped ? el("time", { class: "hover-time", datetime: message.timestamp, "aria-hidden": "true" }, clock(message.timestamp)) : avatar(message.author),
    el("div", { class: "message-body" },
      el("div", { class: grouped ? "message-head visually-hidden" : "message-head" },
        el("span", { class: "author", id: nameId }, nameOf(message.author)),
        message.author.bot && el("span", { class: "bot-tag" }, "BOT"),
        moment(message.timestamp, "message-time")),
      bodyOf(message, context),
      isEphemeral(message) && ephemeralNote(message, context)),
    !isEphemeral(message) && !message.pending && !message.failed && appsMenu(context.appsFor(message)));
}

const nameOf = (author) => author.global_name ?? author.username;

function avatar(author) {
  return el("img", { class: "avatar", src: `/cdn/avatars/${author.id}/avatar.svg`, alt: "" });
}

function usedLine(message, context) {
  const command = message.type in COMMAND_RESPONSES && message.sandbox_command;
  const user = message.interaction_metadata?.user ?? message.user;
  if (command && user) {
    return el("div", { class: "used-line" }, el("span", { class: "used-by" }, nameOf(user)), " used ", el("span", { class: "used-command" }, `${COMMAND_RESPONSES[message.type]}${command}`));
  }
  const referenced = message.message_reference && context.find(message.message_reference.message_id);
  if (!referenced) return null;
  const excerpt = referenced.content || referenced.embeds[0]?.title || "a message";
  return el("div", { class: "used-line" }, el("span", { class: "used-by" }, nameOf(referenced.author)), " ", el("span", { class: "used-excerpt" }, excerpt.slice(0, 120)));
}

function bodyOf(message, context) {
  if (message.pending) return el("div", { class: "content muted" }, "Sending command…");
  if (message.failed) return el("div", { class: "content error" }, "⚠ ", message.failed);
  if (message.flags & FLAG.loading) return thinking(message);
  if (message.type === THREAD_CREATED) {
    return el("div", { class: "content muted" }, "started a thread: ", context.names.channel(message.message_reference.channel_id));
  }
  const names = { ...context.names, everyone: message.mention_everyone };
  const files = new Map(message.attachments.map((file) => [`attachment://${file.filename}`, file]));
  const inEmbeds = new Set(message.embeds.map((embed) => files.get(embed.image?.url)));
  return [
    message.content || message.edited_timestamp
      ? el("div", { class: "content" }, markdown(message.content, names), message.edited_timestamp && edited(message)) : null,
    message.attachments.filter((file) => !inEmbeds.has(file)).map(attachment),
    message.flags & FLAG.suppressEmbeds ? null : drawEmbeds(message.embeds, names, files),
    drawComponents(message.components, names, context.actionsFor(message), context.choicesOf),
    message.thread && el("div", { class: "thread-line" }, "Thread: ", context.names.channel(message.thread.id)),
    el("div", { class: "interaction-failed", role: "alert", hidden: true }, "This interaction failed"),
  ];
}

function edited(message) {
  return el("span", { class: "edited", title: new Date(message.edited_timestamp).toLocaleString() }, " (edited)");
}

function thinking(message) {
  return el("div", { class: "content thinking", role: "status" },
    el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i")), ` ${nameOf(message.author)} is thinking…`);
}

function attachment(file) {
  if (file.content_type?.startsWith("image/")) {
    return el("div", { class: "attachment" }, picture(file.url, "attachment-image", file.description ?? file.filename));
  }
  const url = safeUrl(file.url);
  return el("div", { class: "attachment file" }, "📄 ", url ? link(url, file.filename) : file.filename, el("span", { class: "muted" }, ` ${Math.ceil(file.size / 1024)} KB`));
}

function ephemeralNote(message, context) {
  const dismiss = el("button", { type: "button", class: "text-button", onclick: () => context.dismiss(message.id) }, "Dismiss message");
  return el("div", { class: "ephemeral-note" }, el("span", { "aria-hidden": "true" }, "👁 "), "Only you can see this · ", dismiss);
}
