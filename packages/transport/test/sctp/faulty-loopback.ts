// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

/** Drops every packet that comes in for an address of lo, in silence; returns how to undo it. Needs root and `tc`. */
export function blockAddress(address: string): () => void {
  tc('qdisc add dev lo ingress');
  const undo = (): void => tc('qdisc del dev lo ingress');
  try {
    tc(`filter add dev lo parent ffff: protocol ip u32 match ip dst ${address}/32 action drop`);
  } catch (error) {
    undo();
    throw error;
  }
  return undo;
}

/** Delays every packet on lo; returns how to undo it. */
export function delayLoopback(ms: number): () => void {
  tc(`qdisc add dev lo root netem delay ${ms}ms`);
  return () => tc('qdisc del dev lo root');
}

/**
 * A network in which nobody has `address` until it is added: who asks for it is told soon that nobody answers. Needs root
 * and `ip`; `remove` takes everything away.
 */
export function absentAddress(network: string, address: string) {
  const [link, far] = ['vnfabsent0', 'vnfabsent1'];
  run('ip', `link add ${link} type veth peer name ${far}`);
  const neighbours = `/proc/sys/net/ipv4/neigh/${link}`;
  writeFileSync(`${neighbours}/retrans_time_ms`, '10');
  writeFileSync(`${neighbours}/mcast_solicit`, '1');
  run('ip', `address add ${network} dev ${link}`);
  for (const each of [link, far]) run('ip', `link set ${each} up`);
  return {
    /** Whether somebody was asked for it in vain. */
    wasMissed: (): boolean => run('ip', `neighbour show ${address} dev ${link}`).includes('FAILED'),
    add: (): void => void run('ip', `address add ${address}/32 dev ${far}`),
    remove: (): void => void run('ip', `link del ${link}`),
  };
}

/** Why addresses cannot be blocked here; empty: they can. */
export function blockMissing(): string {
  try {
    blockAddress('127.0.0.99')();
    delayLoopback(1)();
    return '';
  } catch (error) {
    return `(no address can be blocked or delayed: ${String(error)})`;
  }
}

function tc(words: string): void {
  run('tc', words);
}

function run(program: string, words: string): string {
  const ran = spawnSync(program, words.split(' '), { encoding: 'utf8', timeout: 20_000 });
  if (ran.error !== undefined) throw ran.error;
  if (ran.status !== 0) throw new Error(`${program} ${words}: ${ran.stderr.trim()}`);
  return ran.stdout;
}
