// SPDX-License-Identifier: Apache-2.0
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { DeclaredSet } from '@vnfpool/core/declared';
import type { LabRequest } from '@vnfpool/core/management';
import { Lab, LabError } from './lab.ts';
import { type Layout, layOut, layOutOnLoopback } from './layout.ts';
import { createBridgedNetwork, createLoopbackNetwork } from './network.ts';

/** What `up` hands to the process that it starts inside the namespaces, in the environment. */
export interface LabTask {
  readonly set: DeclaredSet;
  readonly declaration: { readonly text: string; readonly file: string };
  readonly mode: 'namespaces' | 'loopback';
  readonly folder: string;
  readonly command: readonly string[];
}

export const LAB_TASK = 'VNFPOOL_LAB_TASK';

/** Lines on standard output, as JSON, by which the process inside tells `up` how it goes. */
export type LabLine = { readonly ready: true } | { readonly say: string } | { readonly failed: string };

const BODY_BYTES_MAX = 4096;

function tell(line: LabLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function main(task: LabTask): Promise<void> {
  const { set, mode, folder } = task;
  const layout: Layout = mode === 'namespaces' ? layOut(set) : layOutOnLoopback(set);
  const network = mode === 'namespaces' ? createBridgedNetwork(layout) : createLoopbackNetwork();
  const lab = new Lab({ ...task, layout, network, say: (say) => tell({ say }) });
  const socket = `${folder}/lab.sock`;
  const server = createLabApi(lab);

  let ending: Promise<void> | null = null;
  const end = (code: number): void => {
    ending ??= lab.takeDown().finally(() => {
      server.close();
      process.exit(code);
    });
  };
  // `up` is gone when the pipe closes, however it ended.
  process.stdin
    .on('end', () => end(0))
    .on('error', () => end(0))
    .resume();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => end(0));

  rmSync(socket, { force: true });
  server.listen(socket, () => chmodSync(socket, 0o600));
  try {
    await lab.bringUp();
    tell({ ready: true });
  } catch (error) {
    if (ending === null) tell({ failed: (error as Error).message });
    end(1);
  }
}

function createLabApi(lab: Lab): Server {
  return createServer((incoming, outgoing) => {
    if (incoming.method === 'GET') {
      answer(outgoing, 200, lab.view());
      return;
    }
    readRequest(incoming)
      .then((asked) => lab.act(asked))
      .then(() => outgoing.writeHead(204).end())
      .catch((error: unknown) => {
        const code = error instanceof LabError ? error.code : 'bad-request';
        answer(outgoing, code === 'unknown-target' ? 422 : code === 'wrong-state' ? 409 : 400, {
          error: { code, message: (error as Error).message },
        });
      });
  });
}

async function readRequest(incoming: IncomingMessage): Promise<LabRequest> {
  let text = '';
  incoming.setEncoding('utf8');
  for await (const chunk of incoming) {
    text += chunk;
    if (text.length > BODY_BYTES_MAX) throw new Error(`the body is longer than ${BODY_BYTES_MAX} octets`);
  }
  const asked = JSON.parse(text) as Partial<LabRequest>;
  const actions = ['kill', 'pause', 'resume', 'start', 'replace'];
  if (typeof asked.target !== 'string' || !actions.includes(String(asked.action))) {
    throw new Error(`expected {"action": one of ${actions.join(', ')}, "target": a name}`);
  }
  return asked as LabRequest;
}

function answer(outgoing: ServerResponse, status: number, body: unknown): void {
  outgoing.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  outgoing.end(`${JSON.stringify(body)}\n`);
}

const text = process.env[LAB_TASK];
if (text !== undefined) {
  delete process.env[LAB_TASK];
  main(JSON.parse(text) as LabTask).catch((error: unknown) => {
    tell({ failed: (error as Error).message });
    process.exit(1);
  });
}
