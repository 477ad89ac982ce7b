// SPDX-License-Identifier: Apache-2.0

/** A transaction. */
export interface ProbeBatch {
  /** Hexadecimal. */
  readonly bytes: string;
  readonly acks: number;
}

/** What the child is told: the very messages that the product sends. */
export interface ProbeTask {
  /** Path of koffi. */
  readonly koffi: string;
  readonly table: string;
  readonly route: number;
  readonly netfilter: number;
  readonly veth: string;
  readonly address: string;
  /** Rule sets to try in order: with egress hook, without. */
  readonly rules: readonly [ProbeBatch, ProbeBatch];
  readonly opening: ProbeBatch;
  /** The set that it fills. */
  readonly set: string;
}

/** What the child says, as JSON on its output. */
export interface ProbeAnswer {
  /** The step that failed; missing when all went well. */
  readonly failed?: 'koffi' | 'veth' | 'address' | 'nft' | 'element' | 'expiry';
  readonly error: string;
  readonly hasEgress: boolean;
}

/** The child: plain CommonJS for `node -e`, since it runs before anything of ours can be loaded inside. */
export const PROBE_SCRIPT: string = `
const { spawnSync } = require('node:child_process');
const task = JSON.parse(process.argv[1]);
let failed = 'koffi', hasEgress = false;
const nft = (args, input) => {
  const run = spawnSync('nft', args, { input, encoding: 'utf8' });
  if (run.error) throw run.error;
  return run;
};
try {
  const koffi = require(task.koffi);
  const c = koffi.load(null);
  const socket = c.func('int socket(int, int, int)');
  const sendto = c.func('long sendto(int, const void *, size_t, int, const void *, uint32_t)');
  const recv = c.func('long recv(int, void *, size_t, int)');
  const kernel = Buffer.alloc(12);
  kernel.writeUInt16LE(16);
  const answer = Buffer.alloc(32768);
  const send = (protocol, hex, acks) => {
    const bytes = Buffer.from(hex, 'hex');
    const fd = socket(16, 3, protocol);
    if (fd < 0) throw new Error('netlink socket, errno ' + koffi.errno());
    if (sendto(fd, bytes, bytes.length, 0, kernel, 12) < 0) throw new Error('errno ' + koffi.errno());
    for (let seen = 0; seen < acks; ) {
      const length = recv(fd, answer, answer.length, 0);
      if (length < 0) throw new Error('errno ' + koffi.errno());
      for (let at = 0; at + 20 <= length; at += (answer.readUInt32LE(at) + 3) & ~3) {
        const errno = -answer.readInt32LE(at + 16);
        if (errno !== 0) throw new Error(require('node:util').getSystemErrorName(-errno));
        seen++;
      }
    }
  };
  failed = 'veth';
  send(task.route, task.veth, 1);
  failed = 'address';
  send(task.route, task.address, 1);
  failed = 'nft';
  // Whoever runs functions in networks of their own needs the program, too.
  nft(['--version']);
  const load = (batch) => send(task.netfilter, batch.bytes, batch.acks);
  try {
    load(task.rules[0]);
    hasEgress = true;
  } catch {
    load(task.rules[1]);
  }
  failed = 'element';
  const isThere = () => nft(['list', 'set', 'inet', task.table, task.set]).stdout.includes('elements');
  load(task.opening);
  if (!isThere()) {
    // Slow machines may list after its end; a second one of the same kind would be late for its interval.
    failed = undefined;
  } else {
    failed = 'expiry';
    const deadline = Date.now() + 5000;
    while (isThere()) if (Date.now() > deadline) throw new Error('an element outlives its timeout');
    failed = undefined;
  }
  process.stdout.write(JSON.stringify({ failed, error: '', hasEgress }));
} catch (error) {
  process.stdout.write(JSON.stringify({ failed, error: String(error.code || '') + ' ' + error.message, hasEgress }));
}
`;
