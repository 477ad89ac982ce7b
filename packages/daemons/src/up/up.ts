// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { DeclaredSet } from '@vnfpool/core/declared';
import type { FaultView } from '@vnfpool/core/management';
import { councilWeaknesses } from '@vnfpool/core/planner';
import { probeNamespaces } from '@vnfpool/platform/capabilities';
import { readDeclaration } from '@vnfpool/runtime/declaration';
import { runtimeFolder } from '@vnfpool/runtime/runtime-folder';
import { createFront } from './front.ts';
import { LAB_TASK, type LabLine, type LabTask } from './lab-main.ts';
import { LayoutError, layOut } from './layout.ts';
import { AlreadyRunningError, clearLeftovers, own } from './leftovers.ts';
import { tryLine } from './try-line.ts';

export interface UpOptions {
  readonly file: string;
  /** Keep keys and store here; default: a runtime folder that goes when `up` ends. */
  readonly state?: string;
  /** TCP port of the page on 127.0.0.1; 0: any. */
  readonly port: number;
  readonly mode: 'auto' | 'namespaces' | 'loopback';
  /** Program and first arguments that start our command line. */
  readonly command: readonly string[];
  readonly say: (line: string) => void;
  readonly complain: (line: string) => void;
  /** Ends everything when it is aborted. */
  readonly signal: AbortSignal;
}

/** The port that `up` takes when it is free. */
export const PAGE_PORT = 8600;

/**
 * Brings a declared set up on this machine and keeps it until `signal`; resolves with the exit code when
 * nothing of it is left.
 */
export async function runUp(options: UpOptions): Promise<number> {
  const { say, complain } = options;
  let text: string;
  try {
    text = readFileSync(options.file, 'utf8');
  } catch (error) {
    complain(`${options.file}: ${(error as Error).message}`);
    return 1;
  }
  const read = readDeclaration(text, options.file);
  if ('faults' in read) {
    for (const fault of read.faults) complain(faultLine(fault));
    complain('nothing was started');
    return 1;
  }
  const { set } = read;
  const folder = options.state ?? runtimeFolder(set.name);
  const keep = options.state !== undefined;
  try {
    clearLeftovers(folder, keep, say);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    own(folder);
  } catch (error) {
    complain(`set ${set.name}: ${(error as Error).message}`);
    return error instanceof AlreadyRunningError ? 1 : 2;
  }
  const chosen = chooseMode(options, set);
  if (chosen === null) return 1;
  const { mode, enter } = chosen;

  const token = randomBytes(18).toString('base64url');
  const fronts: Server[] = [];
  try {
    const sockets = { managerSocket: `${folder}/manager/api.sock`, labSocket: `${folder}/lab.sock` };
    const local = createFront({ ...sockets, token: null });
    await listen(local, `${folder}/api.sock`);
    chmodSync(`${folder}/api.sock`, 0o600);
    const page = createFront({ ...sockets, token });
    await listenOnPort(page, options.port);
    fronts.push(local, page);
    const { port } = page.address() as AddressInfo;
    const declaration = { text, file: options.file };
    return await keepUp(
      { ...options, folder, enter, task: { set, declaration, mode, folder, command: options.command } },
      () => {
        say(`set ${set.name} is up; its state is in ${folder}${keep ? '' : ' until it ends'}`);
        say(`page     http://127.0.0.1:${port}/#token=${token}`);
        for (const weakness of councilWeaknesses(set)) say(`note     ${weakness}`);
        say(`try      ${tryLine(set, options.state)}`);
        say('Ctrl-C takes everything down again');
      },
    );
  } finally {
    for (const front of fronts) {
      front.close();
      front.closeAllConnections();
    }
    if (keep)
      for (const name of ['up.json', 'processes.json', 'api.sock', 'lab.sock'])
        rmSync(`${folder}/${name}`, { force: true });
    else rmSync(folder, { recursive: true, force: true });
  }
}

/** How the processes are separated, and what is put before the command of the process inside. */
interface Mode {
  readonly mode: 'namespaces' | 'loopback';
  readonly enter: readonly string[];
}

function chooseMode(options: UpOptions, set: DeclaredSet): Mode | null {
  const { say, complain } = options;
  if (options.mode === 'loopback') {
    say('mode     plain processes on loopback, as asked: no virtual addresses, no fence');
    return { mode: 'loopback', enter: [] };
  }
  try {
    layOut(set);
  } catch (error) {
    if (!(error instanceof LayoutError)) throw error;
    complain(error.message);
    return null;
  }
  const probed = probeNamespaces();
  if (probed.mode === 'full') {
    say(
      'mode     a network namespace for each process, joined by a bridge; virtual addresses behind a fence',
    );
    return { mode: 'namespaces', enter: probed.enter };
  }
  if (options.mode === 'namespaces') {
    complain(`network namespaces cannot be had: ${probed.reason}; ${probed.remedy}`);
    return null;
  }
  say(
    `mode     plain processes on loopback, without virtual addresses and fence: ${probed.reason}; for the full mode: ${probed.remedy}`,
  );
  return { mode: 'loopback', enter: [] };
}

/** Runs the process inside until it ends or we are told to end it. */
function keepUp(
  options: UpOptions & { folder: string; enter: readonly string[]; task: LabTask },
  onReady: () => void,
): Promise<number> {
  const { say, complain, task, signal, enter } = options;
  const inner = [process.execPath, fileURLToPath(new URL('./lab-main.js', import.meta.url))];
  // The first process of a process namespace inherits orphans and must collect them: a shell does, Node does not.
  const collector = enter.length === 0 ? [] : ['sh', '-c', '"$@"; exit $?', 'sh'];
  const [program = '', ...rest] = [...enter, ...collector, ...inner];
  const child: ChildProcess = spawn(program, rest, {
    stdio: ['pipe', 'pipe', 'inherit'],
    // A process group of its own: Ctrl-C in the terminal reaches only us, and we take the rest down in order.
    detached: true,
    env: { ...process.env, [LAB_TASK]: JSON.stringify(task) },
  });
  child.stdin?.on('error', () => {});
  const end = (): void => {
    say('taking everything down');
    child.stdin?.end();
  };
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });

  let failed = false;
  createInterface({ input: child.stdout as NonNullable<typeof child.stdout> }).on('line', (line) => {
    const said = JSON.parse(line) as LabLine;
    if ('ready' in said) onReady();
    else if ('say' in said) say(said.say);
    else {
      failed = true;
      complain(said.failed);
    }
  });
  return new Promise((resolve) => {
    child.once('error', (error) => {
      complain(`could not start ${program}: ${error.message}`);
      resolve(1);
    });
    child.once('exit', (code) => {
      signal.removeEventListener('abort', end);
      if (!signal.aborted && !failed)
        complain(`the set ended by itself (exit code ${code}); its logs were in ${options.folder}`);
      resolve(signal.aborted && !failed ? 0 : 1);
    });
  });
}

function faultLine({ file, line, column, path, message }: FaultView): string {
  return `${file}:${line}:${column} ${path}: ${message}`;
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}

/** The asked port, or any when the default one is taken. */
async function listenOnPort(server: Server, port: number): Promise<void> {
  const tryPort = (candidate: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(candidate, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  try {
    await tryPort(port);
  } catch (error) {
    if (port !== PAGE_PORT || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    await tryPort(0);
  }
}
