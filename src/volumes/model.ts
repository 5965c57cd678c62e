// What a volume is to those who use it: its properties, its snapshots and its attachments.

/**
 * `machine`: a writable clone of an image, or of a volume. `static`: an image itself, read-only. `blank`: a persistent
 * disk that began as zeros. `volatile`: a clone that is deleted with its last attachment.
 */
export const volumeKinds = ['machine', 'static', 'blank', 'volatile'] as const;
export type VolumeKind = (typeof volumeKinds)[number];

export type VolumeState = 'available' | 'attached' | 'quarantined';

export const attachmentModes = ['read-write', 'read-only'] as const;
export type AttachmentMode = (typeof attachmentModes)[number];

export interface Snapshot {
  readonly uuid: string;
  /** UUID of the volume. */
  readonly volume: string;
  readonly tag?: string;
  /** Bytes. */
  readonly size: number;
  /** `YYYY-MM-DDThh:mm:ss.sssZ`. */
  readonly created: string;
}

export interface Volume {
  readonly uuid: string;
  readonly kind: VolumeKind;
  readonly state: VolumeState;
  /** Bytes. */
  readonly size: number;
  readonly tag?: string;
  readonly owner?: string;
  /** Identifier of the image that it began as. */
  readonly image?: string;
  /** UUID of the volume that it was cloned from. */
  readonly clonedFrom?: string;
  /** `YYYY-MM-DDThh:mm:ss.sssZ`. */
  readonly created: string;
  /** Until when it is kept for forensics. */
  readonly quarantinedUntil?: string;
  /** Name of its iSCSI target. */
  readonly iqn: string;
  /** Oldest first. */
  readonly snapshots: readonly Snapshot[];
  readonly attachments: readonly AttachmentSummary[];
}

/** An attachment without its secret. */
export interface AttachmentSummary {
  readonly id: string;
  /** UUID of the volume. */
  readonly volume: string;
  /** Name of the initiator, in lower case (RFC 7143 §4.2.7). */
  readonly initiator: string;
  readonly mode: AttachmentMode;
  readonly created: string;
}

/** What the initiator needs to log in. */
export interface Attachment extends AttachmentSummary {
  /** Name of the target. */
  readonly iqn: string;
  readonly chap: ChapCredentials;
}

/** One-way CHAP (RFC 7143 §12.1.3): the initiator proves that it knows the secret. */
export interface ChapCredentials {
  readonly name: string;
  readonly secret: string;
}
