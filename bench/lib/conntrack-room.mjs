// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';

const MAX = '/proc/sys/net/netfilter/nf_conntrack_max';
const BUCKETS = '/sys/module/nf_conntrack/parameters/hashsize';

/**
 * Room for so many connections in each namespace, and buckets for those of several, where the host has less: both are of the host. They are
 * again what they were when it is over.
 */
export function makeConntrackRoom(entries, cleanup) {
  for (const [file, wanted] of [
    [MAX, entries + 10_000],
    [BUCKETS, 2 * entries],
  ]) {
    const before = Number(readFileSync(file, 'utf8'));
    if (before >= wanted) continue;
    cleanup.add(() => writeFileSync(file, `${before}\n`));
    writeFileSync(file, `${wanted}\n`);
  }
}
