// The demo's image creator: a key and certificate of her own, and signed documents about her images.
import { Readable } from 'node:stream';
import { buildMetadata, type MetadataFields } from '../../src/metadata/build.ts';
import { measureImage, type Measurement } from '../../src/metadata/measure.ts';
import { formatTimestamp } from '../../src/metadata/values.ts';
import { generateCertificate } from '../../src/signature/generate.ts';
import { type Signer } from '../../src/signature/keys.ts';
import { formatName } from '../../src/signature/names.ts';
import { signDocument } from '../../src/signature/sign.ts';

export const email = 'jane.tester@example.org';

export interface Published {
  readonly measured: Measurement;
  readonly document: string;
}

export class Creator {
  readonly #signer: Signer;
  readonly #now: () => Date;

  private constructor(signer: Signer, now: () => Date) {
    this.#signer = signer;
    this.#now = now;
  }

  static async create(now: () => Date): Promise<Creator> {
    const subject = { name: 'Jane Tester', email, organization: 'Flora and Fauna' };
    const { signer } = await generateCertificate(subject, 'ec-p256', { now: now(), days: 30 });
    return new Creator(signer, now);
  }

  /** RFC 2253. */
  get subject(): string {
    return formatName(this.#signer.certificate.subject);
  }

  /** Measures an image, describes it and signs the description. */
  async publish(image: Buffer, title: string, location: string): Promise<Published> {
    const measured = await measureImage(Readable.from([image]));
    const fields: MetadataFields = {
      ...measured,
      type: 'machine',
      kinds: ['machine'],
      title,
      description: 'Plants, animals and three plates; it boots to a greeting.',
      tag: 'flora-and-fauna',
      format: 'raw',
      os: 'none',
      osVersion: '1.0',
      osArch: 'i386',
      hypervisors: ['kvm'],
      locations: [location],
    };
    const created = this.#now();
    const unsigned = buildMetadata(fields, formatTimestamp(created));
    return { measured, document: signDocument(unsigned, this.#signer, { created }) };
  }
}
