// Elements are made of text only: nothing that the service says is ever read as HTML.

export const byId = (id) => document.getElementById(id);

export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((one) => one !== null && one !== undefined));
  return made;
}

export function tone(status) {
  if (/FAILED|^(failed|late|stuck)$/.test(status)) return "bad";
  if (/IN_PROGRESS|^begin$/.test(status)) return "busy";
  if (/COMPLETE|^(end|alive)$/.test(status)) return "good";
  return "quiet";
}

export const badge = (status) => el("span", { class: `badge ${tone(status)}` }, status);

export function table(columns, rows) {
  const head = el("tr", {}, ...columns.map((name) => el("th", { scope: "col" }, name)));
  return el("div", { class: "wide" }, el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)));
}

export function row(...cells) {
  const shown = (cell) => (cell instanceof Node ? cell : String(cell ?? ""));
  const kind = (cell) => (typeof cell === "number" ? "number" : /^[\w.-]{1,30}$/.test(cell) ? "word" : false);
  return el("tr", {}, ...cells.map((cell) => el("td", { class: kind(cell) }, shown(cell))));
}

export function age(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 2 * 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

export const clock = (time) => new Date(time).toLocaleTimeString([], { hour12: false });
