/* The part of a page where a picture is chosen: only its fingerprint goes into the form. */

let worker;

/** Makes the part of the page work, where there is one. */
export function offerFingerprints() {
  const part = document.querySelector("[data-fingerprints]");
  if (!part) return;
  const [picture, told, count, forget] = ["#picture", "[data-told]", "[data-count]", "[data-forget]"].map((selector) =>
    part.querySelector(selector),
  );
  const [pdq, sha256] = ["pdq", "sha256"].map((name) => part.querySelector(`[name=${name}]`));
  const show = () => {
    const made = Math.max(lines(pdq).length, lines(sha256).length);
    count.textContent = made ? count.dataset.words.replace("#", made) : "";
    forget.hidden = made === 0;
  };
  const tell = (why) => {
    told.textContent = part.querySelector(`template[data-why=${why}]`).content.textContent;
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

const lines = (field) => field.value.split(/\s+/).filter(Boolean);

function add(field, line) {
  if (line && !lines(field).includes(line)) field.value = [...lines(field), line].join("\n");
}

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
