// What the iSCSI target asks about volumes: which disks there are, and who may log in to them.
import { type LoginAnswer, type TargetDirectory } from '../iscsi/directory.ts';
import { type Volumes } from '../volumes/volumes.ts';
import { volumeLun } from './lun.ts';

/**
 * Volumes as targets: an attachment is what lets an initiator log in.
 * @param physicalBlockBytes what READ CAPACITY(16) reports of each: a power of two, 512 to 4,096.
 */
export function volumeDirectory(volumes: Volumes, physicalBlockBytes: number): TargetDirectory {
  return {
    list: (initiator) => volumes.targetsFor(initiator),
    login: async (target, initiator): Promise<LoginAnswer> => {
      const found = await volumes.findTarget(target, initiator);
      if (found === 'not-found' || found === 'forbidden') return { outcome: 'refused', reason: found };
      const { device, identity, readOnly, chap } = found;
      return {
        outcome: 'granted',
        grant: {
          luns: new Map([[volumeLun, { device, identity, readOnly, physicalBlockBytes }]]),
          chap,
          release: () => found.release(),
        },
      };
    },
  };
}
