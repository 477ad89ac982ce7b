// SPDX-License-Identifier: Apache-2.0
import type { FullWorld } from './full-world.ts';

/**
 * What is missing for all to be well: everything declared runs and serves, and everybody knows of it; undefined
 * when nothing is.
 */
export function missing(world: FullWorld): string | undefined {
  const { manager, nodes, operator, registrar, user } = world;
  if (!operator.isAcknowledged) return 'the declaration is not acknowledged';
  const core = manager.life?.core;
  if (!core) return 'the manager does not run';
  const views = core.views(manager.nowMs);
  const declared = core.declaration()?.declared.pools ?? [];
  for (const { name, status } of views.nodes) if (status !== 'registered') return `${name} is ${status}`;
  for (const { name, health, reason, upgrade } of views.pools) {
    if (health !== 'whole') return `${name}: ${reason}`;
    if (upgrade?.state === 'going' || upgrade?.state === 'rolling-back')
      return `${name} is being upgraded: ${upgrade.next}`;
  }
  for (const { name, status, reason } of views.instances)
    if (status !== 'running') return `${name} is ${status}: ${reason}`;
  for (const node of nodes) {
    const running = [...(node.life?.functions.programs.keys() ?? [])].map(String).sort().join();
    const wanted = views.instances
      .filter((each) => each.node === node.name)
      .map(({ functionId }) => String(functionId));
    if (running !== wanted.sort().join()) return `${node.name} runs ${running}, not ${wanted.join()}`;
  }

  const registered = new Map<string, string>();
  for (const { name, elements } of registrar.snapshot()?.pools ?? [])
    registered.set(
      name,
      elements
        .map(({ id, attached }) => `${id}${attached ? '' : ' detached'}`)
        .sort()
        .join(),
    );
  const addresses = new Set<string>();
  for (const pool of declared) {
    const slots = views.slots.filter((slot) => slot.pool === pool.name);
    if (slots.length !== pool.redundancy.slots) return `${pool.name} has ${slots.length} slots`;
    const holders: number[] = [];
    const shared: { readonly by: string; readonly isFree: boolean }[] = [];
    for (const slot of slots) {
      const what = `slot ${slot.index} of ${pool.name}`;
      const node = world.holderOf(slot.id);
      const held = node?.life?.worker.held.get(slot.id);
      if (!node || !held?.holder) return `${what} is not held by one node`;
      const holder = views.instances.find(({ functionId }) => functionId === held.holder?.functionId);
      if (slot.node !== node.name || slot.holder !== holder?.name || slot.epoch !== Number(held.epoch))
        return `the manager thinks that ${slot.holder} holds ${what} in epoch ${slot.epoch}, it is ${holder?.name} in ${held.epoch}`;
      holders.push(holder.functionId);
      shared.push({ by: slot.handedFrom ?? holder.name, isFree: slot.handedFrom === undefined });
      for (const address of slot.addresses.map(withoutPrefix)) {
        addresses.add(address);
        const open = world.openAt(address);
        if (open.length !== 1 || open[0] !== node)
          return `${address} of ${what} is open at ${open.map(({ name }) => name).join() || 'no node'}`;
      }
    }
    const shares = views.instances
      .filter((each) => each.pool === pool.name)
      .map(({ name }) => shared.filter(({ by }) => by === name));
    const least = Math.min(...shares.map(({ length }) => length));
    // What was handed over by hand stays, so that nobody has it to give.
    if (shares.some((share) => share.length - least >= 2 && share.some(({ isFree }) => isFree)))
      return `slots of ${pool.name} are not spread: ${shares.map(({ length }) => length).join()}`;
    // Who holds several slots is one element.
    const elements = [...new Set(holders)].map(String).sort().join();
    if (registered.get(pool.name) !== elements)
      return `registered in ${pool.name}: ${registered.get(pool.name) ?? 'nobody'}; holders: ${holders.join()}`;
    registered.delete(pool.name);
    if (pool.name === 'web' && user.element !== holders[0])
      return `the user of web is told ${user.element ?? 'nobody'}`;
  }
  for (const [pool, elements] of registered)
    if (elements !== '') return `registered in ${pool}, which is no pool: ${elements}`;
  for (const node of nodes) {
    for (const address of node.machine.raised)
      if (!addresses.has(address)) return `${address} is still raised at ${node.name}`;
      else if (!node.machine.lets(address)) return `${address} is raised at ${node.name} and closed`;
    for (const id of node.life?.worker.held.keys() ?? [])
      if (!views.slots.some((slot) => slot.id === id)) return `${node.name} holds ${id}, which is no slot`;
  }
  return world.moves?.missing();
}

function withoutPrefix(address: string): string {
  return address.split('/')[0] ?? address;
}
