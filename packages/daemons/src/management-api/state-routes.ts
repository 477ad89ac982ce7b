// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import type {
  CheckpointRequest,
  ForgetRequest,
  RecordingMessage,
  RecordingRequest,
  RestoreRequest,
} from '@vnfpool/core/management';
import { RECORDING_MS_MAX, RECORDING_OCTETS_MAX } from '@vnfpool/wire/mobility';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { ApiError } from './api-error.ts';
import type { ManagementBackend } from './backend.ts';
import { type Query, wholeNumber, word } from './query.ts';
import { checkpointSchema, forgetSchema, restoreSchema, STATE_FORMAT } from './schemas.ts';

const RECORDING_MS_MIN = 100;
const RECORDING_OCTETS_MIN = 1_024;
/** 16 MiB: half a million updates. */
const RECORDING_OCTETS = 16 * 1024 ** 2;
const RECORDING_MS = 60_000;

const SLOT_ID = /^[0-9a-f]{16}$/;

interface SlotParams {
  readonly pool: string;
  readonly index: string;
}

/** What is asked of the state of a slot. */
export function addStateRoutes(app: FastifyInstance, backend: ManagementBackend): void {
  app.post<{ Body: CheckpointRequest }>(
    '/v1/checkpoint',
    { schema: { body: checkpointSchema } },
    ({ body }) => backend.checkpoint(body),
  );
  app.get<{ Params: SlotParams; Querystring: Query }>(
    '/v1/checkpoints/:pool/:index',
    async ({ params, query }) => ({
      items: await backend.checkpoints(params.pool, slotOf(params), matching(query, 'from', SLOT_ID)),
    }),
  );
  app.get<{ Params: SlotParams; Querystring: Query }>(
    '/v1/stored-slots/:pool/:index',
    async ({ params, query }) => {
      const id = matching(query, 'id', SLOT_ID);
      const format = matching(query, 'format', STATE_FORMAT);
      return { items: await backend.storedSlots(params.pool, slotOf(params), { id, format }) };
    },
  );
  app.post<{ Body: RestoreRequest }>('/v1/restore', { schema: { body: restoreSchema } }, ({ body }) =>
    backend.restore(body),
  );
  app.get('/v1/left-states', async () => ({ items: await backend.leftStates() }));
  app.post<{ Body: ForgetRequest }>(
    '/v1/forget',
    { schema: { body: forgetSchema } },
    async ({ body }, reply) => {
      await backend.forget(body);
      return reply.code(204).send();
    },
  );
  app.get<{ Params: SlotParams; Querystring: Query }>(
    '/v1/recording/:pool/:index',
    async (request, reply) => {
      const { params, query } = request;
      const wanted: RecordingRequest = {
        pool: params.pool,
        slot: slotOf(params),
        forMs: between(query, 'for', RECORDING_MS_MIN, RECORDING_MS_MAX, RECORDING_MS),
        octetsMax: between(query, 'octets', RECORDING_OCTETS_MIN, RECORDING_OCTETS_MAX, RECORDING_OCTETS),
      };
      const gone = new AbortController();
      reply.raw.on('close', () => gone.abort(new Error('nobody reads any more')));
      const messages = await backend.record(wanted, gone.signal);
      await tell(reply, messages, gone.signal);
    },
  );
}

/** Server-sent events, no faster than they are read. */
async function tell(
  reply: FastifyReply,
  messages: AsyncIterable<RecordingMessage>,
  gone: AbortSignal,
): Promise<void> {
  const { raw } = reply.hijack();
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  raw.flushHeaders();
  raw.on('error', () => undefined);
  try {
    for await (const { kind, data } of messages) {
      const isFull = !raw.write(`event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
      if (isFull) await once(raw, 'drain', { signal: gone });
    }
  } catch (error) {
    if (!gone.aborted) throw error;
  } finally {
    raw.end();
  }
}

/** @throws ApiError 404 */
function slotOf({ pool, index }: SlotParams): number {
  if (!/^\d{1,5}$/.test(index))
    throw new ApiError(404, 'not-found', `there is no slot ${pool}/${index} here`);
  return Number(index);
}

/** @throws ApiError 400 */
function matching(query: Query, name: string, pattern: RegExp): string | undefined {
  const value = word(query, name);
  if (value === undefined || pattern.test(value)) return value;
  throw new ApiError(400, 'invalid-request', `?${name}= must match ${pattern.source}`);
}

/** @throws ApiError 400 */
function between(query: Query, name: string, least: number, most: number, fallback: number): number {
  const value = wholeNumber(query, name, most) ?? fallback;
  if (value < least) throw new ApiError(400, 'invalid-request', `?${name}= must be ${least} at least`);
  return value;
}
