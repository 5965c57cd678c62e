// Formats other than raw: the proven file lies on disk, is looked at for what would be dangerous, and only then converted.
import { Fault } from '../errors/fault.ts';
import { type ImageFormat } from '../metadata/model.ts';
import { type WriteSession } from '../vault/write-session.ts';
import { type ProvenStream } from './proven-stream.ts';
import { type PullParts, type StoredImage } from './pull-image.ts';

export async function storeConverted(
  _session: WriteSession,
  _proven: ProvenStream,
  format: ImageFormat,
  _parts: PullParts,
): Promise<StoredImage> {
  throw new Fault('pull.tool-missing', `This release cannot convert ${format} yet.`);
}
