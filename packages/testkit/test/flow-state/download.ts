// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { inNamespace, type NetworkNamespace } from '@vnfpool/platform/namespaces';
import { SERVER } from './gateways.ts';

/** Sends without end, a piece every few milliseconds, until a line comes in; then ends the connection. */
const SERVER_PROGRAM = `
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
const say = (...words) => process.stdout.write(words.join(' ') + '\\n');
let stopping = false;
process.stdin.on('data', () => { stopping = true; });
const server = createServer((socket) => {
  say('peer', socket.remoteAddress, socket.remotePort);
  const hash = createHash('sha256');
  let sent = 0;
  const timer = setInterval(() => {
    if (stopping) {
      clearInterval(timer);
      socket.end();
      say('sent', sent, hash.digest('hex'));
      server.close();
    } else if (!socket.writableNeedDrain) {
      const piece = Buffer.alloc(16384, sent / 16384);
      hash.update(piece);
      sent += piece.length;
      socket.write(piece);
    }
  }, 2);
  socket.on('error', (error) => { clearInterval(timer); say('lost', error.code); server.close(); });
  socket.resume();
}).listen(${SERVER.port}, '${SERVER.address}', () => say('ready'));
`;

const CLIENT_PROGRAM = `
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
const say = (...words) => process.stdout.write(words.join(' ') + '\\n');
const hash = createHash('sha256');
let got = 0;
let told = 0;
connect(${SERVER.port}, '${SERVER.address}')
  .on('data', (piece) => {
    hash.update(piece);
    got += piece.length;
    if (got - told >= 65536) say('got', told = got);
  })
  .on('end', () => say('end', got, hash.digest('hex')))
  .on('error', (error) => say('lost', error.code));
`;

/** A program of the lab and what it said so far. */
export interface Talker {
  /** Resolves with the words of the first line, said or yet to come, that begins with one of `words` and fits. */
  line(words: readonly string[], fits?: (line: readonly string[]) => boolean): Promise<readonly string[]>;
  /** Octets that the client has told of. */
  readonly got: number;
  tell(text: string): void;
  kill(): void;
}

/** Starts the server in its namespace. */
export function startServer(namespace: NetworkNamespace): Talker {
  return start(namespace, SERVER_PROGRAM);
}

/** Starts the download in the client's namespace. */
export function startClient(namespace: NetworkNamespace): Talker {
  return start(namespace, CLIENT_PROGRAM);
}

function start(namespace: NetworkNamespace, program: string): Talker {
  const child: ChildProcess = inNamespace(namespace.fd, () =>
    spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('a program without pipes');
  stdin.on('error', () => {});
  const said: string[][] = [];
  const waiting = new Set<() => void>();
  let got = 0;
  let hasEnded = false;
  const wake = (): void => {
    for (const check of waiting) check();
  };
  createInterface({ input: stdout }).on('line', (text) => {
    const words = text.split(' ');
    if (words[0] === 'got') got = Number(words[1]);
    said.push(words);
    wake();
  });
  child.once('close', () => {
    hasEnded = true;
    wake();
  });
  return {
    get got() {
      return got;
    },
    line: (words, fits = () => true) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const found = said.find((line) => words.includes(line[0] ?? '') && fits(line));
          if (found === undefined && !hasEnded) return;
          waiting.delete(check);
          if (found !== undefined) resolve(found);
          else reject(new Error(`ended without ${words.join(' or ')}; last: ${said.at(-1)?.join(' ')}`));
        };
        waiting.add(check);
        check();
      }),
    tell: (text) => {
      stdin.write(`${text}\n`);
    },
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}
