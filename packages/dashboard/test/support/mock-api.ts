// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import type {
  DrainRequest,
  ErrorView,
  LabRequest,
  MaintenanceRequest,
  MoveRequest,
  UpgradeRequest,
} from '@vnfpool/core/management';
import { Scenario } from './scenario.ts';

export const mockToken = 'correct-token';

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Serves the built page and the management API of a scripted set on a free loopback port. */
export class MockApi {
  readonly scenario: Scenario = new Scenario(Date.now());
  /** Every POST body, in order of arrival, with its path. */
  readonly posts: { readonly path: string; readonly body: unknown }[] = [];
  /** Paths asked for that are neither of the API nor of the page. */
  readonly unknownPaths: string[] = [];
  /** While true every stream is refused and open ones are cut. */
  #down = false;
  /** Next POST is refused with this. */
  refusal: ErrorView['error'] | null = null;
  labAvailable = true;
  readonly #dist: string;
  readonly #server: Server;
  readonly #streams = new Set<ServerResponse>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(dist: string) {
    this.#dist = dist;
    this.#server = createServer((request, response) => {
      void this.#answer(request, response).catch(() => response.writeHead(500).end());
    });
    this.#timer = setInterval(() => this.#publishTraffic(), 200);
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Tells every page the state of now. */
  publish(): void {
    for (const stream of this.#streams) writeEvent(stream, 'state', this.scenario.state(Date.now()));
  }

  goDown(): void {
    this.#down = true;
    for (const stream of this.#streams) stream.destroy();
    this.#streams.clear();
  }

  comeBack(): void {
    this.#down = false;
  }

  #publishTraffic(): void {
    for (const stream of this.#streams) writeEvent(stream, 'traffic', this.scenario.traffic(Date.now()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    if (!path.startsWith('/v1/')) return this.#file(path, response);
    if (this.#down && path !== '/v1/lab') {
      return fail(response, 503, { code: 'unreachable', message: 'the manager does not answer' });
    }
    if (request.headers.authorization !== `Bearer ${mockToken}`) {
      return fail(response, 401, { code: 'unauthorized', message: 'the token is not known' });
    }
    if (request.method === 'POST') return this.#post(path, await readJson(request), response);
    if (path === '/v1/stream') return this.#stream(response);
    if (path === '/v1/state') return json(response, this.scenario.state(Date.now()));
    if (path === '/v1/lab' && this.labAvailable) return json(response, this.scenario.lab());
    if (path.startsWith('/v1/explain/pools/')) {
      return json(
        response,
        this.scenario.explain(decodeURIComponent(path.slice('/v1/explain/pools/'.length))),
      );
    }
    return fail(response, 404, { code: 'not-found', message: `nothing is at ${path}` });
  }

  #post(path: string, body: unknown, response: ServerResponse): void {
    this.posts.push({ path, body });
    if (this.refusal !== null) {
      fail(response, 409, this.refusal);
      this.refusal = null;
      return;
    }
    if (path === '/v1/lab') {
      const refusal = this.scenario.fault(body as LabRequest, Date.now());
      if (refusal !== null) return fail(response, 404, { code: 'unknown-target', message: refusal });
    } else if (path === '/v1/drain') {
      const { node, cancel = false } = body as DrainRequest;
      if (cancel) this.scenario.drained.delete(node);
      else this.scenario.drained.add(node);
    } else if (path === '/v1/maintenance') {
      const { node, off = false } = body as MaintenanceRequest;
      for (const set of [this.scenario.maintained, this.scenario.drained])
        if (off) set.delete(node);
        else set.add(node);
    } else if (path === '/v1/upgrade') {
      const { pool, action } = body as UpgradeRequest;
      const upgrade = this.scenario.upgrades.get(pool);
      const states = { pause: 'paused', resume: 'going', rollback: 'rolling-back' } as const;
      if (upgrade) this.scenario.upgrades.set(pool, { ...upgrade, state: states[action] });
    } else if (path === '/v1/move') {
      this.scenario.moves.delete((body as MoveRequest).instance);
    } else {
      this.scenario.failOver((body as { pool: string }).pool, Date.now(), 'handover');
    }
    response.writeHead(204).end();
    this.publish();
    if (this.scenario.managerRuns()) this.comeBack();
    else this.goDown();
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    writeEvent(response, 'state', this.scenario.state(Date.now()));
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
  }

  async #file(path: string, response: ServerResponse): Promise<void> {
    const name = normalize(path === '/' ? '/index.html' : path);
    try {
      const body = await readFile(join(this.#dist, name));
      response.writeHead(200, { 'content-type': contentTypes[extname(name)] ?? 'application/octet-stream' });
      response.end(body);
    } catch {
      this.unknownPaths.push(path);
      response.writeHead(404).end();
    }
  }
}

function writeEvent(response: ServerResponse, event: string, data: unknown): void {
  response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function fail(response: ServerResponse, status: number, error: ErrorView['error']): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return JSON.parse(text);
}
