// The commands of a disk that are not done, and whose turn it is: SIMPLE, ORDERED and HEAD OF QUEUE (SAM-5 §8).

/** As the SCSI Command PDU numbers them (RFC 7143 §11.3.1); untagged commands and what is unknown count as SIMPLE. */
export const taskAttribute = { ordered: 2, headOfQueue: 3 } as const;

export interface QueuedTask {
  readonly attribute: number;
}

interface Place {
  /** It waits for others: to be called once its turn has come, or once it has left. */
  enable: (() => void) | undefined;
}

/**
 * One task set for all sessions of a disk (TST is 0). Commands that are done within their PDU never enter it: whoever
 * comes asks `admits` first, and joins where it is refused or where it stays.
 */
export class TaskSet {
  /** In the order in which they came. */
  readonly #places = new Map<QueuedTask, Place>();
  /** How many of them are ORDERED or HEAD OF QUEUE, and how many wait. */
  #strict = 0;
  #waiting = 0;

  /** Whether a command that comes now may run at once. */
  admits(attribute: number): boolean {
    if (this.#places.size === 0 || attribute === taskAttribute.headOfQueue) return true;
    return this.#strict === 0 && attribute !== taskAttribute.ordered;
  }

  join(task: QueuedTask): void {
    this.#places.set(task, { enable: undefined });
    if (isStrict(task)) this.#strict += 1;
  }

  /** Whether nothing stands before a task that joined. */
  isEnabled(task: QueuedTask): boolean {
    if (this.#strict === 0) return true;
    const place = this.#places.get(task);
    return place === undefined || this.#enabled().includes(place);
  }

  /** Resolves once the turn of a task has come that joined, or once it has left; undefined where it may run now. */
  turn(task: QueuedTask): Promise<void> | undefined {
    const place = this.#places.get(task);
    if (place === undefined || this.isEnabled(task)) return undefined;
    this.#waiting += 1;
    return new Promise((resolve) => {
      place.enable = resolve;
    });
  }

  leave(task: QueuedTask): void {
    const place = this.#places.get(task);
    if (place === undefined) return;
    this.#places.delete(task);
    if (isStrict(task)) this.#strict -= 1;
    this.#enable(place);
    if (this.#waiting > 0) for (const next of this.#enabled()) this.#enable(next);
  }

  #enable(place: Place): void {
    if (place.enable === undefined) return;
    this.#waiting -= 1;
    place.enable();
    place.enable = undefined;
  }

  /** Those that may run: nothing passes an ORDERED task, and nothing but its like runs beside a HEAD OF QUEUE. */
  #enabled(): Place[] {
    const found: Place[] = [];
    const all = [...this.#places];
    const urgent = all.filter(([task]) => task.attribute === taskAttribute.headOfQueue);
    if (urgent.length > 0) return urgent.map(([, place]) => place);
    for (const [task, place] of all) {
      if (task.attribute === taskAttribute.ordered) return found.length === 0 ? [place] : found;
      found.push(place);
    }
    return found;
  }
}

function isStrict({ attribute }: QueuedTask): boolean {
  return attribute === taskAttribute.ordered || attribute === taskAttribute.headOfQueue;
}
