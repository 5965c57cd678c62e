// Long transfers in steps, so that one connection's megabytes do not hold up the others.
import { setImmediate } from 'node:timers/promises';
import { type BlockDevice } from '../../block/device.ts';

/** Bytes that are moved to or from a device without letting others have their turn. */
export const paceBytes = 1024 * 1024;

/** Writes `data` step by step. */
export async function pacedWrite(device: BlockDevice, offset: number, data: Buffer): Promise<void> {
  for (let done = 0; done < data.length; done += paceBytes) {
    if (done > 0) await setImmediate();
    await device.write(offset + done, data.subarray(done, done + paceBytes));
  }
}
