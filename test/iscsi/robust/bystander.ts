// An initiator beside the trouble: it reads its own disk all the while, and looks at every byte.
import { type BlockDevice } from '../../../src/block/device.ts';
import { MemoryDisk, quietTarget } from '../disks.ts';
import { Initiator } from '../initiator.ts';

const blocks = 64;
const perRead = 8;

/** A disk whose every sector says which one it is. */
export function numberedDisk(): BlockDevice {
  const disk = new MemoryDisk(blocks * 512);
  for (let block = 0; block < blocks; block += 1) disk.bytes.fill(block + 1, block * 512, (block + 1) * 512);
  return disk;
}

export class Bystander {
  /** Reads that were answered with the right bytes. */
  served = 0;
  /** What was wrong with the first one that was not. */
  failure: unknown;
  readonly #initiator: Initiator;
  readonly #done: Promise<void>;
  #stopped = false;

  private constructor(initiator: Initiator) {
    this.#initiator = initiator;
    this.#done = this.#readOn();
  }

  /** Logs in to the target `quietTarget`, which has to serve a `numberedDisk`. */
  static async start(port: number): Promise<Bystander> {
    const { initiator, status } = await Initiator.login(port, quietTarget, { isid: '8000000000ff' });
    if (status !== 0) throw new Error(`the bystander's login ended with ${status}`);
    return new Bystander(initiator);
  }

  /** Resolves once a read has come back that was begun after this call. @throws where one was wrong. */
  async nextRead(): Promise<void> {
    const enough = this.served + 2;
    while (this.served < enough && this.failure === undefined) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (this.failure !== undefined) throw this.failure;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
    await this.#initiator.end();
    if (this.failure !== undefined) throw this.failure;
  }

  async #readOn(): Promise<void> {
    try {
      for (let first = 0; !this.#stopped; first = (first + 5) % (blocks - perRead)) {
        const tag = this.#initiator.read(first, perRead);
        const answer = await this.#initiator.status();
        const right = Array.from({ length: perRead }, (_, index) => Buffer.alloc(512, first + index + 1));
        if (answer.tag !== tag || answer.status !== 0 || !answer.data.equals(Buffer.concat(right))) {
          throw new Error(`the bystander's read of block ${first} came back wrong`);
        }
        this.served += 1;
      }
    } catch (error) {
      this.failure = error;
    }
  }
}
