// SPDX-License-Identifier: Apache-2.0
import { FAILOVER_PROFILES } from '@vnfpool/core/lease';
import { usedBytes } from '../lib/used-bytes.mjs';
import { COUNCIL, createEngine, Engines, NODES, SLOTS, slotDefinitions } from './engines.mjs';

const TRIALS = 11;
/** As many before them are for the compiler. */
const WARM_UP = 3;
/** What is measured at once, in seconds of the engines' time. */
const SECONDS = { fast: 2, normal: 20 };

/** Processor and octets of a node while a thousand slots are renewed, and the memory that a slot takes. */
export function measureLoad(emit) {
  for (const profile of ['normal', 'fast']) measureProfile(emit, profile);
  measureMemory(emit);
}

function measureProfile(emit, profile) {
  const leaseMs = FAILOVER_PROFILES[profile];
  const engines = new Engines(leaseMs);
  const rounds = Math.round((SECONDS[profile] * 1000) / (leaseMs / 3));
  const samples = { holder: [], member: [], json: [], octets: [], jsonOctets: [] };
  for (let trial = -WARM_UP; trial < TRIALS; trial++) {
    for (const node of NODES) engines.spent.set(node, { cpuMs: 0, datagrams: 0, octets: 0 });
    for (let n = 0; n < rounds; n++) {
      const renewed = engines.round();
      if (renewed < SLOTS) throw new Error(`${renewed} of ${SLOTS} slots were renewed`);
    }
    const perSecond = 1000 / (rounds * (leaseMs / 3));
    const json = jsonRenewals(rounds);
    if (trial < 0) continue;
    samples.holder.push((engines.spent.get(1).cpuMs * perSecond) / 10);
    samples.member.push((engines.spent.get(2).cpuMs * perSecond) / 10);
    samples.json.push((json.cpuMs * perSecond) / 10);
    samples.octets.push((engines.spent.get(1).octets * perSecond) / SLOTS);
    samples.jsonOctets.push((json.octets * perSecond) / SLOTS);
  }
  const referenceName = 'a JSON message a slot and member';
  const figure = (name, unit, values, referenceSamples) =>
    emit({
      figure: `${name}, ${SLOTS} slots, ${profile}`,
      unit,
      samples: values,
      referenceSamples,
      referenceName,
    });
  figure('processor of the holder, without sockets', '% of a core', samples.holder, samples.json);
  figure('processor of another member, without sockets', '% of a core', samples.member, samples.json);
  figure('sent by the holder', 'octets/s a slot', samples.octets, samples.jsonOctets);
}

/** What the holder would send and read with a message of JSON a slot and member. */
function jsonRenewals(rounds) {
  const before = process.cpuUsage();
  let octets = 0;
  for (let n = 0; n < rounds * SLOTS * 2; n++) {
    const asked = Buffer.from(
      JSON.stringify({ type: 'renew', from: 1, slot: `slot-${n % SLOTS}`, sentMs: n }),
    );
    const answer = JSON.stringify({ type: 'renewed', slot: `slot-${n % SLOTS}`, sentMs: n });
    if (JSON.parse(answer).sentMs !== n) throw new Error('another answer');
    octets += asked.length + 28;
  }
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000, octets };
}

function measureMemory(emit) {
  const samples = Array.from({ length: 5 }, () => {
    const engine = createEngine(1, 10_000);
    const before = usedBytes();
    const slots = slotDefinitions(300, NODES);
    engine.handle({ type: 'configure', council: { id: 1, version: COUNCIL, members: NODES }, slots }, 10_000);
    engine.nextDeadline();
    const bytes = (usedBytes() - before) / SLOTS;
    // Still needed here, so that it was not collected.
    if (engine.council === undefined) throw new Error('not configured');
    return bytes;
  });
  emit({
    figure: 'memory of a slot at a member that stands by, definition included',
    unit: 'octets',
    samples,
    referenceSamples: null,
    referenceName: null,
  });
}
