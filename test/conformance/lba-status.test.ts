// GET LBA STATUS at sectors inside a physical block: what one test of iscsi-test-cu gets wrong, held against the standard.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mustRun } from '../e2e/command.ts';
import { Initiator } from '../iscsi/initiator.ts';
import { testIqn } from '../iscsi/serve.ts';
import { describeWithTools } from '../setup/tools.ts';
import { type ConformanceDisk, fileDisk } from './disks.ts';

const sector = 512;
/** Sectors of a physical block. */
const physical = 8;

describeWithTools('GET LBA STATUS with physical blocks of 4 KiB', ['qemu-img'], () => {
  let disk: ConformanceDisk;
  let initiator: Initiator;
  beforeAll(async () => {
    disk = await fileDisk(['--physical-block', '4096']);
    const port = Number(new URL(disk.urls[0] ?? '').port);
    ({ initiator } = await Initiator.login(port, testIqn));
    initiator.read(0, 1);
    // The unit attention of a new session.
    await initiator.next();
  });
  afterAll(async () => {
    initiator?.socket.destroy();
    await disk?.close();
  });

  async function unmap(lba: number, blocks: number): Promise<void> {
    const list = Buffer.alloc(24);
    list.writeUInt16BE(22, 0);
    list.writeUInt16BE(16, 2);
    list.writeBigUInt64BE(BigInt(lba), 8);
    list.writeUInt32BE(blocks, 16);
    initiator.command([0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0], { write: 24, data: list });
    expect((await initiator.next()).header[3]).toBe(0);
  }

  /** The first descriptor: where it begins, how far it goes, and the provisioning status (0 mapped, 1 deallocated). */
  async function status(lba: number): Promise<{ lba: number; blocks: number; status: number }> {
    const cdb = Buffer.alloc(16);
    cdb.writeUInt8(0x9e, 0);
    cdb.writeUInt8(0x12, 1);
    cdb.writeBigUInt64BE(BigInt(lba), 2);
    cdb.writeUInt32BE(24, 10);
    initiator.command([...cdb], { read: 24 });
    const { data } = await initiator.next();
    return {
      lba: Number(data.readBigUInt64BE(8)),
      blocks: data.readUInt32BE(16),
      status: data.readUInt8(20) & 0x0f,
    };
  }

  test('the first descriptor begins with the sector that was asked for (SBC-4, "LBA status descriptor relationships")', async () => {
    const sectors = 256 + physical;
    for (let first = physical; first + physical <= 256; first += physical) {
      initiator.write(0, Buffer.alloc(sectors * sector, 'A'));
      await initiator.next();
      await unmap(0, first);
      for (const at of [0, 1, first - 1]) {
        expect(await status(at)).toEqual({ lba: at, blocks: first - at, status: 1 });
      }
      for (const at of [first, first + 1, first + physical]) {
        expect(await status(at)).toMatchObject({ lba: at, status: 0 });
      }
    }
  });

  test('QEMU asks inside a physical block, and would take any other beginning for an error', async () => {
    initiator.write(0, Buffer.alloc(2 * physical * sector, 'A'));
    await initiator.next();
    await unmap(0, physical);
    const range = ['--start-offset=512', '--max-length=7680', '--output=json', '-f', 'raw'];
    const map = JSON.parse(await mustRun('qemu-img', ['map', ...range, disk.urls[0] ?? ''])) as unknown;
    expect(map).toMatchObject([
      { start: 512, length: 3584, zero: true },
      { start: 4096, length: 4096, zero: false },
    ]);
  });
});
