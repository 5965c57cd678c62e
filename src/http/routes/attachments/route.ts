// /attachments: who may log in to which disk. The operator's token is needed for all of it.
import { Router, json, type RequestHandler } from 'express';
import { formatEndpoint, type Endpoint } from '../../../config/endpoint.ts';
import { type Delivery } from '../../../delivery/delivery.ts';
import { attachGuide } from '../../../delivery/guide.ts';
import { volumeLun } from '../../../delivery/lun.ts';
import { type Attachment } from '../../../volumes/model.ts';
import { type Volumes } from '../../../volumes/volumes.ts';
import { type EventBoard } from '../../events.ts';
import { parseInput } from '../../parse.ts';
import { newAttachmentBody, type AttachmentDetails } from './schema.ts';

export interface AttachmentRouteDeps {
  readonly volumes: Volumes;
  readonly delivery: Delivery;
  readonly operator: RequestHandler;
  readonly events: EventBoard;
  /** Where the iSCSI target listens, once it does. */
  readonly portal: () => Endpoint;
}

export function attachmentRoutes({ volumes, delivery, operator, events, portal }: AttachmentRouteDeps): Router {
  const router = Router();
  router.use('/attachments', operator, json());

  function details(attachment: Attachment): AttachmentDetails {
    const { iqn, initiator, chap, mode } = attachment;
    return {
      ...attachment,
      portal: formatEndpoint(portal()),
      lun: volumeLun,
      guide: attachGuide({
        portal: portal(),
        target: iqn,
        lun: volumeLun,
        initiator,
        chap,
        readOnly: mode === 'read-only',
      }),
    };
  }

  router.get('/attachments', (_request, response) => {
    response.json({ attachments: volumes.list().flatMap(({ attachments }) => attachments) });
  });

  router.post('/attachments', async (request, response) => {
    const attachment = await delivery.attach(parseInput(newAttachmentBody, request.body));
    const { id, volume, initiator, mode } = attachment;
    events.announce({ type: 'attachment', data: { id, volume, initiator, mode } });
    response.status(201).location(`/attachments/${id}`).json(details(attachment));
  });

  router.get('/attachments/:id', (request, response) => {
    response.json(details(volumes.showAttachment(request.params.id)));
  });

  router.delete('/attachments/:id', async (request, response) => {
    await volumes.detach(request.params.id);
    events.announce({ type: 'detachment', data: { id: request.params.id } });
    response.status(204).end();
  });

  return router;
}
