// What an empty channel shows: what to type first, and what happens then. A forum shows its posts.

import { el } from "./dom.js";
import { FORUM, iconOf } from "./sidebar.js";

const DIRECT_MESSAGE = 1;
const typed = (text) => el("kbd", {}, text);
const enter = typed("Enter");

// `posts` are the posts of a forum; `open` opens one. `admin` is an account that can subscribe, null for that account.
export function emptyChannel(channel, { posts, open, admin }) {
  if (channel.type === FORUM) return forum(channel, posts, open);
  if (channel.type === DIRECT_MESSAGE) return directMessages();
  return el("div", { class: "empty" },
    el("h3", {}, `Nothing in ${iconOf(channel)}${channel.name} yet`),
    admin
      ? el("p", {}, `Select ${admin} below the channels to subscribe. As this account, try `, typed("/latest machine learning"), " or ", typed("/help"), ".")
      : el("ol", {},
        el("li", {}, "Type ", typed("/subscribe"), ", press ", enter.cloneNode(true), ", type a topic such as ", typed("machine learning"), ", and press ", enter.cloneNode(true), "."),
        el("li", {}, "Press ", el("b", {}, "Announce"), " in the panel that the button ", el("b", {}, "arXiv"), " shows: new papers are posted here within seconds."),
        el("li", {}, typed("/channel show"), " shows this channel's settings; ", typed("/help"), " lists all commands.")));
}

function directMessages() {
  return el("div", { class: "empty" },
    el("h3", {}, "Look papers up in private"),
    el("p", {}, "Try ", typed("/latest protein"), ", ", typed("/trending"), ", ", typed("/trend LLM"), " or ", typed("/help"), "."),
    el("p", {}, "New papers are posted only in channels: subscribe one of them."));
}

function forum(channel, posts, open) {
  if (posts.length) {
    return el("div", { class: "forum" }, posts.map((post) =>
      el("button", { type: "button", class: "forum-post", onclick: () => open(post.id) }, post.name)));
  }
  return el("div", { class: "empty" },
    el("h3", {}, `No posts in ${iconOf(channel)}${channel.name} yet`),
    el("p", {}, "In another channel, type ", typed("/subscribe"), " with a topic, and choose this forum as ", typed("channel"), ". Each batch of papers becomes one post here."));
}
