// UNMAP gives space back to the node's file system, and never takes a write with it.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { machineFiles } from '../../../../src/volumes/files.ts';
import { Head } from '../../../../src/volumes/engines/layers/head.ts';
import { zeroLayer } from '../../../../src/volumes/engines/layers/layer.ts';
import { describeWithTools } from '../../../setup/tools.ts';
import { digest, digestOf } from '../../service.ts';
import { openDevice, salt } from './device.ts';

const size = 8 * 1024 * 1024;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mintmark-holes-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describeWithTools('holes', ['fallocate'], () => {
  test('space comes back, and what is written to it meanwhile stays', async () => {
    const directory = join(folder, 'head');
    await Head.create({ files: machineFiles, directory, salt }, size);
    const device = await openDevice(machineFiles, directory, zeroLayer, size);
    const model = Buffer.alloc(size, 1);
    await device.write(0, model);
    await device.flush();
    const used = (): number => statSync(join(directory, 'data')).blocks * 512;
    expect(used()).toBeGreaterThanOrEqual(size);
    for (let at = 0; at < size; at += 1024 * 1024) {
      await device.unmap(at, 786_432);
      model.fill(0, at, at + 786_432);
      for (let turn = 0; turn < 3; turn += 1) await setImmediate();
      await device.write(at + 4096, Buffer.alloc(5120, 7));
      model.fill(7, at + 4096, at + 9216);
    }
    await vi.waitFor(() => expect(used()).toBeLessThan(size / 2), { timeout: 10_000 });
    expect(await digestOf(device)).toBe(digest(model));
    await device.close();
    const again = await openDevice(machineFiles, directory, zeroLayer, size);
    expect(await digestOf(again)).toBe(digest(model));
    await again.close();
  });
});
