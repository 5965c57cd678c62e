// The demo: one signed image travels from its creator to a hypervisor's disk, through every part of Mintmark.
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { floraAndFauna } from '../../fixtures/flora-and-fauna.ts';
import { parseEndpoint } from '../../src/config/endpoint.ts';
import { Fault } from '../../src/errors/fault.ts';
import { attachmentDetails, type AttachmentDetails } from '../../src/http/routes/attachments/schema.ts';
import { volumeAnswer, type VolumeAnswer } from '../../src/http/routes/volumes/schema.ts';
import { type Api } from '../api.ts';
import { Creator, email, type Published } from './creator.ts';
import { Initiator } from './initiator.ts';
import { type Narrator, DemoFailure, expectThat } from './narrator.ts';
import { type ServerProcess } from './server-process.ts';
import { type WebServer } from './web.ts';

const uploadAnswer = z.object({ entry: z.looseObject({ identifier: z.string(), path: z.string() }) });
const listAnswer = z.looseObject({ entries: z.array(z.looseObject({ identifier: z.string() })), total: z.number() });
const imageAnswer = z.looseObject({ cache: z.looseObject({}).nullable() });

const initiatorName = 'iqn.2026-01.org.example:demo-host';
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const count = (number: number): string => number.toLocaleString('en-US');

export interface TourWorld {
  readonly narrator: Narrator;
  readonly api: Api;
  readonly server: ServerProcess;
  readonly dataDir: string;
  readonly web: WebServer;
  /** What the web server serves; the tour puts files there. */
  readonly files: Map<string, Buffer>;
  readonly now: () => Date;
}

export class Tour {
  readonly #world: TourWorld;
  readonly #image = floraAndFauna();

  constructor(world: TourWorld) {
    this.#world = world;
  }

  /** Takes every step; resolves to the attachment that stays. Throws what went wrong. */
  async take(): Promise<AttachmentDetails> {
    const { narrator } = this.#world;
    const creator = await narrator.step('Jane makes a key and a certificate of her own', async () => {
      const made = await Creator.create(this.#world.now);
      narrator.detail(`${made.subject}, ${email}: ECDSA P-256, signed by herself`);
      return made;
    });
    const published = await narrator.step('She measures her image, describes it and signs the description', () =>
      this.#publish(creator),
    );
    const path = await narrator.step('She uploads the document; the registry checks the signature and every rule', () =>
      this.#upload(published),
    );
    await narrator.step('A copy that somebody changed on the way is refused', () => this.#tamper(published));
    const identifier = await narrator.step('Others find it, by endorser and by operating system', () =>
      this.#find(path),
    );
    const clones = await narrator.step('An operator asks for two disks: policy, pull, proof, two instant clones', () =>
      this.#clone(identifier),
    );
    await narrator.step('A web server that serves other bytes than were signed is found out', () => this.#lie(creator));
    return await narrator.step('A hypervisor logs in over iSCSI, reads the clone and writes to it', () =>
      this.#readAndWrite(identifier, clones),
    );
  }

  async #publish(creator: Creator): Promise<Published> {
    const { narrator, files, web } = this.#world;
    files.set('flora.iso', this.#image);
    const published = await creator.publish(this.#image, 'Flora and Fauna', web.url('flora.iso'));
    narrator.detail(`flora.iso, ${count(published.measured.bytes)} bytes, at ${web.url('flora.iso')}`);
    for (const [algorithm, value] of Object.entries(published.measured.checksums)) {
      narrator.detail(`${algorithm.padEnd(8)} ${value.slice(0, 64)}${value.length > 64 ? '…' : ''}`);
    }
    return published;
  }

  async #send(document: string): Promise<z.output<typeof uploadAnswer>> {
    const response = await this.#world.api.send('/metadata', {
      method: 'POST',
      headers: { 'Content-Type': 'application/xml', 'Accept': 'application/json' },
      body: document,
    });
    return uploadAnswer.parse(await response.json());
  }

  async #upload({ document }: Published): Promise<string> {
    const { entry } = await this.#send(document);
    this.#world.narrator.detail(`accepted as ${entry.identifier}`);
    return entry.path;
  }

  async #refused(work: () => Promise<unknown>, what: string): Promise<Fault> {
    try {
      await work();
    } catch (error) {
      if (error instanceof Fault && error.code !== 'internal' && error.code !== 'unreachable') {
        const reason = error.message.length > 150 ? `${error.message.slice(0, 150)}…` : error.message;
        this.#world.narrator.detail(`refused: ${reason} [${error.code}]`);
        return error;
      }
      throw error;
    }
    throw new DemoFailure(what);
  }

  async #tamper({ document }: Published): Promise<void> {
    const tampered = document.replace('>Flora and Fauna<', '>Flora, Fauna and a rootkit<');
    expectThat(tampered !== document, 'the demo could not change its own document');
    await this.#refused(
      () => this.#send(tampered),
      'the registry took a document that was changed after it was signed',
    );
  }

  async #find(path: string): Promise<string> {
    const { api, narrator, server } = this.#world;
    const byEndorser = await api.json(listAnswer, `/metadata?email=${encodeURIComponent(email)}`);
    const bySystem = await api.json(listAnswer, '/metadata?os=none&os-arch=i386');
    expectThat(byEndorser.total === 1 && bySystem.total === 1, 'the registry does not find what it accepted');
    narrator.detail(`its page: ${new URL(path, server.url).href}`);
    return byEndorser.entries[0]?.identifier ?? '';
  }

  async #clone(identifier: string): Promise<readonly [VolumeAnswer, VolumeAnswer]> {
    const { api, narrator } = this.#world;
    const make = (tag: string): Promise<VolumeAnswer> =>
      api.json(volumeAnswer, '/volumes', { method: 'POST', body: { image: identifier, tag } });
    const [first, second] = [await make('demo-1'), await make('demo-2')];
    narrator.detail('admitted by the policy; pulled once; size and four checksums are the signed ones');
    narrator.detail(`demo-1 is ${first.uuid}`);
    narrator.detail(`demo-2 is ${second.uuid}`);
    return [first, second];
  }

  /** Every file below the vault and the folder of pulls. */
  #kept(): readonly string[] {
    return ['vault', 'pulls'].flatMap((folder) => {
      try {
        return readdirSync(join(this.#world.dataDir, folder), { recursive: true, encoding: 'utf8' }).sort();
      } catch {
        return [];
      }
    });
  }

  async #lie(creator: Creator): Promise<void> {
    const { api, files, web, narrator } = this.#world;
    const other = Buffer.from(this.#image);
    other.write('A different disk', 1024 * 1024, 'latin1');
    const { document } = await creator.publish(other, 'Flora and Fauna, second edition', web.url('second.iso'));
    const served = Buffer.from(other);
    served.writeUInt8((served.readUInt8(other.length - 1) + 1) % 256, other.length - 1);
    files.set('second.iso', served);
    const { entry } = await this.#send(document);
    const before = this.#kept();
    await this.#refused(
      () => api.json(volumeAnswer, '/volumes', { method: 'POST', body: { image: entry.identifier } }),
      'an image was taken whose bytes are not the signed ones',
    );
    const { cache } = await api.json(imageAnswer, `/images/${entry.identifier}`);
    expectThat(cache === null, 'the cache names an image that was refused');
    expectThat(this.#kept().join() === before.join(), 'a refused image has left files behind');
    narrator.detail('one byte of it differed; nothing of it was kept');
  }

  async #attach(volume: string, mode: 'read-write' | 'read-only'): Promise<AttachmentDetails> {
    return await this.#world.api.json(attachmentDetails, '/attachments', {
      method: 'POST',
      body: { volume, initiator: initiatorName, mode },
    });
  }

  async #login({ portal, iqn, lun, chap }: AttachmentDetails): Promise<Initiator> {
    const endpoint = parseEndpoint(portal);
    if (endpoint === undefined) throw new DemoFailure(`the server named the portal ${portal}`);
    return await Initiator.login({ ...endpoint, initiator: initiatorName, target: iqn, lun, chap });
  }

  async #readAndWrite(identifier: string, [first, second]: readonly [VolumeAnswer, VolumeAnswer]) {
    const { api, narrator } = this.#world;
    const base = await api.json(volumeAnswer, '/volumes', {
      method: 'POST',
      body: { image: identifier, kind: 'static', tag: 'demo-base' },
    });
    const attachment = await this.#attach(first.uuid, 'read-write');
    const clone = await this.#login(attachment);
    const read = await clone.read(0, await clone.size());
    expectThat(read.equals(this.#image), 'the clone does not read as the image');
    narrator.detail(`read ${count(read.length)} bytes, SHA-256 ${sha256(read).slice(0, 16)}…: the image, bit for bit`);

    const note = Buffer.alloc(4096, 'written by the demo ');
    const place = 8192;
    await clone.write(place, note);
    expectThat((await clone.read(place, note.length)).equals(note), 'what was written does not read back');
    await clone.logout();
    for (const [name, volume, mode] of [
      ['the second clone', second.uuid, 'read-write'],
      ['the base', base.uuid, 'read-only'],
    ] as const) {
      const other = await this.#login(await this.#attach(volume, mode));
      const same = (await other.read(0, this.#image.length)).equals(this.#image);
      await other.logout();
      expectThat(same, `${name} has changed`);
    }
    narrator.detail(
      `wrote ${count(note.length)} bytes and read them back; the base and the second clone did not change`,
    );
    return attachment;
  }
}
