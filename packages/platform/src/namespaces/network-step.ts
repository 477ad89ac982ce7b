// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { PlatformError } from '../errors.ts';
import { NetworkGate } from '../gate/gate.ts';
import { addAddress } from '../netlink/address.ts';
import { parseIpPrefix } from '../netlink/ip.ts';
import { createVeth, findLink, setLinkAlias, setLinkMaster, setLinkUp } from '../netlink/link.ts';
import { addRoute, setDefaultRoute } from '../netlink/route.ts';
import { NETLINK_ROUTE, NetlinkSocket } from '../netlink/socket.ts';
import { limitRules, loadLimits } from './link-limits.ts';
import { inNamespace, type NetworkNamespace } from './namespace.ts';

/** One thing to do; `inside` the namespace, or on the host's side. */
export type NetworkStep =
  | {
      readonly do: 'link';
      readonly name: string;
      readonly hostEnd: string;
      readonly alias: string;
      readonly hardwareAddress?: Uint8Array;
    }
  | { readonly do: 'port'; readonly hostEnd: string; readonly bridge: string }
  | { readonly do: 'sysctl'; readonly name: string; readonly value: string }
  | { readonly do: 'rules'; readonly text: string }
  | { readonly do: 'gate' }
  | { readonly do: 'address'; readonly inside: boolean; readonly link: string; readonly address: string }
  | {
      readonly do: 'limit';
      readonly table: string;
      readonly links: readonly string[];
      readonly bitsPerSecond: number;
    }
  | { readonly do: 'up'; readonly inside: boolean; readonly link: string }
  | { readonly do: 'gateway'; readonly link: string; readonly via: string }
  | { readonly do: 'route'; readonly to: string; readonly via: string };

const NFT_MS = 5_000;
const SAID_MAX = 300;

/**
 * Does one step.
 * @param socket in the host's namespace
 * @returns index of a host's end that was made, else null
 * @throws PlatformError naming the step and the reason
 */
export async function applyStep(
  step: NetworkStep,
  socket: NetlinkSocket,
  namespace: NetworkNamespace,
): Promise<number | null> {
  try {
    if (step.do === 'rules') {
      await loadRules(step.text, namespace);
      return null;
    }
    if (step.do === 'limit') {
      await loadLimits(limitRules(step.table, step.links, step.bitsPerSecond));
      return null;
    }
    return applyAtOnce(step, socket, namespace);
  } catch (error) {
    const { code, errno } = error as { code?: unknown; errno?: unknown };
    const message = `${stepName(step)}: ${(error as Error).message}`;
    throw new PlatformError(typeof code === 'string' ? code : 'FAILED', message, {
      call: step.do,
      errno: typeof errno === 'number' ? Math.abs(errno) : 0,
      cause: error,
    });
  }
}

function applyAtOnce(
  step: Exclude<NetworkStep, { readonly do: 'rules' | 'limit' }>,
  socket: NetlinkSocket,
  namespace: NetworkNamespace,
): number | null {
  const inside = (work: (socket: NetlinkSocket) => void): void =>
    inNamespace(namespace.fd, () => {
      const own = new NetlinkSocket(NETLINK_ROUTE);
      try {
        work(own);
      } finally {
        own.close();
      }
    });
  const at = (isInside: boolean, work: (socket: NetlinkSocket) => void): void =>
    isInside ? inside(work) : work(socket);
  switch (step.do) {
    case 'link': {
      const { name, hardwareAddress } = step;
      const inner = {
        name,
        namespaceFd: namespace.fd,
        ...(hardwareAddress === undefined ? {} : { hardwareAddress }),
      };
      createVeth(socket, { name: step.hostEnd }, inner);
      // Until it has its note it goes with the namespace, which only we hold.
      const { index } = findLink(socket, step.hostEnd);
      setLinkAlias(socket, index, step.alias);
      return index;
    }
    case 'port':
      setLinkMaster(socket, findLink(socket, step.hostEnd).index, findLink(socket, step.bridge).index);
      return null;
    case 'sysctl':
      inNamespace(namespace.fd, () =>
        writeFileSync(`/proc/sys/${step.name.replaceAll('.', '/')}`, `${step.value}\n`, { flag: 'r+' }),
      );
      return null;
    case 'gate':
      inNamespace(namespace.fd, () => {
        const gate = new NetworkGate();
        try {
          gate.close('standby');
        } finally {
          gate.dispose();
        }
      });
      return null;
    case 'address':
      at(step.inside, (own) => addAddress(own, findLink(own, step.link).index, parseIpPrefix(step.address)));
      return null;
    case 'up':
      at(step.inside, (own) => setLinkUp(own, findLink(own, step.link).index, true));
      return null;
    case 'gateway':
      inside((own) => setDefaultRoute(own, findLink(own, step.link).index, step.via));
      return null;
    case 'route':
      inside((own) => addRoute(own, parseIpPrefix(step.to), step.via));
      return null;
  }
}

/** Who reads the message wrote the specification, not the code. */
function stepName(step: NetworkStep): string {
  switch (step.do) {
    case 'link':
      return `interface ${step.name} (host's end ${step.hostEnd})`;
    case 'port':
      return `bridge ${step.bridge}`;
    case 'sysctl':
      return `sysctl ${step.name}`;
    case 'rules':
      return 'rules';
    case 'limit':
      return `limit of ${step.bitsPerSecond} bit/s`;
    case 'gate':
      return 'gate';
    case 'address':
      return `address ${step.address} of ${step.link}`;
    case 'up':
      return `interface ${step.link}`;
    case 'gateway':
      return `gateway ${step.via} of ${step.link}`;
    case 'route':
      return `route to ${step.to}`;
  }
}

function loadRules(text: string, namespace: NetworkNamespace): Promise<void> {
  return new Promise((resolve, reject) => {
    // The child is started at once, in the namespace; its end is waited for outside.
    const start = (): ChildProcess =>
      execFile('nft', ['-f', '-'], { timeout: NFT_MS }, (error, _out, said) => {
        if (!error) return resolve();
        const reason =
          said.trim() === ''
            ? error.message
            : said
                .trim()
                .replaceAll('/dev/stdin:', 'line ')
                .replaceAll(/\s*\n\s*/g, ' ');
        reject(new PlatformError('NFT', reason.slice(0, SAID_MAX), { call: 'nft', cause: error }));
      });
    const child = inNamespace(namespace.fd, start);
    // It ended before it read all: its exit says why.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(text);
  });
}
