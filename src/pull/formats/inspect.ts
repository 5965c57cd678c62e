// The safety check by declared format; what the bytes look like never chooses the reader.
import { type ImageFormat } from '../../metadata/model.ts';
import { type ImageFile, type Inspection } from './inspection.ts';
import { inspectQcow2 } from './qcow2.ts';
import { inspectVdi } from './vdi.ts';
import { inspectVhd } from './vhd.ts';
import { inspectVhdx } from './vhdx.ts';
import { inspectVmdk } from './vmdk.ts';

export type ConvertedFormat = Exclude<ImageFormat, 'raw' | 'iso'>;

const readers: Readonly<Record<ConvertedFormat, (file: ImageFile) => Promise<Inspection>>> = {
  qcow2: inspectQcow2,
  vmdk: inspectVmdk,
  vdi: inspectVdi,
  vhd: inspectVhd,
  vhdx: inspectVhdx,
};

/** Throws `pull.unsafe` where the file is not of that format, or could make its reader open another file. */
export function inspectImage(file: ImageFile, format: ConvertedFormat): Promise<Inspection> {
  return readers[format](file);
}
