// The form: a template with its inputs, tried out or deployed.

import { post } from "./api.js";
import { byId, el } from "./dom.js";
import { rankingOf } from "./ranking.js";

// `name: value` lines; a value that is JSON (a number, true, a list) is taken as such, any other as text.
export function parseInputs(text) {
  const inputs = {};
  for (const line of text.split("\n")) {
    if (!line.trim() || line.trim().startsWith("#")) continue;
    const colon = line.indexOf(":");
    if (colon < 1) throw new Error(`"${line.trim()}" is not of the form name: value`);
    const value = line.slice(colon + 1).trim();
    try {
      inputs[line.slice(0, colon).trim()] = JSON.parse(value);
    } catch {
      inputs[line.slice(0, colon).trim()] = value;
    }
  }
  return inputs;
}

export function startForm(made) {
  const form = byId("form"), answer = byId("answer");

  async function send(path, done) {
    if (!form.reportValidity()) return;
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    answer.replaceChildren("…");
    try {
      const body = { template: byId("template").value, parameters: parseInputs(byId("inputs").value) };
      if (byId("group").value) body.userGroup = byId("group").value;
      done(await post(path, body));
    } catch (fault) {
      const faults = fault.faults?.length ? fault.faults.map((one) => (typeof one === "string" ? one : one.message ?? JSON.stringify(one))) : [fault.message];
      answer.replaceChildren(el("ul", { class: "faults" }, ...faults.map((one) => el("li", {}, one))));
    } finally {
      for (const button of form.querySelectorAll("button")) button.disabled = false;
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send("/deployments", (found) => {
      answer.replaceChildren();
      made(found.uuid);
    });
  });
  byId("dry-run").addEventListener("click", () => send("/deployments?dryRun=true", (found) => answer.replaceChildren(...verdict(found))));
  byId("file").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (file) byId("template").value = await file.text();
  });
}

function verdict(found) {
  const number = found.providers.length;
  const text = number === 0 ? "no provider can host it" : number === 1 ? "one provider can host it" : `${number} providers can host it`;
  return [
    el("p", { class: number ? "good" : "bad" }, `The template is valid; ${text}.`),
    ...found.warnings.map((one) => el("p", { class: "quiet" }, one)),
    ...rankingOf(found),
  ];
}
