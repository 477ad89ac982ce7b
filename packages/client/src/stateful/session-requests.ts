// SPDX-License-Identifier: Apache-2.0
import type { AgentRequest } from '@vnfpool/wire/function-socket';
import type { Done } from './agent-connection.ts';
import type { MovableSessions } from './movable-sessions.ts';
import { exportTo, importFrom } from './state-octets.ts';

type OfSessions<Request> = Request extends { readonly op: 'role' | 'share' | 'merge' }
  ? never
  : 'scope' extends keyof Request
    ? Request & { readonly scope: 'sessions' }
    : Request;

/** Requests about single sessions. */
export type SessionRequest = OfSessions<AgentRequest>;

export function isOfSessions(request: AgentRequest): request is SessionRequest {
  switch (request.op) {
    case 'select':
    case 'moved':
    case 'expect':
    case 'accept':
      return true;
    case 'role':
    case 'share':
    case 'merge':
      return false;
    default:
      return request.scope === 'sessions';
  }
}

/** Does what is asked of sessions, and gives the rest of the answer. */
export async function answerSessions(
  sessions: MovableSessions,
  request: SessionRequest,
  signal: AbortSignal,
): Promise<Done> {
  switch (request.op) {
    case 'select':
      return { count: await sessions.select(request.sessions, signal) };
    case 'export':
      await exportTo(request.data, signal, () => sessions.export(request.kind, signal));
      return { count: sessions.selectedCount };
    case 'quiesce':
      await sessions.quiesce(signal);
      return {};
    case 'resume':
      await sessions.resume();
      return {};
    case 'moved':
      await sessions.moved(request.forward);
      return {};
    case 'expect': {
      const forward = (await sessions.expect?.(signal)) ?? null;
      return forward === null ? {} : { forward };
    }
    case 'import':
      return {
        count: await importFrom(request.data, signal, (chunks) =>
          sessions.import(request.kind, chunks, signal),
        ),
      };
    case 'accept':
      return { count: await sessions.accept() };
    case 'discard':
      await sessions.discard();
      return {};
  }
}
