// Validation by XSD files of our own, compiled once. libxml2 may open these files and no others.
import { XmlValidateError, XsdValidator, xmlCleanupInputProvider, xmlRegisterInputProvider } from 'libxml2-wasm';
import { type StrictDocument, libxmlOf, parseTrusted } from './document.ts';

/** The scheme under which the schemas name each other. */
const scheme = 'mintmark-schema:';

export interface SchemaProblem {
  readonly namespace: string;
  readonly name: string;
  readonly line: number;
  readonly message: string;
}

export interface Schema {
  /** Everything that libxml2 finds wrong in the document as it now is. */
  validate(document: StrictDocument): readonly SchemaProblem[];
}

const nameOf = (address: string): string => address.slice(scheme.length);

/** Lets libxml2 read the given files, by name, while `work` runs. */
function withFiles<Result>(files: ReadonlyMap<string, Uint8Array>, work: () => Result): Result {
  const open = new Map<number, { readonly bytes: Uint8Array; at: number }>();
  xmlRegisterInputProvider({
    match: (address) => address.startsWith(scheme) && files.has(nameOf(address)),
    open: (address) => {
      const bytes = files.get(nameOf(address));
      if (!bytes) return undefined;
      const handle = open.size + 1;
      open.set(handle, { bytes, at: 0 });
      return handle;
    },
    read: (handle, into) => {
      const file = open.get(handle);
      if (!file) return -1;
      const part = file.bytes.subarray(file.at, file.at + into.byteLength);
      into.set(part);
      file.at += part.byteLength;
      return part.byteLength;
    },
    close: () => true,
  });
  try {
    return work();
  } finally {
    xmlCleanupInputProvider();
  }
}

/** Compiles the schema `main` of the files; they import each other as `mintmark-schema:NAME`. */
export function compileSchema(files: ReadonlyMap<string, Uint8Array>, main: string): Schema {
  const source = files.get(main);
  if (!source) throw new Error(`there is no schema ${main}`);
  const validator = withFiles(files, () => {
    const parsed = parseTrusted(Buffer.from(source).toString('utf8'), `${scheme}${main}`);
    try {
      return XsdValidator.fromDoc(parsed);
    } finally {
      parsed.dispose();
    }
  });
  return {
    validate(document) {
      try {
        validator.validate(libxmlOf(document));
        return [];
      } catch (error) {
        if (!(error instanceof XmlValidateError)) throw error;
        return error.details.map((detail) => {
          const element = /^Element '(?:\{([^}]*)\})?([^']*)'(?:, attribute '[^']*')?: /.exec(detail.message);
          return {
            namespace: element?.[1] ?? '',
            name: element?.[2] ?? '',
            line: detail.line,
            message: detail.message.slice(element?.[0].length ?? 0).trim(),
          };
        });
      }
    },
  };
}
