// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { runningSets } from './running-sets.ts';
import { API_SOCKET, here, type RuntimeEnvironment, runtimeBase } from './runtime-folder.ts';

/** Where a management API is. */
export type ApiEndpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly token: string | undefined;
    };

/** What was said on the command line; what is absent is looked for in the environment. */
export interface ApiLookup {
  /** `http://host:port` or `unix:PATH`. */
  readonly api?: string | undefined;
  /** Folder of a set that was brought up with `--state`. */
  readonly state?: string | undefined;
  /** Name of one of the sets that run here. */
  readonly set?: string | undefined;
}

/** `usage`: said wrongly, or not enough said; `none`: nothing runs here. */
export class ApiLookupError extends Error {
  override readonly name = 'ApiLookupError';
  readonly code: 'usage' | 'none';

  constructor(code: 'usage' | 'none', message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Finds the management API to talk to: `api`, `$VNFPOOL_API` (its token in `$VNFPOOL_TOKEN`), `state`, `$VNFPOOL_STATE`, and at last
 * the one set that runs here, or the one called `set` of several.
 *
 * @throws ApiLookupError
 */
export async function findApi(lookup: ApiLookup, from: RuntimeEnvironment = here()): Promise<ApiEndpoint> {
  const { env } = from;
  const said = lookup.api !== undefined || lookup.state !== undefined || lookup.set !== undefined;
  // What is said goes before what happens to be in the environment.
  const api = lookup.api ?? (said ? undefined : given(env['VNFPOOL_API']));
  if (api !== undefined) return parseApiAddress(api, given(env['VNFPOOL_TOKEN']));
  const state = lookup.state ?? (lookup.set === undefined ? given(env['VNFPOOL_STATE']) : undefined);
  if (state !== undefined) return { kind: 'unix', path: join(state, API_SOCKET) };

  const sets = await runningSets(from);
  const names = sets.map((set) => set.name).join(', ');
  if (lookup.set !== undefined) {
    const chosen = sets.find((set) => set.name === lookup.set);
    if (chosen !== undefined) return { kind: 'unix', path: chosen.socket };
    const others = sets.length === 0 ? 'none is running' : `running: ${names}`;
    throw new ApiLookupError('none', `no set ${lookup.set} is running here (${others})`);
  }
  const [only, second] = sets;
  if (second !== undefined) {
    throw new ApiLookupError('usage', `several sets are running here: ${names}; choose one with --set NAME`);
  }
  if (only !== undefined) return { kind: 'unix', path: only.socket };
  throw new ApiLookupError(
    'none',
    `no set is running here: start one with \`vnfpool up FILE\` (looked in ${runtimeBase(from)}${rootHint(from)})`,
  );
}

/**
 * Reads `unix:PATH` or `http://host:port`.
 *
 * @throws ApiLookupError `usage` for anything else
 */
export function parseApiAddress(text: string, token?: string): ApiEndpoint {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length).replace(/^\/\//, '');
    if (path !== '') return { kind: 'unix', path };
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' && url.pathname === '/' && url.search === '' && url.username === '') {
    // The page's address as `up` prints it carries its token behind the #.
    const shown = new URLSearchParams(url.hash.slice(1)).get('token') ?? undefined;
    const host = url.hostname.replace(/^\[|\]$/g, '');
    return { kind: 'tcp', host, port: Number(url.port || 80), token: shown ?? token };
  }
  throw new ApiLookupError('usage', `the address of an API is http://HOST:PORT or unix:PATH, got "${text}"`);
}

function given(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function rootHint(from: RuntimeEnvironment): string {
  return from.uid === 0 ? '' : '; a set that root started is seen by root only';
}
