// A server that machines reach through QEMU's user network, on a port that stays the same when it is killed and started again.
import { Site } from '../e2e/site.ts';
import { freePort } from '../setup/free-port.ts';

/** The host's loopback interface, as a machine sees it. */
export const hostAddress = '10.0.2.2';

/** @param flags further settings of the server. */
export async function openMachineSite(flags: readonly string[] = []): Promise<Site> {
  const port = await freePort();
  return await Site.open(['--iscsi', `127.0.0.1:${port}`, '--iscsi-address', `${hostAddress}:${port}`, ...flags]);
}
