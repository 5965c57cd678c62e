// Every suite of libiscsi's iscsi-test-cu against `mintmark iscsi serve`: nothing fails, nothing is left out that could be.
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveFile } from '../iscsi/serve.ts';
import { describeWithTools } from '../setup/tools.ts';
import { runConformance } from './iscsi-test-cu.ts';

/** Large enough that an overwriting SANITIZE still runs when the suite looks for it, five seconds later. */
const diskBytes = 160 * 1024 * 1024;
/** The suite itself sleeps for a minute. */
const patience = 300_000;

/** Needs a write-protected unit: has its own test below. */
const notProtected = /not write-protected/;
/** Needs two portals: has its own test below. */
const onePath = /Multipath unavailable/;
/** Needs physical blocks of several sectors: has its own test below. */
const oneSectorBlocks = /LBPPB < 2/;

describeWithTools('iscsi-test-cu', ['iscsi-test-cu'], () => {
  let folder: string;
  let serial = 0;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mintmark-conformance-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function newDisk(): string {
    serial += 1;
    const path = join(folder, `${serial}.raw`);
    writeFileSync(path, '');
    truncateSync(path, diskBytes);
    return path;
  }

  test.concurrent(
    'all suites, on a disk with physical blocks of one sector',
    async () => {
      const disk = await serveFile(newDisk(), ['--physical-block', '512']);
      try {
        const result = await runConformance('ALL', disk.urls, [notProtected, onePath, oneSectorBlocks]);
        expect(result).toMatchObject({ failures: [], failed: 0, skipped: [] });
        expect(result.run).toBeGreaterThan(200);
      } finally {
        await disk.stop();
      }
    },
    patience,
  );

  // GetLBAStatus.UnmapSingle is not among these: for physical blocks of several sectors it expects an answer that
  // begins past the block that was asked for, which SBC-3 §5.6.2 forbids and QEMU takes for an error.
  test.concurrent.each(['CompareAndWrite', 'Inquiry', 'ReadCapacity16', 'Unmap', 'WriteSame10', 'WriteSame16'])(
    'suite %s, on a disk with physical blocks of 4 KiB',
    async (suite) => {
      const disk = await serveFile(newDisk());
      try {
        const result = await runConformance(`ALL.${suite}`, disk.urls);
        expect(result).toMatchObject({ failures: [], failed: 0, skipped: [] });
      } finally {
        await disk.stop();
      }
    },
    patience,
  );

  test.concurrent(
    'the multipath suites, over two portals',
    async () => {
      const disk = await serveFile(newDisk(), [], 2);
      try {
        const result = await runConformance('ALL.MultipathIO', disk.urls);
        expect(result).toMatchObject({ failures: [], failed: 0, skipped: [] });
        expect(result.run).toBe(4);
      } finally {
        await disk.stop();
      }
    },
    patience,
  );

  test.concurrent(
    'the suite of write-protected units, on a read-only export',
    async () => {
      const disk = await serveFile(newDisk(), ['--read-only']);
      try {
        const result = await runConformance('ALL.ReadOnly', disk.urls);
        expect(result).toMatchObject({ failures: [], failed: 0, skipped: [] });
      } finally {
        await disk.stop();
      }
    },
    patience,
  );
});
