/* Away from the page, so that it never freezes while a large picture is read: a file in, its fingerprint out. */

import { fingerprint } from "./fingerprint.mjs";

self.addEventListener("message", async (message) => {
  try {
    self.postMessage(await fingerprint(message.data));
  } catch {
    // Too large for this device's memory, most often. The page says so and offers the other ways.
    self.postMessage({ why: "undecodable", sha256: "" });
  }
});
