// A ranking: providers in the order in which they are tried, and why the others are not.

import { age, el, row, table } from "./dom.js";

const percent = (share) => (share === undefined ? "" : `${Math.round(share * 100)} %`);
const duration = (seconds) => (seconds === undefined ? "" : age(seconds));

export function rankingOf(found) {
  const providers = found.providers ?? [], discarded = found.discarded ?? [];
  if (!providers.length && !discarded.length) return [];
  const parts = [el("h3", {}, "Ranking")];
  if (found.message) parts.push(el("p", { class: "quiet" }, found.message));
  if (providers.length) {
    parts.push(table(["", "provider", "region", "score", "succeeds", "takes", "why"], providers.map((one) => row(
      one.place, one.provider, one.region, percent(one.score), percent(one.pSuccess), duration(one.successSeconds),
      (one.reasons ?? []).join("; ")))));
  }
  if (discarded.length) {
    parts.push(table(["not chosen", "region", "code", "why"], discarded.map((one) => row(
      one.provider, one.region, one.code, one.reason))));
  }
  return parts;
}
