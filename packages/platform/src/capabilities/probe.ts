// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { createLinuxClocks, readJiffyMs } from '../clocks/clocks.ts';
import { PlatformError } from '../errors.ts';
import { keyOf, keyText } from '../fence/guarded.ts';
import { horizonElement, readClocks } from '../fence/horizon-element.ts';
import { fenceRequests, horizonPlaces } from '../fence/ruleset.ts';
import { ADD_ADDRESS, addAddressRequest } from '../netlink/address.ts';
import { CREATE_LINK, vethRequest } from '../netlink/link.ts';
import { message, NLM_F_ACK, NLM_F_REQUEST } from '../netlink/message.ts';
import { encodeTransaction, setRequests } from '../netlink/nftables.ts';
import { NETLINK_NETFILTER, NETLINK_ROUTE } from '../netlink/socket.ts';
import { ENTER_COMMAND, type Privilege } from './enter.ts';
import { PROBE_SCRIPT, type ProbeAnswer, type ProbeBatch, type ProbeTask } from './probe-script.ts';

const PROBE_TIMEOUT_MS = 20_000;
const TABLE = 'vnfprobe';
const LINK = 'vnfprobe0';
const LINK_INDEX = 4242;
const ADDRESS = '192.0.2.1';

/** What the host lets us do with namespaces. */
export type NamespaceCapability =
  | {
      readonly mode: 'full';
      readonly privilege: Privilege;
      /** What to put before a command to enter. */
      readonly enter: readonly string[];
      /** Whether the fence stops frames that AF_PACKET sends. */
      readonly hasEgress: boolean;
    }
  | {
      readonly mode: 'none';
      /** What failed, in a line for people. */
      readonly reason: string;
      /** What to do about it, in a line for people. */
      readonly remedy: string;
    };

/** How the probe runs. */
export interface ProbeOptions {
  /** Forms to try, in order; default `root`, then `user`, for root, and `user` for others. */
  readonly privileges?: readonly [Privilege, ...Privilege[]];
  /** Put before everything, for instance to become another user. */
  readonly prefix?: readonly string[];
}

/**
 * Finds out by doing, in a child process in namespaces made as `up` makes them: a veth pair, an address, the fence's
 * rules with the egress hook, and an element of it that must expire. Takes about half a second, synchronously.
 */
export function probeNamespaces(options: ProbeOptions = {}): NamespaceCapability {
  if (process.platform !== 'linux') {
    const reason = `network namespaces need Linux, not ${process.platform}`;
    return { mode: 'none', reason, remedy: 'go on without, on loopback addresses' };
  }
  let task: ProbeTask;
  try {
    task = makeTask();
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    return { mode: 'none', reason: error.message, remedy: 'install again, with optional packages' };
  }
  const isRoot = process.geteuid?.() === 0;
  const privileges = options.privileges ?? (isRoot ? (['root', 'user'] as const) : (['user'] as const));
  let refusal: NamespaceCapability | undefined;
  for (const privilege of privileges) {
    const result = probe(privilege, task, options.prefix ?? []);
    if (result.mode === 'full') return result;
    // The first form says more about what is missing.
    refusal ??= result;
  }
  return refusal ?? { mode: 'none', reason: 'nothing tried', remedy: 'run with sudo' };
}

function probe(privilege: Privilege, task: ProbeTask, prefix: readonly string[]): NamespaceCapability {
  const enter = ENTER_COMMAND[privilege];
  const command = [...prefix, ...enter, process.execPath, '-e', PROBE_SCRIPT, JSON.stringify(task)];
  const run = spawnSync(command[0] ?? '', command.slice(1), {
    encoding: 'utf8',
    timeout: PROBE_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  if (run.error !== undefined) {
    const isMissing = (run.error as NodeJS.ErrnoException).code === 'ENOENT';
    const remedy = isMissing ? 'apt install util-linux' : 'run with sudo';
    return { mode: 'none', reason: `unshare: ${run.error.message}`, remedy };
  }
  const answer = readAnswer(run.stdout);
  if (answer === undefined) {
    const complaint = run.stderr.trim().split('\n', 1)[0] ?? '';
    return {
      mode: 'none',
      reason: `namespaces are refused: ${complaint || `exit status ${String(run.status)}`}`,
      remedy: 'run with sudo',
    };
  }
  if (answer.failed === undefined) return { mode: 'full', privilege, enter, hasEgress: answer.hasEgress };
  const reason = `${answer.failed}: ${answer.error}`;
  return { mode: 'none', reason, remedy: remedyFor(answer, privilege) };
}

function remedyFor(answer: ProbeAnswer, privilege: Privilege): string {
  if (answer.failed === 'nft' && answer.error.includes('ENOENT')) return 'apt install nftables';
  if (privilege === 'user') return 'run with sudo';
  if (answer.failed === 'veth') return 'load the kernel module veth (modprobe veth)';
  if (answer.failed === 'nft' || answer.failed === 'element' || answer.failed === 'expiry') {
    return 'use a kernel with nftables sets (nf_tables, 5.6 or newer)';
  }
  return 'give the container CAP_NET_ADMIN and CAP_SYS_ADMIN, or run on the host with sudo';
}

function readAnswer(output: string): ProbeAnswer | undefined {
  try {
    return JSON.parse(output) as ProbeAnswer;
  } catch {
    return undefined;
  }
}

function makeTask(): ProbeTask {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const request = (of: { type: number; flags: number }, parts: readonly Uint8Array[]): string =>
    hex(message(of.type, of.flags | NLM_F_REQUEST | NLM_F_ACK, 1, parts));
  const clocks = createLinuxClocks();
  const openMs = 200;
  const horizon = 1;
  const endMs = clocks.boottimeMs() + openMs;
  const element = horizonElement(endMs, readClocks(clocks), readJiffyMs());
  if (element === undefined) throw new PlatformError('BUSY', 'the host stood still', { call: 'probe' });
  const opening = horizonPlaces(TABLE, horizon).flatMap((place) =>
    setRequests({ change: 'add', place, elements: [element] }),
  );
  const batch = (requests: ReturnType<typeof setRequests>): ProbeBatch => ({
    bytes: hex(encodeTransaction(requests)),
    acks: requests.length,
  });
  const values = new Map([[keyText(keyOf({ what: 'address', address: ADDRESS })), horizon]]);
  const contents = { values, elements: new Map() };
  const rules = (withEgress: boolean): ProbeBatch =>
    batch(fenceRequests({ table: TABLE, links: [LINK], contents, withEgress, tableFlags: 0 }));
  return {
    koffi: createRequire(import.meta.url).resolve('koffi'),
    table: TABLE,
    route: NETLINK_ROUTE,
    netfilter: NETLINK_NETFILTER,
    veth: request(CREATE_LINK, vethRequest({ name: LINK }, { name: 'vnfprobe1' }, LINK_INDEX)),
    address: request(ADD_ADDRESS, addAddressRequest(LINK_INDEX, { address: ADDRESS, prefix: 32 }, true)),
    rules: [rules(true), rules(false)],
    opening: batch(opening),
    set: horizonPlaces(TABLE, horizon)[0]?.set ?? '',
  };
}
