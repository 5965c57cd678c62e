// Small documents of the vault (pointers, intents): one line of JSON, and one with its checksum.
import { createHash } from 'node:crypto';
import { type z } from 'zod';
import { Fault } from '../errors/fault.ts';

const checksumOf = (line: string): string => createHash('sha256').update(line).digest('hex');

/** The bytes of a record: the JSON on one line, then the SHA-256 of that line (without its end) in hex on another. */
export function sealRecord(value: object): Buffer {
  const line = JSON.stringify(value);
  return Buffer.from(`${line}\n${checksumOf(line)}\n`);
}

/** Whether the record is as it was written, by whatever release. */
export function isSealed(bytes: Buffer): boolean {
  const [line = '', checksum, ...rest] = bytes.toString('utf8').split('\n');
  return checksum === checksumOf(line) && rest.length === 1 && rest[0] === '';
}

/** Reads a record that {@link sealRecord} made. Throws `vault.corrupt` where it is damaged or of an unknown kind. */
export function openRecord<Schema extends z.ZodType>(bytes: Buffer, schema: Schema, key: string): z.output<Schema> {
  const [line = ''] = bytes.toString('utf8').split('\n');
  if (!isSealed(bytes)) {
    throw new Fault('vault.corrupt', `The record ${key} does not match its checksum.`, { details: { key } });
  }
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new Fault('vault.corrupt', `The record ${key} is not JSON.`, { cause: error, details: { key } });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    throw new Fault('vault.corrupt', `The record ${key} is not what its place calls for: ${parsed.error.message}`, {
      details: { key },
    });
  }
  return parsed.data;
}
