// Passkeys: asks the server for a question, the browser for the answer, and hands it back. Level 3 of the standard has
// the browser read and write the JSON itself.
"use strict";

const say = (words) => {
  const trouble = document.querySelector("[data-trouble]");
  trouble.textContent = words;
  trouble.hidden = false;
};

async function post(path, body, csrf) {
  const headers = { "content-type": "application/json", accept: "application/json" };
  if (csrf) headers["x-csrf"] = csrf;
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.message);
  return found;
}

async function signIn() {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await post("/console/sign-in/begin", {}));
  const credential = await navigator.credentials.get({ publicKey });
  await post("/console/sign-in/finish", { credential: credential.toJSON() });
}

async function enrol() {
  // The token stands after the #: it is never part of an address that is sent.
  const token = location.hash.slice(1);
  const { options } = await post("/console/enrol/begin", { token });
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const credential = await navigator.credentials.create({ publicKey });
  await post("/console/enrol/finish", { token, credential: credential.toJSON() });
}

async function bind() {
  const { address } = await post("/console/enrol/oidc", { token: location.hash.slice(1) });
  location.assign(address);
}

async function add(button) {
  const csrf = button.dataset.csrf;
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await post("/console/me/passkey/begin", {}, csrf));
  const credential = await navigator.credentials.create({ publicKey });
  await post("/console/me/passkey/finish", { credential: credential.toJSON() }, csrf);
}

const ways = { "sign-in": signIn, enrol, bind, add };
for (const button of document.querySelectorAll("[data-passkey]")) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await ways[button.dataset.passkey](button);
      if (button.dataset.next) location.assign(button.dataset.next);
    } catch (error) {
      say(error.name === "NotAllowedError" ? "The passkey was not used. Try again when you are ready." : error.message);
    } finally {
      button.disabled = false;
    }
  });
}
