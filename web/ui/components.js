// Which boxes are alive, on which workers.

import { api } from "./api.js";
import { age, badge, byId, el, row, table, tone } from "./dom.js";

export async function refreshHealth() {
  const health = byId("health");
  try {
    const { components } = await api("/components");
    const alive = components.filter((one) => one.state === "alive").length;
    health.textContent = `${alive} of ${components.length} components alive`;
    health.className = `badge ${tone(alive === components.length ? "alive" : "late")}`;
    return components;
  } catch (fault) {
    health.textContent = { 401: "not logged in", 503: "not ready" }[fault.status] ?? "out of reach";
    health.className = fault.status === 401 ? "badge" : "badge bad";
    return null;
  }
}

export function openComponents() {
  const box = el("div");
  const title = el("h2", { id: "detail-title", tabindex: "-1" }, "Components");
  byId("detail").replaceChildren(el("div", { class: "bar" }, title, el("a", { href: "#/" }, "close")), box);
  title.focus();
  return (components) => {
    if (components) box.replaceChildren(tableOf(components));
  };
}

function tableOf(components) {
  const rows = components.flatMap((component) =>
    component.instances.length
      ? component.instances.map((one, number) => row(number ? "" : component.component, one.worker, badge(one.state), doing(one),
        one.events, one.errors, one.lag ?? "", `${age(one.ageSeconds)} ago`))
      : [row(component.component, "", badge(component.state), "", "", "", "", "")]);
  return table(["component", "worker", "state", "doing", "events", "errors", "waiting", "heard of"], rows);
}

const doing = (one) => (one.doing ? `${one.doing}, for ${age(one.doingSeconds ?? 0)}` : "");
