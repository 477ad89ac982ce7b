// SPDX-License-Identifier: Apache-2.0
import { type Agent, request } from 'node:http';

export interface PostOptions {
  /** Connections to use again; default a new one for each request. */
  readonly agent?: Agent;
  /** Silence after which it fails; default never. */
  readonly timeout?: number;
}

/** POST to a management API on a Unix socket; gives the answer's JSON. @throws Error with the refusal's own words */
export function postJson(
  socketPath: string,
  path: string,
  body: unknown,
  options: PostOptions = {},
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const outgoing = request({ socketPath, path, method: 'POST', headers, ...options }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        text += chunk;
      });
      answer.once('error', reject);
      answer.once('end', () => {
        const status = answer.statusCode ?? 500;
        try {
          const said = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
          if (status < 400) resolve(said);
          else
            reject(
              new Error((said['error'] as { message?: string } | undefined)?.message ?? `status ${status}`),
            );
        } catch (error) {
          reject(new Error(`status ${status} with a body that is no JSON`, { cause: error }));
        }
      });
    });
    outgoing.once('timeout', () => outgoing.destroy(new Error('no answer')));
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify(body));
  });
}
