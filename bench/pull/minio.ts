// A MinIO server for a benchmark, on a free port of the loopback, with its data in a folder that is removed with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type S3Settings } from '../../src/vault/stores/s3.ts';

const program = join(process.env['MINTMARK_TOOLS'] ?? join(homedir(), '.cache', 'mintmark-tools'), 'minio');
const keys = { accessKey: 'mintmark-bench', secretKey: 'mintmark-bench-secret' };

export interface BenchMinio {
  readonly settings: S3Settings;
  /** Environment in which rclone knows the server as the remote `bench`. */
  readonly rclone: NodeJS.ProcessEnv;
  close(): Promise<void>;
}

export async function startBenchMinio(folder: string): Promise<BenchMinio> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const data = join(folder, 'minio');
  const child = spawn(program, ['server', '--quiet', '--address', `127.0.0.1:${port}`, data], {
    env: {
      ...process.env,
      MINIO_ROOT_USER: keys.accessKey,
      MINIO_ROOT_PASSWORD: keys.secretKey,
      MINIO_BROWSER: 'off',
    },
    stdio: 'ignore',
  });
  const url = `http://127.0.0.1:${port}`;
  for (let turn = 0; ; turn += 1) {
    const ready = await fetch(`${url}/minio/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) break;
    if (turn === 600) throw new Error('MinIO did not come up');
    await wait(50);
  }
  const remote = 'RCLONE_CONFIG_BENCH';
  // A bundle of certificates from the surroundings breaks rclone's plain HTTP.
  const { AWS_CA_BUNDLE: _, ...surroundings } = process.env;
  return {
    settings: { endpoint: '127.0.0.1', port, tls: false, bucket: 'bench', ...keys },
    rclone: {
      ...surroundings,
      [`${remote}_TYPE`]: 's3',
      [`${remote}_PROVIDER`]: 'Minio',
      [`${remote}_ENDPOINT`]: url,
      [`${remote}_ACCESS_KEY_ID`]: keys.accessKey,
      [`${remote}_SECRET_ACCESS_KEY`]: keys.secretKey,
      [`${remote}_REGION`]: 'us-east-1',
    },
    async close() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      rmSync(data, { recursive: true, force: true });
    },
  };
}
