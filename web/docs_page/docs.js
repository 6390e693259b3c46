// The page: every operation of openapi.json, by subject.

import { api } from "/ui/api.js";
import { byId, el, row, table } from "/ui/dom.js";
import { example, kind, models, named, notes } from "./schema.js";

const METHODS = ["get", "post", "put", "patch", "delete"];

function operations(spec) {
  return Object.entries(spec.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, ...item[method] })));
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// A command that can be pasted into a shell, with NAME where a value must be put.
function curl(one, spec) {
  const path = one.path.replace(/{(\w+)}/g, (_, name) => name.toUpperCase());
  const words = ["curl"];
  if (one.method !== "get") words.push("-X", one.method.toUpperCase());
  if (one.security.length) words.push("-H", '"Authorization: Bearer $TOKEN"');
  const body = one.requestBody?.content["application/json"].schema;
  if (body) {
    words.push("-H", quoted("Content-Type: application/json"));
    words.push("-d", quoted(JSON.stringify(example(body, spec.components.schemas))));
  }
  return [...words, quoted(location.origin + path)].join(" ");
}

function parameters(list) {
  if (!list.length) return [];
  const rows = list.map((one) =>
    el("tr", {},
      el("td", { class: "mono" }, one.name, one.required ? " *" : ""),
      el("td", {}, one.in),
      el("td", { class: "kind" }, kind(one.schema)),
      el("td", {}, notes(one.schema, one.description))));
  return [el("h4", {}, "Parameters"), table(["name", "in", "type", "meaning"], rows)];
}

function body(one, parts) {
  const schema = one.requestBody?.content["application/json"].schema;
  if (!schema) return [];
  const shown = models(schema, parts);
  if (shown[0]) shown[0].open = true;
  const types = Object.keys(one.requestBody.content).join(" or ");
  return [el("h4", {}, `Body (${types})`), ...shown];
}

function answers(one, spec) {
  const parts = spec.components.schemas;
  const rows = Object.entries(one.responses).map(([status, given]) => {
    const answer = given.$ref ? spec.components.responses[given.$ref.split("/").pop()] : given;
    const content = Object.entries(answer.content ?? {});
    const kinds = content.map(([type, { schema }]) => (type === "application/json" ? kind(schema) : type));
    return row(status, kinds.join(" or "), [answer.description, ...Object.keys(answer.headers ?? {})].join("; "));
  });
  const shown = Object.entries(one.responses).filter(([, given]) => !given.$ref).flatMap(([, given]) =>
    Object.values(given.content ?? {}).flatMap(({ schema }) => models(schema, parts)));
  return [el("h4", {}, "Answers"), table(["status", "body", "meaning"], rows), ...shown];
}

function article(one, spec) {
  const right = one.security.length ? null : el("span", { class: "badge" }, "no login");
  return el("article", { id: one.operationId, "aria-labelledby": `${one.operationId}-title` },
    el("div", { class: "bar" },
      el("h3", { id: `${one.operationId}-title` },
        el("span", { class: `method ${one.method}` }, one.method.toUpperCase()), " ", el("code", {}, one.path)),
      right),
    el("p", {}, one.summary, one.description ? `. ${one.description}` : ""),
    ...parameters(one.parameters),
    ...body(one, spec.components.schemas),
    ...answers(one, spec),
    el("h4", {}, "Example"),
    el("pre", { tabindex: "0" }, curl(one, spec)));
}

function contents(tag, list) {
  const lines = list.map((one) =>
    el("li", { "data-find": `${one.method} ${one.path} ${one.summary} ${one.operationId}`.toLowerCase() },
      el("a", { href: `#${one.operationId}`, title: one.summary },
        el("span", { class: `method ${one.method}` }, one.method.toUpperCase()), el("span", {}, one.path))));
  return el("section", {}, el("h3", {}, tag.name), el("ul", {}, ...lines));
}

function draw(spec) {
  const all = operations(spec);
  byId("version").textContent = `${spec.info.version}, OpenAPI ${spec.openapi}`;
  byId("main").append(...spec.info.description.split("\n\n").map((text) => el("p", {}, text)));
  const logins = Object.values(spec.components.securitySchemes);
  byId("main").append(el("h2", {}, "Login"),
    el("ul", {}, ...logins.map((one) => el("li", {}, el("code", {}, one.scheme === "bearer" ? "Authorization: Bearer" : one.name), " ", one.description))));
  for (const tag of spec.tags) {
    const list = all.filter((one) => one.tags.includes(tag.name));
    byId("contents").append(contents(tag, list));
    byId("main").append(el("section", {}, el("h2", {}, tag.name), el("p", { class: "quiet" }, tag.description),
      ...list.map((one) => article(one, spec))));
  }
  const error = { $ref: "#/components/schemas/Error" };
  byId("main").append(el("h2", {}, "Errors"), el("p", {}, named(error, spec.components.schemas).description), ...models(error, spec.components.schemas));
}

function find() {
  const words = byId("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const line of document.querySelectorAll("nav li")) {
    line.hidden = !words.every((word) => line.dataset.find.includes(word));
  }
  for (const part of document.querySelectorAll("nav section")) part.hidden = !part.querySelector("li:not([hidden])");
}

try {
  draw(await api("/openapi.json"));
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
} catch (fault) {
  byId("trouble").textContent = fault.message;
  byId("trouble").hidden = false;
}
byId("find").addEventListener("input", find);
