// SPDX-License-Identifier: Apache-2.0
import type { StateView } from '@vnfpool/core/management';
import { instanceOf, isWhole, type RunningSet, slotOf } from '../running-set.ts';
import { until } from '../support.ts';
import { AddressProbe } from './address-probe.ts';
import { BridgeCapture } from './bridge-capture.ts';
import { ASKER, PORT, startEchoSet } from './echo-set.ts';
import type { Holder } from './faults.ts';
import { strayRun } from './frame-order.ts';
import { impostorFor } from './impostor.ts';
import type { SetKind } from './set-kinds.ts';
import type { Switches } from './switches.ts';

/** How often it is waited again for a set that is whole: the machine may have much else to do. */
const PATIENCE = 3;

/** Answers that each probe has had from the holder when the set counts as settled, and how long it has for it. */
const ANSWERS = 50;
const SETTLED_MS = 120_000;

/** A running set of one kind, with those who watch it. */
export class Stage {
  readonly kind: SetKind;
  readonly set: RunningSet;
  readonly switches: Switches;
  readonly capture: BridgeCapture;
  /** One an address; together they ask each millisecond. */
  readonly probes: readonly AddressProbe[];
  readonly #end: () => Promise<void>;

  private constructor(
    kind: SetKind,
    { set, switches, end }: Awaited<ReturnType<typeof startEchoSet>>,
    asker: number,
  ) {
    this.kind = kind;
    this.set = set;
    this.switches = switches;
    this.#end = end;
    const addresses = kind.addresses.map(({ address }) => address);
    this.probes = addresses.map((address) => new AddressProbe(asker, address, PORT, addresses.length));
    this.capture = new BridgeCapture(set.labPid(), switches.ports, addresses);
  }

  /** Brings it up. */
  static async open(kind: SetKind): Promise<Stage> {
    const started = await startEchoSet(kind);
    let stage: Stage | undefined;
    try {
      stage = new Stage(kind, started, await started.set.pidOf(ASKER));
      await Promise.all([...stage.probes.map((probe) => probe.ready()), stage.capture.listening()]);
      return stage;
    } catch (error) {
      await (stage?.close() ?? started.end());
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const probe of this.probes) await probe.stop();
    await this.capture.stop();
    await this.#end();
  }

  /** The longest time that one of the addresses gave no answer since this was asked last, ms. */
  takeLongestMs(): number {
    return Math.max(...this.probes.map((probe) => probe.takeLongestMs()));
  }

  /**
   * The set is whole, who holds the slot answers at each of its addresses, and the capture sees it: else it could not see
   * anybody astray.
   */
  async settled(): Promise<{ state: StateView; holder: Holder }> {
    let answered = this.probes.map(({ answers }) => answers);
    return await until(
      'the set is whole, and its holder is heard',
      async () => {
        const state = await this.#whole();
        const holder = holderOf(this.set, state);
        if (holder === null) return null;
        const isHeard =
          this.probes.every(({ responder }) => responder === holder.instance) &&
          this.capture.speaker === holder.node;
        const isMuch = this.probes.every(({ answers }, at) => answers >= (answered[at] ?? 0) + ANSWERS);
        if (isHeard && isMuch) return { state, holder };
        if (!isHeard) answered = this.probes.map(({ answers }) => answers);
        return null;
      },
      SETTLED_MS,
    );
  }

  /**
   * Somebody else speaks for each address in each way, and the capture sees it, out of order: what it did not see would
   * prove nothing.
   * @throws Error that names what was not seen
   */
  async proveSight(): Promise<void> {
    const { holder } = await this.settled();
    for (const placed of this.kind.addresses) {
      const { set, kind, switches } = this;
      const impostor = await impostorFor({ set, kind, switches, holder }, placed);
      for (const speech of impostor.speeches) {
        this.capture.take();
        await impostor.say(speech);
        const what = `${speech.name} of an impostor for ${placed.address} is seen`;
        const stray = await until(what, () => strayRun(this.capture.runs, [holder.node]));
        if (stray.speaker !== ASKER || stray.frames !== 1)
          throw new Error(`${what}: seen were ${stray.frames} frames of ${stray.speaker}`);
      }
    }
  }

  async #whole(): Promise<StateView> {
    let failure: unknown;
    for (let tried = 0; tried < PATIENCE; tried++) {
      try {
        return await this.set.untilState(
          'the set is whole',
          (state) => isWhole(state) && slotOf(state, 'echo').node !== null,
        );
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }
}

/** Null if it has just ended: the state is a moment old. */
function holderOf(set: RunningSet, state: StateView): Holder | null {
  const { holder, node } = slotOf(state, 'echo');
  const pid = holder === null ? null : instanceOf(state, holder).pid;
  if (holder === null || node === null || pid === null) return null;
  const hostPid = set.findHostPid(pid);
  return hostPid === undefined ? null : { instance: holder, node, pid: hostPid };
}
