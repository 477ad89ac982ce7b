// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { createRequests, refusal } from '../../src/api/requests.ts';

function answering(response: () => Response): { send: typeof fetch; asked: [string, RequestInit][] } {
  const asked: [string, RequestInit][] = [];
  const send: typeof fetch = (input, init) => {
    asked.push([input as string, init ?? {}]);
    return Promise.resolve().then(response);
  };
  return { send, asked };
}

describe('requests', () => {
  test('carry the token, and the fault as JSON', async () => {
    const { send, asked } = answering(() => new Response(null, { status: 204 }));
    const answer = await createRequests('secret', send).fault({ action: 'kill', target: 'web#1' });
    expect(answer).toEqual({ ok: true, value: null });
    expect(asked[0]?.[0]).toBe('/v1/lab');
    expect(asked[0]?.[1]).toMatchObject({
      method: 'POST',
      headers: { authorization: 'Bearer secret', 'content-type': 'application/json' },
      body: '{"action":"kill","target":"web#1"}',
    });
  });

  test('escape the name of a pool', async () => {
    const { send, asked } = answering(() => Response.json({ pool: 'a/b', lines: [], slots: [] }));
    await createRequests('secret', send).explain('a/b');
    expect(asked[0]?.[0]).toBe('/v1/explain/pools/a%2Fb');
  });

  test('a manager that cannot be reached is an answer, not an exception', async () => {
    const { send } = answering(() => {
      throw new TypeError('fetch failed');
    });
    expect(await createRequests('secret', send).lab()).toMatchObject({ ok: false, status: 0 });
  });

  test('a refusal keeps its code and words; any other body still gives a sentence', () => {
    const body = '{"error":{"code":"conflict","message":"node-b is starting"}}';
    expect(refusal(409, body)).toEqual({
      ok: false,
      status: 409,
      code: 'conflict',
      message: 'node-b is starting',
    });
    for (const odd of ['', '<html>', 'null', '{"error":null}', '[]']) {
      expect(refusal(502, odd)).toMatchObject({ ok: false, message: 'the answer was status 502' });
    }
  });
});
