// The queue of several processes: BullMQ on Redis rings at once where there is something to do, in the order of priorities.
import { createHash, randomUUID } from 'node:crypto';
import { Queue, Worker, type ConnectionOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { Fault } from '../../errors/fault.ts';
import { type Job } from '../model.ts';
import { type JobQueue, type OpenQueue, type QueueParts } from '../queue.ts';

/** Ringing a job is worth less than waiting for a Redis that is away: so long, in ms, and no longer. */
const patience = 2000;
const stalledEvery = 10_000;
/** BullMQ takes small numbers first. */
const leastUrgent = 1000;

const reconnectAfter = (times: number): number => Math.min(2000, 100 * times);

function connectionTo(url: string, problem: QueueParts['problem']): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: null,
    // What cannot be told now is told by the next sweep.
    enableOfflineQueue: false,
    connectTimeout: 5000,
    retryStrategy: reconnectAfter,
  });
  redis.on('error', (error: unknown) => problem(error, 'talking to Redis'));
  return redis;
}

/** Whatever a Redis that does not answer would make wait for ever. */
async function atMost<T>(milliseconds: number, task: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  try {
    return await Promise.race([task, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A queue on the Redis at `redis://…` or `rediss://…`. Opening it throws `jobs.queue` where that does not answer. */
export function overRedis(url: string): OpenQueue {
  return async (parts) => {
    const site = createHash('sha256')
      .update(await parts.siteName())
      .digest('hex')
      .slice(0, 16);
    const told = connectionTo(url, () => undefined);
    const heard = told.duplicate();
    heard.on('error', () => undefined);
    try {
      await told.connect();
      await heard.connect();
      await heard.subscribe(`mintmark:${site}:changed`);
    } catch (error) {
      told.disconnect();
      heard.disconnect();
      throw new Fault('jobs.queue', 'The queue in Redis does not answer.', { cause: error });
    }
    return openOverRedis(url, site, { told, heard }, parts);
  };
}

function openOverRedis(
  url: string,
  site: string,
  { told, heard }: { readonly told: Redis; readonly heard: Redis },
  { kinds, run, changed, now, problem }: QueueParts,
): JobQueue {
  const prefix = `mintmark:${site}`;
  const channel = `${prefix}:changed`;
  const me = randomUUID();
  const queues = new Map<string, Queue>();
  told.on('error', (error: unknown) => problem(error, 'talking to Redis'));
  heard.on('message', (_channel: string, message: string) => {
    const [sender, id] = message.split(' ');
    if (sender !== me && id !== undefined) changed(Number(id));
  });

  const workers = kinds.map(({ name, concurrency }) => {
    const connection: ConnectionOptions = { url, maxRetriesPerRequest: null, retryStrategy: reconnectAfter };
    const worker = new Worker<{ readonly id: number }>(name, async ({ data }) => run(data.id), {
      connection,
      prefix,
      concurrency,
      autorun: false,
      stalledInterval: stalledEvery,
      // Whether a job goes on is for the database to say.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    worker.on('error', (error) => problem(error, `taking jobs of ${name} from Redis`));
    return worker;
  });

  function queueOf(kind: string): Queue {
    const known = queues.get(kind);
    if (known !== undefined) return known;
    const queue = new Queue(kind, { connection: told, prefix, skipWaitingForReady: true });
    queue.on('error', (error) => problem(error, `offering jobs of ${kind} in Redis`));
    queues.set(kind, queue);
    return queue;
  }

  async function add({ id, kind, version, priority, runAt }: Job): Promise<void> {
    await queueOf(kind).add(
      kind,
      { id },
      {
        // Offered again in the same state, it is there already.
        jobId: `${id}-${version}`,
        delay: Math.max(0, Date.parse(runAt) - now().getTime()),
        priority: leastUrgent - priority,
        removeOnComplete: true,
        removeOnFail: true,
      },
    );
  }

  return {
    begin() {
      for (const worker of workers) {
        worker.run().catch((error: unknown) => problem(error, `taking jobs of ${worker.name} from Redis`));
      }
    },

    async offer(job) {
      try {
        await atMost(patience, add(job));
      } catch (error) {
        problem(error, `offering job ${job.id} in Redis`);
      }
    },

    announce(id) {
      told.publish(channel, `${me} ${id}`).catch(() => undefined);
    },

    async close() {
      await atMost(patience, Promise.allSettled(workers.map((worker) => worker.close(true))));
      await atMost(patience, Promise.allSettled([...queues.values()].map((queue) => queue.close())));
      told.disconnect();
      heard.disconnect();
    },
  };
}
