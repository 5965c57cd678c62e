// Disk formats made by qemu-img: the safe ones are converted bit for bit, those that could reach other files are refused.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/errors/fault.ts';
import { inspectImage, type ConvertedFormat } from '../../src/pull/formats/inspect.ts';
import { describeWithTools } from '../setup/tools.ts';
import { noise, readWhole, temporaryFolder } from '../vault/fresh-vault.ts';
import { metadataOf, pullSetup } from './pull-setup.ts';
import { withinTime } from '../setup/within-time.ts';

const run = promisify(execFile);
const qemuNames = { qcow2: 'qcow2', vmdk: 'vmdk', vdi: 'vdi', vhd: 'vpc', vhdx: 'vhdx' } as const;
const formats = Object.keys(qemuNames) as ConvertedFormat[];
const disk = Buffer.concat([noise(700 * 1024, 'format'), Buffer.alloc(3 * 1024 * 1024), noise(4096, 'tail')]);
const wholeDisk = Buffer.concat([disk, Buffer.alloc(4 * 1024 * 1024 - disk.length)]);

async function make(format: ConvertedFormat, options: readonly string[] = []): Promise<Buffer> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'raw'), wholeDisk);
  await run('qemu-img', [
    'convert',
    '-f',
    'raw',
    '-O',
    qemuNames[format],
    ...options,
    join(folder, 'raw'),
    join(folder, 'out'),
  ]);
  return readFile(join(folder, 'out'));
}

const fileOf = (bytes: Buffer): Parameters<typeof inspectImage>[0] => ({
  bytes: bytes.length,
  read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
});

const verdictOn = (bytes: Buffer, format: ConvertedFormat): Promise<string> =>
  inspectImage(fileOf(bytes), format).then(
    () => 'accepted',
    (error: unknown) => (error instanceof Fault && error.code === 'pull.unsafe' ? error.message : String(error)),
  );

describeWithTools('images made by qemu-img', ['qemu-img'], () => {
  const kinds: readonly { readonly format: ConvertedFormat; readonly options: readonly string[] }[] = [
    { format: 'qcow2', options: [] },
    { format: 'qcow2', options: ['-c'] },
    { format: 'qcow2', options: ['-o', 'compat=0.10'] },
    { format: 'qcow2', options: ['-o', 'extended_l2=on'] },
    { format: 'vmdk', options: [] },
    { format: 'vmdk', options: ['-o', 'subformat=streamOptimized'] },
    { format: 'vdi', options: [] },
    { format: 'vdi', options: ['-o', 'static=on'] },
    { format: 'vhd', options: [] },
    { format: 'vhd', options: ['-o', 'subformat=fixed'] },
    { format: 'vhdx', options: [] },
  ];
  test.each(kinds)('$format $options are stored as the disk inside', async ({ format, options }) => {
    const { web, puller, vault, files } = await pullSetup();
    const file = await make(format, options);
    web.files.set('/disk', { body: file });
    const pointer = await puller.pull(metadataOf(file, [web.url('/disk')], { format }));
    const stored = await readWhole(await vault.openDisk(pointer.manifestId));
    expect(stored.subarray(0, wholeDisk.length).equals(wholeDisk)).toBe(true);
    expect(stored.subarray(wholeDisk.length).every((byte) => byte === 0)).toBe(true);
    expect(pointer.verdict.bytes).toBe(file.length);
    expect(pointer.sourceFormat).toBe(format);
    expect((await files()).filter((name) => name.includes('.part'))).toEqual([]);
  });

  test('raw is stored as it is, whatever it looks like', async () => {
    const { web, puller, vault } = await pullSetup();
    const file = await make('qcow2');
    web.files.set('/disk', { body: file });
    const { manifestId } = await puller.pull(metadataOf(file, [web.url('/disk')], { format: 'raw' }));
    expect((await readWhole(await vault.openDisk(manifestId))).subarray(0, file.length).equals(file)).toBe(true);
  });

  test('with a backing file, a data file or foreign extents are refused, and leave nothing', async () => {
    const folder = await temporaryFolder();
    const path = (name: string): string => join(folder, name);
    await writeFile(path('raw'), wholeDisk);
    await run('qemu-img', ['create', '-f', 'qcow2', '-b', '/etc/passwd', '-F', 'raw', path('backed'), '1M']);
    await run('qemu-img', [
      'create',
      '-f',
      'qcow2',
      '-o',
      `data_file=${path('data')},data_file_raw=on`,
      path('data-file'),
      '1M',
    ]);
    await run('qemu-img', ['convert', '-O', 'vmdk', '-o', 'subformat=monolithicFlat', path('raw'), path('flat')]);
    await run('qemu-img', ['convert', '-O', 'vmdk', path('raw'), path('parent.vmdk')]);
    await run('qemu-img', ['create', '-f', 'vmdk', '-b', path('parent.vmdk'), '-F', 'vmdk', path('child')]);
    const cases = [
      ['backed', 'qcow2', /backing file/],
      ['data-file', 'qcow2', /another file|external data/],
      ['flat', 'vmdk', /holds its own data/],
      ['child', 'vmdk', /parent/],
      ['raw', 'vdi', /not vdi/],
    ] as const;
    for (const [name, format, reason] of cases) {
      const { web, puller, files, vault } = await pullSetup();
      const file = await readFile(path(name));
      web.files.set('/disk', { body: file });
      const metadata = metadataOf(file, [web.url('/disk')], { format });
      await expect(puller.pull(metadata)).rejects.toMatchObject({
        code: 'pull.unsafe',
        message: expect.stringMatching(reason) as unknown,
      });
      expect(await files()).toEqual([]);
      expect(await vault.image(metadata.identifier)).toBeUndefined();
    }
  });

  test('whose disk is greater than allowed are refused', async () => {
    const folder = await temporaryFolder();
    await run('qemu-img', ['create', '-f', 'qcow2', join(folder, 'huge'), '1T']);
    const file = await readFile(join(folder, 'huge'));
    const { web, puller } = await pullSetup({ limits: { diskBytes: 1024 ** 3 } });
    web.files.set('/disk', { body: file });
    const pull = puller.pull(metadataOf(file, [web.url('/disk')], { format: 'qcow2' }));
    await expect(pull).rejects.toMatchObject({ code: 'pull.unsafe' });
  });

  test('a vmdk whose inner descriptor names a file of the host is refused', async () => {
    const file = await make('vmdk');
    const at = file.indexOf('RW ');
    const line = Buffer.from(`RW 8192 FLAT "/etc/passwd" 0\n`);
    line.copy(file, at);
    expect(await verdictOn(file, 'vmdk')).toMatch(/another file/);
  });

  // Each check by itself: what qemu-img makes trips over several.
  test.each([
    ['backing file', ['-o', 'compat=1.1'], (file: Buffer) => file.writeBigUInt64BE(512n, 8)],
    ['backing file', ['-o', 'compat=0.10'], (file: Buffer) => file.writeUInt32BE(11, 16)],
    ['data in another file', ['-o', 'compat=1.1'], (file: Buffer) => file.writeUInt8(file.readUInt8(79) | 4, 79)],
  ] as const)('a qcow2 that only its header says has its %s is refused', async (reason, options, change) => {
    const file = await make('qcow2', options);
    expect(await verdictOn(file, 'qcow2')).toBe('accepted');
    change(file);
    expect(await verdictOn(file, 'qcow2')).toContain(reason);
  });

  test.each([
    [0, (line: string) => line.replace(/./gu, '#')],
    [2, (line: string) => `RW 1 SPARSE "x"\nRW 2 SPARSE "y"\n`.padEnd(line.length, '#')],
  ] as const)('a vmdk with %i extents is refused', async (extents, change) => {
    const file = await make('vmdk');
    const at = file.indexOf('RW ');
    const line = file.subarray(at, file.indexOf('\n', at)).toString('latin1');
    file.write(change(line), at, 'latin1');
    expect(await verdictOn(file, 'vmdk')).toContain(`has ${extents} extents`);
  });

  test('damaged anywhere in their headers, they are accepted or refused, and never break the reader', async () => {
    const files = await Promise.all(formats.map(async (format) => ({ format, bytes: await make(format) })));
    const damage = fc.record({
      which: fc.nat(files.length - 1),
      at: fc.nat(2048),
      far: fc.boolean(),
      value: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(
        damage,
        withinTime(2000, async ({ which, at, far, value }) => {
          const { format, bytes } = files[which] ?? { format: 'qcow2', bytes: Buffer.alloc(0) };
          const copy = Buffer.from(bytes);
          copy.set(value, far ? Math.max(0, copy.length - 2060 + at) : at);
          expect(await verdictOn(copy, format)).toMatch(/^accepted|^The image is refused/);
        }),
      ),
      { numRuns: 500 },
    );
  });
});

describe('bytes that are no disk at all', () => {
  test.each(formats)('are refused as %s', async (format) => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 4096 }),
        withinTime(500, async (bytes) =>
          (await verdictOn(Buffer.from(bytes), format)).startsWith('The image is refused'),
        ),
      ),
      { numRuns: 100 },
    );
    expect(await verdictOn(Buffer.alloc(0), format)).toMatch(/refused/);
  });
});
