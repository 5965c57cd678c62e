// Query strings and JSON bodies become typed values here; what is wrong is named, every field at once.
import { type z } from 'zod';
import { Fault } from '../errors/fault.ts';

/** Whether any text in the input has a zero byte: no value of ours holds one, and PostgreSQL takes none. */
function hasZeroByte(input: unknown): boolean {
  if (typeof input === 'string') return input.includes('\0');
  return typeof input === 'object' && input !== null && Object.values(input).some(hasZeroByte);
}

/** The typed value, or a `usage` fault whose details name each wrong field. */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (hasZeroByte(input)) throw new Fault('usage', 'a value holds a zero byte');
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }));
  const sentence = fields.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join('; ');
  throw new Fault('usage', sentence, { details: { fields } });
}
