// JSON Schemas in words and tables.

import { el, table } from "/ui/dom.js";

export const named = (schema, parts) => (schema?.$ref ? parts[schema.$ref.split("/").pop()] : schema) ?? {};
const nameOf = (schema) => schema.$ref?.split("/").pop();

// What a value is, in a few words.
export function kind(schema = {}) {
  if (schema.$ref) return nameOf(schema);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map(kind).join(" | ");
  if (schema.type === "array") return `[${schema.items ? kind(schema.items) : "anything"}]`;
  if (schema.type === "object" && schema.additionalProperties?.type) {
    return `{name: ${kind(schema.additionalProperties)}}`;
  }
  return [].concat(schema.type ?? "anything").join(" | ");
}

// Bounds, default and meaning.
export function notes(schema = {}, about = schema.description) {
  const said = about ? [about] : [];
  const bounds = { minimum: "at least", maximum: "at most", minLength: "characters, at least", maxLength: "characters, at most" };
  for (const choice of [schema, ...(schema.anyOf ?? [])]) {
    for (const [name, words] of Object.entries(bounds)) if (name in choice) said.push(`${words} ${choice[name]}`);
    if (choice.pattern) said.push(`as ${choice.pattern}`);
  }
  if (schema.default !== undefined && schema.default !== null) said.push(`default ${JSON.stringify(schema.default)}`);
  if (schema.examples) said.push(`such as ${JSON.stringify(schema.examples[0])}`);
  return said.join("; ");
}

function fields(schema, parts) {
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties).map(([name, field]) =>
    el("tr", {},
      el("td", { class: "mono" }, name, required.has(name) ? " *" : ""),
      el("td", { class: "kind" }, kind(field)),
      el("td", {}, notes(field, field.description ?? named(field, parts).description)),
    ));
  return table(["field", "type", "meaning"], rows);
}

// Names of the models that a schema leads to, itself first.
function reached(schema, parts, found = new Map()) {
  const name = schema?.$ref && nameOf(schema);
  if (name && found.has(name)) return found;
  const whole = named(schema, parts);
  if (name && whole.properties) found.set(name, whole);
  const inner = [...Object.values(whole.properties ?? {}), whole.items, whole.additionalProperties, ...(whole.anyOf ?? [])];
  for (const one of inner) if (one && typeof one === "object") reached(one, parts, found);
  return found;
}

// The tables of a schema's models, each to be opened.
export function models(schema, parts) {
  const found = reached(schema, parts);
  return [...found].map(([name, model]) =>
    el("details", { class: "model" }, el("summary", {}, name),
      el("div", {}, el("p", { class: "quiet" }, model.description ?? ""), fields(model, parts))));
}

// A value that fits, from defaults and examples.
export function example(schema, parts, depth = 0) {
  const whole = named(schema, parts);
  if (whole.examples) return whole.examples[0];
  if (whole.default !== undefined) return whole.default;
  if ("const" in whole) return whole.const;
  if (whole.enum) return whole.enum[0];
  if (whole.anyOf) return example(whole.anyOf[0], parts, depth);
  if (whole.properties && depth < 3) {
    const wanted = Object.entries(whole.properties).filter(([name]) => whole.required?.includes(name));
    return Object.fromEntries(wanted.map(([name, one]) => [name, example(one, parts, depth + 1)]));
  }
  return { integer: 1, number: 1, boolean: false, array: [], object: {} }[whole.type] ?? "…";
}
