// SPDX-License-Identifier: Apache-2.0
import type { FastifyInstance } from 'fastify';
import { ApiError } from './api-error.ts';
import { type Query, wholeNumber, word } from './query.ts';
import { type StreamHub, type StreamKind, streamKinds } from './stream.ts';

/**
 * GET /v1/stream?kinds=state,event&since=41: server-sent events of the kinds wanted, all when not said. Events
 * above `since`, or above the header `Last-Event-ID`, come first.
 */
export function addStreamRoute(app: FastifyInstance, hub: StreamHub): void {
  app.get<{ Querystring: Query }>('/v1/stream', (request, reply) => {
    const kinds = kindsOf(word(request.query, 'kinds'));
    const since =
      lastEventId(request.headers['last-event-id']) ??
      wholeNumber(request.query, 'since', Number.MAX_SAFE_INTEGER);
    hub.checkRoom();
    reply.hijack();
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    request.raw.socket.setNoDelay(true);
    hub.add(reply.raw, kinds, since);
  });
}

function kindsOf(text: string | undefined): ReadonlySet<StreamKind> {
  if (text === undefined) return new Set(streamKinds);
  const kinds = new Set<StreamKind>();
  for (const part of text.split(',')) {
    const kind = streamKinds.find((known) => known === part);
    if (kind === undefined) {
      throw new ApiError(400, 'invalid-request', `?kinds= knows ${streamKinds.join(', ')}, got "${part}"`);
    }
    kinds.add(kind);
  }
  return kinds;
}

/** Browsers send back what we gave; anything else is as if nothing had been sent. */
function lastEventId(header: string | string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}
