/* What scripts add to the pages of a report: leaving by one key, fingerprints, and a page that forgets itself. */

/** Leave at once: the page is emptied before the other one has loaded, and does not stay in the history. */
function leave() {
  document.title = "";
  document.body.replaceChildren();
  location.replace(exit.href);
}

const exit = document.getElementById("leave");
exit.addEventListener("click", (event) => {
  event.preventDefault();
  leave();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing) leave();
});
// Shown again from the browser's memory, a page would still hold what was on it.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

for (const part of document.querySelectorAll(".needs-script")) part.hidden = false;

// The answer to a form with a code and a PIN: Reload and Back go to the empty form, and do not send it again.
const { private: forgottenAs } = document.body.dataset;
if (forgottenAs !== undefined) history.replaceState(null, "", forgottenAs || location.pathname);

/* Fingerprints */

const part = document.querySelector("[data-fingerprints]");
if (part) {
  const [picture, told, count, forget] = ["#picture", "[data-told]", "[data-count]", "[data-forget]"].map((selector) =>
    part.querySelector(selector),
  );
  const [pdq, sha256] = ["pdq", "sha256"].map((name) => part.querySelector(`[name=${name}]`));
  const lines = (field) => field.value.split(/\s+/).filter(Boolean);
  const add = (field, line) => {
    if (line && !lines(field).includes(line)) field.value = [...lines(field), line].join("\n");
  };
  const tell = (why) => {
    told.textContent = part.querySelector(`template[data-why=${why}]`).content.textContent;
  };
  const show = () => {
    const made = Math.max(lines(pdq).length, lines(sha256).length);
    count.textContent = made ? count.dataset.words.replace("#", made) : "";
    forget.hidden = made === 0;
  };

  picture.addEventListener("change", async () => {
    let said = "made";
    for (const file of picture.files) {
      tell("working");
      const found = await fingerprintOf(file);
      add(sha256, found.sha256);
      if (found.forms) add(pdq, `${found.forms[0]}:${found.quality}`);
      else said = found.sha256 ? found.why : "unreadable";
    }
    if (picture.files.length) tell(said);
    picture.value = "";
    show();
  });
  forget.addEventListener("click", () => {
    pdq.value = sha256.value = told.textContent = "";
    show();
    picture.focus();
  });
  show();
}

let worker;

async function fingerprintOf(file) {
  try {
    if (typeof OffscreenCanvas === "undefined") {
      const { fingerprint } = await import("./fingerprint.mjs");
      return await fingerprint(file);
    }
    worker ??= new Worker(new URL("./fingerprint-worker.mjs", import.meta.url), { type: "module" });
    return await new Promise((done, fail) => {
      worker.onmessage = (message) => done(message.data);
      worker.onerror = fail;
      worker.postMessage(file);
    });
  } catch {
    return { why: "unreadable", sha256: "" };
  }
}
