// /trust: the certificates and revocation lists that this site checks signers with, for those who carry its registry away.
import { Router } from 'express';
import { type TrustMaterial } from '../../../trust/material.ts';
import { wantedMedia } from '../../media.ts';

export function trustRoutes(material: TrustMaterial): Router {
  const router = Router();
  router.get('/trust', (request, response) => {
    wantedMedia(request, ['json']);
    response.json(material);
  });
  return router;
}
