// What the vault asks of the place where its objects lie: a folder, MinIO or any other S3.

export interface ObjectInfo {
  readonly key: string;
  readonly bytes: number;
  readonly modified: Date;
}

export interface ByteRange {
  /** First byte. */
  readonly offset: number;
  readonly length: number;
}

export interface PutOptions {
  /** Write only where no object has this key yet; two that try at once: one of them wins. */
  readonly ifAbsent?: boolean;
}

/**
 * Objects by key. A key is one or more names of `A-Z a-z 0-9 . _ @ + -` joined by `/`. A reader sees an object whole or not
 * at all, and whoever looks after `put` or `remove` has returned sees what it did. All of them throw `vault.unavailable`
 * where the store does not answer, and `put` throws `vault.full` where it has no room.
 */
export interface ObjectStore {
  /** Writes the parts, one after another, as one object; it survives a power cut once this returns. False: `ifAbsent`, and it is there. */
  put(key: string, parts: readonly Buffer[], options?: PutOptions): Promise<boolean>;
  /** The object, or the part of the range that it has; undefined where there is none. */
  get(key: string, range?: ByteRange): Promise<Buffer | undefined>;
  info(key: string): Promise<ObjectInfo | undefined>;
  /** Every object whose key begins with `prefix`, which ends with `/`, in no certain order. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** Removes the object; that there is none is no error. */
  remove(key: string): Promise<void>;
}

const keyPattern = /^[A-Za-z0-9@+_-][A-Za-z0-9.@+_-]*(?:\/[A-Za-z0-9@+_-][A-Za-z0-9.@+_-]*)*$/;

/** Whether the text can be a key: no empty name, none that begins with a dot. */
export function isKey(text: string): boolean {
  return text.length <= 512 && keyPattern.test(text);
}
