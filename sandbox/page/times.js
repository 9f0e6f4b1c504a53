// Formats times in the reader's time zone and language, as Discord does.

import { now } from "./now.js";

const styles = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
  s: { dateStyle: "short", timeStyle: "short" },
  S: { dateStyle: "short", timeStyle: "medium" },
};
const units = [
  ["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1],
];

const format = (date, style) => new Intl.DateTimeFormat(undefined, styles[style]).format(date);

export function relative(date, from = now()) {
  const seconds = Math.round((date.getTime() - from) / 1000);
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? units.at(-1);
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

// Renders `<t:unix:style>`; null if the time is out of range.
export function timestamp(unix, style = "f") {
  const date = new Date(Number(unix) * 1000);
  if (Number.isNaN(date.getTime())) return null;
  const node = document.createElement("time");
  node.className = "timestamp";
  node.dateTime = date.toISOString();
  node.title = format(date, "F");
  node.textContent = style === "R" ? relative(date) : format(date, style);
  if (style === "R") node.dataset.relative = "";
  return node;
}

// "Today at 10:00", "Yesterday at 10:00", then the date.
export function calendar(date, today = new Date(now())) {
  const midnight = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();
  const daysAgo = Math.round((midnight(today) - midnight(date)) / 86400000);
  if (daysAgo === 0) return `Today at ${format(date, "t")}`;
  if (daysAgo === 1) return `Yesterday at ${format(date, "t")}`;
  return format(date, "s");
}

export function moment(iso, className) {
  const date = new Date(iso);
  const node = document.createElement("time");
  node.className = className;
  node.dateTime = iso;
  node.title = format(date, "F");
  node.textContent = calendar(date);
  return node;
}

export const day = (iso) => format(new Date(iso), "D");
export const clock = (iso) => format(new Date(iso), "t");

// Relative times such as "in 4 minutes" are updated every second.
export function keepRelativeTimesFresh() {
  setInterval(() => {
    for (const node of document.querySelectorAll("time[data-relative]")) node.textContent = relative(new Date(node.dateTime));
  }, 1000);
}
