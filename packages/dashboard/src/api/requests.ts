// SPDX-License-Identifier: Apache-2.0
import type {
  DrainRequest,
  ErrorView,
  ExplainView,
  HandoverRequest,
  LabRequest,
  LabView,
  MaintenanceRequest,
  MoveAnswer,
  MoveRequest,
  UpgradeRequest,
} from '@vnfpool/core/management';

/** How a request went; a refusal is a value, since the page has to show it. `status` 0: no answer. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly status: number; readonly code: string; readonly message: string };

/** The management API as the page uses it, apart from the stream. */
export interface Requests {
  lab(): Promise<Answer<LabView>>;
  explain(pool: string): Promise<Answer<ExplainView>>;
  fault(request: LabRequest): Promise<Answer<null>>;
  handover(request: HandoverRequest): Promise<Answer<null>>;
  move(request: MoveRequest): Promise<Answer<MoveAnswer>>;
  drain(request: DrainRequest): Promise<Answer<null>>;
  maintenance(request: MaintenanceRequest): Promise<Answer<null>>;
  upgrade(request: UpgradeRequest): Promise<Answer<null>>;
}

/** No answer after this long counts as none. A hand-over is the slowest request. */
const deadlineMs = 10_000;

export function createRequests(token: string, send: typeof fetch = fetch.bind(globalThis)): Requests {
  async function call<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer<T>> {
    try {
      const response = await send(path, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        signal: AbortSignal.timeout(deadlineMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) return refusal(response.status, text);
      return { ok: true, value: (text === '' ? null : JSON.parse(text)) as T };
    } catch (error) {
      const late = error instanceof DOMException && error.name === 'TimeoutError';
      const message = late ? `no answer within ${deadlineMs / 1000} s` : 'the manager cannot be reached';
      return { ok: false, status: 0, code: 'unreachable', message };
    }
  }
  return {
    lab: () => call('GET', '/v1/lab'),
    explain: (pool) => call('GET', `/v1/explain/pools/${encodeURIComponent(pool)}`),
    fault: (request) => call('POST', '/v1/lab', request),
    handover: (request) => call('POST', '/v1/handover', request),
    move: (request) => call('POST', '/v1/move', request),
    drain: (request) => call('POST', '/v1/drain', request),
    maintenance: (request) => call('POST', '/v1/maintenance', request),
    upgrade: (request) => call('POST', '/v1/upgrade', request),
  };
}

/** Reads an ErrorView; a body of any other shape still gives a sentence. */
export function refusal(status: number, body: string): Answer<never> {
  try {
    const { error } = JSON.parse(body) as Partial<ErrorView>;
    if (typeof error?.message === 'string') {
      return { ok: false, status, code: String(error.code), message: error.message };
    }
  } catch {
    // Not JSON: a proxy answered, or something else listens there.
  }
  return { ok: false, status, code: 'unexpected', message: `the answer was status ${status}` };
}
