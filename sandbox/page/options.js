// The values of command options: which are suggested, and how text is parsed into a value.

import { get, post } from "./api.js";

export const KIND = { subcommand: 1, group: 2, text: 3, integer: 4, boolean: 5, user: 6, channel: 7, role: 8, mentionable: 9, number: 10, attachment: 11 };
const SHOWN_MAX = 25;
const IDS = /^<(?:#|@!?|@&)(\d+)>$/;

// Lists commands by full name, as they are typed; each subcommand is its own entry ("group sub").
export function typedCommands(commands) {
  const flat = (command, path) => {
    const name = [...path, command.name].join(" ");
    const inner = (command.options ?? []).filter((option) => option.type === KIND.subcommand || option.type === KIND.group);
    if (inner.length) return inner.flatMap((option) => flat(option, [...path, command.name]));
    return [{ name, description: command.description, options: command.options ?? [] }];
  };
  return commands.filter((command) => command.type === 1).flatMap((command) => flat(command, [])).sort((a, b) => a.name.localeCompare(b.name));
}

// Lists the commands of the menu of a message by name.
export function loadMessageCommands(me, channel) {
  return get("commands", { as: me, channel }).then((answer) => answer.commands.filter((command) => command.type === 3).map((command) => command.name));
}

export function loadCommands(me, channel) {
  return get("commands", { as: me, channel }).then((answer) => typedCommands(answer.commands));
}

// Values that the page knows for an option; null if the bot suggests them or any text is allowed.
export function knownValues(option, world) {
  const users = () => world.users.filter((user) => !world.guild || world.guild.members.includes(user.id)).map((user) => ({ label: `@${user.name}`, value: user.id }));
  const roles = () => (world.guild?.roles ?? []).map((role) => ({ label: role.name.startsWith("@") ? role.name : `@${role.name}`, value: role.id }));
  if (option.choices?.length) return option.choices.map((choice) => ({ label: choice.name, value: choice.value }));
  switch (option.type) {
    case KIND.boolean: return [{ label: "True", value: true }, { label: "False", value: false }];
    case KIND.user: return users();
    case KIND.role: return roles();
    case KIND.mentionable: return [...users(), ...roles()];
    case KIND.channel: return channels(option, world);
    default: return null;
  }
}

function channels(option, world) {
  return (world.guild?.channels ?? [])
    .filter((channel) => !option.channel_types?.length || option.channel_types.includes(channel.type))
    .map((channel) => ({ label: `#${channel.name}`, value: channel.id, detail: world.parentName(channel) }));
}

const plain = (text) => text.trim().replace(/^[#@]/, "").toLowerCase();

export function matching(values, text) {
  const wanted = plain(text);
  const rank = (value) => plain(value.label).indexOf(wanted);
  return values.filter((value) => rank(value) >= 0).sort((a, b) => Math.sign(rank(a)) - Math.sign(rank(b))).slice(0, SHOWN_MAX);
}

export function fetchChoices(me, channel, command, options, focused) {
  return post("autocomplete", { as: me, channel, name: command.name, options, focused });
}

// Parses text into { value } or { error }.
export function readValue(option, text, world) {
  const known = knownValues(option, world);
  if (known) {
    const id = IDS.exec(text.trim())?.[1];
    const found = known.find((value) => value.value === id || plain(value.label) === plain(text));
    return found ? { value: found.value } : { error: `${option.name}: choose a value from the list.` };
  }
  if (option.type === KIND.text) return { value: text };
  const number = Number(text.trim());
  if (!Number.isFinite(number) || (option.type === KIND.integer && !Number.isInteger(number))) {
    return { error: `${option.name}: enter a ${option.type === KIND.integer ? "whole number" : "number"}.` };
  }
  if (number < (option.min_value ?? -Infinity) || number > (option.max_value ?? Infinity)) {
    return { error: `${option.name}: enter a value from ${option.min_value ?? "…"} to ${option.max_value ?? "…"}.` };
  }
  return { value: number };
}
