// /confirmations: the link that is mailed to an endorser. Looking at it (as mail scanners do) decides nothing; POST does.
import { json, Router, urlencoded, type RequestHandler } from 'express';
import { entryPath } from '../../../pages/links.ts';
import { type AwaitedDocument } from '../../../registry/confirm/confirmations.ts';
import { type EntryKey } from '../../../registry/entry.ts';
import { type Registry } from '../../../registry/registry.ts';
import { wantedMedia } from '../../media.ts';
import { parseInput } from '../../parse.ts';
import { presentEntry } from '../metadata/present.ts';
import { confirmationBody, confirmationQuery } from './schema.ts';

export interface ConfirmationPages {
  confirmation(token: string, awaited: AwaitedDocument): string;
  declined(): string;
}

export interface ConfirmationRouteDeps {
  readonly registry: Registry;
  readonly pages: ConfirmationPages;
  /** Slows down those who try secrets. */
  readonly uploadLimit: RequestHandler;
  readonly published: (key: EntryKey) => void;
}

export function confirmationRoutes({ registry, pages, uploadLimit, published }: ConfirmationRouteDeps): Router {
  const router = Router();

  router.get('/confirmations', uploadLimit, async (request, response) => {
    const media = wantedMedia(request, ['html', 'json']);
    const { token } = parseInput(confirmationQuery, request.query);
    const awaited = await registry.confirmations.show(token);
    response.set('Cache-Control', 'no-store');
    if (media === 'html') response.type('html').send(pages.confirmation(token, awaited));
    else response.json(awaited);
  });

  const form = urlencoded({ extended: false, limit: '4kb' });
  router.post('/confirmations', uploadLimit, form, json({ limit: '4kb' }), async (request, response) => {
    const media = wantedMedia(request, ['html', 'json']);
    const { token, decision } = parseInput(confirmationBody, request.body);
    response.set('Cache-Control', 'no-store');
    if (decision === 'decline') {
      await registry.confirmations.decline(token);
      if (media === 'html') response.type('html').send(pages.declined());
      else response.json({ outcome: 'declined' });
      return;
    }
    const { outcome, entry } = await registry.confirmations.confirm(token);
    if (outcome === 'created') published(entry.key);
    if (media === 'html') response.redirect(303, entryPath(entry.key));
    else {
      response
        .status(outcome === 'created' ? 201 : 200)
        .location(entryPath(entry.key))
        .json({ outcome, entry: presentEntry(entry) });
    }
  });

  return router;
}
