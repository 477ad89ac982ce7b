// SPDX-License-Identifier: Apache-2.0

import type { RunningSet } from '../running-set.ts';
import type { Ended } from '../support.ts';
import { LINKS, type LinkName, type SetKind } from './set-kinds.ts';

/** Where a host's link ends at its switch. */
export interface Port {
  readonly name: string;
  /** A node, or `registrar`, where the probes are. */
  readonly host: string;
  readonly link: LinkName;
}

export const BRIDGES: Readonly<Record<LinkName, string>> = { eth0: 'vnfpool', eth1: 'vnfpool2' };

/** What hosts have of their own on a link, by their number: else they could answer nobody in the network. */
const NETWORKS: Readonly<Record<LinkName, readonly string[]>> = {
  eth0: ['2001:db8:77::N/64'],
  eth1: ['10.79.0.N/24', '2001:db8:79::N/64'],
};

/** The bridges of a running set: that of `up`, and a second one where the kind has addresses on it. */
export class Switches {
  readonly #set: RunningSet;
  readonly ports: readonly Port[];

  constructor(set: RunningSet, ports: readonly Port[]) {
    this.#set = set;
    this.ports = ports;
  }

  /** Adds what the kind needs beside that which `up` has built, and finds the ports of these hosts. */
  static async join(set: RunningSet, kind: SetKind, hosts: readonly string[]): Promise<Switches> {
    const links = LINKS.filter((link) => kind.addresses.some((each) => each.link === link));
    const families = new Set(kind.addresses.map(({ address }) => address.includes(':')));
    if (links.includes('eth1')) await addSwitch(set, hosts);
    const ports: Port[] = [];
    for (const [place, host] of hosts.entries()) {
      const pid = await set.pidOf(host);
      for (const link of links) {
        for (const network of NETWORKS[link]) {
          const isV6 = network.includes(':');
          if (!families.has(isV6)) continue;
          const more = isV6 ? ['nodad'] : [];
          await must(
            set,
            pid,
            'ip',
            'addr',
            'add',
            network.replace('N', String(10 + place)),
            'dev',
            link,
            ...more,
          );
        }
        ports.push({ name: await portOf(set, pid, link), host, link });
      }
    }
    return new Switches(set, ports);
  }

  /** Links that addresses of the slot are on. */
  get links(): readonly LinkName[] {
    return LINKS.filter((link) => this.ports.some((port) => port.link === link));
  }

  port(host: string, link: LinkName): string {
    const found = this.ports.find((port) => port.host === host && port.link === link);
    if (found === undefined) throw new Error(`no port of ${host} for ${link}`);
    return found.name;
  }

  /** A command where the bridges are. */
  async run(...command: readonly string[]): Promise<string> {
    return await must(this.#set, this.#set.labPid(), ...command);
  }

  /** All ports of a switch, also those of other hosts than ours. */
  async portsOf(link: LinkName): Promise<readonly string[]> {
    const ports = JSON.parse(await this.run('ip', '-j', 'link', 'show', 'master', BRIDGES[link]));
    return (ports as { ifname: string }[]).map(({ ifname }) => ifname);
  }
}

async function addSwitch(set: RunningSet, hosts: readonly string[]): Promise<void> {
  const at = set.labPid();
  const bridge = BRIDGES.eth1;
  await must(set, at, 'ip', 'link', 'add', bridge, 'type', 'bridge');
  await must(set, at, 'ip', 'link', 'set', bridge, 'up');
  for (const [place, host] of hosts.entries()) {
    const pid = await set.pidOf(host);
    const port = `${bridge}p${place}`;
    await must(
      set,
      at,
      'ip',
      'link',
      'add',
      port,
      'type',
      'veth',
      'peer',
      'name',
      'eth1',
      'netns',
      String(pid),
    );
    await must(set, pid, 'ip', 'link', 'set', 'eth1', 'up');
    await must(set, at, 'ip', 'link', 'set', port, 'master', bridge, 'up');
  }
}

async function portOf(set: RunningSet, pid: number, link: LinkName): Promise<string> {
  const inside = JSON.parse(await must(set, pid, 'ip', '-j', 'link', 'show', 'dev', link));
  const [{ link_index: index } = { link_index: 0 }] = inside as { link_index: number }[];
  const all = JSON.parse(await must(set, set.labPid(), 'ip', '-j', 'link', 'show', 'type', 'bridge_slave'));
  const port = (all as { ifindex: number; ifname: string }[]).find(({ ifindex }) => ifindex === index);
  if (port === undefined) throw new Error(`no port at a bridge for ${link}`);
  return port.ifname;
}

async function must(set: RunningSet, pid: number, ...command: readonly string[]): Promise<string> {
  const { code, stdout, stderr }: Ended = await set.inside(pid, ...command);
  if (code !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
  return stdout;
}
