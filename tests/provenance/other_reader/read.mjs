// Reads the content credentials of files with @trustnxt/c2pa-ts, which shares no code with the library that signs, and
// checks the signer's chain to a given root with Node's own X.509.
//
//     node read.mjs root.pem file…
//
// One line of JSON a file: { valid, trusted, codes, actions, sources, ingredients }.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { JPEG, PNG } from '@trustnxt/c2pa-ts/asset';
import { SuperBox } from '@trustnxt/c2pa-ts/jumbf';
import { ManifestStore } from '@trustnxt/c2pa-ts/manifest';

// c2pa-ts has no WebP; its assets are small enough to add one here: RIFF chunks, the manifest in one called C2PA.
class WebP {
  mimeType = 'image/webp';
  constructor(data) {
    this.data = data;
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    for (let at = 12; at + 8 <= data.length; ) {
      const kind = Buffer.from(data.subarray(at, at + 4)).toString('latin1');
      const length = view.getUint32(at + 4, true);
      if (kind === 'C2PA') this.found = { start: at, length };
      at += 8 + length + (length & 1);
    }
  }
  static canRead(data) {
    return Buffer.from(data.subarray(0, 4)).toString('latin1') === 'RIFF';
  }
  getDataLength() {
    return this.data.length;
  }
  async getDataRange(start = 0, length = this.data.length - start) {
    return this.data.subarray(start, start + length);
  }
  getManifestJUMBF() {
    return this.found && this.data.subarray(this.found.start + 8, this.found.start + 8 + this.found.length);
  }
  getHashExclusionRange() {
    return { start: this.found.start, length: 8 + this.found.length + (this.found.length & 1) };
  }
  dumpInfo() {
    return 'WebP';
  }
}

const [rootFile, ...files] = process.argv.slice(2);
const root = new X509Certificate(await readFile(rootFile));

for (const file of files) {
  console.log(JSON.stringify(await read(new Uint8Array(await readFile(file)))));
}

async function read(data) {
  try {
    const kind = [PNG, JPEG, WebP].find(one => one.canRead(data));
    const asset = new kind(data);
    const jumbf = asset.getManifestJUMBF();
    if (!jumbf) return { valid: false, trusted: false, codes: ['no manifest'] };
    const store = ManifestStore.read(SuperBox.fromBuffer(jumbf));
    const result = await store.validate(asset);
    const manifest = store.getActiveManifest();
    const labelled = manifest.assertions.assertions;
    const actions = labelled.filter(one => one.label?.startsWith('c2pa.actions')).flatMap(one => one.actions);
    return {
      valid: result.isValid,
      trusted: result.isValid && leadsToRoot(manifest),
      codes: result.statusEntries.map(entry => entry.code),
      actions: actions.map(action => action.action),
      sources: actions.map(action => action.digitalSourceType).filter(Boolean),
      ingredients: labelled.filter(one => one.label?.startsWith('c2pa.ingredient')).map(one => one.relationship),
    };
  } catch (error) {
    return { valid: false, trusted: false, codes: ['unreadable'], error: String(error) };
  }
}

function leadsToRoot(manifest) {
  const { certificate, chainCertificates } = manifest.signature.signatureData;
  const chain = [certificate, ...chainCertificates].map(one => new X509Certificate(Buffer.from(one.rawData)));
  if (chain.at(-1).fingerprint256 !== root.fingerprint256) chain.push(root);
  return chain.every((one, at) => {
    const now = new Date();
    const issuer = chain[at + 1] ?? one; // the root signed itself
    const inTime = new Date(one.validFrom) <= now && now < new Date(one.validTo);
    return inTime && one.checkIssued(issuer) && one.verify(issuer.publicKey);
  });
}
