// What the iSCSI target asks about volumes: which disks there are, and who may log in to them.
import { type LoginAnswer, type TargetDirectory } from '../iscsi/directory.ts';
import { type Volumes } from '../volumes/volumes.ts';
import { volumeLun } from './lun.ts';

/** Volumes with their attachments as targets. `mayServe` says whether a volume may be used at this moment. */
export function volumeDirectory(volumes: Volumes, mayServe: (volume: string) => Promise<boolean>): TargetDirectory {
  return {
    list: (initiator) => volumes.targetsFor(initiator),
    login: async (target, initiator): Promise<LoginAnswer> => {
      const found = await volumes.findTarget(target, initiator);
      if (found === 'not-found' || found === 'forbidden') return { outcome: 'refused', reason: found };
      if (!(await mayServe(found.identity))) {
        await found.release();
        return { outcome: 'refused', reason: 'forbidden' };
      }
      const { device, identity, readOnly, chap } = found;
      return {
        outcome: 'granted',
        grant: { luns: new Map([[volumeLun, { device, identity, readOnly }]]), chap, release: () => found.release() },
      };
    },
  };
}
