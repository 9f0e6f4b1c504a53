// Renders Discord's Markdown. Everything that is not markup becomes a text node.
//
// `names` maps ids to names: { user(id), role(id), channel(id), everyone }.

import { el, link, safeUrl } from "./dom.js";
import { timestamp } from "./times.js";

const DEPTH_MAX = 8;
const FENCE = /```(?:([\w+#-]+)\n)?\n?([\s\S]*?)\n?```/g;
const LINE = [
  [/^(#{1,3}) +(\S.*)$/, (match) => ({ tag: `h${match[1].length}`, text: match[2] })],
  [/^-# +(\S.*)$/, (match) => ({ tag: "small", text: match[1] })],
  [/^( *)[-*] +(\S.*)$/, (match) => ({ tag: "li", list: "ul", level: match[1].length > 1 ? 2 : 1, text: match[2] })],
  [/^( *)(\d+)\. +(\S.*)$/, (match) => ({ tag: "li", list: "ol", level: match[1].length > 1 ? 2 : 1, start: match[2], text: match[3] })],
  [/^> (.*)$/, (match) => ({ tag: "blockquote", text: match[1] })],
];
const WRAPPERS = [
  ["***", (inner) => el("strong", {}, el("em", {}, inner))],
  ["**", (inner) => el("strong", {}, inner)],
  ["__", (inner) => el("u", {}, inner)],
  ["~~", (inner) => el("s", {}, inner)],
  ["||", (inner) => spoiler(inner)],
  ["*", (inner) => el("em", {}, inner)],
  ["_", (inner) => el("em", {}, inner)],
];
const TEXT = { links: true, escapes: true };
// Discord shows backslashes in the label of a masked link (discord/discord-api-docs, issue 6185).
const LABEL = { links: false, escapes: false };

// Renders a text with headings, lists, quotes and code blocks.
export function markdown(text, names) {
  const nodes = [];
  let at = 0;
  for (const fence of text.matchAll(FENCE)) {
    if (isEscaped(text, fence.index) || !fence[2].trim()) continue;
    nodes.push(...blocks(text.slice(at, fence.index).replace(/\n$/, ""), names));
    nodes.push(el("pre", {}, el("code", {}, fence[2])));
    at = fence.index + fence[0].length;
    if (text[at] === "\n") at += 1;
  }
  nodes.push(...blocks(text.slice(at), names));
  return nodes;
}

// Renders a single line: titles, field names, labels.
export const inlineMarkdown = (text, names) => inline(text, names, 0, { links: false, escapes: true });

function blocks(text, names) {
  const nodes = [];
  let plain = [];
  const flush = () => {
    if (plain.length) nodes.push(el("span", { class: "lines" }, inline(plain.join("\n"), names)));
    plain = [];
  };
  for (const line of text.split("\n")) {
    const block = blockOf(line);
    if (!block) plain.push(line);
    else {
      flush();
      add(nodes, block, names);
    }
  }
  // A trailing newline does not add an empty line.
  if (plain.length > 1 || plain[0] !== "" || !nodes.length) flush();
  return nodes;
}

function blockOf(line) {
  for (const [pattern, read] of LINE) {
    const match = pattern.exec(line);
    if (match) return read(match);
  }
  return null;
}

function add(nodes, block, names) {
  const inner = inline(block.text, names);
  const last = nodes.at(-1);
  if (block.tag === "blockquote") {
    if (last?.tagName === "BLOCKQUOTE") last.append("\n", ...inner);
    else nodes.push(el("blockquote", {}, inner));
  } else if (block.list) {
    const item = el("li", { class: `level-${block.level}` }, inner);
    if (last?.tagName === block.list.toUpperCase()) last.append(item);
    else nodes.push(el(block.list, { start: block.start }, item));
  } else if (block.tag === "small") nodes.push(el("small", { class: "subtext" }, inner));
  // Headings in messages must not interfere with the page's outline.
  else nodes.push(el("div", { class: `heading ${block.tag}`, role: "heading", "aria-level": Number(block.tag[1]) + 3 }, inner));
}

function inline(text, names, depth = 0, rules = TEXT) {
  const nodes = [];
  let plain = "";
  let at = 0;
  while (at < text.length) {
    const found = tokenAt(text, at, names, depth, rules);
    if (!found) plain += text[at++];
    else {
      if (typeof found.node === "string") plain += found.node;
      else {
        if (plain) nodes.push(document.createTextNode(plain));
        plain = "";
        nodes.push(found.node);
      }
      at = found.end;
    }
  }
  if (plain) nodes.push(document.createTextNode(plain));
  return nodes;
}

function tokenAt(text, at, names, depth, rules) {
  switch (text[at]) {
    case "\\":
      return rules.escapes && /[^A-Za-z0-9\s]/.test(text[at + 1] ?? " ") ? { node: text[at + 1], end: at + 2 } : null;
    case "`":
      return code(text, at);
    case "<":
      return angle(text, at, names);
    case "[":
      return rules.links ? masked(text, at, names, depth) : null;
    case "h":
      return rules.links ? bareUrl(text, at) : null;
    case "@":
      return everyone(text, at, names);
    default:
      return "*_~|".includes(text[at]) && depth < DEPTH_MAX ? wrapped(text, at, names, depth, rules) : null;
  }
}

function match(pattern, text, at) {
  const sticky = new RegExp(pattern.source, "y");
  sticky.lastIndex = at;
  return sticky.exec(text);
}

function code(text, at) {
  const ticks = match(/`+/, text, at)[0];
  let close = text.indexOf(ticks, at + ticks.length);
  while (close !== -1 && (text[close + ticks.length] === "`" || text[close - 1] === "`")) {
    close = text.indexOf(ticks, close + 1);
  }
  if (close === -1 || close === at + ticks.length) return { node: ticks, end: at + ticks.length };
  return { node: el("code", {}, text.slice(at + ticks.length, close).trim()), end: close + ticks.length };
}

function angle(text, at, names) {
  const found = match(/<(?:(https?:\/\/[^\s<>]+)|@!?(\d+)|@&(\d+)|#(\d+)|t:(-?\d+)(?::([tTdDfFRsS]))?|\/([^:<>]+):\d+|a?:(\w+):\d+|(id:\w+)|([^ >]+@[^ >]+))>/, text, at);
  if (!found) return null;
  const [whole, url, user, role, channel, unix, style, command, emoji, guide, mail] = found;
  const node = url ? urlNode(url)
    : user ? mention(`@${names.user(user) ?? "unknown-user"}`)
    : role ? mention(`@${names.role(role) ?? "unknown-role"}`)
    : channel ? names.channel(channel)
    : unix ? timestamp(unix, style)
    : command ? mention(`/${command}`)
    : emoji ? `:${emoji}:`
    : guide ? mention(guide)
    : link(`mailto:${mail}`, mail);
  return node ? { node, end: at + whole.length } : null;
}

export const mention = (text) => el("span", { class: "mention" }, text);

function everyone(text, at, names) {
  const found = names.everyone ? match(/@(?:everyone|here)\b/, text, at) : null;
  return found ? { node: mention(found[0]), end: at + found[0].length } : null;
}

function urlNode(text) {
  const url = safeUrl(text);
  return url ? link(url, text) : null;
}

function bareUrl(text, at) {
  const found = match(/https?:\/\/[^\s<]+/, text, at);
  if (!found || /\w/.test(text[at - 1] ?? " ")) return null;
  let shown = found[0].replace(/[.,:;"'!?*_~|]+$/, "");
  // A closing parenthesis belongs to the URL only if the URL contains its opening parenthesis.
  while (shown.endsWith(")") && shown.split(")").length > shown.split("(").length) shown = shown.slice(0, -1);
  const node = urlNode(shown);
  return node ? { node, end: at + shown.length } : null;
}

function masked(text, at, names, depth) {
  const close = closing(text, at, "[", "]");
  if (close === -1 || text[close + 1] !== "(" || close === at + 1) return null;
  const found = match(/\((?:<([^<>\s]+)>|((?:[^\s()\\]|\\.|\([^\s()]*\))+))(?:\s+"([^"]*)")?\)/, text, close + 1);
  const url = found && safeUrl((found[1] ?? found[2]).replace(/\\([^A-Za-z0-9\s])/g, "$1"));
  if (!url) return null;
  const node = link(url, inline(text.slice(at + 1, close), names, depth + 1, LABEL));
  node.title = found[3] ?? url;
  return { node, end: close + 1 + found[0].length };
}

// Returns the index of the bracket that closes the one at `at`, skipping nested brackets; -1 if there is none.
function closing(text, at, open, close) {
  let depth = 0;
  for (let place = at; place < text.length; place += 1) {
    if (text[place] === open) depth += 1;
    else if (text[place] === close && --depth === 0) return place;
  }
  return -1;
}

function wrapped(text, at, names, depth, rules) {
  for (const [marker, build] of WRAPPERS) {
    if (!text.startsWith(marker, at)) continue;
    const close = closer(text, at, marker);
    if (close === -1) continue;
    const inner = inline(text.slice(at + marker.length, close), names, depth + 1, rules);
    return { node: build(inner), end: close + marker.length };
  }
  // A run of markers that opens nothing is plain text; it is not retried character by character.
  const run = match(/\*+|_+|~+|\|+/, text, at)[0];
  return { node: run, end: at + run.length };
}

function closer(text, at, marker) {
  const start = at + marker.length;
  if (marker === "_" && /\w/.test(text[at - 1] ?? " ")) return -1;
  if (marker.startsWith("*") && /\s/.test(text[start] ?? " ")) return -1;
  for (let place = start; place < text.length; place += 1) {
    if (text[place] === "\\") place += 1;
    else if (text[place] === "`") place = code(text, place).end - 1;
    else if (text.startsWith(marker, place)) {
      const run = match(/\*+|_+|~+|\|+/, text, place)[0].length;
      if (run >= marker.length && closes(text, place, start, marker, run)) return place + run - marker.length;
      place += run - 1;
    }
  }
  return -1;
}

function closes(text, place, start, marker, run) {
  if (place === start) return false;
  if (marker === "*" && run === 2) return false;
  if (marker === "_") return run !== 2 && !/\w/.test(text[place + run] ?? " ");
  return marker !== "*" || !/\s/.test(text[place - 1]);
}

function spoiler(inner) {
  const show = (event) => event.currentTarget.classList.add("shown");
  return el("button", { type: "button", class: "spoiler", "aria-label": "Spoiler", onclick: show }, el("span", {}, inner));
}

function isEscaped(text, at) {
  let slashes = 0;
  while (text[at - 1 - slashes] === "\\") slashes += 1;
  return slashes % 2 === 1;
}
