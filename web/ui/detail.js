// One deployment: status, timeline, providers tried, ranking, outputs.

import { api } from "./api.js";
import { age, badge, byId, clock, el, tone } from "./dom.js";
import { rankingOf } from "./ranking.js";
import { follow } from "./timeline.js";

const SHOWN = [
  ["statusReason", "reason"],
  ["cloudProviderName", "provider"],
  ["physicalId", "infrastructure"],
  ["userGroup", "group"],
  ["creationTime", "created"],
  ["updateTime", "updated"],
];

export function openDeployment(uuid) {
  const entries = new Map();
  let waiting = false, over = null;
  const status = el("span", { "aria-live": "polite" });
  const remove = el("button", { type: "button", class: "danger", id: "delete", onclick: ask }, "Delete");
  const trouble = el("p", { class: "faults", role: "alert" });
  const facts = el("dl");
  const outputs = el("div");
  const attempts = el("div");
  const ranking = el("div");
  const timeline = el("ol", { class: "timeline", id: "timeline", "aria-label": "Timeline" });
  const title = el("h2", { id: "detail-title", tabindex: "-1" }, "Deployment ", el("span", { class: "mono" }, uuid));
  byId("detail").replaceChildren(
    el("div", { class: "bar" }, title, el("a", { href: "#/" }, "close")),
    el("p", { class: "bar" }, status, remove),
    trouble, facts, outputs, attempts, ranking,
    el("h3", {}, "Timeline"), timeline,
  );
  title.focus();

  async function refresh() {
    try {
      const found = await api(`/deployments/${encodeURIComponent(uuid)}`);
      show(found.status);
      facts.replaceChildren(...SHOWN.filter(([name]) => found[name]).flatMap(
        ([name, label]) => [el("dt", {}, label), el("dd", {}, String(found[name]))]));
      const some = Object.keys(found.outputs ?? {}).length > 0;
      outputs.replaceChildren(...(some
        ? [el("h3", {}, "Outputs"), el("pre", { id: "outputs" }, JSON.stringify(found.outputs, null, 2))] : []));
    } catch (fault) {
      trouble.textContent = fault.message;
    }
    await showRanking();
  }

  async function showRanking() {
    try {
      ranking.replaceChildren(...rankingOf(await api(`/deployments/${encodeURIComponent(uuid)}/ranking`)));
    } catch (fault) {
      trouble.textContent = fault.message;
    }
  }

  function show(name) {
    status.replaceChildren(badge(name));
    remove.disabled = ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"].includes(name);
  }

  async function ask() {
    if (!confirm(`Delete deployment ${uuid} and all that it runs?`)) return;
    remove.disabled = true;
    try {
      await api(`/deployments/${encodeURIComponent(uuid)}`, { method: "DELETE" });
    } catch (fault) {
      trouble.textContent = fault.message;
      remove.disabled = false;
    }
  }

  // Many entries come at once at the beginning: they are drawn together.
  function drawSoon() {
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  }

  function draw() {
    waiting = false;
    const sorted = [...entries.values()].sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
    timeline.replaceChildren(...sorted.map(item));
    if (over) timeline.append(el("li", { class: "quiet" }, `nothing more will come: ${over}`));
    const tried = new Map(sorted.filter((one) => one.step === "attempt").map((one) => [one.attempt, one])); // each by its last
    attempts.replaceChildren(...(tried.size ? [el("h3", {}, "Providers tried"), el("ol", { class: "timeline" }, ...[...tried.values()].map(attempt))] : []));
  }

  refresh();
  return follow(uuid, {
    entry: (one) => {
      entries.set(one.id, one);
      drawSoon();
    },
    status: (one) => {
      show(one.status);
      refresh();
    },
    end: (reason) => {
      over = reason;
      drawSoon();
    },
    lost: (text) => {
      trouble.textContent = text ?? "";
    },
  });
}

function item(one) {
  const took = one.durationSeconds === undefined ? "" : `${one.durationSeconds.toFixed(2)} s`;
  return el("li", {},
    el("div", { class: "head" },
      el("time", { datetime: one.time }, clock(one.time)),
      el("strong", {}, one.component), el("span", {}, one.step),
      el("span", { class: tone(one.status) }, one.status), el("span", { class: "quiet" }, took)),
    one.message ?? "");
}

const RESULTS = { begin: "under way", end: "succeeded", failed: "failed" };

function attempt(one) {
  const took = one.durationSeconds === undefined ? "" : `after ${age(one.durationSeconds)}`;
  return el("li", {},
    el("div", { class: "head" },
      el("strong", {}, one.provider ?? ""), el("span", {}, one.region ?? ""),
      el("span", { class: tone(one.status) }, RESULTS[one.status] ?? one.status), el("span", { class: "quiet" }, took)),
    one.status === "failed" ? one.message : "");
}
