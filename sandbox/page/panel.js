// The local arXiv's panel: announce papers, see the last ones, let it misbehave.

import { post } from "./api.js";
import { byId, el } from "./dom.js";

export function drawPanel(arxiv) {
  byId("waiting").textContent = arxiv.live
    ? "The bot asks the real arXiv: what happens here does not reach it."
    : `${arxiv.queued.toLocaleString()} papers wait to be announced.`;
  byId("announced").replaceChildren(...(arxiv.announced.length
    ? arxiv.announced.map((paper) => el("li", {}, el("span", { class: "paper-id" }, paper.id), " ", paper.title))
    : [el("li", { class: "muted" }, "None yet.")]));
  byId("pending").replaceChildren(...arxiv.pending_faults.map((fault) =>
    el("li", {}, fault.times === 1 ? "Next request: " : `Next ${fault.times} requests: `, fault.label)));
  byId("behave").hidden = arxiv.pending_faults.length === 0;
  const select = byId("misdeed");
  if (!select.options.length) select.append(...arxiv.fault_kinds.map((fault) => el("option", { value: fault.kind }, fault.label)));
}

export function listenToPanel() {
  const said = byId("announce-said");
  const attempt = async (deed) => {
    try {
      said.textContent = (await deed()) ?? "";
    } catch (error) {
      said.textContent = error.message;
    }
  };
  byId("announce").addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(async () => {
      const { announced } = await post("announce", { count: byId("count").valueAsNumber });
      return announced === 1 ? "1 paper announced." : `${announced} papers announced.`;
    });
  });
  byId("misbehave").addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(() => post("misbehave", { kind: byId("misdeed").value, times: byId("times").valueAsNumber }).then(() => ""));
  });
  byId("behave").addEventListener("click", () => void attempt(() => post("behave", {}).then(() => "")));
}
