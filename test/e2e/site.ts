// A server of its own for a suite, with a web server for images and an endorser: all real, all gone afterwards.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServerProcess, type ServerProcess } from '../../cli/demo/server-process.ts';
import { serveFiles, type WebServer } from '../../cli/demo/web.ts';
import { attachmentDetails, type AttachmentDetails } from '../../src/http/routes/attachments/schema.ts';
import { volumeAnswer, type VolumeAnswer } from '../../src/http/routes/volumes/schema.ts';
import { launcher, mintmarkJson } from './command.ts';

function environmentFor(server: ServerProcess): NodeJS.ProcessEnv {
  return { MINTMARK_SERVER: server.url, MINTMARK_TOKEN: readFileSync(server.tokenFile, 'utf8').trim() };
}

export class Site {
  readonly folder: string;
  server: ServerProcess;
  readonly web: WebServer;
  env: NodeJS.ProcessEnv;
  readonly #files: Map<string, Buffer>;
  readonly #flags: readonly string[];

  private constructor(
    folder: string,
    flags: readonly string[],
    server: ServerProcess,
    web: WebServer,
    files: Map<string, Buffer>,
  ) {
    this.folder = folder;
    this.#flags = flags;
    this.server = server;
    this.web = web;
    this.#files = files;
    this.env = environmentFor(server);
  }

  /** `kill -9`, and a new server on the same data. */
  async crash(): Promise<void> {
    await this.server.close('SIGKILL');
    this.server = await startServerProcess(launcher, this.path('data'), this.#flags);
    this.env = environmentFor(this.server);
  }

  /** @param flags settings of the server, over those of {@link startServerProcess}. */
  static async open(flags: readonly string[] = []): Promise<Site> {
    const folder = mkdtempSync(join(tmpdir(), 'mintmark-e2e-'));
    const files = new Map<string, Buffer>();
    const web = await serveFiles(files);
    const server = await startServerProcess(launcher, join(folder, 'data'), flags);
    const site = new Site(folder, flags, server, web, files);
    await mintmarkJson([
      'metadata',
      'keygen',
      '--name',
      'Jane Tester',
      '--email',
      'jane@example.org',
      '--key',
      site.path('jane.key'),
      '--cert',
      site.path('jane.crt'),
    ]);
    return site;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Builds, signs and uploads the description of a file, which the web server serves as it is, or another does. Returns the identifier. */
  async publish(file: string, flags: readonly string[], location?: string): Promise<string> {
    const name = file.slice(file.lastIndexOf('/') + 1);
    this.#files.set(name, readFileSync(file));
    const unsigned = this.path(`${name}.xml`);
    const signed = this.path(`${name}.signed.xml`);
    await mintmarkJson([
      'metadata',
      'build',
      file,
      '--location',
      location ?? this.web.url(name),
      '-o',
      unsigned,
      ...flags,
    ]);
    await mintmarkJson([
      'metadata',
      'sign',
      unsigned,
      '--key',
      this.path('jane.key'),
      '--cert',
      this.path('jane.crt'),
      '-o',
      signed,
    ]);
    const { entry } = (await mintmarkJson(['metadata', 'upload', signed], this.env)) as {
      entry: { identifier: string };
    };
    return entry.identifier;
  }

  /** Serves other bytes under the name of a file that was published. */
  replace(file: string, content: Buffer): void {
    this.#files.set(file.slice(file.lastIndexOf('/') + 1), content);
  }

  async volume(flags: readonly string[]): Promise<VolumeAnswer> {
    return volumeAnswer.parse(await mintmarkJson(['volume', 'create', ...flags], this.env));
  }

  async attach(volume: string, initiator: string, ...flags: readonly string[]): Promise<AttachmentDetails> {
    const args = ['volume', 'attach', volume, '--initiator', initiator, ...flags];
    return attachmentDetails.parse(await mintmarkJson(args, this.env));
  }

  /** QEMU's options for an attached disk; the secret goes by a file. */
  qemuOptions({ id, portal, iqn, lun, initiator, chap, mode }: AttachmentDetails): readonly [string, string, string] {
    const secret = this.path(`${id}.secret`);
    writeFileSync(secret, chap.secret, { mode: 0o600 });
    const disk = `driver=iscsi,transport=tcp,portal=${portal},target=${iqn},lun=${lun},initiator-name=${initiator},user=${chap.name},password-secret=chap`;
    return ['--object', `secret,id=chap,file=${secret}`, `${disk}${mode === 'read-only' ? ',read-only=on' : ''}`];
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.web.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
