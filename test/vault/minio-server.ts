// A MinIO server of its own on a free port of the loopback, which can be stopped and started again on the same data.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { type S3Settings } from '../../src/vault/stores/s3.ts';
import { freePort } from '../setup/free-port.ts';
import { temporaryFolder } from './fresh-vault.ts';

/** Built once by build/install-minio.sh. */
export const minioPath = join(process.env['MINTMARK_TOOLS'] ?? join(homedir(), '.cache', 'mintmark-tools'), 'minio');

export interface MinioServer {
  readonly settings: S3Settings;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startMinio(): Promise<MinioServer> {
  const folder = await temporaryFolder();
  const port = await freePort();
  const secrets = { accessKey: 'mintmark-test', secretKey: 'mintmark-test-secret' };
  let child: ChildProcess | undefined;
  const server: MinioServer = {
    settings: { endpoint: '127.0.0.1', port, tls: false, bucket: 'vault', ...secrets },
    async stop() {
      if (child?.exitCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
    async start() {
      child = spawn(minioPath, ['server', '--quiet', '--address', `127.0.0.1:${port}`, join(folder, 'data')], {
        env: {
          ...process.env,
          MINIO_ROOT_USER: secrets.accessKey,
          MINIO_ROOT_PASSWORD: secrets.secretKey,
          MINIO_BROWSER: 'off',
        },
        stdio: 'ignore',
      });
      for (let turn = 0; turn < 200; turn += 1) {
        const alive = await fetch(`http://127.0.0.1:${port}/minio/health/ready`).then(
          (response) => response.ok,
          () => false,
        );
        if (alive) return;
        await wait(50);
      }
      throw new Error('MinIO did not come up');
    },
  };
  onTestFinished(() => server.stop());
  await server.start();
  return server;
}
