// Checkpoints (C2SP tlog-checkpoint): the size and root of a log at one moment, signed by it.
import { openNote, signNote, type NoteSigner, type NoteVerifier } from './note.ts';

export interface TreeHead {
  /** Leaves. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Buffer;
}

/** The log's origin line is the name of its key. */
export function writeCheckpoint({ size, root }: TreeHead, signer: NoteSigner): string {
  return signNote(`${signer.name}\n${size}\n${root.toString('base64')}\n`, signer);
}

/** Undefined where the signature does not hold, the origin is another, or the text is no checkpoint. */
export function readCheckpoint(note: string, verifier: NoteVerifier): TreeHead | undefined {
  const [origin, size, root] = openNote(note, verifier)?.split('\n') ?? [];
  if (origin !== verifier.name || size === undefined || root === undefined) return undefined;
  if (!/^(0|[1-9]\d{0,15})$/u.test(size)) return undefined;
  const hash = Buffer.from(root, 'base64');
  return hash.length === 32 ? { size: Number(size), root: hash } : undefined;
}
