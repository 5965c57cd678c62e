// The document in an upload: the body itself, or the first file of a form.
import busboy from 'busboy';
import { type Request } from 'express';
import { Fault } from '../errors/fault.ts';

const xmlTypes = ['application/xml', 'text/xml', 'application/rdf+xml', 'application/octet-stream'];

/** The uploaded bytes. Throws `too-large` beyond `limit` bytes, `media-type`, or `usage` where a form holds no file. */
export async function readDocumentBody(request: Request, limit: number): Promise<Buffer> {
  if (request.is('multipart/form-data') !== false) return await fileOfForm(request, limit);
  if (request.is(xmlTypes) === false) {
    throw new Fault('media-type', `a document cannot be sent as ${request.get('content-type') ?? 'no type at all'}`, {
      action: 'Send the XML as application/xml, or as a file of a multipart/form-data form.',
    });
  }
  return await collect(request, limit);
}

const tooLarge = (limit: number): Fault => new Fault('too-large', `the document is larger than ${limit} bytes`);

async function collect(stream: AsyncIterable<unknown>, limit: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of stream) {
    const bytes = part as Buffer;
    size += bytes.length;
    if (size > limit) throw tooLarge(limit);
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

function openForm({ headers }: Request, limit: number): busboy.Busboy {
  try {
    return busboy({ headers, limits: { fileSize: limit + 1, files: 1, fields: 10, parts: 11 } });
  } catch (cause) {
    throw new Fault('usage', 'the form cannot be read', { cause });
  }
}

function fileOfForm(request: Request, limit: number): Promise<Buffer> {
  const form = openForm(request, limit);
  return new Promise((resolve, reject) => {
    let file: Promise<Buffer> | undefined;
    form.on('file', (_name, stream) => {
      file = collect(stream as AsyncIterable<unknown>, limit);
      file.catch(reject);
    });
    form.on('error', (cause) => reject(new Fault('usage', 'the form cannot be read', { cause })));
    form.on('close', () => {
      if (file === undefined)
        reject(new Fault('usage', 'the form holds no file', { action: 'Choose a document to upload.' }));
      else file.then(resolve, reject);
    });
    request.pipe(form);
  });
}
