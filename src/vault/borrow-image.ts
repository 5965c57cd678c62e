// Serves an image from a vault that other processes keep: nothing is copied, and it stays there as long as it is served.
import { type BlockDevice } from '../block/device.ts';
import { Fault } from '../errors/fault.ts';
import { createLeases } from './leases.ts';
import { openManifestDevice } from './manifest-device.ts';
import { openVault, type VaultSettings } from './vault.ts';

/**
 * The image as a read-only disk, under a lease that is given up when it is closed. `node` must be a name that no other process has. Throws `not-found`
 * where the vault does not have the image, and what opening a vault throws.
 */
export async function borrowImage(settings: VaultSettings, identifier: string): Promise<BlockDevice> {
  const vault = await openVault(settings);
  const leases = createLeases(vault, { inUse: () => [], isComplete: () => true });
  const release = await leases.hold(identifier);
  const giveUp = async (): Promise<void> => {
    release();
    await leases.settle();
  };
  try {
    const image = await vault.image(identifier);
    if (image === undefined) throw new Fault('not-found', `The vault has no image ${identifier}.`);
    const device = openManifestDevice(await vault.openDisk(image.manifestId));
    const close = device.close.bind(device);
    return Object.assign(device, {
      async close(): Promise<void> {
        await close();
        await giveUp();
      },
    });
  } catch (error) {
    await giveUp();
    throw error;
  }
}
