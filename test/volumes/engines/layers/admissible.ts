// What each sector of a disk may hold after a power cut: what it held at the last flush, or anything written since.
import { type Step } from './device.ts';
import { dataOf } from './device.ts';

const sectorBytes = 512;

interface Version {
  /** Number of the step that wrote it. */
  readonly at: number;
  readonly bytes: Buffer;
}

export class AdmissibleContents {
  readonly #sectors: Version[][] = [];
  #steps = 0;

  constructor(initial: Buffer) {
    this.reset(initial);
  }

  /** Nothing but these bytes is admissible from now on. */
  reset(bytes: Buffer): void {
    for (let sector = 0; sector * sectorBytes < bytes.length; sector += 1) {
      const content = Buffer.from(bytes.subarray(sector * sectorBytes, (sector + 1) * sectorBytes));
      this.#sectors[sector] = [{ at: this.#steps, bytes: content }];
    }
  }

  /** A step is about to be done: from now on its content may be found. */
  begin(step: Step): void {
    this.#steps += 1;
    if (step.kind !== 'write' && step.kind !== 'unmap' && step.kind !== 'zero') return;
    const data = step.kind === 'write' ? dataOf(step) : Buffer.alloc(step.length);
    for (let at = 0; at < step.length; at += sectorBytes) {
      const versions = this.#sectors[(step.offset + at) / sectorBytes];
      versions?.push({ at: this.#steps, bytes: data.subarray(at, at + sectorBytes) });
    }
  }

  /** The moment that a flush covers everything up to. */
  get moment(): number {
    return this.#steps;
  }

  /** A flush that was asked for at `moment` was answered: what was overwritten before it can no longer be found. */
  flushed(moment: number): void {
    for (const versions of this.#sectors) {
      const last = versions.findLastIndex((version) => version.at <= moment);
      versions.splice(0, Math.max(0, last));
    }
  }

  /** What was done last is all that may be found: as after `kill -9`, which loses nothing that was answered. */
  keepLast(): void {
    for (const versions of this.#sectors) versions.splice(0, versions.length - 1);
  }

  /** The first sector whose content is not admissible. */
  firstWrong(bytes: Buffer): number | undefined {
    const wrong = this.#sectors.findIndex((versions, sector) => {
      const found = bytes.subarray(sector * sectorBytes, (sector + 1) * sectorBytes);
      return !versions.some((version) => version.bytes.equals(found));
    });
    return wrong === -1 ? undefined : wrong;
  }
}
