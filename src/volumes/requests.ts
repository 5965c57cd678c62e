// What is asked for where a volume is made: from an image, blank, as a clone, or of bytes that are given.
import { type VolumeKind } from './model.ts';

export interface Labels {
  readonly tag?: string;
  readonly owner?: string;
}

export interface CreateFromImage extends Labels {
  readonly kind: Exclude<VolumeKind, 'blank'>;
  /** Identifier of the image. */
  readonly image: string;
  /** Bytes; the image's own size where it is left out. Not for static disks. */
  readonly size?: number;
}

export interface CreateBlank extends Labels {
  readonly kind: 'blank';
  /** Bytes. */
  readonly size: number;
}

export type CreateRequest = CreateFromImage | CreateBlank;

export interface CloneRequest extends Labels {
  /** UUID of a volume, or of a snapshot. */
  readonly source: string;
  readonly kind?: 'machine' | 'volatile';
  /** Bytes, at least the source's. */
  readonly size?: number;
}

export interface ImportRequest extends Labels {
  /** Bytes. */
  readonly size: number;
  /** All of them, in order. */
  readonly pieces: AsyncIterable<Uint8Array>;
}
