// SPDX-License-Identifier: Apache-2.0
import type { RegistrarSnapshot } from '@vnfpool/core/registrar';
import type { Policy } from '@vnfpool/wire/parameters';
import { freshChecksum } from './fresh-checksum.ts';
import type { Entry } from './ledger.ts';
import { keyOf } from './ledger.ts';
import { hex } from './registrar-host.ts';
import type { RserpoolWorld } from './rserpool-world.ts';

/** What is not yet as it has to be in the end, in words; undefined: all registrars agree with each other and the truth. */
export function missing(world: RserpoolWorld): string | undefined {
  const views = new Map<string, RegistrarSnapshot>();
  for (const registrar of world.registrars) {
    const { process, isGone } = registrar;
    if (isGone) continue;
    const view = registrar.snapshot();
    if (view === undefined) return `${process.name} does not run`;
    if (view.state !== 'running') return `${process.name} is ${view.state}`;
    views.set(process.name, view);
  }
  return (
    unregistered(world) ??
    first(views, (name, view) => strangers(name, view, views)) ??
    first(views, (name, view) => entries(world, name, view, views)) ??
    first(views, (name, view) => checksums(name, view, views))
  );
}

function first(
  views: ReadonlyMap<string, RegistrarSnapshot>,
  look: (name: string, view: RegistrarSnapshot) => string | undefined,
): string | undefined {
  for (const [name, view] of views) {
    const found = look(name, view);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Every element that lives believes itself registered, or has just sent its next registration. */
function unregistered(world: RserpoolWorld): string | undefined {
  for (const { host, name, key } of world.ledger.living()) {
    const phase = host.phase(name);
    if (phase !== 'registered' && phase !== 'registering') return `${host.process.name} (${key}) is ${phase}`;
  }
  return undefined;
}

/** The peer list is all the others, by different identifiers, and nobody else. */
function strangers(
  name: string,
  view: RegistrarSnapshot,
  views: ReadonlyMap<string, RegistrarSnapshot>,
): string | undefined {
  const expected = new Map([...views].map(([who, { registrarId }]) => [registrarId, who]));
  if (expected.size < views.size) return 'two registrars have one identifier';
  expected.delete(view.registrarId);
  for (const { registrarId, state } of view.peers) {
    const who = expected.get(registrarId);
    if (who === undefined) return `${name} has the peer ${hex(registrarId)}, which nobody is`;
    if (state !== 'active') return `to ${name} ${who} (${hex(registrarId)}) is ${state}`;
    expected.delete(registrarId);
  }
  const [absent] = expected;
  return absent && `${name} does not know ${absent[1]} (${hex(absent[0])})`;
}

/** Exactly what lives, with one owner that all agree on and that takes itself for the owner. */
function entries(
  world: RserpoolWorld,
  name: string,
  view: RegistrarSnapshot,
  views: ReadonlyMap<string, RegistrarSnapshot>,
): string | undefined {
  const ids = new Set([...views.values()].map(({ registrarId }) => registrarId));
  const [reference] = views.values();
  const owners = reference === undefined ? new Map<string, number>() : ownersIn(reference);
  let found = 0;
  let own = 0;
  for (const pool of view.pools) {
    for (const element of pool.elements) {
      const key = keyOf(pool.handle, element.id);
      const entry = world.ledger.find(key);
      if (entry === undefined) return `${name} has ${key}, which does not live`;
      found += 1;
      if (element.homeRegistrar === view.registrarId) own += 1;
      if (!ids.has(element.homeRegistrar))
        return `${name} has ${key} of ${hex(element.homeRegistrar)}, which nobody is`;
      if (owners.get(key) !== element.homeRegistrar)
        return `${name} has ${key} of ${hex(element.homeRegistrar)}, another one of ${hex(owners.get(key) ?? 0)}`;
      const wrong = values(entry, element.policy);
      if (wrong !== undefined) return `${name} has ${key} ${wrong}`;
    }
  }
  if (found < world.ledger.livingCount) {
    const keys = ownersIn(view);
    for (const { key, host } of world.ledger.living())
      if (!keys.has(key)) return `${name} does not have ${key} of ${host.process.name}`;
  }
  return own === view.ownElements ? undefined : `${name} owns ${own} elements and counts ${view.ownElements}`;
}

function ownersIn(view: RegistrarSnapshot): Map<string, number> {
  const owners = new Map<string, number>();
  for (const pool of view.pools)
    for (const { id, homeRegistrar } of pool.elements) owners.set(keyOf(pool.handle, id), homeRegistrar);
  return owners;
}

function values({ name }: Entry, policy: Policy): string | undefined {
  const [wanted, had] = [JSON.stringify(name.policy), JSON.stringify(policy)];
  return wanted === had ? undefined : `with ${had} in place of ${wanted}`;
}

/** Three computations agree: the owner's, each peer's, and one from scratch. */
function checksums(
  name: string,
  view: RegistrarSnapshot,
  views: ReadonlyMap<string, RegistrarSnapshot>,
): string | undefined {
  const fresh = freshChecksum(view.pools, view.registrarId);
  if (fresh !== view.checksum)
    return `${name} says that its checksum is ${hex(view.checksum)}; it is ${hex(fresh)}`;
  for (const [other, { peers }] of views) {
    const peer = peers.find(({ registrarId }) => registrarId === view.registrarId);
    if (peer === undefined) continue;
    if (peer.checksumComputed !== fresh)
      return `${other} computes ${hex(peer.checksumComputed)} for ${name}, which has ${hex(fresh)}`;
    if (peer.checksumTold !== fresh)
      return `${other} was last told ${hex(peer.checksumTold ?? 0)} by ${name}, which has ${hex(fresh)}`;
  }
  return undefined;
}
