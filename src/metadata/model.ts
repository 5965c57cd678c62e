// The typed content of one metadata document: what is inside after every rule has passed.

/** Digest algorithms of `slreq:algorithm`, as the documents spell them. */
export const checksumAlgorithms = ['MD5', 'SHA-1', 'SHA-256', 'SHA-512'] as const;
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number];

/** Lower-case hex digests; SHA-1 is always there, because the identifier comes from it. */
export type Checksums = { readonly 'SHA-1': string } & { readonly [algorithm in ChecksumAlgorithm]?: string };

export const imageFormats = ['raw', 'iso', 'qcow2', 'vmdk', 'vdi', 'vhd', 'vhdx'] as const;
export type ImageFormat = (typeof imageFormats)[number];

export const compressions = ['gz', 'bz2', 'xz', 'zst'] as const;
export type Compression = (typeof compressions)[number];

export interface Endorser {
  readonly email: string;
  /** Distinguished names, RFC 2253. */
  readonly subject: string;
  readonly issuers: readonly string[];
}

export interface Endorsement {
  /** `YYYY-MM-DDThh:mm:ssZ`. */
  readonly created: string;
  readonly endorser: Endorser;
}

/** A property of a namespace that Mintmark does not interpret: kept and shown, no more. */
export interface ForeignProperty {
  readonly namespace: string;
  readonly name: string;
  /** Empty where the property holds others. */
  readonly text: string;
  readonly children: readonly ForeignProperty[];
}

/** The endorser's word that an endorsement does not hold any more. */
export interface Withdrawal {
  /** `YYYY-MM-DDThh:mm:ssZ`: from when on nobody should rely on the image. It may lie before the endorsement. */
  readonly from: string;
  readonly reason: string;
}

export interface ImageMetadata {
  /** 27 digits, from the SHA-1 (design/metadata.md §1). */
  readonly identifier: string;
  /** Bytes of the file after decompression, before conversion. */
  readonly bytes: number;
  readonly checksums: Checksums;
  readonly endorsement: Endorsement;
  readonly type: string;
  readonly kinds: readonly string[];
  readonly valid?: string;
  readonly title?: string;
  readonly description?: string;
  readonly creator?: string;
  readonly created?: string;
  readonly publisher?: string;
  readonly format?: ImageFormat;
  readonly compression?: Compression;
  /** The creator's tag (dcterms:alternative). */
  readonly tag?: string;
  readonly isReplacedBy?: string;
  readonly replaces?: string;
  readonly isVersionOf?: string;
  readonly locations: readonly string[];
  readonly serialNumber?: string;
  readonly version?: string;
  readonly os?: string;
  readonly osVersion?: string;
  readonly osArch?: string;
  /** The reason, where the endorser has withdrawn the recommendation. */
  readonly deprecated?: string;
  /** Set where this entry takes back the endorser's earlier ones of the image. */
  readonly withdrawal?: Withdrawal;
  readonly hypervisors: readonly string[];
  readonly disksBuses: readonly string[];
  readonly inboundPorts: readonly number[];
  readonly outboundPorts: readonly number[];
  readonly icmp: readonly number[];
  readonly foreign: readonly ForeignProperty[];
}
