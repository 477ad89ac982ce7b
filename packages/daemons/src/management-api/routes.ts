// SPDX-License-Identifier: Apache-2.0
import type {
  DeclarationRequest,
  DrainRequest,
  ForceCouncilRequest,
  HandoverRequest,
  List,
  MaintenanceRequest,
  MoveRequest,
  MoveSessionsRequest,
  RotateSecretRequest,
  TokenRequest,
  TrafficReport,
  UpgradeRequest,
} from '@vnfpool/core/management';
import type { FastifyInstance } from 'fastify';
import { ApiError } from './api-error.ts';
import type { ManagementBackend } from './backend.ts';
import { isAboutPool, listNames, listOf } from './pool-filter.ts';
import { type Query, wholeNumber, word } from './query.ts';
import {
  declarationSchema,
  drainSchema,
  emptySchema,
  forceCouncilSchema,
  handoverSchema,
  maintenanceSchema,
  moveSchema,
  moveSessionsSchema,
  rotateSecretSchema,
  tokenSchema,
  trafficSchema,
  upgradeSchema,
} from './schemas.ts';

const EVENTS_LIMIT = 100;
const EVENTS_LIMIT_MAX = 1_000;

/** Every route below /v1 but the stream: one call of the backend each. */
export function addRoutes(app: FastifyInstance, backend: ManagementBackend): void {
  app.get('/v1/state', () => backend.state());
  for (const name of listNames) {
    app.get<{ Querystring: Query }>(`/v1/${name}`, (request) =>
      items(listOf(backend.state(), name, word(request.query, 'pool'))),
    );
  }
  app.get<{ Querystring: Query }>('/v1/events', ({ query }) => {
    const limit = wholeNumber(query, 'limit', EVENTS_LIMIT_MAX) ?? EVENTS_LIMIT;
    const since = wholeNumber(query, 'since', Number.MAX_SAFE_INTEGER);
    const pool = word(query, 'pool');
    const events = backend.eventsSince(since ?? 0, Number.POSITIVE_INFINITY);
    const chosen = pool === undefined ? events : events.filter((event) => isAboutPool(event, pool));
    // Without `since` the newest ones are wanted; either way the answer reads from old to new.
    return items(since === undefined ? chosen.slice(-limit) : chosen.slice(0, limit));
  });
  app.get<{ Params: { name: string } }>('/v1/explain/pools/:name', ({ params }) =>
    backend.explain(params.name),
  );
  app.get<{ Params: { pool: string; index: string } }>('/v1/explain/slots/:pool/:index', ({ params }) => {
    const { pool, index } = params;
    if (!/^\d{1,5}$/.test(index))
      throw new ApiError(404, 'not-found', `there is no slot ${pool}/${index} here`);
    return backend.explainSlot(pool, Number(index));
  });

  app.post<{ Body: DeclarationRequest }>('/v1/plan', { schema: { body: declarationSchema } }, ({ body }) =>
    backend.plan(body.text, body.file),
  );
  app.post<{ Body: DeclarationRequest }>('/v1/apply', { schema: { body: declarationSchema } }, ({ body }) =>
    backend.apply(body.text, body.file),
  );
  app.delete<{ Params: { name: string } }>('/v1/sets/:name', async ({ params }, reply) => {
    await backend.remove(params.name);
    return reply.code(204).send();
  });
  app.post<{ Body: HandoverRequest }>(
    '/v1/handover',
    { schema: { body: handoverSchema } },
    async (request, reply) => {
      // Ordered, not done: the record of the failover tells how it went.
      return reply.code(202).send(await backend.handover(request.body));
    },
  );
  // Ordered, not done: the view of the instance or node tells how it goes.
  app.post<{ Body: MoveRequest }>('/v1/move', { schema: { body: moveSchema } }, async ({ body }, reply) =>
    reply.code(202).send(await backend.move(body)),
  );
  app.post<{ Body: MoveSessionsRequest }>(
    '/v1/move-sessions',
    { schema: { body: moveSessionsSchema } },
    async ({ body }, reply) => reply.code(202).send(await backend.moveSessions(body)),
  );
  app.post<{ Body: DrainRequest }>(
    '/v1/drain',
    { schema: { body: drainSchema } },
    async ({ body }, reply) => {
      await backend.drain(body);
      return reply.code(202).send({});
    },
  );
  app.post<{ Body: ForceCouncilRequest }>(
    '/v1/council/force',
    { schema: { body: forceCouncilSchema } },
    async ({ body }, reply) => {
      await backend.forceCouncil(body);
      return reply.code(202).send({});
    },
  );
  app.post('/v1/thaw', { schema: { body: emptySchema } }, async (_request, reply) => {
    await backend.thaw();
    return reply.code(204).send();
  });
  app.post<{ Body: MaintenanceRequest }>(
    '/v1/maintenance',
    { schema: { body: maintenanceSchema } },
    async ({ body }, reply) => {
      await backend.maintenance(body);
      return reply.code(202).send({});
    },
  );
  app.post<{ Body: UpgradeRequest }>(
    '/v1/upgrade',
    { schema: { body: upgradeSchema } },
    async ({ body }, reply) => {
      await backend.upgrade(body);
      return reply.code(202).send({});
    },
  );
  app.post<{ Body: RotateSecretRequest }>(
    '/v1/rotate-secret',
    { schema: { body: rotateSecretSchema } },
    async ({ body }, reply) => {
      await backend.rotateSecret(body);
      return reply.code(202).send({});
    },
  );
  app.post<{ Body: TokenRequest }>(
    '/v1/tokens',
    { schema: { body: tokenSchema } },
    async (request, reply) => {
      const secret = await backend.createToken(request.body);
      return reply.code(201).header('cache-control', 'no-store').send(secret);
    },
  );
  app.get('/v1/tokens', async () => items(await backend.tokens()));
  app.post<{ Body: TrafficReport }>(
    '/v1/traffic',
    { schema: { body: trafficSchema } },
    async (request, reply) => {
      await backend.reportTraffic(request.body);
      return reply.code(204).send();
    },
  );
  app.get('/v1/metrics', async (_request, reply) => {
    const text = await backend.metrics();
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text);
  });
  app.get('/healthz', () => ({ status: 'ok' }));
  app.setNotFoundHandler((request) => {
    throw new ApiError(404, 'not-found', `there is no ${request.method} ${request.url.split('?')[0] ?? ''}`);
  });
}

function items<T>(list: readonly T[]): List<T> {
  return { items: list };
}
