// The arXiv panel: announces papers, lists the latest, and simulates failures.

import { post } from "./api.js";
import { byId, el } from "./dom.js";

export function drawPanel(arxiv, clock) {
  byId("day").hidden = arxiv.live;
  byId("today").textContent = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeZone: "UTC" }).format(new Date(clock.now));
  byId("queued").textContent = arxiv.live
    ? "The bot uses the real arXiv. Nothing you do here affects it."
    : `Queued papers: ${arxiv.queued.toLocaleString()}`;
  byId("announced").replaceChildren(...(arxiv.announced.length
    ? arxiv.announced.map((paper) => el("li", {}, el("span", { class: "paper-id" }, paper.id), " ", paper.title))
    : [el("li", { class: "muted" }, "None yet.")]));
  byId("pending-faults").replaceChildren(...arxiv.pending_faults.map((fault) =>
    el("li", {}, fault.times === 1 ? "Next request: " : `Next ${fault.times} requests: `, fault.label)));
  byId("clear-faults").hidden = arxiv.pending_faults.length === 0;
  const select = byId("fault");
  if (!select.options.length) select.append(...arxiv.fault_kinds.map((fault) => el("option", { value: fault.kind }, fault.label)));
}

export function initPanel() {
  const status = byId("announce-status");
  const attempt = async (action) => {
    try {
      status.textContent = (await action()) ?? "";
    } catch (error) {
      status.textContent = error.message;
    }
  };
  byId("announce").addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(async () => {
      const { announced } = await post("announce", { count: byId("count").valueAsNumber });
      return announced === 1 ? "1 paper announced." : `${announced} papers announced.`;
    });
  });
  byId("end-day").addEventListener("click", () => void attempt(() => post("end-day", {}).then(() => "The day has ended. The bot restarts with the new date.")));
  byId("add-fault").addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(() => post("add-fault", { kind: byId("fault").value, times: byId("times").valueAsNumber }).then(() => ""));
  });
  byId("clear-faults").addEventListener("click", () => void attempt(() => post("clear-faults", {}).then(() => "")));
}
