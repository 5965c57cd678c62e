// What the benchmark of the registry is told: sizes, databases, and what else to look at.
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Signed entries at which everything is measured, in rising order. */
  readonly sizes: readonly number[];
  readonly databases: readonly ('sqlite' | 'postgres')[];
  readonly seed: number;
  /** Folder that keeps the signed documents for the next run; undefined: they are made and forgotten. */
  readonly corpus?: string;
  /** Documents that are uploaded over HTTP after the last size. */
  readonly uploads: number;
  /** Requests for each list. */
  readonly requests: number;
  /** How many times as large the index is made at the end, for the searches alone; 1: not. */
  readonly multiply: number;
  readonly reindex: boolean;
  /** Weight and first paint of the front page in Chromium. */
  readonly browser: boolean;
}

const numbers = (text: string): readonly number[] => text.split(',').map(Number);

export function readOptions(): BenchOptions {
  const { values } = parseArgs({
    options: {
      sizes: { type: 'string', default: '10000' },
      databases: { type: 'string', default: 'sqlite,postgres' },
      seed: { type: 'string', default: '1' },
      corpus: { type: 'string' },
      uploads: { type: 'string', default: '1000' },
      requests: { type: 'string', default: '500' },
      multiply: { type: 'string', default: '1' },
      reindex: { type: 'boolean', default: false },
      browser: { type: 'boolean', default: false },
    },
  });
  return {
    ...values,
    sizes: [...numbers(values.sizes)].sort((a, b) => a - b),
    databases: values.databases.split(',').map((name) => (name === 'postgres' ? 'postgres' : 'sqlite')),
    seed: Number(values.seed),
    uploads: Number(values.uploads),
    requests: Number(values.requests),
    multiply: Number(values.multiply),
  };
}
