// /metadata: upload, check, list, search and show signed documents, as HTML, JSON or XML.
import { Router, type Request, type RequestHandler, type Response } from 'express';
import { Fault } from '../../../errors/fault.ts';
import { type Waiting } from '../../../registry/confirm/pending.ts';
import { type EntryKey, type RegistryEntry } from '../../../registry/entry.ts';
import { entryQuerySchema, type EntryQuery } from '../../../registry/query.ts';
import { type Registry } from '../../../registry/registry.ts';
import { readDocumentBody } from '../../document-body.ts';
import { type EventBoard } from '../../events.ts';
import { documentType, wantedMedia } from '../../media.ts';
import { parseInput } from '../../parse.ts';
import { problemOf } from '../../problems.ts';
import { unchanged } from '../../unchanged.ts';
import { readPathArguments, type PathArguments } from './arguments.ts';
import { entryPath } from '../../../pages/links.ts';
import { listXml, nextPage, presentEntry, presentList } from './present.ts';
import { findForXml } from './whole-list.ts';

/** Documents are read up to this many bytes (design/metadata.md §4). */
const longestDocument = 1024 * 1024;

export interface MetadataPages {
  /** Whether lists say what the policy admits. */
  readonly showsAdmission: boolean;
  list(query: EntryQuery, request: Request, path: Readonly<Record<string, string>>): Promise<string>;
  entry(entry: RegistryEntry): Promise<string>;
  uploadFailed(fault: Fault): string;
  waiting(waiting: Waiting): string;
}

export interface MetadataRouteDeps {
  readonly registry: Registry;
  readonly events: EventBoard;
  readonly pages: MetadataPages;
  /** Slows down those who upload too much. */
  readonly uploadLimit: RequestHandler;
  /** Is told that a document waits for its endorser. */
  readonly waits: () => void;
  /** Other than that of every other server, and of this one before it was started: part of the tags of lists. */
  readonly edition: string;
}

export function metadataRoutes({ registry, events, pages, uploadLimit, waits, edition }: MetadataRouteDeps): Router {
  const router = Router();

  router.post('/metadata', uploadLimit, async (request, response) => {
    const media = wantedMedia(request, ['json', 'html', 'xml']);
    const bytes = await readDocumentBody(request, longestDocument);
    let accepted;
    try {
      accepted = await registry.submit(bytes, request.ip === undefined ? {} : { address: request.ip });
    } catch (error) {
      if (media !== 'html' || !(error instanceof Fault)) throw error;
      response.status(problemOf(error).status).type('html').send(pages.uploadFailed(error));
      return;
    }
    if (accepted.outcome === 'waiting') {
      waits();
      response.status(202);
      if (media === 'html') response.type('html').send(pages.waiting(accepted));
      else response.json(accepted);
      return;
    }
    const { outcome, entry } = accepted;
    if (outcome === 'created') events.announce({ type: 'entry', data: { ...entry.key, path: entryPath(entry.key) } });
    if (media === 'html') {
      response.redirect(303, entryPath(entry.key));
      return;
    }
    response.status(outcome === 'created' ? 201 : 200).location(entryPath(entry.key));
    if (media === 'json') response.json({ outcome, entry: presentEntry(entry) });
    else response.type(documentType(request)).send(await registry.document(entry.key));
  });

  router.post('/metadata/check', uploadLimit, async (request, response) => {
    wantedMedia(request, ['json']);
    response.json(await registry.check(await readDocumentBody(request, longestDocument)));
  });

  router.get('/metadata', async (request, response) => {
    await answerList(request, response, {});
  });

  router.get('/metadata/*arguments', async (request, response) => {
    const given = readPathArguments(request.params.arguments);
    if (isKey(given)) await answerEntry(request, response, await registry.entry(given));
    else if (given.email !== undefined && typeof request.query['tag'] === 'string' && given.identifier === undefined) {
      await answerEntry(request, response, await tagged(given.email, request.query['tag']));
    } else await answerList(request, response, given);
  });

  router.get('/tag/:email/:tag', async (request, response) => {
    await answerEntry(request, response, await tagged(request.params.email, request.params.tag));
  });

  async function tagged(email: string, tag: string): Promise<RegistryEntry> {
    // StratusLab's server took a tag in quotes, too.
    const entry =
      (await registry.newestByTag(email, tag)) ?? (await registry.newestByTag(email, tag.replaceAll(/^"|"$/gu, '')));
    if (entry !== undefined) return entry;
    throw new Fault('registry.no-entry', `${email} has no valid entry with the tag "${tag}"`);
  }

  async function answerList(request: Request, response: Response, path: PathArguments): Promise<void> {
    const media = wantedMedia(request, ['json', 'html', 'xml']);
    const query = parseInput(entryQuerySchema, { ...request.query, ...path });
    // What is admitted may change with the policy and the clock, without a change of the registry.
    const judged = query.admitted || (media === 'html' && pages.showsAdmission);
    if (!judged && unchanged(request, response, `${edition}-${await registry.version()}-${media}`)) return;
    if (media === 'html') {
      response.type('html').send(await pages.list(query, request, { ...path }));
      return;
    }
    const list =
      media === 'xml' && request.query['limit'] === undefined
        ? await findForXml(registry, query)
        : await registry.find(query);
    if (list.next !== undefined) response.set('Link', `<${nextPage(path, request.query, list.next)}>; rel="next"`);
    if (media === 'json') {
      response.json(presentList(list));
      return;
    }
    if (list.entries.length === 0 && namesEntries(query)) {
      response.removeHeader('ETag');
      throw new Fault('registry.no-entry', 'no entry here is what was asked for');
    }
    response.type('xml').send(listXml(await registry.documents(list.entries)));
  }

  async function answerEntry(request: Request, response: Response, entry: RegistryEntry): Promise<void> {
    const media = wantedMedia(request, ['json', 'html', 'xml']);
    if (media === 'html') response.type('html').send(await pages.entry(entry));
    else if (media === 'json') response.json(presentEntry(entry));
    else response.type(documentType(request)).send(await registry.document(entry.key));
  }

  return router;
}

/** Whether certain entries were asked for: as XML, none of them is a failure, which StratusLab's clients rely on. */
const namesEntries = ({ identifier, email, created, cursor }: EntryQuery): boolean =>
  cursor === undefined && (identifier ?? email ?? created) !== undefined;

const isKey = (given: PathArguments): given is EntryKey =>
  given.identifier !== undefined && given.email !== undefined && given.created !== undefined;
