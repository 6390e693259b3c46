// The login: a token that the user gives, kept while the tab is open, and sent with every request.
// Where the service needs none, none of this is seen. Once a token is refused nothing is asked before
// there is a new one: each refusal counts against the user's address.

import { byId } from "./dom.js";

const KEY = "paas-stream-login";

let needed = false;
let known = JSON.parse(sessionStorage.getItem(KEY) ?? "null"); // { header, value }

export const headers = () => (known ? { [known.header]: known.value } : {});
export const isNeeded = () => needed;

// What the service says of a request without login, or with one that is no good.
export function refused(answer, message) {
  const ways = answer.headers.get("WWW-Authenticate") ?? "";
  needed = true;
  keep(null);
  byId("login-keystone").disabled = !ways.includes("Keystone ");
  byId("login-bearer").disabled = !ways.includes("Bearer ");
  const chosen = document.querySelector("input[name=kind]:checked");
  if (chosen.disabled) document.querySelector("input[name=kind]:enabled").checked = true;
  byId("login-why").textContent = message;
  show();
  byId("token").focus();
}

// `changed` is called after the user has logged in or out.
export function startLogin(changed) {
  byId("login").addEventListener("submit", (event) => {
    event.preventDefault();
    const token = byId("token").value.trim();
    if (!/^[\x21-\x7e]+$/.test(token)) {
      byId("login-why").textContent = "This is no token: it has spaces, or characters that no token has.";
      return;
    }
    const isBearer = byId("login-bearer").checked;
    keep(isBearer ? { header: "Authorization", value: `Bearer ${token}` } : { header: "X-Auth-Token", value: token });
    byId("token").value = "";
    needed = false;
    show();
    changed();
  });
  byId("logout").addEventListener("click", () => {
    keep(null);
    show();
    changed();
  });
  show();
}

function keep(login) {
  known = login;
  if (login) sessionStorage.setItem(KEY, JSON.stringify(login));
  else sessionStorage.removeItem(KEY);
}

function show() {
  byId("login").hidden = !needed;
  byId("main").hidden = needed;
  byId("logout").hidden = !known;
}
