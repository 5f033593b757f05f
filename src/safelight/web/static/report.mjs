/* What scripts add to the pages of a report: leaving by one key, Back that works, fingerprints, and pages that forget
 * themselves. Without them everything but the fingerprints works, too.
 *
 * Rules of this module
 * - `start` may run again: the answer to a form takes the place of the page before it, in the same document.
 */

import { offerFingerprints } from "./report-fingerprints.mjs";
import { goStepByStep } from "./report-steps.mjs";

/** Leave at once: the page is emptied before the other one has loaded, and does not stay in the history. */
function leave() {
  const { href } = document.getElementById("leave");
  document.title = "";
  document.body.replaceChildren();
  location.replace(href);
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("#leave")) return;
  event.preventDefault();
  leave();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing && document.getElementById("leave")) leave();
});
// Shown again from the browser's memory, a page would still hold what was on it.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

function start() {
  for (const part of document.querySelectorAll(".needs-script")) part.hidden = false;
  offerFingerprints();
  tellTheTimeHere();
  // The answer to a form with a code and a PIN: Reload and Back go to the empty form, and do not send it again.
  const { private: forgottenAs } = document.body.dataset;
  if (forgottenAs !== undefined) history.replaceState(history.state, "", forgottenAs || location.pathname);
}

/** Moments come in UTC; whoever is elsewhere reads them by their own clock. */
function tellTheTimeHere() {
  const { lang } = document.documentElement;
  const [known] = Intl.DateTimeFormat.supportedLocalesOf(lang);
  if (!known) return; // a month must not be named in another language
  const form = (options) => new Intl.DateTimeFormat(`${known}-u-nu-latn`, options);
  // Apart: together some languages put words between them that the sentence around has already.
  const day = form({ day: "numeric", month: "long", year: "numeric" });
  const hour = form({ hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" });
  const comma = lang === "ar" ? "،" : ",";
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (at.getTimezoneOffset() !== 0) time.textContent = `${day.format(at)}${comma} ${hour.format(at)}`;
  }
}

start();
goStepByStep(start);
