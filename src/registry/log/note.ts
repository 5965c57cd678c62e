// Signed notes (C2SP signed-note): a text and under it lines of signatures that name their key; Ed25519 only.
import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

/** Who signs: the name is a URL without scheme, such as `images.example.org/log`. */
export interface NoteSigner {
  readonly name: string;
  readonly privateKey: KeyObject;
}

/** What others need to check notes. */
export interface NoteVerifier {
  readonly name: string;
  readonly publicKey: KeyObject;
}

const ed25519 = 1;
/** What comes before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410 §4). */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

function rawKey(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(spkiPrefix.length);
}

function keyHash({ name, publicKey }: NoteVerifier): Buffer {
  return createHash('sha256')
    .update(`${name}\n`)
    .update(Buffer.of(ed25519))
    .update(rawKey(publicKey))
    .digest()
    .subarray(0, 4);
}

export function verifierOf({ name, privateKey }: NoteSigner): NoteVerifier {
  return { name, publicKey: createPublicKey(privateKey) };
}

/** The verifier as one line of text: `name+hash+key`. */
export function writeVerifier(verifier: NoteVerifier): string {
  const key = Buffer.concat([Buffer.of(ed25519), rawKey(verifier.publicKey)]);
  return `${verifier.name}+${keyHash(verifier).toString('hex')}+${key.toString('base64')}`;
}

/** Undefined where the line is none, or its hash does not fit its key. */
export function readVerifier(line: string): NoteVerifier | undefined {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/u.exec(line.trim());
  const [, name, hash, base64] = match ?? [];
  if (name === undefined || hash === undefined || base64 === undefined) return undefined;
  const key = Buffer.from(base64, 'base64');
  if (key.length !== 33 || key[0] !== ed25519) return undefined;
  const der = Buffer.concat([spkiPrefix, key.subarray(1)]);
  const verifier = { name, publicKey: createPublicKey({ key: der, type: 'spki', format: 'der' }) };
  return keyHash(verifier).toString('hex') === hash ? verifier : undefined;
}

/** `text` ends with a newline. */
export function signNote(text: string, signer: NoteSigner): string {
  const signature = sign(null, Buffer.from(text), signer.privateKey);
  const line = Buffer.concat([keyHash(verifierOf(signer)), signature]).toString('base64');
  return `${text}\n\u2014 ${signer.name} ${line}\n`;
}

/** The text of a note that carries this verifier's signature; undefined where it does not. */
export function openNote(note: string, verifier: NoteVerifier): string | undefined {
  const end = note.lastIndexOf('\n\n');
  if (end < 0) return undefined;
  const text = note.slice(0, end + 1);
  const hash = keyHash(verifier);
  const holds = note
    .slice(end + 2)
    .split('\n')
    .some((line) => {
      const [, name, base64] = /^\u2014 (\S+) (\S+)$/u.exec(line) ?? [];
      if (name !== verifier.name || base64 === undefined) return false;
      const bytes = Buffer.from(base64, 'base64');
      if (bytes.length !== 68 || !bytes.subarray(0, 4).equals(hash)) return false;
      return verify(null, Buffer.from(text), verifier.publicKey, bytes.subarray(4));
    });
  return holds ? text : undefined;
}
