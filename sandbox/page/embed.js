// Draws an embed as Discord does: color bar, author, title, text, fields, images, footer.

import { el, link, safeUrl } from "./dom.js";
import { inlineMarkdown, markdown } from "./markdown.js";
import { moment } from "./times.js";

// Shows only the first of several embeds with the same URL; `files` are the message's attachments by attachment:// URL.
export function drawEmbeds(embeds, names, files) {
  const seen = new Set();
  return embeds
    .filter((embed) => !embed.url || (!seen.has(embed.url) && seen.add(embed.url)))
    .map((embed) => drawEmbed(embed, names, files));
}

function drawEmbed(embed, names, files) {
  const node = el("article", { class: "embed", "aria-label": embed.title ?? "Embed" },
    el("div", { class: "embed-text" },
      embed.author?.name && el("div", { class: "embed-author" }, picture(embed.author.icon_url, "embed-icon"), linked(embed.author.url, embed.author.name)),
      embed.title && el("div", { class: "embed-title" }, linked(embed.url, inlineMarkdown(embed.title, names))),
      embed.description && el("div", { class: "embed-description" }, markdown(embed.description, names)),
      embed.fields?.length ? el("div", { class: "embed-fields" }, embed.fields.map((field) => drawField(field, names))) : null,
    ),
    picture(embed.thumbnail?.url, "embed-thumbnail"),
    image(embed.image?.url, files),
    footer(embed),
  );
  // Without a color, Discord shows a grey bar.
  if (Number.isInteger(embed.color)) node.style.borderLeftColor = `#${embed.color.toString(16).padStart(6, "0")}`;
  return node;
}

function image(url, files) {
  const file = files.get(url);
  return picture(file?.url ?? url, "embed-image", file?.description ?? "");
}

function drawField(field, names) {
  return el("div", { class: field.inline ? "embed-field inline" : "embed-field" },
    el("div", { class: "embed-field-name" }, inlineMarkdown(field.name, names)),
    el("div", { class: "embed-field-value" }, markdown(field.value, names)));
}

function footer(embed) {
  if (!embed.footer?.text && !embed.timestamp) return null;
  return el("div", { class: "embed-footer" },
    picture(embed.footer?.icon_url, "embed-icon"),
    el("span", {}, embed.footer?.text, embed.footer?.text && embed.timestamp ? " • " : null, embed.timestamp ? moment(embed.timestamp, "embed-time") : null));
}

function linked(url, content) {
  const address = url ? safeUrl(url) : null;
  return address ? link(address, content) : el("span", {}, content);
}

export function picture(url, className, alternative = "") {
  const address = url ? safeUrl(url) : null;
  return address ? el("img", { src: address, class: className, alt: alternative, loading: "lazy" }) : null;
}
