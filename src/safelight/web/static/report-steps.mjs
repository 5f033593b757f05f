/* The questions of a report, one after the other in one document.
 *
 * Rules of this module
 * - The browser's Back goes to the question before, with every answer kept, as the page's own button does; without
 *   this a browser asks whether to send a form again, which nobody understands at night.
 * - The history has two entries for the whole report, however many questions it had.
 * - Without a connection the page stays as it is, with what was written: a browser's own page would take its place.
 * - What is answered by no page is sent as any form is.
 */

const FORM_ID = "answers";
const BACK = `#${FORM_ID} button[value=back]`;

/** Answers of forms take the place of the page; `start` is called for each. */
export function goStepByStep(start) {
  document.addEventListener("submit", async (event) => {
    const { target: form, submitter } = event;
    if (form.id !== FORM_ID || !submitter) return;
    event.preventDefault();
    if (document.body.ariaBusy === "true") return; // a hand that presses twice
    document.body.ariaBusy = "true";
    const notice = document.getElementById("offline");
    notice.hidden = true;
    const answer = await answerTo(form, submitter).catch(() => null);
    if (!answer) {
      document.body.ariaBusy = null;
      notice.hidden = false;
      return;
    }
    if (!answer.isPage) {
      sendAsAnyForm(form, submitter);
      return;
    }
    show(new DOMParser().parseFromString(answer.text, "text/html"));
    start();
    if (!history.state?.inReport) history.pushState({ inReport: true }, "", location.pathname);
  });
  addEventListener("popstate", () => {
    const back = document.querySelector(BACK);
    if (!back || history.state?.inReport) return;
    history.pushState({ inReport: true }, "", location.pathname);
    back.click();
  });
}

/** Rejects where the connection fails, also in the middle of the answer. */
async function answerTo(form, submitter) {
  const fields = new URLSearchParams(new FormData(form));
  fields.append(submitter.name, submitter.value);
  const response = await fetch(submitter.formAction || form.action, { method: "POST", body: fields });
  const isPage = Boolean(response.headers.get("content-type")?.startsWith("text/html"));
  return { isPage, text: await response.text() };
}

function show(answer) {
  document.title = answer.title;
  for (const name of ["lang", "dir"]) document.documentElement[name] = answer.documentElement[name];
  document.body.replaceWith(document.adoptNode(answer.body));
  const first = document.getElementById("problem") ?? document.querySelector("h1");
  first.tabIndex = -1; // so that a screen reader says where one is now
  first.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function sendAsAnyForm(form, submitter) {
  const chosen = document.createElement("input");
  Object.assign(chosen, { type: "hidden", name: submitter.name, value: submitter.value });
  form.append(chosen);
  form.action = submitter.formAction || form.action;
  form.submit();
}
