// What the parts of the volume service share.
import { type Catalogue } from './catalogue.ts';
import { type Randomness } from './credentials.ts';
import { type VolumeDescriptor } from './descriptor.ts';
import { type StoredDisk } from '../vault/stored-disk.ts';
import { type Disks } from './disks.ts';
import { type KeyedQueue } from './keyed-queue.ts';

export interface Context {
  readonly catalogue: Catalogue;
  readonly disks: Disks;
  /** What changes a volume, or opens or closes it, waits for its turn here, by UUID. */
  readonly queue: KeyedQueue;
  readonly openImage: (image: string) => Promise<StoredDisk>;
  readonly createLayer: (volume: string, epoch: number, size: number) => Promise<void>;
  /** Takes the pointers out of the vault that a volume's descriptor has retired. */
  readonly retire: (uuid: string) => Promise<void>;
  /** Ends the writing of a volume's layers into the vault, before the volume is removed. */
  readonly stopArchiving: (uuid: string) => Promise<void>;
  /** Takes the pointers out of the vault that a removed volume named, and no other does. */
  readonly retireAll: (removed: VolumeDescriptor) => Promise<void>;
  readonly now: () => Date;
  readonly randomness: Randomness;
  readonly iqnPrefix: string;
}
