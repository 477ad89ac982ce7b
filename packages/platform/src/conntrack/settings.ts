// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { PlatformError } from '../errors.ts';

const FOLDER = '/proc/sys/net/netfilter';
const EVENTS_ALWAYS = 1;

/** Settings of connection tracking in a namespace, each a whole number. */
export type ConntrackSetting =
  /** 0 no events, 1 always, 2 only for entries made while somebody listens (the kernel's default). */
  | 'nf_conntrack_events'
  /** 1 counts packets and octets of entries that are made from then on. */
  | 'nf_conntrack_acct'
  /** 1 takes TCP segments outside of the window for valid. */
  | 'nf_conntrack_tcp_be_liberal'
  /** Segments each way after which an unknown TCP connection is taken up; 0 never. */
  | 'nf_conntrack_tcp_loose'
  /** Entries at most in this namespace; read only but in the host's first one. */
  | 'nf_conntrack_max';

function path(name: ConntrackSetting): string {
  if (!/^nf_conntrack_[a-z_]+$/.test(name)) {
    throw new PlatformError('BAD_ARGUMENT', `no setting ${name}`, { call: 'conntrack setting' });
  }
  return `${FOLDER}/${name}`;
}

/** Reads a setting in the namespace of the calling thread. */
export function readConntrackSetting(name: ConntrackSetting): number {
  return Number(readFileSync(path(name), 'utf8'));
}

/** Writes a setting in the namespace of the calling thread. */
export function writeConntrackSetting(name: ConntrackSetting, value: number): void {
  writeFileSync(path(name), `${value}\n`);
}

/** Whether every entry is equipped for events; false where the kernel does not tell. */
export function isEventsForced(): boolean {
  try {
    return readConntrackSetting('nf_conntrack_events') === EVENTS_ALWAYS;
  } catch {
    return false;
  }
}
