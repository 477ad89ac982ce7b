// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';

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
  const run = spawnSync('tc', words.split(' '), { encoding: 'utf8', timeout: 20_000 });
  if (run.error !== undefined) throw run.error;
  if (run.status !== 0) throw new Error(`tc ${words}: ${run.stderr.trim()}`);
}
