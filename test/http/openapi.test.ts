// The description of the API and the routes that there are say the same, in both directions.
import { type RequestHandler, type Router } from 'express';
import { expect, test } from 'vitest';
import { openApiDocument, openApiRoutes, operations } from '../../src/http/openapi.ts';
import { pageRoutes } from '../../src/http/pages.ts';
import { attachmentRoutes } from '../../src/http/routes/attachments/route.ts';
import { cacheRoutes } from '../../src/http/routes/cache/route.ts';
import { confirmationRoutes } from '../../src/http/routes/confirmations/route.ts';
import { endorserRoutes } from '../../src/http/routes/endorsers/route.ts';
import { imageRoutes } from '../../src/http/routes/images/route.ts';
import { jobRoutes } from '../../src/http/routes/jobs/route.ts';
import { logRoutes } from '../../src/http/routes/log/route.ts';
import { metadataRoutes } from '../../src/http/routes/metadata/route.ts';
import { operationRoutes } from '../../src/http/routes/operations/route.ts';
import { policyRoutes } from '../../src/http/routes/policy/route.ts';
import { sessionRoutes } from '../../src/http/routes/sessions/route.ts';
import { trustRoutes } from '../../src/http/routes/trust/route.ts';
import { volumeRoutes } from '../../src/http/routes/volumes/route.ts';

const operator: RequestHandler = (_request, _response, next) => next();
/** No handler runs here: the routes are only listed. */
const nothing = { operator, uploadLimit: operator } as never;

const routers: readonly Router[] = [
  metadataRoutes(nothing),
  confirmationRoutes(nothing),
  endorserRoutes(nothing, nothing),
  policyRoutes(nothing),
  trustRoutes(nothing),
  imageRoutes(nothing),
  cacheRoutes(nothing),
  jobRoutes(nothing),
  sessionRoutes(nothing),
  volumeRoutes(nothing),
  attachmentRoutes(nothing),
  logRoutes(nothing, operator, nothing),
  operationRoutes(nothing),
  pageRoutes(nothing),
  openApiRoutes(),
];

test('every route is described, and every description has a route', () => {
  const routes = routers.flatMap(({ stack }) =>
    stack.flatMap(({ route }) =>
      route === undefined
        ? []
        : route.stack.map(({ method }) => `${method} ${route.path.replaceAll(/[:*](\w+)/gu, '{$1}')}`),
    ),
  );
  const described = Object.entries(operations).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  expect([...new Set(routes)].sort()).toEqual(described.sort());
});

test('the document is of plain JSON', () => {
  const document = openApiDocument();
  expect(JSON.parse(JSON.stringify(document))).toEqual(document);
});
