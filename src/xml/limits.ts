// How large a document may be. All of it is checked before an XML parser sees a byte (design/metadata.md §4).

export interface XmlLimits {
  /** Bytes of the whole document. */
  readonly bytes: number;
  /** Elements inside each other, the root counted. */
  readonly depth: number;
  readonly elements: number;
  /** Attributes of one element, namespace declarations among them. */
  readonly attributes: number;
  /** Namespace declarations in the whole document: canonical forms take time by their square. */
  readonly declarations: number;
  /** Whether a DOCTYPE, and so entities, may stand in it. */
  readonly doctype: boolean;
  readonly instructions: boolean;
}

export const documentLimits: XmlLimits = {
  bytes: 1024 * 1024,
  depth: 64,
  elements: 5_000,
  attributes: 64,
  declarations: 128,
  doctype: false,
  instructions: false,
};
