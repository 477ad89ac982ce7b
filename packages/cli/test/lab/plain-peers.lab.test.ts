// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { fromHex, toHex } from '@vnfpool/wire/bytes';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { endAll, endFunctions } from './functions-left.ts';
import { bin, type Child, notBuilt, start, until } from './support.ts';

/*
 * Peers that know the draft and nothing of ours, as octets written by hand: a node under our manager in the terminal,
 * and a manager over our agent.
 */

const NODE = '04000004 0000000a';
const FUNCTION = '05000004 00000065';
const HSS = '07010003 485353';
const status = (text: string): string =>
  `0732${hex16(text.length)}${toHex(Uint8Array.from(text, (letter) => letter.charCodeAt(0)))}`;
const hex16 = (value: number): string => value.toString(16).padStart(4, '0');

let folder: string;
let children: Child[];
let sockets: Socket[];
let server: ReturnType<typeof createServer> | null;

beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/vnfpool-plain-`);
  children = [];
  sockets = [];
  server = null;
});
afterEach(async () => {
  await endAll(children);
  endFunctions(folder);
  for (const socket of sockets) socket.destroy();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

function launch(...args: readonly string[]): Child {
  const child = start([process.execPath, bin, ...args]);
  children.push(child);
  return child;
}

/** One end of a connection, message by message, in hexadecimal. */
class PlainPeer {
  readonly #socket: Socket;
  readonly #messages: string[] = [];
  #rest: Uint8Array = new Uint8Array();

  constructor(socket: Socket) {
    this.#socket = socket;
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (piece: Uint8Array) => {
      this.#rest = Buffer.concat([this.#rest, piece]);
      for (;;) {
        const bytes = (((this.#rest[2] ?? 0) << 8) | (this.#rest[3] ?? 0)) + 4;
        if (this.#rest.length < 4 || this.#rest.length < bytes) return;
        this.#take(toHex(this.#rest.subarray(0, bytes)));
        this.#rest = this.#rest.subarray(bytes);
      }
    });
  }

  /** Code and number in four octets, then options. */
  send(type: string, codeAndNumber: string, ...options: readonly string[]): void {
    const rest = `${codeAndNumber}${options.join('')}`.replaceAll(' ', '');
    this.#socket.write(fromHex(`${type}${hex16(rest.length / 2)}${rest}`));
  }

  /** The next message of this type and sub-type. */
  async next(type: string): Promise<string> {
    return await until(`a message ${type}`, () => {
      const at = this.#messages.findIndex((message) => message.startsWith(type));
      return at < 0 ? undefined : this.#messages.splice(at, 1)[0];
    });
  }

  #take(message: string): void {
    // A sign of life is asked for all the time.
    if (message.startsWith('02')) this.send('0600', `00${message.slice(10, 16)}`, NODE);
    else this.#messages.push(message);
  }
}

/** Takes STATUS-UPDATEs, and answers them, until one has this running status. */
async function updateWith(manager: PlainPeer, text: string): Promise<string> {
  for (let updates = 0; updates < 10; updates += 1) {
    const update = await manager.next('0400');
    manager.send('0600', `00${numberOf(update)}`, NODE);
    if (update.includes(status(text))) return update;
  }
  throw new Error(`ten updates, none ${text}`);
}

const numberOf = (message: string): string => message.slice(10, 16);

describe.skipIf(notBuilt !== '')(`peers that know only the draft ${notBuilt}`, () => {
  test('a node under our manager: registered, ordered by name, told of, and nothing of our extensions is sent', async () => {
    const commands = [
      'wait 10',
      'add 10 101 --name HSS',
      'wait 10 101 Running',
      'delete 10 101',
      'wait 10 101 gone',
    ];
    const manager = launch(
      'mobility',
      'serve',
      '--plain',
      '--listen',
      '127.0.0.1:0',
      '--json',
      ...commands.flatMap((line) => ['--command', line]),
    );
    const port = await until('it listens', () => /"port":(\d+)/.exec(manager.stdout())?.[1]);
    const node = new PlainPeer(connect(Number(port), '127.0.0.1'));
    // E1 and E2 of the worked examples, octet for octet.
    const bootTime = '06280008 ed00378080000000';
    node.send(
      '0100',
      '00000001',
      NODE,
      '01000004 c000020a',
      '06010003 322e34',
      '060a000a 38353839393334353932',
      bootTime,
    );
    expect(await node.next('0600')).toBe('0600000c00000001040000040000000a');
    const add = await node.next('0302');
    expect(add.slice(16)).toBe(`${NODE}${FUNCTION}${HSS}`.replaceAll(' ', ''));
    node.send('0602', `00${numberOf(add)}`, NODE, FUNCTION, status('Starting'));
    node.send('0400', '00000002', NODE, FUNCTION, status('Running'));
    expect(await node.next('0600')).toBe('0600000c00000002040000040000000a');
    const end = await node.next('0303');
    expect(end.slice(16)).toBe(`${NODE}${FUNCTION}`.replaceAll(' ', ''));
    node.send('0603', `00${numberOf(end)}`, NODE, FUNCTION, status('Terminating'));
    node.send('0400', '00000003', NODE, FUNCTION, status('Unknown'));
    const { code, stderr, stdout } = await manager.ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('"addresses":["192.0.2.10"]');
  });

  test('another start of our manager uses other numbers: the node remembers those of the last', async () => {
    const used: number[] = [];
    for (let run = 0; run < 2; run += 1) {
      const manager = launch(
        'mobility',
        'serve',
        '--plain',
        '--listen',
        '127.0.0.1:0',
        '--json',
        '--command',
        'wait 10',
        '--command',
        'add 10 101 --name HSS',
      );
      const port = await until('it listens', () => /"port":(\d+)/.exec(manager.stdout())?.[1]);
      const node = new PlainPeer(connect(Number(port), '127.0.0.1'));
      node.send('0100', '00000001', NODE, '06280008 ed00378080000000');
      const add = await node.next('0302');
      used.push(Number.parseInt(numberOf(add), 16));
      node.send('0602', `00${numberOf(add)}`, NODE, FUNCTION, status('Running'));
      expect((await manager.ended).code).toBe(0);
    }
    // By the arithmetic of 24-bit numbers.
    const [first = 0, second = 0] = used;
    expect((second - first + 2 ** 24) % 2 ** 24).toBeGreaterThan(0);
    expect((second - first + 2 ** 24) % 2 ** 24).toBeLessThan(2 ** 23);
  });

  test('a manager over our agent: it chooses from the catalogue by name, and everything comes back plain', async () => {
    const catalogue = `${folder}/programs.yaml`;
    writeFileSync(catalogue, 'HSS:\n  command: [/bin/sh, -c, exec sleep 600]\n');
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const { port } = server.address() as AddressInfo;
    launch(
      'node',
      '--manager',
      `127.0.0.1:${port}`,
      '--plain',
      '--node-id',
      '10',
      '--catalogue',
      catalogue,
      '--state',
      `${folder}/node`,
      '--listen',
      '127.0.0.1',
    );
    const manager = new PlainPeer((await accepted)[0]);
    const registration = await manager.next('0100');
    expect(registration.slice(16)).toContain(`${NODE}01000004 7f000001`.replaceAll(' ', ''));
    manager.send('0600', `00${numberOf(registration)}`, NODE);
    manager.send('0302', '00000001', NODE, FUNCTION, HSS);
    const started = await manager.next('0602');
    expect(started.slice(8, 16)).toBe('00000001');
    expect(started.slice(16)).toBe(`${NODE}${FUNCTION}${status('Starting')}`.replaceAll(' ', ''));
    const running = await updateWith(manager, 'Running');
    // Extensions stand in options 9/255.
    expect(running).not.toContain('09ff');
    manager.send('0301', '00000002', NODE, FUNCTION, '07010000', '07320000');
    expect((await manager.next('0601')).slice(16)).toContain(
      `${NODE}${FUNCTION}${HSS}${status('Running')}`.replaceAll(' ', ''),
    );
    // Again: it is the same program, and runs. Another name: the catalogue does not have it.
    manager.send('0302', '00000003', NODE, FUNCTION, HSS);
    expect((await manager.next('0602')).slice(8, 16)).toBe('00000003');
    manager.send('0302', '00000004', NODE, '05000004 00000066', '07010003 414d46');
    expect((await manager.next('0602')).slice(8, 16)).toBe('80000004');
    manager.send('0303', '00000005', NODE, FUNCTION);
    expect((await manager.next('0603')).slice(8, 16)).toBe('00000005');
    const gone = await updateWith(manager, 'Unknown');
    expect(gone).not.toContain('09ff');
  });
});
