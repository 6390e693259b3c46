// The page: a list of deployments, and beside it one deployment or the components.

import { api, every } from "./api.js";
import { openComponents, refreshHealth } from "./components.js";
import { openDeployment } from "./detail.js";
import { age, badge, byId, el } from "./dom.js";
import { startForm } from "./form.js";
import { isNeeded, startLogin } from "./login.js";

const LIST_S = 2;
const HEALTH_S = 5;
const STEP = 25;

let size = STEP;
let close = () => {};
let showComponents = null;
const rows = new Map(); // by uuid: kept, so that focus and selection stay where they are

async function refreshList() {
  const hidden = byId("deleted").checked ? "" : "&excludedStatus=DELETE_COMPLETE";
  try {
    const found = await api(`/deployments?size=${size}${hidden}`);
    drawList(found.content);
    byId("total").textContent = `(${found.page.totalElements})`;
    byId("none").hidden = found.page.totalElements > 0;
    byId("more").hidden = found.page.totalElements <= size;
    byId("trouble").hidden = true;
  } catch (fault) {
    byId("trouble").textContent = fault.message;
    byId("trouble").hidden = isNeeded(); // the login says it
  }
}

function drawList(deployments) {
  const body = byId("deployments");
  const wanted = deployments.map((one) => {
    const text = JSON.stringify([one.status, one.cloudProviderName, one.userGroup]);
    const made = rows.get(one.uuid) ?? { line: el("tr", { "data-uuid": one.uuid }), text: null };
    if (made.text !== text) fill(made.line, one);
    made.text = text;
    made.line.lastChild.textContent = age((Date.now() - Date.parse(zoned(one.creationTime))) / 1000);
    rows.set(one.uuid, made);
    return made.line;
  });
  const now = [...body.children];
  if (now.length !== wanted.length || now.some((line, at) => line !== wanted[at])) body.replaceChildren(...wanted);
  mark();
}

function fill(line, one) {
  line.replaceChildren(
    el("td", {}, badge(one.status)),
    el("td", {}, el("a", { class: "mono", href: `#/deployments/${one.uuid}`, title: one.uuid }, one.uuid.slice(0, 8))),
    el("td", {}, one.cloudProviderName ?? ""),
    el("td", {}, one.userGroup ?? ""),
    el("td", {}),
  );
}

// `2025-01-31T10:20+0000` is not what every browser reads.
const zoned = (time) => time.replace(/([+-]\d\d)(\d\d)$/, "$1:$2");

function mark() {
  const chosen = location.hash.split("/")[2];
  for (const line of byId("deployments").children) line.classList.toggle("chosen", line.dataset.uuid === chosen);
}

function route() {
  close();
  close = () => {};
  showComponents = null;
  const [, kind, uuid] = location.hash.split("/");
  const open = kind === "components" || (kind === "deployments" && uuid);
  byId("detail").hidden = !open;
  byId("main").classList.toggle("two", Boolean(open));
  if (kind === "deployments" && uuid) close = openDeployment(decodeURIComponent(uuid));
  if (kind === "components") {
    showComponents = openComponents();
    health();
  }
  mark();
}

async function health() {
  const found = await refreshHealth();
  showComponents?.(found);
}

byId("deleted").addEventListener("change", refreshList);
byId("more").addEventListener("click", () => {
  size += STEP;
  refreshList();
});
addEventListener("hashchange", route);
addEventListener("pagehide", () => close());
startForm((uuid) => {
  location.hash = `#/deployments/${uuid}`;
  refreshList();
});
startLogin(() => {
  drawList([]); // of another user
  route();
  refreshList();
  health();
});
route();
every(LIST_S, refreshList);
every(HEALTH_S, health);
