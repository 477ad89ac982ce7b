// SPDX-License-Identifier: Apache-2.0
import { Registrar } from '@vnfpool/core/registrar';
import { decodeEnrp, encodeEnrp } from '@vnfpool/wire/enrp';
import { element, poolHandle } from './messages.mjs';

/** Steps of virtual time before a scope is given up. */
const STEPS_MAX = 10_000;
const PER_POOL = 1_000;
const NO_LIMIT = { perSecond: 1e9, burst: 1e9 };

/**
 * Registrars in one thread, with ENRP as octets between them and a clock that jumps to what is due next: what is
 * measured is all of their work and nothing else, whatever else the machine does.
 */
export class Scope {
  #random = seededRandom(5);
  #registrars = [];
  /** Octets on their way, in order. */
  #wire = [];
  #lastAssociation = 0;
  nowMs = 0;
  events = [];

  /** Adds a registrar that joins by the first, if there is one. */
  add() {
    const number = this.#registrars.length + 1;
    const core = new Registrar(
      {
        registrarId: number,
        openPeering: true,
        openRegistration: true,
        keepAlivePeriodMs: 0,
        // Elements that are taken over come back by themselves here, which none of them does.
        keepAliveTimeoutMs: 600_000,
        associationGraceMs: 600_000,
        elementsPerAssociationMax: 10_000_000,
        registrationRate: NO_LIMIT,
        tableRequestRate: NO_LIMIT,
      },
      this.#random,
      () => true,
    );
    const registrar = { number, core, isDead: false, links: new Map() };
    this.#registrars.push(registrar);
    const mentors = number === 1 ? [] : [endpoint(1)];
    this.#do(registrar, { type: 'start', server: endpoint(number), asap: [], mentors });
    this.run(() => this.#heard('joined', number));
  }

  /** Registers elements at the first registrar, a thousand a pool. */
  fill(count) {
    const [first] = this.#registrars;
    const association = ++this.#lastAssociation;
    const peer = { transport: 'tcp', addresses: ['127.0.0.1'] };
    this.#do(first, { type: 'association-opened', association, identity: null, peer });
    for (let at = 0; at < count; at++) {
      const handle = poolHandle(`pool-${Math.floor(at / PER_POOL)}`);
      const message = { type: 'registration', poolHandle: handle, element: element(at + 1) };
      this.#do(first, { type: 'message', association, message, unrecognized: [] });
    }
    this.#deliver();
    this.events.length = 0;
  }

  /** The first registrar falls silent. */
  killFirst() {
    const [first] = this.#registrars;
    first.isDead = true;
    for (const association of first.links.keys()) this.#closeBoth(first, association);
  }

  /** Lets virtual time pass until `isSo`, and whatever is on its way by then arrives. */
  run(isSo) {
    for (let step = 0; step < STEPS_MAX; step++) {
      this.#deliver();
      if (isSo()) return;
      const living = this.#registrars.filter(({ isDead }) => !isDead);
      const due = Math.min(...living.map(({ core }) => core.nextDeadline() ?? Number.POSITIVE_INFINITY));
      this.nowMs = Math.max(this.nowMs, due);
      for (const registrar of living) this.#carryOut(registrar, registrar.core.expire(this.nowMs));
    }
    throw new Error('the scope of registrars does not get there');
  }

  /** Elements that each living registrar knows, by owner, as `number: elements`. */
  owners() {
    return this.#registrars
      .filter(({ isDead }) => !isDead)
      .map(({ number, core }) => {
        const { ownElements, checksum, peers } = core.snapshot(this.nowMs);
        const own = [number, `${ownElements}/${checksum}`];
        const others = peers.map((peer) => [peer.registrarId, `${peer.elements}/${peer.checksumComputed}`]);
        return Object.fromEntries([own, ...others]);
      });
  }

  #heard(event, number) {
    return this.events.some((each) => each.event === event && each.at === number);
  }

  #do(registrar, input) {
    this.#carryOut(registrar, registrar.core.handle(input, this.nowMs));
  }

  #deliver() {
    // The array grows while it is walked.
    for (const { to, association, bytes } of this.#wire) {
      if (to.isDead || !to.links.has(association)) continue;
      const { message, unrecognized } = decodeEnrp(bytes);
      this.#do(to, { type: 'peer-message', association, message, unrecognized });
    }
    this.#wire.length = 0;
  }

  #carryOut(registrar, outputs) {
    for (const output of outputs) {
      if (output.type === 'peer-send') {
        const other = registrar.links.get(output.association);
        const bytes = encodeEnrp(output.message);
        if (other !== undefined)
          this.#wire.push({ to: other.registrar, association: other.association, bytes });
      } else if (output.type === 'connect') this.#connect(registrar, output);
      else if (output.type === 'close') this.#closeBoth(registrar, output.association);
      else if (output.type === 'event' && TOLD.has(output.event))
        this.events.push({ ...output, at: registrar.number });
    }
  }

  #connect(from, { attempt, transport }) {
    const to = this.#registrars.find(({ number }) => endpoint(number).address === transport.address);
    if (to === undefined || to.isDead) {
      this.#do(from, { type: 'connect-failed', attempt, reason: 'nobody is there' });
      return;
    }
    const [ours, theirs] = [++this.#lastAssociation, ++this.#lastAssociation];
    from.links.set(ours, { registrar: to, association: theirs });
    to.links.set(theirs, { registrar: from, association: ours });
    this.#do(to, { type: 'peer-opened', association: theirs, identity: null, peer: peerAt(from) });
    this.#do(from, { type: 'peer-opened', association: ours, identity: null, peer: peerAt(to), attempt });
  }

  #closeBoth(registrar, association) {
    const other = registrar.links.get(association);
    if (other === undefined) return;
    registrar.links.delete(association);
    other.registrar.links.delete(other.association);
    if (!registrar.isDead) this.#do(registrar, { type: 'peer-closed', association });
    this.#do(other.registrar, { type: 'peer-closed', association: other.association });
  }
}

const TOLD = new Set(['joined', 'peer-dead', 'takeover-started', 'takeover-won', 'takeover-lost']);

function endpoint(number) {
  return { type: 'tcp', port: 9901, address: `10.0.0.${number}` };
}

function peerAt({ number }) {
  return { transport: 'tcp', addresses: [`10.0.0.${number}`] };
}

/** xorshift, so that each run does the same. */
function seededRandom(seed) {
  let state = seed;
  const u32 = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return { u32, u64: () => (BigInt(u32()) << 32n) | BigInt(u32()), fraction: () => u32() / 2 ** 32 };
}
