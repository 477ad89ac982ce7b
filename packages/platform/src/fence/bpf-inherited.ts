// SPDX-License-Identifier: Apache-2.0
import { attachedPrograms, BpfMap, openById, readInfo, readMapShape } from '../bpf/index.ts';
import { libc } from '../libc/libc.ts';
import { viewOf } from '../netlink/message.ts';
import { KEY_KIND } from './bpf-program.ts';
import { type GuardedKey, keyText } from './guarded.ts';

/**
 * The addresses that programs of an ended agent guard on these links, of the calling thread's namespace. Links that it
 * guarded are known there by their index only, and are left to nftables.
 * @param program name of its program for frames that come in
 * @param map name of its map of what is guarded
 */
export function inheritedAddresses(links: Iterable<number>, program: string, map: string): GuardedKey[] {
  const found = new Map<string, GuardedKey>();
  for (const link of links) {
    for (const programId of attachedPrograms(link, 'in')) {
      const info = withOpen('program', programId, readInfo);
      if (info?.name !== program) continue;
      for (const mapId of info.mapIds) {
        for (const key of withOpen('map', mapId, (fd) => keysOf(fd, map)) ?? []) {
          const kind = viewOf(key).getUint32(0, true);
          const guarded: GuardedKey | undefined =
            kind === KEY_KIND.ipv4
              ? { kind: 'ipv4', bytes: key.slice(4, 8) }
              : kind === KEY_KIND.ipv6
                ? { kind: 'ipv6', bytes: key.slice(4, 20) }
                : undefined;
          if (guarded !== undefined) found.set(keyText(guarded), guarded);
        }
      }
    }
  }
  return [...found.values()];
}

function keysOf(fd: number, map: string): Uint8Array[] {
  const shape = readMapShape(fd);
  return shape.name === map ? new BpfMap(fd, shape).keys() : [];
}

/** Undefined: it is gone. */
function withOpen<Result>(
  kind: 'program' | 'map',
  id: number,
  look: (fd: number) => Result,
): Result | undefined {
  const fd = openById(kind, id);
  if (fd === undefined) return undefined;
  try {
    return look(fd);
  } finally {
    libc().close(fd);
  }
}
